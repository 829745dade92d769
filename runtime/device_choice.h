// Which devices a request means, in the order in which to try them, and why.
#pragma once

#include <string>
#include <vector>

#include "runtime/executable.h"

namespace sparkle {

/// `auto`, `cpu`, `reference`, `vulkan`, `vulkan:1`; with `!` at the end nothing else may be used instead.
struct DeviceRequest {
  std::string text; ///< As asked.
  std::string id;   ///< Without `!`.
  bool is_auto = false;
  bool is_strict = false;
};

/// kInvalidInput: another text. `auto!` means the fastest device or none.
Result<DeviceRequest> parse_device_request(const std::string &text);

struct DeviceCandidate {
  DeviceInfo device;
  /// Of one run, transfers included; 0: not predicted, for only `auto` compares.
  double predicted_seconds = 0;
  Schedule schedule; ///< What was predicted with: the request's entries and the automatic ones. Empty: not predicted.
  std::string why;   ///< `predicted 1.2 ms, of which 0.4 ms transfers`.
};

struct DeviceChoice {
  DeviceRequest request;
  std::vector<DeviceCandidate> candidates; ///< To be tried in this order; empty: see `left_out`.
  std::vector<DeviceLeftOut> left_out;     ///< Devices of this machine that are no candidates, with the reason.
  std::string why;                         ///< Of the first candidate, in one sentence.
};

/// `auto`: by predicted time; other requests: the device, and without `!` what falls to when it fails: a GPU to the
/// CPU, the CPU to the interpreter. kNoDevice: a strict request for what is not here.
Result<DeviceChoice> choose_device(const Program &imported, Machine &machine, const DeviceRequest &request,
                                   const CompileOptions &options);

/// True when another device may succeed where one of this kind failed so: false for mistakes of the caller and for our
/// bugs.
bool may_fall_back(const Error &error, const CompileOptions &options, DeviceKind kind = DeviceKind::kCpu);

} // namespace sparkle
