#include "tools/aot/output_files.h"

#include <filesystem>
#include <system_error>

#include "compiler/support/diagnostics.h"
#include "runtime/file_io.h"

namespace sparkle::aot {
namespace {

namespace fs = std::filesystem;

constexpr const char *kUnfinished = ".unfinished";

Error io_error(const std::string &path, const std::string &why) {
  return Error{ErrorCode::kIo, "`" + escape_control(path) + "` cannot be written: " + why};
}

/// Removes what was made so far, unless all went well.
class Cleanup {
public:
  ~Cleanup() {
    std::error_code ignored;
    for (const fs::path &path : made_) fs::remove(path, ignored);
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }
  void add(fs::path path) { made_.push_back(std::move(path)); }
  /// The outermost folder that was not there before.
  void add_folder(fs::path folder) { folder_ = std::move(folder); }
  void keep() {
    made_.clear();
    folder_.clear();
  }

private:
  std::vector<fs::path> made_;
  fs::path folder_;
};

fs::path outermost_missing(const fs::path &folder) {
  std::error_code ignored;
  fs::path missing;
  for (fs::path path = fs::absolute(folder, ignored).lexically_normal(); !fs::exists(path, ignored);
       path = path.parent_path()) {
    missing = path;
    if (path == path.parent_path()) break;
  }
  return missing;
}

Status make_folder(const std::string &folder, Cleanup &cleanup) {
  cleanup.add_folder(outermost_missing(folder));
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return io_error(folder, failed.message());
  if (!fs::is_directory(folder, failed)) return io_error(folder, "it is no folder");
  return ok();
}

} // namespace

OutputFile text_file(std::string name, std::string_view text) {
  return {std::move(name), std::vector<uint8_t>(text.begin(), text.end())};
}

std::string path_in(const std::string &folder, const std::string &name) {
  if (name.starts_with('/') || name.starts_with("./")) return name;
  return folder + (folder.ends_with('/') ? "" : "/") + name;
}

Status write_output_files(const std::string &folder, const std::vector<OutputFile> &files) {
  Cleanup cleanup;
  SPARKLE_TRY_STATUS(make_folder(folder, cleanup));
  std::error_code failed;
  for (const OutputFile &file : files) {
    const std::string path = path_in(folder, file.name);
    if (fs::is_directory(path, failed)) return io_error(path, "it is a folder");
    SPARKLE_TRY_STATUS(write_file(path + kUnfinished, file.bytes));
    cleanup.add(path + kUnfinished);
  }
  for (const OutputFile &file : files) {
    const std::string path = path_in(folder, file.name);
    fs::rename(path + kUnfinished, path, failed);
    if (failed) return io_error(path, failed.message());
  }
  cleanup.keep();
  return ok();
}

} // namespace sparkle::aot
