#include "runtime/shape_list.h"

#include <charconv>
#include <map>
#include <optional>

#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// Keeps every product of the fields of a shape that anybody can run far away from 63 bits.
constexpr int64_t kMostOfAField = int64_t{1} << 31;
constexpr std::string_view kAxes = "dhw";

using Fields = std::map<std::string, int64_t, std::less<>>;

bool is_key(std::string_view key) {
  for (std::string_view known : {"g", "mb", "ic", "oc"})
    if (key == known) return true;
  return key.size() == 2 && std::string_view("iokspd").find(key[0]) != key.npos && kAxes.find(key[1]) != key.npos;
}

/// Reads one line into fields and name.
class LineReader {
public:
  explicit LineReader(std::string_view line) : rest_(line) {}

  Status read(Fields &fields, std::string &name) {
    while (!rest_.empty()) {
      if (rest_.front() == '_')
        rest_.remove_prefix(1);
      else if (rest_.starts_with("n\""))
        SPARKLE_TRY_STATUS(read_name(name));
      else
        SPARKLE_TRY_STATUS(read_field(fields));
    }
    return ok();
  }

private:
  static Error bad(std::string text) { return {ErrorCode::kInvalidInput, std::move(text)}; }

  Status read_name(std::string &name) {
    const size_t end = rest_.find('"', 2);
    if (end == rest_.npos) return bad("the name has no closing quote");
    name = rest_.substr(2, end - 2);
    rest_.remove_prefix(end + 1);
    return ok();
  }

  Status read_field(Fields &fields) {
    const size_t letters = std::min(rest_.find_first_not_of("abcdefghijklmnopqrstuvwxyz"), rest_.size());
    const std::string key(rest_.substr(0, letters));
    if (!is_key(key)) return bad("`" + key + std::string(rest_.substr(letters, 4)) + "` is no field of a shape");
    int64_t value = 0;
    const char *begin = rest_.data() + letters, *end = rest_.data() + rest_.size();
    const auto number = std::from_chars(begin, end, value);
    if (number.ec == std::errc::invalid_argument) return bad("`" + key + "` has no number");
    if (number.ec != std::errc() || value > kMostOfAField || value < -kMostOfAField)
      return bad("the value of `" + key + "` is out of range");
    if (!fields.emplace(key, value).second) return bad("`" + key + "` is given twice");
    rest_.remove_prefix(static_cast<size_t>(number.ptr - rest_.data()));
    return ok();
  }

  std::string_view rest_;
};

/// Fields -> shape: defaults, copies from other axes, checks.
class ShapeBuilder {
public:
  ShapeBuilder(Fields fields, std::string name, int64_t default_batch) : fields_(std::move(fields)) {
    shape_.batch = default_batch;
    set_name(std::move(name));
  }

  Result<ConvolutionShape> run() {
    SPARKLE_TRY_STATUS(read_channels());
    const bool depth = has_axis('d'), height = has_axis('h'), width = has_axis('w');
    if (!depth && !height && !width) return bad("there is no input extent: `ih`, `iw` or `id`");
    shape_.rank = depth ? 3 : height ? 2 : 1;
    if (depth) SPARKLE_TRY_STATUS(read_axis(0, 'd'));
    if (depth || height) SPARKLE_TRY_STATUS(read_axis(1, height ? 'h' : 'd'));
    SPARKLE_TRY_STATUS(read_axis(2, width ? 'w' : height ? 'h' : 'd'));
    return shape_;
  }

private:
  static Error bad(std::string text) { return {ErrorCode::kInvalidInput, std::move(text)}; }

  bool has_axis(char axis) const {
    for (const auto &[key, value] : fields_)
      if (key.size() == 2 && key[1] == axis) return true;
    return false;
  }

