#include "bindings/c/internal.h"

namespace sparkle::capi {
namespace {

sparkle_code code_of(ErrorCode code) {
  switch (code) {
  case ErrorCode::kInvalidInput: return SPARKLE_INVALID_INPUT;
  case ErrorCode::kBadSchedule: return SPARKLE_BAD_SCHEDULE;
  case ErrorCode::kUnsupported: return SPARKLE_UNSUPPORTED;
  case ErrorCode::kShapeOverflow: return SPARKLE_SHAPE_OVERFLOW;
  case ErrorCode::kOutOfMemory: return SPARKLE_OUT_OF_MEMORY;
  case ErrorCode::kDeviceOutOfMemory: return SPARKLE_DEVICE_OUT_OF_MEMORY;
  case ErrorCode::kNoDevice: return SPARKLE_NO_DEVICE;
  case ErrorCode::kDeviceLost: return SPARKLE_DEVICE_LOST;
  case ErrorCode::kDevice: return SPARKLE_DEVICE;
  case ErrorCode::kTimeout: return SPARKLE_TIMEOUT;
  case ErrorCode::kIo: return SPARKLE_IO;
  case ErrorCode::kVerifyFailed: return SPARKLE_VERIFY_FAILED;
  case ErrorCode::kInternal: return SPARKLE_INTERNAL;
  }
  return SPARKLE_INTERNAL;
}

} // namespace

sparkle_error *error_of(const Error &error) { return new sparkle_error{code_of(error.code), error.text, "", ""}; }

sparkle_error *error_of(const Error &error, const Diagnostics &diagnostics, const Source &source) {
  auto made = std::make_unique<sparkle_error>();
  made->code = code_of(error.code);
  made->text = error.text;
  if (!diagnostics.list().empty()) {
    made->diagnostics = render_text(diagnostics, source);
    made->diagnostics_json = render_json(diagnostics, source);
  }
  return made.release();
}

sparkle_error *invalid(std::string text) { return error_of({ErrorCode::kInvalidInput, std::move(text)}); }

sparkle_error *out_of_memory() {
  static sparkle_error reserve{SPARKLE_OUT_OF_MEMORY, "no memory", "", ""}; // Short enough to need no memory.
  return &reserve;
}

} // namespace sparkle::capi

using namespace sparkle::capi;

const char *sparkle_version(void) { return SPARKLE_VERSION; }

sparkle_code sparkle_error_code(const sparkle_error *error) { return error->code; }
const char *sparkle_error_text(const sparkle_error *error) { return error->text.c_str(); }
const char *sparkle_error_diagnostics(const sparkle_error *error) { return error->diagnostics.c_str(); }
const char *sparkle_error_diagnostics_json(const sparkle_error *error) { return error->diagnostics_json.c_str(); }

void sparkle_error_free(sparkle_error *error) {
  if (error != out_of_memory()) delete error;
}

const char *sparkle_code_name(sparkle_code code) {
  switch (code) {
  case SPARKLE_INVALID_INPUT: return "INVALID_INPUT";
  case SPARKLE_BAD_SCHEDULE: return "BAD_SCHEDULE";
  case SPARKLE_UNSUPPORTED: return "UNSUPPORTED";
  case SPARKLE_SHAPE_OVERFLOW: return "SHAPE_OVERFLOW";
  case SPARKLE_OUT_OF_MEMORY: return "OUT_OF_MEMORY";
  case SPARKLE_DEVICE_OUT_OF_MEMORY: return "DEVICE_OUT_OF_MEMORY";
  case SPARKLE_NO_DEVICE: return "NO_DEVICE";
  case SPARKLE_DEVICE_LOST: return "DEVICE_LOST";
  case SPARKLE_DEVICE: return "DEVICE";
  case SPARKLE_TIMEOUT: return "TIMEOUT";
  case SPARKLE_IO: return "IO";
  case SPARKLE_VERIFY_FAILED: return "VERIFY_FAILED";
  case SPARKLE_INTERNAL: return "INTERNAL";
  }
  return "unknown";
}
