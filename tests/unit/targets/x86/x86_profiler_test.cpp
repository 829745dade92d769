#include "targets/x86/profiler.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <elf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "targets/x86/gdb_jit.h"

namespace sparkle::x86 {
namespace {

const uint8_t kCode[] = {0xB8, 0x2A, 0, 0, 0, 0xC3};

std::string read_all(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

template <class T> T at(const std::string &bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

TEST(X86Profiler, KindsAreListed) {
  const Result<ProfileKinds> none = parse_profile_kinds("");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->any());
  const Result<ProfileKinds> two = parse_profile_kinds("perf,gdb");
  ASSERT_TRUE(two);
  EXPECT_TRUE(two->perf_map && two->gdb && !two->jitdump);
  const Result<ProfileKinds> unknown = parse_profile_kinds("perf,vtune");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(unknown.error().text, "SPARKLE_JIT_PROFILE has `vtune`; there are perf, jitdump, gdb");
}

TEST(X86Profiler, NothingAskedForChangesNothing) {
  const auto owner = std::make_shared<int>(1);
  const Result<std::shared_ptr<void>> same = announce({}, {}, owner);
  ASSERT_TRUE(same);
  EXPECT_EQ(*same, owner);
}

TEST(X86Profiler, PerfMapHasALineForEachFunction) {
  const std::string path = "/tmp/perf-" + std::to_string(getpid()) + ".map";
  std::filesystem::remove(path);
  const auto *address = reinterpret_cast<const uint8_t *>(uintptr_t{0x7F0012345000});
  const AnnouncedFunction functions[] = {{"sparkle:conv", address, 0x1A0}, {"sparkle:pool", address + 0x1C0, 0x40}};
  const auto owner = std::make_shared<int>(1);
  const Result<std::shared_ptr<void>> announced = announce(functions, {.perf_map = true}, owner);
  ASSERT_TRUE(announced) << announced.error().text;
  EXPECT_EQ(owner.use_count(), 2);
  EXPECT_EQ(read_all(path), "7f0012345000 1a0 sparkle:conv\n7f00123451c0 40 sparkle:pool\n");
  std::filesystem::remove(path);
}

TEST(X86Profiler, PerfMapFollowsNoLink) {
  const std::string path = "/tmp/perf-" + std::to_string(getpid()) + ".map";
  const std::string aim = path + ".aim";
  std::filesystem::remove(path);
  std::filesystem::create_symlink(aim, path);
  const AnnouncedFunction functions[] = {{"f", kCode, sizeof kCode}};
  const Result<std::shared_ptr<void>> announced = announce(functions, {.perf_map = true}, nullptr);
  std::filesystem::remove(path);
  ASSERT_FALSE(announced);
  EXPECT_EQ(announced.error().code, ErrorCode::kIo);
  EXPECT_FALSE(std::filesystem::exists(aim));
}

TEST(X86Profiler, DumpHoldsNamesAndCode) {
  const std::string folder = testing::TempDir() + "sparkle-jitdump-" + std::to_string(getpid());
  std::filesystem::create_directory(folder);
  setenv("JITDUMPDIR", folder.c_str(), 1);
  const AnnouncedFunction functions[] = {{"sparkle:conv", kCode, sizeof kCode}, {"sparkle:pool", kCode, sizeof kCode}};
  const Result<std::shared_ptr<void>> announced = announce(functions, {.jitdump = true}, nullptr);
  ASSERT_TRUE(announced) << announced.error().text;
  const std::string path = folder + "/.debug/jit/jit-" + std::to_string(getpid()) + ".dump";
  const std::string dump = read_all(path);
  EXPECT_EQ(std::filesystem::status(folder + "/.debug/jit").permissions(), std::filesystem::perms::owner_all);
  constexpr size_t kHeader = 40, kRecord = 56, kName = 13;
  ASSERT_EQ(dump.size(), kHeader + 2 * (kRecord + kName + sizeof kCode));
  EXPECT_EQ(at<uint32_t>(dump, 0), 0x4A695444u);
  EXPECT_EQ(at<uint32_t>(dump, 8), kHeader);
  EXPECT_EQ(at<uint32_t>(dump, 12), uint32_t{EM_X86_64});
  EXPECT_EQ(at<uint32_t>(dump, kHeader), 0u);
  EXPECT_EQ(at<uint32_t>(dump, kHeader + 4), kRecord + kName + sizeof kCode);
  EXPECT_EQ(at<uint64_t>(dump, kHeader + 32), reinterpret_cast<uintptr_t>(kCode));
  EXPECT_EQ(at<uint64_t>(dump, kHeader + 40), sizeof kCode);
  EXPECT_STREQ(dump.c_str() + kHeader + kRecord, "sparkle:conv");
  EXPECT_EQ(std::memcmp(dump.data() + kHeader + kRecord + kName, kCode, sizeof kCode), 0);
  EXPECT_EQ(at<uint64_t>(dump, kHeader + kRecord + kName + sizeof kCode + 48), 1u); // the second's number
  std::filesystem::remove_all(folder);
}

TEST(X86Profiler, GdbSeesSymbolsAsLongAsTheCodeIsThere) {
  const int before = shown_to_gdb();
  const AnnouncedFunction functions[] = {{"f", kCode, sizeof kCode}, {"g", kCode, sizeof kCode}, {"h", kCode, 1}};
  auto first = announce(functions, {.gdb = true}, nullptr);
  auto second = announce({functions, 1}, {.gdb = true}, nullptr);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(shown_to_gdb(), before + 4);
  first->reset();
  EXPECT_EQ(shown_to_gdb(), before + 1);
  second->reset();
  EXPECT_EQ(shown_to_gdb(), before);
}

TEST(X86Profiler, SymbolObjectsNameTheFunction) {
  const std::vector<uint8_t> bytes = symbol_object("sparkle:conv", kCode, sizeof kCode);
  const std::string object(bytes.begin(), bytes.end());
  const auto header = at<Elf64_Ehdr>(object, 0);
  EXPECT_EQ(std::memcmp(header.e_ident, ELFMAG, SELFMAG), 0);
  const auto section = [&](size_t i) { return at<Elf64_Shdr>(object, header.e_shoff + i * sizeof(Elf64_Shdr)); };
  const Elf64_Shdr names = section(header.e_shstrndx);
  int symbols = 0;
  for (size_t i = 0; i < header.e_shnum; ++i) {
    if (section(i).sh_type != SHT_SYMTAB) continue;
    const auto symbol = at<Elf64_Sym>(object, section(i).sh_offset + sizeof(Elf64_Sym));
    EXPECT_STREQ(object.c_str() + section(section(i).sh_link).sh_offset + symbol.st_name, "sparkle:conv");
    EXPECT_EQ(symbol.st_size, sizeof kCode);
    const Elf64_Shdr text = section(symbol.st_shndx);
    EXPECT_STREQ(object.c_str() + names.sh_offset + text.sh_name, ".text");
    EXPECT_EQ(text.sh_addr, reinterpret_cast<uintptr_t>(kCode));
    ++symbols;
  }
  EXPECT_EQ(symbols, 1);
}

} // namespace
} // namespace sparkle::x86
