// sparkle-opt [--bless] FILE-OR-FOLDER...: runs filetests (filetest.h) and prints a line for each.
// SPARKLE_BLESS=1 in the environment does what --bless does. Exit code 1 when a test failed or a folder has none.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "tests/tools/filetest.h"

namespace sparkle {
namespace {

namespace fs = std::filesystem;

bool is_test(const fs::path &path) { return path.extension() == ".ir" || path.extension() == ".spk"; }

/// The tests of a folder, without those of folders in it, in order of their names.
std::vector<std::string> tests_at(const std::string &path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return {path};
  std::vector<std::string> files;
  for (const auto &entry : fs::directory_iterator(path, ignored))
    if (is_test(entry.path())) files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

int run(const std::vector<std::string> &paths, bool bless) {
  int passed = 0;
  int failed = 0;
  for (const std::string &path : paths) {
    const std::vector<std::string> files = tests_at(path);
    if (files.empty()) {
      std::cout << "FAIL " << path << ": no tests here\n";
      ++failed;
    }
    for (const std::string &file : files) {
      const FiletestOutcome outcome = run_filetest(file, bless);
      std::cout << (outcome.blessed  ? "blessed "
                    : outcome.passed ? "ok   "
                                     : "FAIL ")
                << file << '\n'
                << outcome.message;
      if (!outcome.message.empty() && outcome.message.back() != '\n') std::cout << '\n';
      ++(outcome.passed ? passed : failed);
    }
  }
  std::cout << passed << " passed, " << failed << " failed\n";
  return failed == 0 && passed > 0 ? 0 : 1;
}

} // namespace
} // namespace sparkle

int main(int argc, char **argv) {
  std::vector<std::string> paths(argv + 1, argv + argc);
  const char *variable = std::getenv("SPARKLE_BLESS");
  bool bless = variable && std::string_view(variable) == "1";
  bless = std::erase(paths, "--bless") > 0 || bless;
  return sparkle::run(paths, bless);
}
