// sparkle_fuzz TARGET [--seed S] [--first N] [--count N] [--storage-types] [--reasons]: random kernels under random
// schedules; --storage-types: with elements of every type, element functions and casts.
//
// TARGET: passes, llvm, x86 or vulkan (fuzz_case.h). Results must equal the interpreter's of the imported program;
// schedules that are refused are counted, and more than half of them is an error. A failure prints the smallest variant
// of its schedule that still fails, and the command that repeats it; the case that a crash happened in is printed as
// well.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include <unistd.h>

#include "tests/fuzz/fuzz_case.h"

namespace sparkle::test {
namespace {

constexpr int kSkipped = 77; ///< SKIP_RETURN_CODE of the tests.
constexpr int kMostFailures = 5;

struct Options {
  FuzzTarget target = FuzzTarget::kPasses;
  const char *target_name = "passes";
  uint64_t seed = 1, first = 0, count = 100;
  bool storage_types = false, reasons = false;
};

char g_current[256]; // What a signal handler may read.

void tell_current(int signal) {
  const char *parts[] = {"\ncrashed; repeat with: ", g_current, "\n"};
  for (const char *part : parts)
    if (write(2, part, std::strlen(part)) < 0) break;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

std::string command(const Options &options, uint64_t number) {
  return "sparkle_fuzz " + std::string(options.target_name) + " --seed " + std::to_string(options.seed) + " --first " +
         std::to_string(number) + " --count 1" + (options.storage_types ? " --storage-types" : "");
}

bool read_options(int argc, char **argv, Options &options) {
  const std::map<std::string, FuzzTarget> targets = {{"passes", FuzzTarget::kPasses},
                                                     {"llvm", FuzzTarget::kLlvm},
                                                     {"x86", FuzzTarget::kX86},
                                                     {"vulkan", FuzzTarget::kVulkan}};
  if (argc < 2 || !targets.contains(argv[1])) return false;
  options.target_name = argv[1];
  options.target = targets.at(argv[1]);
  const std::map<std::string, uint64_t *> numbers = {
      {"--seed", &options.seed}, {"--first", &options.first}, {"--count", &options.count}};
  for (int i = 2; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--reasons" || option == "--storage-types") {
      (option == "--reasons" ? options.reasons : options.storage_types) = true;
      continue;
    }
    const auto number = numbers.find(option);
    if (number == numbers.end() || i + 1 == argc) return false;
    *number->second = std::strtoull(argv[++i], nullptr, 10);
  }
  return true;
}

/// Names and numbers in messages aside, so that equal reasons count together.
std::string kind_of(const std::string &why) {
  std::string kind;
  bool quoted = false;
  for (const char c : why) {
    if (c == '`') quoted = !quoted;
    if (!quoted && (c < '0' || c > '9')) kind += c;
  }
  return kind;
}

class Fuzzer {
public:
  explicit Fuzzer(const Options &options) : options_(options) {}

  int run() {
    for (uint64_t i = 0; i < options_.count && wrong_ < kMostFailures; ++i) run_case(options_.first + i);
    const int accepted = equal_ + wrong_;
    std::printf("%s, seed %llu: %d kernels equal, %d schedules refused, %d wrong\n", options_.target_name,
                static_cast<unsigned long long>(options_.seed), equal_, refused_, wrong_);
    if (options_.reasons)
      for (const auto &[why, count] : reasons_) std::printf("%5d %s\n", count, why.c_str());
    const bool too_few = accepted < refused_;
    if (too_few) std::printf("more than half of the schedules were refused: the generator tests nothing\n");
    return wrong_ > 0 || (too_few && options_.count > 1) ? 1 : 0;
  }

private:
  void run_case(uint64_t number) {
    const std::string repeat = command(options_, number);
    std::snprintf(g_current, sizeof g_current, "%s", repeat.c_str());
    FuzzCase one(options_.target, options_.storage_types, options_.seed, number);
    FuzzResult result = one.prepare();
    if (options_.count == 1) std::printf("%s\n", one.text().c_str());
    std::fflush(stdout);
    if (result.outcome == Outcome::kEqual) result = one.run();
    if (result.outcome == Outcome::kEqual) ++equal_;
    if (result.outcome == Outcome::kRefused) {
      ++refused_;
      ++reasons_[kind_of(result.why)];
    }
    if (options_.count == 1) std::printf("%s\n", result.why.c_str());
    if (result.outcome != Outcome::kWrong) return;
    ++wrong_;
    std::printf("--- wrong: %s\n%s\nrepeat with: %s\n", result.why.c_str(), one.text().c_str(), repeat.c_str());
    std::fflush(stdout);
    result = one.shrink(result);
    std::printf("--- smallest: %s\n%s\n", result.why.c_str(), one.text().c_str());
    std::fflush(stdout);
  }

  const Options &options_;
  int equal_ = 0, refused_ = 0, wrong_ = 0;
  std::map<std::string, int> reasons_;
};

} // namespace
} // namespace sparkle::test

int main(int argc, char **argv) {
  using namespace sparkle::test;
  Options options;
  if (!read_options(argc, argv, options)) {
    std::fprintf(stderr,
                 "usage: %s passes|llvm|x86|vulkan [--seed S] [--first N] [--count N] [--storage-types] [--reasons]\n",
                 argv[0]);
    return 2;
  }
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) std::signal(signal, tell_current);
  if (options.target == FuzzTarget::kVulkan && test_machine()->vulkan().empty()) {
    std::printf("[SKIP] no Vulkan device\n");
    return kSkipped;
  }
  return Fuzzer(options).run();
}
