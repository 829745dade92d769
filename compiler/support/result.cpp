#include "compiler/support/result.h"

namespace sparkle {

std::string_view name_of(ErrorCode code) {
  switch (code) {
  case ErrorCode::kInvalidInput: return "INVALID_INPUT";
  case ErrorCode::kBadSchedule: return "BAD_SCHEDULE";
  case ErrorCode::kUnsupported: return "UNSUPPORTED";
  case ErrorCode::kShapeOverflow: return "SHAPE_OVERFLOW";
  case ErrorCode::kOutOfMemory: return "OUT_OF_MEMORY";
  case ErrorCode::kDeviceOutOfMemory: return "DEVICE_OUT_OF_MEMORY";
  case ErrorCode::kNoDevice: return "NO_DEVICE";
  case ErrorCode::kDeviceLost: return "DEVICE_LOST";
  case ErrorCode::kDevice: return "DEVICE";
  case ErrorCode::kTimeout: return "TIMEOUT";
  case ErrorCode::kIo: return "IO";
  case ErrorCode::kVerifyFailed: return "VERIFY_FAILED";
  case ErrorCode::kInternal: return "INTERNAL";
  }
  return "INTERNAL";
}

} // namespace sparkle
