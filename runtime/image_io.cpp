#include "runtime/image_io.h"

#include <cmath>
#include <csetjmp>
#include <cstring>
#include <new>

#include <png.h>

#include "compiler/support/diagnostics.h"
#include "runtime/element.h"
#include "runtime/file_io.h"

namespace sparkle {

namespace {

// libpng reports errors by longjmp, which must not skip destructors. So each `*_steps` function below, which calls
// setjmp, has only trivial locals, and everything that owns memory lives in the caller, handed in by pointer.

/// Both directions: where bytes come from or go to, and the first error.
struct PngState {
  std::jmp_buf escape;
  char message[128] = "";
  std::span<const uint8_t> input;
  std::vector<uint8_t> *output = nullptr;
};

void remember(PngState &state, const char *message) { std::strncpy(state.message, message, sizeof state.message - 1); }

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto *state = static_cast<PngState *>(png_get_error_ptr(png));
  remember(*state, message);
  std::longjmp(state->escape, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep to, png_size_t count) {
  auto *state = static_cast<PngState *>(png_get_io_ptr(png));
  if (count > state->input.size()) png_error(png, "the file ends early");
  std::memcpy(to, state->input.data(), count);
  state->input = state->input.subspan(count);
}

void on_write(png_structp png, png_bytep from, png_size_t count) {
  auto *state = static_cast<PngState *>(png_get_io_ptr(png));
  bool written = true;
  try {
    state->output->insert(state->output->end(), from, from + count);
  } catch (const std::bad_alloc &) {
    written = false;
  }
  if (!written)
    png_error(png, "no memory for the file"); // outside the handler: a jump out of it would leak the exception
}

void on_flush(png_structp) {}

struct PngReader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  PngReader() = default;
  PngReader(const PngReader &) = delete;
  PngReader &operator=(const PngReader &) = delete;
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
};

struct PngWriter {
  png_structp png = nullptr;
  png_infop info = nullptr;
  PngWriter() = default;
  PngWriter(const PngWriter &) = delete;
  PngWriter &operator=(const PngWriter &) = delete;
  ~PngWriter() { png_destroy_write_struct(&png, &info); }
};

/// Height, width and channels (1, 3 or 4) of 8-bit pixels.
struct Geometry {
  int64_t height = 0, width = 0, channels = 0;
};

/// Reads up to the pixels and asks libpng for 8-bit gray, RGB or RGBA.
bool header_steps(PngReader &reader, PngState &state, Geometry &geometry) {
  if (setjmp(state.escape) != 0) return false;
  png_set_user_limits(reader.png, kMaxImageSide, kMaxImageSide);
  png_set_chunk_malloc_max(reader.png, 8 << 20);
  png_set_read_fn(reader.png, &state, on_read);
  png_read_info(reader.png, reader.info);
  png_set_expand(reader.png); // palette to RGB, few bits to 8, transparent colour to alpha
  png_set_scale_16(reader.png);
  png_set_interlace_handling(reader.png);
  const png_byte type = png_get_color_type(reader.png, reader.info);
  const bool transparent =
      (type & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(reader.png, reader.info, PNG_INFO_tRNS) != 0;
  if (transparent) png_set_gray_to_rgb(reader.png);
  png_read_update_info(reader.png, reader.info);
  geometry.height = png_get_image_height(reader.png, reader.info);
  geometry.width = png_get_image_width(reader.png, reader.info);
  geometry.channels = png_get_channels(reader.png, reader.info);
  if (png_get_bit_depth(reader.png, reader.info) != 8) png_error(reader.png, "unexpected bit depth");
  return true;
}

bool pixel_steps(PngReader &reader, PngState &state, png_bytepp rows) {
  if (setjmp(state.escape) != 0) return false;
  png_read_image(reader.png, rows);
  png_read_end(reader.png, nullptr);
  return true;
}

bool write_steps(PngWriter &writer, PngState &state, const Geometry &geometry, png_bytepp rows) {
  if (setjmp(state.escape) != 0) return false;
  const int type = geometry.channels == 1   ? PNG_COLOR_TYPE_GRAY
                   : geometry.channels == 3 ? PNG_COLOR_TYPE_RGB
                                            : PNG_COLOR_TYPE_RGBA;
  png_set_write_fn(writer.png, &state, on_write, on_flush);
  png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(geometry.width),
               static_cast<png_uint_32>(geometry.height), 8, type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_write_info(writer.png, writer.info);
  png_write_image(writer.png, rows);
  png_write_end(writer.png, nullptr);
  return true;
}

std::vector<png_bytep> row_pointers(uint8_t *pixels, const Geometry &geometry) {
  std::vector<png_bytep> rows(static_cast<size_t>(geometry.height));
  for (size_t y = 0; y < rows.size(); ++y) {
    rows[y] = pixels + y * static_cast<size_t>(geometry.width * geometry.channels);
  }
  return rows;
}

Error png_failure(const std::string &name, const std::string &what) {
  return {ErrorCode::kInvalidInput, "`" + escape_control(name) + "`: " + escape_control(what)};
}

/// One pixel from `from_channels` to `to_channels`, both of 1, 3, 4 (see ImageReadOptions).
void convert_pixel(const uint8_t *from, int64_t from_channels, uint8_t *to, int64_t to_channels) {
  const int r = from[0], g = from_channels > 1 ? from[1] : r, b = from_channels > 1 ? from[2] : r;
  if (to_channels == 1) {
    to[0] = from_channels == 1 ? from[0] : static_cast<uint8_t>((299 * r + 587 * g + 114 * b + 500) / 1000);
    return;
  }
  to[0] = static_cast<uint8_t>(r), to[1] = static_cast<uint8_t>(g), to[2] = static_cast<uint8_t>(b);
  if (to_channels == 4) to[3] = from_channels == 4 ? from[3] : 255;
}

Result<HostTensor> convert(const HostTensor &pixels, const Geometry &geometry, const ImageReadOptions &options) {
  const int64_t channels = options.channels == 0 ? geometry.channels : options.channels;
  SPARKLE_TRY(HostTensor image, HostTensor::allocate(options.element, {geometry.height, geometry.width, channels}));
  const auto *from = pixels.as<uint8_t>();
  for (int64_t i = 0; i < geometry.height * geometry.width; ++i) {
    uint8_t pixel[4];
    convert_pixel(from + i * geometry.channels, geometry.channels, pixel, channels);
    for (int64_t c = 0; c < channels; ++c) {
      if (options.element == Scalar::kU8)
        image.as<uint8_t>()[i * channels + c] = pixel[c];
      else
        image.as<float>()[i * channels + c] = pixel[c];
    }
  }
  return image;
}

Status check_options(const ImageReadOptions &options) {
  const int c = options.channels;
  if (options.element != Scalar::kU8 && options.element != Scalar::kF32) {
    return Error{ErrorCode::kUnsupported,
                 "images are read as u8 or f32, not as " + std::string(name_of(options.element))};
  }
  if (c != 0 && c != 1 && c != 3 && c != 4) {
    return Error{ErrorCode::kUnsupported, std::to_string(c) + " channels were asked for; images have 1, 3 or 4"};
  }
  return ok();
}

Result<Geometry> image_geometry(const HostTensor &image) {
  const auto &shape = image.shape();
  const bool ranked = image.rank() == 2 || image.rank() == 3;
  const int64_t channels = image.rank() == 3 ? shape[2] : 1;
  const bool element = image.element() == Scalar::kU8 || image.element() == Scalar::kF32;
  if (!ranked || !element || (channels != 1 && channels != 3 && channels != 4)) {
    return Error{ErrorCode::kInvalidInput,
                 to_string(image) + " is no image; u8 or f32 [H, W] or [H, W, C] with C of 1, 3, 4 is one"};
  }
  if (shape[0] < 1 || shape[1] < 1 || shape[0] > kMaxImageSide || shape[1] > kMaxImageSide ||
      shape[0] * shape[1] > kMaxImagePixels) {
    return Error{ErrorCode::kInvalidInput, to_string(image) + " has no pixels, or more than the limits of an image"};
  }
  return Geometry{shape[0], shape[1], channels};
}

uint8_t to_byte(double value) {
  uint8_t byte = 0;
  store_element(&byte, Scalar::kU8, value); // rounds and saturates; NaN is 0
  return byte;
}

} // namespace

Result<HostTensor> decode_png(std::span<const uint8_t> bytes, const std::string &name,
                              const ImageReadOptions &options) try {
  SPARKLE_TRY_STATUS(check_options(options));
  PngState state;
  state.input = bytes;
  PngReader reader;
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning);
  if (reader.png != nullptr) reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr) return Error{ErrorCode::kOutOfMemory, "no memory for reading a PNG"};
  Geometry geometry;
  if (!header_steps(reader, state, geometry)) return png_failure(name, state.message);
  if (geometry.height * geometry.width > kMaxImagePixels) {
    return png_failure(name, std::to_string(geometry.width) + " x " + std::to_string(geometry.height) +
                                 " pixels; the limit is " + std::to_string(kMaxImagePixels));
  }
  SPARKLE_TRY(HostTensor pixels,
              HostTensor::allocate(Scalar::kU8, {geometry.height, geometry.width, geometry.channels}));
  std::vector<png_bytep> rows = row_pointers(pixels.as<uint8_t>(), geometry);
  if (!pixel_steps(reader, state, rows.data())) return png_failure(name, state.message);
  const bool as_is = options.channels == 0 || options.channels == geometry.channels;
  if (as_is && options.element == Scalar::kU8) return pixels;
  return convert(pixels, geometry, options);
} catch (const std::bad_alloc &) {
  return Error{ErrorCode::kOutOfMemory, "no memory for the image `" + escape_control(name) + "`"};
}

