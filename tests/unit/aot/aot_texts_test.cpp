#include <string>

#include <gtest/gtest.h>

#include "tools/aot/build_targets.h"
#include "tools/aot/c_names.h"
#include "tools/aot/dependency_file.h"
#include "tools/aot/sha256.h"
#include "tools/aot/shader_needs.h"

namespace sparkle::aot {
namespace {

std::string sha256_of(const std::string &text) {
  return sha256({reinterpret_cast<const uint8_t *>(text.data()), text.size()});
}

TEST(Sha256, IsThatOfTheStandard) { // FIPS 180-4 and NIST's example values
  EXPECT_EQ(sha256_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_of(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(DependencyFile, EscapesWhatMakeWouldRead) {
  EXPECT_EQ(dependency_text({"out/k.o", "out/k.h"}, {"a b.spk", "$x#.schedule"}),
            "out/k.o \\\n out/k.h: \\\n a\\ b.spk \\\n $$x\\#.schedule\n\n$$x\\#.schedule:\n");
  EXPECT_EQ(dependency_text({"k.o"}, {"k.spk"}), "k.o: \\\n k.spk\n");
}

TEST(BuildTargets, AreSortedWhateverTheirOrder) {
  const auto one = parse_targets("vulkan=h100,x86-64-v3,x86-64-v4"),
             two = parse_targets("x86-64-v4,vulkan=h100,x86-64-v3");
  ASSERT_TRUE(one && two);
  ASSERT_EQ(one->size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ((*one)[i].target, (*two)[i].target);
  EXPECT_EQ((*one)[0].target->name, "x86-64-v4");
  EXPECT_EQ((*one)[2].plan, "h100");
}

TEST(BuildTargets, RefusalsNameWhatThereIs) {
  for (const char *list : {"", ",", "x86", "vulkan,", "aarch64,x87", "X86-64-V3"}) {
    const auto refused = parse_targets(list);
    ASSERT_FALSE(refused) << list;
    for (const BuildTarget &target : build_targets())
      EXPECT_NE(refused.error().text.find(target.name), std::string::npos) << refused.error().text;
  }
  EXPECT_FALSE(parse_targets("vulkan="));
  EXPECT_FALSE(parse_targets("vulkan=h100,vulkan"));
}

TEST(CNames, KeywordsAreNoNames) {
  for (const char *name : {"", "main", "int", "class", "9a", "a-b", "a b", "_a", "a__b", "../a", "\xc3\xa4"})
    EXPECT_FALSE(check_c_name(name)) << name;
  for (const char *name : {"a", "conv2d", "first_layer", "Main"}) EXPECT_TRUE(check_c_name(name)) << name;
  EXPECT_EQ(c_parameter("new"), "new_");
  EXPECT_EQ(c_parameter("packed"), "packed_");
  EXPECT_EQ(c_parameter("src"), "src");
  EXPECT_EQ(c_macro("resnet50_conv1"), "RESNET50_CONV1");
}

TEST(ShaderNeeds, NamesTheFeaturesOfCapabilities) {
  const std::vector<uint32_t> header{0x07230203, 0x00010300, 0, 10, 0};
  std::vector<uint32_t> module = header;
  for (const uint32_t capability : {1u, 4433u, 11u, 11u, 60000u})
    module.insert(module.end(), {2u << 16 | 17u, capability});
  const auto features = required_features(module);
  ASSERT_TRUE(features);
  EXPECT_EQ(*features, (std::vector<std::string>{"capability 60000", "shaderInt64", "storageBuffer16BitAccess"}));
  module.push_back(5u << 16 | 17u); // an instruction that goes on behind the end
  EXPECT_FALSE(required_features(module));
  EXPECT_FALSE(required_features(std::vector<uint32_t>{1, 2, 3, 4, 5}));
  module = header;
  module.push_back(0); // an instruction of no words
  EXPECT_FALSE(required_features(module));
}

} // namespace
} // namespace sparkle::aot
