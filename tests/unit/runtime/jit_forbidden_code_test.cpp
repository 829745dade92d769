// Systems that forbid to run what was written: SELinux and kernels with PR_SET_MDWE in part, seccomp filters entirely.
// Each test runs in a child, for such restrictions are for life.
#include <cerrno>
#include <cstddef>
#include <functional>
#include <iterator>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "targets/registry.h"
#include "tests/unit/runtime/jit_conv.h"

namespace sparkle {
namespace {

constexpr test::ConvShape kSmall{1, 6, 7, 16, 24, 1, 1, 1, 0};

/// What `work` returns in a child. Empty: the child died.
std::string in_child(const std::function<std::string()> &work) {
  int ends[2];
  if (pipe(ends) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    const std::string text = work();
    const bool is_written = write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    _exit(is_written ? 0 : 1);
  }
  close(ends[1]);
  std::string text;
  char part[256];
  for (ssize_t bytes; (bytes = read(ends[0], part, sizeof part)) > 0;) text.append(part, static_cast<size_t>(bytes));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? text : std::string();
}

/// mprotect to executable and memfd_create are answered with EACCES.
bool forbid_code() {
  constexpr auto kNumber = offsetof(seccomp_data, nr);
  constexpr auto kProtection = offsetof(seccomp_data, args) + 2 * sizeof(uint64_t);
  const sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumber),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kProtection),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(filter), const_cast<sock_filter *>(filter)};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool deny_write_execute() {
  constexpr int kSetMemoryDenyWriteExecute = 65; // PR_SET_MDWE, Linux 6.3
  constexpr unsigned long kRefuseExecGain = 1;
  return prctl(kSetMemoryDenyWriteExecute, kRefuseExecGain, 0, 0, 0) == 0;
}

/// Which target ran the convolution, right or not, and what fell back.
std::string run_conv(const std::string &target) {
  test::ConvCase conv(kSmall);
  JitOptions options;
  options.device = "cpu";
  options.compile.target = target;
  const Result<std::shared_ptr<Machine>> machine = Machine::open({1, {}, {}});
  if (!machine) return machine.error().text;
  options.machine = *machine;
  Result<JitKernel> kernel = jit(conv.program, options);
  if (!kernel) return kernel.error().text;
  JitRunOptions run;
  run.verify = true;
  run.verification.mode = VerifyMode::kFull;
  const Result<RunReport> report = kernel->run(conv.arguments(), run);
  if (!report) return report.error().text;
  return report->target + (report->verified ? " right; " : " wrong; ") + report->fallback_reason;
}

TEST(ForbiddenCode, InterpreterRunsInsteadAndSaysWhy) {
  const std::string text = in_child([] { return forbid_code() ? run_conv("") : "no seccomp"; });
  if (text == "no seccomp") GTEST_SKIP() << text;
  EXPECT_TRUE(text.starts_with("reference right; cpu: ")) << text;
  EXPECT_NE(text.find("the system gives no memory for machine code"), std::string::npos) << text;
}

TEST(ForbiddenCode, MachineCodeRunsWhereTheSwitchAloneIsForbidden) {
  if (!find_target("x86")) GTEST_SKIP() << "no target x86 in this build";
  const std::string text = in_child([] { return deny_write_execute() ? run_conv("x86") : "no PR_SET_MDWE"; });
  if (text == "no PR_SET_MDWE") GTEST_SKIP() << text << " in this kernel";
  EXPECT_EQ(text, "x86 right; ");
}

} // namespace
} // namespace sparkle
