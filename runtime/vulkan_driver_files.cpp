// Places: "Driver discovery on Linux" of the loader's LoaderDriverInterface.md, and LoaderLayerInterface.md.
#include "runtime/vulkan_driver_files.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include <sys/stat.h>

#include "runtime/file_io.h"

namespace sparkle::vulkan {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxManifestBytes = 1 << 20;
/// What changes the choice of drivers and layers beside their files.
constexpr const char *kVariables[] = {
    "VK_DRIVER_FILES",         "VK_ICD_FILENAMES",        "VK_ADD_DRIVER_FILES",      "VK_INSTANCE_LAYERS",
    "VK_LAYER_PATH",           "VK_ADD_LAYER_PATH",       "VK_LOADER_DRIVERS_SELECT", "VK_LOADER_DRIVERS_DISABLE",
    "VK_LOADER_LAYERS_ENABLE", "VK_LOADER_LAYERS_DISABLE"};

std::string variable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

std::vector<fs::path> split(const std::string &list) {
  std::vector<fs::path> parts;
  for (size_t at = 0; at <= list.size();) {
    const size_t end = std::min(list.find(':', at), list.size());
    if (end > at) parts.emplace_back(list.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

void add(std::vector<fs::path> &places, const std::string &list, const fs::path &below) {
  for (const fs::path &part : split(list)) places.push_back(below.empty() ? part : part / below);
}

std::string either(std::string first, const char *second) { return first.empty() ? second : first; }

std::vector<fs::path> places(const fs::path &kind) {
  const std::string home = variable("HOME");
  const fs::path below = fs::path("vulkan") / kind;
  std::vector<fs::path> all;
  add(all, either(variable("XDG_CONFIG_HOME"), (home + "/.config").c_str()), below);
  add(all, either(variable("XDG_CONFIG_DIRS"), "/etc/xdg") + ":/etc:/usr/local/etc", below);
  add(all, either(variable("XDG_DATA_HOME"), (home + "/.local/share").c_str()), below);
  add(all, either(variable("XDG_DATA_DIRS"), "/usr/local/share:/usr/share"), below);
  return all;
}

/// Files as they are; of folders the manifests, by name.
std::vector<fs::path> manifests(const std::vector<fs::path> &places) {
  std::vector<fs::path> files;
  for (const fs::path &place : places) {
    std::error_code failed;
    if (!fs::is_directory(place, failed)) {
      if (fs::exists(place, failed)) files.push_back(place);
      continue;
    }
    const size_t first = files.size();
    for (fs::directory_iterator at(place, failed), end; !failed && at != end; at.increment(failed))
      if (at->path().extension() == ".json") files.push_back(at->path());
    std::sort(files.begin() + static_cast<std::ptrdiff_t>(first), files.end());
  }
  return files;
}

std::string size_and_time(const fs::path &file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return "none";
  return std::to_string(info.st_size) + " " + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec);
}

/// The value of the key, taken from the text: what is no JSON is told apart by its time and size as well.
std::string library_named_in(const fs::path &manifest) {
  const auto text = read_text_file(manifest, kMaxManifestBytes);
  if (!text) return {};
  constexpr std::string_view kKey = "\"library_path\"";
  const size_t key = text->find(kKey);
  const size_t open = key == text->npos ? key : text->find('"', key + kKey.size());
  const size_t close = open == text->npos ? open : text->find('"', open + 1);
  return close == text->npos ? "" : text->substr(open + 1, close - open - 1);
}

/// Where dlopen would find it, as far as folders tell. Links are followed: drivers have their version in the real name.
fs::path library_file(const std::string &name, const fs::path &manifest) {
  std::error_code failed;
  if (name.find('/') != name.npos) return fs::weakly_canonical(manifest.parent_path() / name, failed);
  std::vector<fs::path> folders = split(variable("LD_LIBRARY_PATH"));
  for (const char *folder :
       {"/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib"})
    folders.emplace_back(folder);
  for (const fs::path &folder : folders)
    if (fs::exists(folder / name, failed)) return fs::weakly_canonical(folder / name, failed);
  return name;
}

std::string describe(const fs::path &manifest) {
  const fs::path library = library_file(library_named_in(manifest), manifest);
  return manifest.string() + " " + size_and_time(manifest) + " " + library.string() + " " + size_and_time(library) +
         "\n";
}

} // namespace

std::string driver_files() {
  std::string chosen = either(variable("VK_DRIVER_FILES"), variable("VK_ICD_FILENAMES").c_str());
  std::vector<fs::path> drivers = chosen.empty() ? places("icd.d") : split(chosen);
  add(drivers, variable("VK_ADD_DRIVER_FILES"), {});
  std::string text;
  for (const fs::path &manifest : manifests(drivers)) text += describe(manifest);
  if (text.empty()) return text;
  for (const fs::path &manifest : manifests(places("implicit_layer.d"))) text += describe(manifest);
  for (const char *name : kVariables)
    if (const std::string value = variable(name); !value.empty()) text += std::string(name) + "=" + value + "\n";
  return text;
}

} // namespace sparkle::vulkan