Result<HostTensor> read_png(const std::string &path, const ImageReadOptions &options) {
  SPARKLE_TRY(std::vector<uint8_t> bytes, read_file(path, kMaxPngBytes));
  return decode_png(bytes, path, options);
}

Result<std::vector<uint8_t>> encode_png(const HostTensor &image) try {
  SPARKLE_TRY(Geometry geometry, image_geometry(image));
  std::vector<uint8_t> pixels(static_cast<size_t>(image.element_count()));
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = to_byte(image.get(static_cast<int64_t>(i)));
  std::vector<png_bytep> rows = row_pointers(pixels.data(), geometry);
  std::vector<uint8_t> bytes;
  PngState state;
  state.output = &bytes;
  PngWriter writer;
  writer.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning);
  if (writer.png != nullptr) writer.info = png_create_info_struct(writer.png);
  if (writer.info == nullptr) return Error{ErrorCode::kOutOfMemory, "no memory for writing a PNG"};
  if (!write_steps(writer, state, geometry, rows.data())) return Error{ErrorCode::kOutOfMemory, state.message};
  return bytes;
} catch (const std::bad_alloc &) {
  return Error{ErrorCode::kOutOfMemory, "no memory for writing a PNG"};
}

Status write_png(const std::string &path, const HostTensor &image) {
  SPARKLE_TRY(std::vector<uint8_t> bytes, encode_png(image));
  return write_file(path, bytes);
}

} // namespace sparkle
