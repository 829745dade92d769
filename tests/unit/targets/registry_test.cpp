#include "targets/registry.h"

#include <cstdlib>
#include <set>

#include <gtest/gtest.h>

#include "targets/plugin_loader.h"

namespace sparkle {
namespace {

TEST(Registry, RowsHaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const Target &target : targets()) {
    EXPECT_TRUE(names.insert(target.name).second) << target.name;
    EXPECT_NE(target.check, nullptr) << target.name;
    EXPECT_NE(target.lower, nullptr) << target.name;
  }
  EXPECT_TRUE(names.contains("reference"));
}

TEST(Registry, FindsByName) {
  for (const Target &target : targets()) {
    const auto found = find_target(target.name);
    ASSERT_TRUE(found);
    EXPECT_EQ(found.value(), &target);
  }
  const auto missing = find_target("abacus");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kInvalidInput);
}

TEST(Registry, ADamagedModuleIsARefusal) {
  char folder[] = "/tmp/sparkle-plugin-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string module = std::string(folder) + "/libsparkle_llvm.so";
  FILE *file = std::fopen(module.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs("not a module", file);
  std::fclose(file);
  setenv("SPARKLE_PLUGIN_DIR", folder, 1);
  const auto opened = open_llvm_target();
  unsetenv("SPARKLE_PLUGIN_DIR");
  std::remove(module.c_str());
  std::remove(folder);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(opened.error().text.find(module), std::string::npos) << opened.error().text;
}

TEST(Registry, AModuleOfAnotherBuildIsARefusal) {
  setenv("SPARKLE_PLUGIN_DIR", OTHER_BUILD, 1);
  const auto opened = open_llvm_target();
  unsetenv("SPARKLE_PLUGIN_DIR");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(opened.error().text.find("is of build 0.1.0-000000000000"), std::string::npos) << opened.error().text;
}

} // namespace
} // namespace sparkle
