// Programs that end, crash, hang or are not there.
#include "runtime/helper_process.h"

#include <signal.h>

#include <gtest/gtest.h>

#include "runtime/timer.h"

namespace sparkle {
namespace {

HelperEnd shell(const std::string &text, double seconds = 60) {
  const Result<HelperEnd> end = run_helper({"/bin/sh", "-c", text}, seconds);
  EXPECT_TRUE(end);
  return end ? *end : HelperEnd{};
}

TEST(HelperProcess, OutputAndExitCode) {
  const HelperEnd end = shell("echo one; echo two >&2; exit 7");
  EXPECT_EQ(end.output, "one\n");
  EXPECT_EQ(end.exit_code, 7);
  EXPECT_EQ(end.signal, 0);
  EXPECT_FALSE(end.timed_out);
}

TEST(HelperProcess, CrashesAreSignals) {
  const HelperEnd end = shell("echo before; kill -SEGV $$");
  EXPECT_EQ(end.signal, SIGSEGV);
  EXPECT_EQ(end.output, "before\n");
  EXPECT_EQ(signal_text(SIGSEGV), "signal 11 (Segmentation fault)");
}

TEST(HelperProcess, TimeIsBounded) {
  const Stopwatch watch;
  const HelperEnd end = shell("echo first; exec sleep 1000", 0.2);
  EXPECT_TRUE(end.timed_out);
  EXPECT_EQ(end.output, "first\n");
  // Closed output is no end.
  EXPECT_TRUE(shell("exec sleep 1000 >&-", 0.2).timed_out);
  EXPECT_LT(watch.seconds(), 60);
}

TEST(HelperProcess, OutputIsBounded) { EXPECT_EQ(shell("head -c 300000 /dev/zero").output.size(), 65536u); }

TEST(HelperProcess, WhatIsNotThereIsAnError) {
  const Result<HelperEnd> end = run_helper({"/nonexistent/program"}, 5);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, ErrorCode::kIo);
}

TEST(HelperProcess, NoneOfTheCallersFilesAndSignals) {
  signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(shell("ls /proc/self/fd | wc -l").output, "4\n") << "input, output, errors, and the folder itself";
  const HelperEnd end = shell("kill -PIPE $$; echo alive");
  signal(SIGPIPE, SIG_DFL);
  EXPECT_EQ(end.signal, SIGPIPE);
}

} // namespace
} // namespace sparkle
