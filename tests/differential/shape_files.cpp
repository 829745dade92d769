#include "tests/differential/shape_files.h"

#include <filesystem>

#include "runtime/file_io.h"

namespace sparkle::test {
namespace {

constexpr int64_t kMostBytes = 1 << 20;

std::vector<ConvolutionShape> read(const std::string &path) {
  const Result<std::string> text = read_text_file(path, kMostBytes);
  SPARKLE_CHECK(text.has_value(), text ? "" : text.error().text);
  Result<std::vector<ConvolutionShape>> shapes = parse_shape_list(*text);
  SPARKLE_CHECK(shapes.has_value(), shapes ? "" : path + ": " + shapes.error().text);
  return std::move(*shapes);
}

} // namespace

std::vector<ConvolutionShape> own_shapes(const std::string &file) { return read(SPARKLE_OWN_SHAPES "/" + file); }

std::string external_shape_folder() { return SPARKLE_EXTERNAL_SHAPES; }

std::optional<std::vector<ConvolutionShape>> external_shapes(const std::string &file) {
  const std::string path = external_shape_folder() + "/" + file;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return read(path);
}

} // namespace sparkle::test
