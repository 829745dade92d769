#include "targets/plugin_loader.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include <dlfcn.h>

#include "plugin_version.h"

namespace sparkle {
namespace {

namespace fs = std::filesystem;

constexpr const char *kModule = "libsparkle_llvm.so";

/// secure_getenv: a program that runs with more rights than its user must not load code that the user names.
std::vector<fs::path> search_folders() {
  std::vector<fs::path> folders;
  if (const char *named = secure_getenv("SPARKLE_PLUGIN_DIR")) folders.emplace_back(named);
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  if (!failed) {
    const fs::path prefix = program.parent_path().parent_path();
    folders.push_back(prefix / "lib" / "sparkle");
    folders.push_back(prefix / "lib");
  }
  Dl_info here;
  if (dladdr(reinterpret_cast<const void *>(&open_llvm_target), &here) && here.dli_fname) {
    const fs::path folder = fs::absolute(here.dli_fname, failed).parent_path();
    folders.push_back(folder);
    folders.push_back(folder / "sparkle");
  }
  return folders;
}

Error not_found(const std::vector<fs::path> &folders) {
  std::string text = "the llvm target needs " + std::string(kModule) + ", which is in none of";
  for (const fs::path &folder : folders) text += " " + folder.string();
  return Error{ErrorCode::kUnsupported,
               text + "; build with SPARKLE_TARGET_LLVM=ON, or name its folder in SPARKLE_PLUGIN_DIR"};
}

/// C++ objects cross the border: both sides must have been built from the same headers.
Result<const Target *> target_of(void *module, const fs::path &path) {
  using Version = const char *();
  using Entry = const Target *();
  auto *version = reinterpret_cast<Version *>(dlsym(module, "sparkle_plugin_version"));
  auto *entry = reinterpret_cast<Entry *>(dlsym(module, "sparkle_llvm_target"));
  if (!version || !entry) return Error{ErrorCode::kUnsupported, path.string() + " is not a module of this program"};
  if (std::string_view(version()) != kPluginVersion)
    return Error{ErrorCode::kUnsupported, path.string() + " is of build " + version() + ", this program is of build " +
                                              kPluginVersion + "; build and install both together"};
  return entry();
}

} // namespace

// The module stays open: code compiled by it may outlive every caller. Opening it again costs microseconds.
Result<const Target *> open_llvm_target() {
  const std::vector<fs::path> folders = search_folders();
  for (const fs::path &folder : folders) {
    const fs::path path = folder / kModule;
    std::error_code failed;
    if (!fs::exists(path, failed)) continue;
    if (void *module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return target_of(module, path);
    return Error{ErrorCode::kUnsupported, std::string("the llvm target cannot be loaded: ") + dlerror() +
                                              "; it needs the LLVM 19 library (Debian package libllvm19)"};
  }
  return not_found(folders);
}

} // namespace sparkle
