// The kernels under tests/filetests, and the `// bind:` lines in them.
#pragma once

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/read_text.h"

namespace sparkle::test {

/// Those of the folder `name`, sorted.
inline std::vector<std::filesystem::path> kernel_files(const std::string &name) {
  std::vector<std::filesystem::path> files;
  for (const auto &entry : std::filesystem::directory_iterator(SPARKLE_FILETESTS "/" + name))
    if (entry.path().extension() == ".spk") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// What stands behind each `// bind:`.
inline std::vector<std::string> bind_lines(const std::string &text) {
  std::istringstream lines(text);
  std::vector<std::string> found;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("// bind:")) found.push_back(line.substr(8));
  return found;
}

} // namespace sparkle::test
