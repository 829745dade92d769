// What is remembered of drivers: whole and about the right one, or nothing.
#include "runtime/vulkan_verdicts.h"

#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <gtest/gtest.h>

#include "runtime/cache_folder.h"
#include "runtime/vulkan_driver_files.h"
#include "tests/unit/environment.h"

namespace sparkle::vulkan {
namespace {

namespace fs = std::filesystem;

class VulkanVerdicts : public testing::Test {
protected:
  VulkanVerdicts() : folder_(fs::temp_directory_path() / ("sparkle_verdicts_" + std::to_string(getpid()))) {
    fs::remove_all(folder_);
  }
  ~VulkanVerdicts() override { fs::remove_all(folder_); }
  std::string drivers() const { return folder_ / "drivers"; }
  void write(const fs::path &file, const std::string &text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  fs::path folder_;
};

TEST_F(VulkanVerdicts, TextsReadBack) {
  const Verdict bad{false, "it crashed with\nsignal 11", "2026-11-23"};
  const std::string text = to_text("a driver\nof two lines", bad);
  const auto read = parse_verdict(text, "a driver\nof two lines");
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->is_good);
  EXPECT_EQ(read->date, "2026-11-23");
  EXPECT_NE(read->reason.find("crashed with"), std::string::npos);
  EXPECT_EQ(read->reason.find('\n'), std::string::npos);
  EXPECT_FALSE(parse_verdict(text, "another driver"));
}

TEST_F(VulkanVerdicts, DamageOfAnyByteIsNoticed) {
  const std::string text = to_text("driver", {true, "", "2026-11-23"});
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(parse_verdict(changed, "driver")) << i;
    EXPECT_FALSE(parse_verdict(text.substr(0, i), "driver")) << i;
  }
  EXPECT_FALSE(parse_verdict(text + "\n", "driver"));
}

TEST_F(VulkanVerdicts, AreRememberedByOthers) {
  ASSERT_TRUE(Verdicts(drivers(), false).remember("one", {false, "wrong", "today"}));
  ASSERT_TRUE(Verdicts(drivers(), false).remember("two", {true, "", "today"}));
  Verdicts later(drivers(), false), forgetful(drivers(), true);
  EXPECT_FALSE(later.find("one")->is_good);
  EXPECT_TRUE(later.find("two")->is_good);
  EXPECT_FALSE(later.find("three"));
  EXPECT_FALSE(forgetful.find("one"));
  ASSERT_TRUE(forgetful.remember("one", {true, "", "today"}));
  EXPECT_TRUE(forgetful.find("one")->is_good);
  EXPECT_TRUE(Verdicts(drivers(), false).find("one")->is_good);
}

TEST_F(VulkanVerdicts, WithoutAFolderTheyLastAsLongAsTheObject) {
  write(folder_, "a file");
  for (const std::string &folder : {std::string(), drivers()}) {
    Verdicts verdicts(folder, false);
    EXPECT_EQ(verdicts.remember("one", {true, "", "today"}).error().code, ErrorCode::kIo);
    EXPECT_TRUE(verdicts.find("one"));
    EXPECT_FALSE(Verdicts(folder, false).find("one"));
  }
}

TEST_F(VulkanVerdicts, FoldersThatOthersMayWriteToAreNotUsed) {
  ASSERT_TRUE(make_own_folder(drivers()));
  EXPECT_EQ(fs::status(drivers()).permissions(), fs::perms::owner_all);
  fs::permissions(drivers(), fs::perms::all);
  EXPECT_EQ(make_own_folder(drivers()).error().code, ErrorCode::kIo);
}

TEST_F(VulkanVerdicts, DriverFilesTellOfEveryChange) {
  const fs::path manifest = folder_ / "icd.json", library = folder_ / "lib.so";
  const test::Environment files("VK_DRIVER_FILES", manifest.c_str());
  EXPECT_EQ(driver_files(), "");
  write(manifest, R"({"ICD": {"library_path": "./lib.so"}})");
  const std::string without = driver_files();
  EXPECT_NE(without.find(manifest.string()), std::string::npos);
  EXPECT_NE(without.find((folder_ / "lib.so").string() + " none"), std::string::npos) << without;
  write(library, "code");
  const std::string with = driver_files();
  EXPECT_NE(with, without);
  EXPECT_EQ(with, driver_files());
  fs::last_write_time(library, fs::last_write_time(library) + std::chrono::seconds(5));
  EXPECT_NE(driver_files(), with);
  const test::Environment chosen("VK_LOADER_DRIVERS_SELECT", "*lib*");
  EXPECT_NE(driver_files().find("VK_LOADER_DRIVERS_SELECT=*lib*"), std::string::npos);
}

} // namespace
} // namespace sparkle::vulkan
