// Code pages: executable, never writable meanwhile, on kernels that forbid the switch too.
#include <cerrno>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "targets/x86/code_memory.h"

namespace sparkle::x86 {
namespace {

constexpr uint8_t kAnswer[] = {0xB8, 0x2A, 0, 0, 0, 0xC3}; // mov eax, 42; ret

int refuse_execution(void *address, size_t bytes, int protection) {
  if ((protection & PROT_EXEC) == 0) return mprotect(address, bytes, protection);
  errno = EACCES;
  return -1;
}

int refuse_for_lack_of_memory(void *, size_t, int) {
  errno = ENOMEM;
  return -1;
}

int refuse_file(const char *, unsigned) {
  errno = ENOSYS;
  return -1;
}

int ask(const MappedCode &code) { return reinterpret_cast<int (*)()>(reinterpret_cast<uintptr_t>(code.address))(); }

/// `r-xp`, of the mapping that holds the address.
std::string permissions_at(const void *address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long long begin = 0, end = 0;
    char permissions[5] = {};
    if (std::sscanf(line.c_str(), "%llx-%llx %4s", &begin, &end, permissions) != 3) continue;
    const auto at = reinterpret_cast<uintptr_t>(address);
    if (begin <= at && at < end) return permissions;
  }
  return "none";
}

TEST(X86CodeMemory, IsExecutableAndNotWritable) {
  const Result<MappedCode> code = map_code(kAnswer);
  ASSERT_TRUE(code) << code.error().text;
  EXPECT_EQ(ask(*code), 42);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(code->address) % 64, 0u);
  EXPECT_EQ(permissions_at(code->address), "r-xp");
  EXPECT_EQ(permissions_at(code->address - 1), "---p");
  EXPECT_EQ(permissions_at(code->address + sysconf(_SC_PAGESIZE)), "---p");
  EXPECT_EQ(code->address[sizeof kAnswer], 0xCC);
}

TEST(X86CodeMemory, IsMappedTwiceWhereTheSwitchIsForbidden) {
  PageCalls calls = host_page_calls();
  calls.protect = refuse_execution;
  const Result<MappedCode> code = map_code(kAnswer, calls);
  ASSERT_TRUE(code) << code.error().text;
  EXPECT_EQ(ask(*code), 42);
  EXPECT_EQ(permissions_at(code->address), "r-xs");
  EXPECT_EQ(permissions_at(code->address - 1), "---p");
}

TEST(X86CodeMemory, RefusalsSayWhatTheSystemSaid) {
  const Result<MappedCode> forbidden = map_code(kAnswer, {refuse_execution, refuse_file});
  ASSERT_FALSE(forbidden);
  EXPECT_EQ(forbidden.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(forbidden.error().text,
            "the system gives no memory for machine code: mprotect and memfd: Function not implemented");
  const Result<MappedCode> full = map_code(kAnswer, {refuse_for_lack_of_memory, refuse_file});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kOutOfMemory);
}

TEST(X86CodeMemory, IsUnmappedWithItsOwner) {
  Result<MappedCode> code = map_code(kAnswer);
  ASSERT_TRUE(code);
  const uint8_t *address = code->address;
  code->owner.reset();
  EXPECT_NE(permissions_at(address), "r-xp");
}

/// 42; 1: no code; 2: the kernel knows no such restriction.
int ask_under_restriction() {
  constexpr int kSetMemoryDenyWriteExecute = 65; // PR_SET_MDWE, Linux 6.3
  constexpr unsigned long kRefuseExecGain = 1;
  if (prctl(kSetMemoryDenyWriteExecute, kRefuseExecGain, 0, 0, 0) != 0) return 2;
  const Result<MappedCode> code = map_code(kAnswer);
  return code ? ask(*code) : 1;
}

TEST(X86CodeMemory, WorksWhereTheKernelDeniesWriteExecute) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(ask_under_restriction());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "the kernel has no PR_SET_MDWE (Linux 6.3)";
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

} // namespace
} // namespace sparkle::x86
