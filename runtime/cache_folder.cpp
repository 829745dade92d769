#include "runtime/cache_folder.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

namespace sparkle {
namespace {

namespace fs = std::filesystem;

/// Absolute, as the XDG base directory specification asks; others are ignored.
fs::path folder_named_by(const char *variable) {
  const char *value = secure_getenv(variable);
  if (!value || *value != '/') return {};
  return value;
}

} // namespace

std::string cache_folder() {
  if (const fs::path own = folder_named_by("SPARKLE_CACHE_DIR"); !own.empty()) return own;
  if (const fs::path cache = folder_named_by("XDG_CACHE_HOME"); !cache.empty()) return cache / "sparkle";
  if (const fs::path home = folder_named_by("HOME"); !home.empty()) return home / ".cache" / "sparkle";
  return {};
}

Status make_own_folder(const std::string &path) {
  std::error_code failed;
  const bool made = fs::create_directories(path, failed);
  if (failed) return Error{ErrorCode::kIo, path + ": " + failed.message()};
  if (made) fs::permissions(path, fs::perms::owner_all, failed);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return Error{ErrorCode::kIo, path + " is no folder"};
  if (info.st_uid != ::geteuid()) return Error{ErrorCode::kIo, path + " belongs to another user"};
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) return Error{ErrorCode::kIo, path + " may be written to by others"};
  return ok();
}

} // namespace sparkle
