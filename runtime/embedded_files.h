// Files of targets/fixtures, put into the program when it is built, so that it needs no data files.
#pragma once

#include <span>
#include <string_view>

namespace sparkle {

struct EmbeddedFile {
  std::string_view name; ///< Without folder: `h100.target`.
  std::string_view text;
};

/// Defined by the file that cmake/EmbedFiles.cmake writes.
std::span<const EmbeddedFile> embedded_files();

} // namespace sparkle
