// The user's folder for what is remembered between processes.
#pragma once

#include <string>

#include "compiler/support/result.h"

namespace sparkle {

/// $SPARKLE_CACHE_DIR, else `sparkle` in $XDG_CACHE_HOME or in ~/.cache; relative ones are ignored, and all of them in
/// a process that has more rights than its user. Empty: none is known.
std::string cache_folder();

/// Makes the folder, for the user alone, where there is none. kIo: it cannot be made, or others own it or may write
/// to it.
Status make_own_folder(const std::string &path);

} // namespace sparkle
