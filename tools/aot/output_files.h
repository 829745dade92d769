// Files that belong together: all are there in the end, or none is changed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/support/result.h"

namespace sparkle::aot {

struct OutputFile {
  std::string name; ///< Below the folder; or an absolute path, or one that starts with `./`: taken as it is.
  std::vector<uint8_t> bytes;
};

OutputFile text_file(std::string name, std::string_view text);

/// Where a file of `folder` goes.
std::string path_in(const std::string &folder, const std::string &name);

/// Makes the folder where there is none. All files are written under other names first and renamed when the last one is
/// complete. kIo: what failed; then the folder is as it was. (Only a rename that fails after another one worked could
/// leave a mixture; what makes renames fail, such as a folder of that name, is looked for before.)
Status write_output_files(const std::string &folder, const std::vector<OutputFile> &files);

} // namespace sparkle::aot
