#include "runtime/npy_io.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>

#include "compiler/support/checked_math.h"
#include "compiler/support/diagnostics.h"
#include "compiler/support/string_builder.h"
#include "runtime/file_io.h"

namespace sparkle {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kPreambleBytes = 8; ///< Magic and version.

/// What the header says: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}.
struct Header {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<int64_t>> shape;
  int descr_byte = 0; ///< Where it stands, for messages.
};

/// Reads the Python dictionary of the header. Only the literals that NumPy writes are known.
class HeaderParser {
public:
  HeaderParser(std::string_view text, size_t first_byte, const std::string &name)
      : text_(text), first_byte_(first_byte), name_(name) {}

  Result<Header> run() {
    Header header;
    SPARKLE_TRY_STATUS(expect('{'));
    while (!accept('}')) {
      SPARKLE_TRY_STATUS(entry(header));
      if (accept(',')) continue;
      SPARKLE_TRY_STATUS(expect('}'));
      break;
    }
    skip_space();
    if (at_ != text_.size()) return error("unexpected text after the header's `}`");
    if (!header.descr) return error("the header has no `descr`");
    if (!header.fortran_order) return error("the header has no `fortran_order`");
    if (!header.shape) return error("the header has no `shape`");
    return header;
  }

private:
  Error error(const std::string &what) const {
    return {ErrorCode::kInvalidInput,
            "`" + escape_control(name_) + "` byte " + std::to_string(first_byte_ + at_) + ": " + what};
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string seen() const {
    if (at_ >= text_.size()) return "the end of the header";
    return "`" + escape_control(text_.substr(at_, 16)) + "`";
  }
  Status expect(char c) {
    if (accept(c)) return ok();
    return error(std::string("expected `") + c + "`, found " + seen());
  }
  bool accept_word(std::string_view word) {
    skip_space();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  Result<std::string> quoted() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : ' ';
    if (quote != '\'' && quote != '"') return error("expected a quoted name, found " + seen());
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return error("a quoted name does not end");
    std::string value(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return value;
  }

  Result<std::vector<int64_t>> tuple() {
    std::vector<int64_t> values;
    SPARKLE_TRY_STATUS(expect('('));
    while (!accept(')')) {
      skip_space();
      const size_t end = std::min(text_.find_first_not_of("0123456789", at_), text_.size());
      int64_t value = 0;
      if (!parse_int(text_.substr(at_, end - at_), value)) {
        return error("expected an extent below 2^63, found " + seen());
      }
      if (values.size() == kMaxTensorRank) {
        return error("the shape has more than " + std::to_string(kMaxTensorRank) + " dimensions");
      }
      at_ = end;
      values.push_back(value);
      if (accept(',')) continue;
      SPARKLE_TRY_STATUS(expect(')'));
      break;
    }
    return values;
  }

  Status entry(Header &header) {
    const size_t start = (skip_space(), at_);
    SPARKLE_TRY(std::string key, quoted());
    SPARKLE_TRY_STATUS(expect(':'));
    if (key == "descr" && !header.descr) {
      skip_space();
      header.descr_byte = static_cast<int>(first_byte_ + at_);
      if (at_ < text_.size() && text_[at_] == '[') return error("structured arrays are not supported");
      SPARKLE_TRY(header.descr, quoted());
      return ok();
    }
    if (key == "shape" && !header.shape) {
      SPARKLE_TRY(header.shape, tuple());
      return ok();
    }
    if (key == "fortran_order" && !header.fortran_order) {
      if (accept_word("True"))
        header.fortran_order = true;
      else if (accept_word("False"))
        header.fortran_order = false;
      else
        return error("expected `True` or `False`, found " + seen());
      return ok();
    }
    at_ = start;
    return error("unknown or repeated key `" + escape_control(key) + "`");
  }

  std::string_view text_;
  size_t first_byte_;
  const std::string &name_;
  size_t at_ = 0;
};

struct ElementName {
  Scalar element;
  std::string_view descr;
};
constexpr ElementName kElementNames[] = {{Scalar::kF32, "<f4"},   {Scalar::kF16, "<f2"}, {Scalar::kI32, "<i4"},
                                         {Scalar::kIndex, "<i8"}, {Scalar::kI8, "|i1"},  {Scalar::kU8, "|u1"},
                                         {Scalar::kBool, "|b1"}};

Error file_error(const std::string &name, int64_t byte, const std::string &what) {
  return {ErrorCode::kInvalidInput, "`" + escape_control(name) + "` byte " + std::to_string(byte) + ": " + what};
}

Result<Scalar> element_of(const Header &header, const std::string &name) {
  const std::string &descr = *header.descr;
  for (const ElementName &known : kElementNames) {
    if (descr == known.descr) return known.element;
    // one byte has no order: `<u1` and `>u1` are `|u1`
    if (known.descr[0] == '|' && descr.size() == 3 && descr.substr(1) == known.descr.substr(1)) return known.element;
  }
  std::string what = "element type `" + escape_control(descr) + "` is not one of <f4 <f2 <i4 <i8 |i1 |u1 |b1";
  if (descr == "<f8") what += "; convert with array.astype(numpy.float32)";
  return file_error(name, header.descr_byte, what);
}

/// The text between preamble and data, and where the data starts.
struct HeaderPlace {
  size_t begin = 0;
  size_t end = 0;
};

Result<HeaderPlace> find_header(std::span<const uint8_t> bytes, const std::string &name) {
  if (bytes.size() < kPreambleBytes || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    return file_error(name, 0, "not an .npy file: it does not start with \\x93NUMPY and a version");
  }
  const int version = bytes[kMagic.size()];
  if (version != 1 && version != 2) {
    return file_error(name, 6, "format version " + std::to_string(version) + "; only 1 and 2 are known");
  }
  const size_t length_bytes = version == 1 ? 2 : 4;
  if (bytes.size() < kPreambleBytes + length_bytes) return file_error(name, 8, "the file ends in the header's length");
  int64_t length = 0;
  for (size_t i = length_bytes; i-- > 0;) length = length * 256 + bytes[kPreambleBytes + i];
  if (length > kMaxNpyHeaderBytes) {
    return file_error(name, 8,
                      "a header of " + std::to_string(length) + " bytes; the limit is " +
                          std::to_string(kMaxNpyHeaderBytes));
  }
  HeaderPlace place{kPreambleBytes + length_bytes, kPreambleBytes + length_bytes + static_cast<size_t>(length)};
  if (place.end > bytes.size()) return file_error(name, 8, "the file ends in its header");
  return place;
}

/// Moves column-major data into a new row-major tensor.
Result<HostTensor> from_fortran(std::span<const uint8_t> data, Scalar element, const std::vector<int64_t> &shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    strides[i] = stride;
    stride *= std::max<int64_t>(shape[i], 1); // fits: the caller has compared the product with the file's size
  }
  SPARKLE_TRY(HostTensor columns, HostTensor::allocate(element, shape, strides));
  if (!data.empty()) std::memcpy(columns.data(), data.data(), data.size());
  return columns.dense_copy();
}

} // namespace

Result<HostTensor> parse_npy(std::span<const uint8_t> bytes, const std::string &name) {
  SPARKLE_TRY(HeaderPlace place, find_header(bytes, name));
  std::string_view text(reinterpret_cast<const char *>(bytes.data()) + place.begin, place.end - place.begin);
  SPARKLE_TRY(Header header, HeaderParser(text, place.begin, name).run());
  SPARKLE_TRY(Scalar element, element_of(header, name));
  // Sizes are compared with the file before anything is allocated: a header alone must not cost memory.
  int64_t wanted = bytes_of(element);
  for (int64_t extent : *header.shape) {
    auto product = checked_mul(wanted, extent);
    if (!product) return Error{ErrorCode::kShapeOverflow, file_error(name, 0, "the shape's size leaves 63 bits").text};
    wanted = *product;
  }
  const std::span<const uint8_t> data = bytes.subspan(place.end);
  if (static_cast<int64_t>(data.size()) != wanted) {
    return file_error(name, static_cast<int64_t>(place.end),
                      "the shape needs " + std::to_string(wanted) + " bytes of data, the file has " +
                          std::to_string(data.size()));
  }
  if (*header.fortran_order) return from_fortran(data, element, *header.shape);
  SPARKLE_TRY(HostTensor tensor, HostTensor::allocate(element, *header.shape));
  if (!data.empty()) std::memcpy(tensor.data(), data.data(), data.size());
  return tensor;
}

Result<HostTensor> read_npy(const std::string &path) {
  SPARKLE_TRY(std::vector<uint8_t> bytes, read_file(path, kMaxNpyBytes));
  return parse_npy(bytes, path);
}

Result<std::vector<uint8_t>> format_npy(const HostTensor &tensor) try {
  const auto *known = std::find_if(std::begin(kElementNames), std::end(kElementNames),
                                   [&](const ElementName &entry) { return entry.element == tensor.element(); });
  if (known == std::end(kElementNames)) {
    return Error{ErrorCode::kUnsupported, "the .npy format has no name for " + std::string(name_of(tensor.element()))};
  }
  StringBuilder header;
  header << "{'descr': '" << known->descr << "', 'fortran_order': False, 'shape': (";
  for (int64_t extent : tensor.shape()) header << extent << ", "; // a trailing comma is also how Python spells (4,)
  header << "), }";
  std::string text = header.take();
  // The data starts at a multiple of 64 bytes, as the format asks.
  const size_t fixed = kPreambleBytes + 2;
  text.append(63 - (fixed + text.size()) % 64, ' ');
  text += '\n';
  std::vector<uint8_t> bytes(kMagic.begin(), kMagic.end());
  for (size_t byte : {size_t{1}, size_t{0}, text.size() & 255, text.size() >> 8}) {
    bytes.push_back(static_cast<uint8_t>(byte));
  }
  bytes.insert(bytes.end(), text.begin(), text.end());
  SPARKLE_TRY(HostTensor dense, tensor.dense_copy());
  const auto *data = static_cast<const uint8_t *>(dense.data());
  bytes.insert(bytes.end(), data, data + dense.span_bytes());
  return bytes;
} catch (const std::bad_alloc &) {
  return Error{ErrorCode::kOutOfMemory, "no memory for the contents of an .npy file"};
}

Status write_npy(const std::string &path, const HostTensor &tensor) {
  SPARKLE_TRY(std::vector<uint8_t> bytes, format_npy(tensor));
  return write_file(path, bytes);
}

} // namespace sparkle