  std::optional<int64_t> field(std::string_view key) const {
    const auto found = fields_.find(key);
    return found == fields_.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<int64_t> field(char letter, char axis) const { return field(std::string{letter, axis}); }

  void set_name(std::string name) {
    const size_t star = name.rfind('*');
    int64_t repeats = 0;
    if (star != name.npos) {
      const char *end = name.data() + name.size();
      const auto number = std::from_chars(name.data() + star + 1, end, repeats);
      if (number.ec == std::errc() && number.ptr == end && repeats > 0) {
        shape_.repeats = repeats;
        name.resize(star);
      }
    }
    shape_.name = std::move(name);
  }

  Status read_channels() {
    shape_.groups = field("g").value_or(1);
    shape_.batch = field("mb").value_or(shape_.batch);
    shape_.ic = field("ic").value_or(0);
    shape_.oc = field("oc").value_or(0);
    if (shape_.groups < 1 || shape_.batch < 1 || shape_.ic < 1 || shape_.oc < 1)
      return bad("`g`, `mb`, `ic` and `oc` must be positive");
    if (shape_.ic % shape_.groups != 0 || shape_.oc % shape_.groups != 0)
      return bad(std::to_string(shape_.groups) + " groups do not divide the channels");
    return ok();
  }

  Status read_axis(size_t at, char axis) {
    SpatialShape &s = shape_.spatial[at];
    const std::string name(1, axis);
    const auto in = field('i', axis), kernel = field('k', axis);
    if (!in || !kernel) return bad("`i" + name + "` and `k" + name + "` belong together");
    s.in = *in;
    s.kernel = *kernel;
    s.stride = field('s', axis).value_or(1);
    s.pad = field('p', axis).value_or(0);
    s.dilation = field('d', axis).value_or(0) + 1;
    if (s.in < 1 || s.kernel < 1 || s.stride < 1 || s.dilation < 1)
      return bad("extent, kernel and stride along " + name + " must be positive, the dilation at least 0");
    const int64_t room = s.in + 2 * s.pad - (s.kernel - 1) * s.dilation - 1;
    s.out = field('o', axis).value_or(room < 0 ? 0 : room / s.stride + 1);
    if (s.out < 1) return bad("there is no output along " + name);
    return ok();
  }

  Fields fields_;
  ConvolutionShape shape_;
};

std::string_view trimmed(std::string_view line) {
  const size_t begin = line.find_first_not_of(" \t\r");
  if (begin == line.npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
}

Result<ConvolutionShape> parse_line(std::string_view line, int64_t default_batch) {
  Fields fields;
  std::string name;
  SPARKLE_TRY_STATUS(LineReader(line).read(fields, name));
  return ShapeBuilder(std::move(fields), std::move(name), default_batch).run();
}

} // namespace

Result<std::vector<ConvolutionShape>> parse_shape_list(std::string_view text, int64_t default_batch) {
  std::vector<ConvolutionShape> shapes;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    Result<ConvolutionShape> shape = parse_line(line, default_batch);
    if (!shape) return Error{shape.error().code, "line " + std::to_string(number) + ": " + shape.error().text};
    shape->line = number;
    shapes.push_back(std::move(*shape));
  }
  return shapes;
}

std::string to_text(const ConvolutionShape &shape) {
  const auto all = [&](char letter, int64_t SpatialShape::*field, int64_t less) {
    std::string text;
    for (size_t at = 3 - static_cast<size_t>(shape.rank); at < 3; ++at)
      text += letter + std::string(1, kAxes[at]) + std::to_string(shape.spatial[at].*field - less);
    return text;
  };
  std::string text = "g" + std::to_string(shape.groups) + "mb" + std::to_string(shape.batch) + "_ic" +
                     std::to_string(shape.ic) + all('i', &SpatialShape::in, 0) + "_oc" + std::to_string(shape.oc) +
                     all('o', &SpatialShape::out, 0) + "_" + all('k', &SpatialShape::kernel, 0) +
                     all('s', &SpatialShape::stride, 0) + all('p', &SpatialShape::pad, 0) +
                     all('d', &SpatialShape::dilation, 1);
  const std::string repeats = shape.repeats > 1 ? "*" + std::to_string(shape.repeats) : "";
  if (!shape.name.empty() || !repeats.empty()) text += "_n\"" + shape.name + repeats + "\"";
  return text;
}

int64_t nominal_flops(const ConvolutionShape &shape) {
  std::optional<int64_t> product = 2;
  const auto times = [&](int64_t factor) { product = product ? checked_mul(*product, factor) : product; };
  times(shape.batch);
  times(shape.oc);
  times(shape.ic / shape.groups);
  for (const SpatialShape &axis : shape.spatial) {
    times(axis.out);
    times(axis.kernel);
  }
  return product.value_or(0);
}

} // namespace sparkle
