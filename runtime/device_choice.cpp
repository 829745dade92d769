#include "runtime/device_choice.h"

#include <algorithm>
#include <cstdio>

#include "targets/reference/interpreter.h"

namespace sparkle {
namespace {

/// Of a PCIe 3.0 x16 link as measured on common machines: 12 to 13 GB/s of 15.8 in theory. Later links are faster, so
/// that a GPU is rather undersold.
constexpr double kTransferBytesPerSecond = 12e9;

std::string milliseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g ms", seconds * 1e3);
  return text;
}

/// What goes to the device and back in each run; constants stay there. Open extents count at the symbol's minimum.
double transferred_bytes(const Program &program) {
  std::vector<int64_t> least;
  for (const Symbol &symbol : program.symbols) least.push_back(std::max<int64_t>(symbol.minimum, 1));
  double bytes = 0;
  for (const Tensor &tensor : program.tensors) {
    if (!is_argument(tensor.role) || tensor.role == Role::kConst) continue;
    const Result<int64_t> one = reference::bytes_of(tensor, least);
    if (one) bytes += static_cast<double>(*one) * (tensor.role == Role::kInout ? 2 : 1);
  }
  return bytes;
}

/// With the schedule that the program will get.
Status predict_candidate(const Program &imported, const CompileOptions &options, DeviceCandidate &candidate) {
  PipelineOptions pipeline;
  pipeline.schedule = options.schedule;
  pipeline.automatic = options.automatic;
  pipeline.verify = Verification::kNever;
  SPARKLE_TRY(ProgramPlan plan, plan_program(imported, pipeline, candidate.device.info));
  candidate.schedule = std::move(plan.schedule);
  double compute = 0;
  for (const auto &[kernel, prediction] : plan.predictions) {
    if (!(prediction.seconds < 1e9))
      return Error{ErrorCode::kUnsupported, "no schedule fits `" + kernel + "`: " + prediction.bound};
    compute += prediction.seconds;
  }
  const bool is_far = candidate.device.kind == DeviceKind::kVulkan;
  const double transfers = is_far ? transferred_bytes(imported) / kTransferBytesPerSecond : 0;
  candidate.predicted_seconds = compute + transfers;
  candidate.why = candidate.device.id + " predicted " + milliseconds(candidate.predicted_seconds);
  if (is_far) candidate.why += " (" + milliseconds(transfers) + " of it transfers)";
  return ok();
}

void choose_by_time(const Program &imported, Machine &machine, const CompileOptions &options, DeviceChoice &choice) {
  choice.left_out = machine.vulkan_left_out();
  std::vector<DeviceInfo> devices{machine.cpu()};
  for (const DeviceInfo &device : machine.vulkan()) {
    if (device.is_software)
      choice.left_out.push_back({device.id, "a software driver computes on the CPU, slower than our own code"});
    else
      devices.push_back(device);
  }
  for (const DeviceInfo &device : devices) {
    DeviceCandidate candidate{device, 0, {}, {}};
    if (const Status status = predict_candidate(imported, options, candidate); !status)
      choice.left_out.push_back({device.id, status.error().text});
    else
      choice.candidates.push_back(std::move(candidate));
  }
  std::ranges::stable_sort(choice.candidates, {}, &DeviceCandidate::predicted_seconds);
  if (choice.candidates.empty()) return;
  choice.why = choice.candidates.size() > 1 ? "the fastest by prediction: " : "the only candidate: ";
  for (const DeviceCandidate &candidate : choice.candidates)
    choice.why += (&candidate == choice.candidates.data() ? "" : ", ") + candidate.why;
}

bool has(const DeviceChoice &choice, DeviceKind kind) {
  return std::ranges::any_of(choice.candidates, [&](const DeviceCandidate &c) { return c.device.kind == kind; });
}

/// GPU -> CPU -> interpreter.
void add_fallbacks(Machine &machine, DeviceChoice &choice) {
  if (!has(choice, DeviceKind::kCpu) && !has(choice, DeviceKind::kReference))
    choice.candidates.push_back({machine.cpu(), 0, {}, {}});
  if (!has(choice, DeviceKind::kReference)) choice.candidates.push_back({machine.reference(), 0, {}, {}});
}

} // namespace

Result<DeviceRequest> parse_device_request(const std::string &text) {
  DeviceRequest request;
  request.text = text;
  request.is_strict = text.ends_with('!');
  request.id = request.is_strict ? text.substr(0, text.size() - 1) : text;
  request.is_auto = request.id == "auto";
  const std::string number = request.id.starts_with("vulkan:") ? request.id.substr(7) : "";
  const bool is_numbered =
      !number.empty() && number.size() < 4 && std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
  if (request.is_auto || request.id == "cpu" || request.id == "reference" || request.id == "vulkan" || is_numbered)
    return request;
  return Error{ErrorCode::kInvalidInput,
               "`" + text + "` is no device; there are auto, cpu, reference, vulkan, vulkan:N, each perhaps with `!`"};
}

Result<DeviceChoice> choose_device(const Program &imported, Machine &machine, const DeviceRequest &request,
                                   const CompileOptions &options) {
  DeviceChoice choice;
  choice.request = request;
  if (request.is_auto) {
    choose_by_time(imported, machine, options, choice);
    if (request.is_strict && choice.candidates.size() > 1)
      choice.candidates.erase(choice.candidates.begin() + 1, choice.candidates.end());
  } else if (Result<DeviceInfo> device = machine.find(request.id)) {
    choice.candidates.push_back({std::move(*device), 0, {}, {}});
    choice.why = "asked for";
  } else if (request.is_strict || device.error().code != ErrorCode::kNoDevice) {
    return device.error();
  } else {
    choice.left_out.push_back({request.id, device.error().text});
  }
  if (!request.is_strict) add_fallbacks(machine, choice);
  return choice;
}

bool may_fall_back(const Error &error, const CompileOptions &options, DeviceKind kind) {
  switch (error.code) {
  case ErrorCode::kUnsupported:
  case ErrorCode::kDeviceOutOfMemory:
  case ErrorCode::kNoDevice:
  case ErrorCode::kDeviceLost:
  case ErrorCode::kDevice:
  case ErrorCode::kTimeout: return true;
  case ErrorCode::kBadSchedule: // one that the user wrote is the user's mistake
    return options.schedule.kernels.empty();
  case ErrorCode::kOutOfMemory: return kind == DeviceKind::kVulkan; // drivers say so for reasons of their own
  case ErrorCode::kInvalidInput:
  case ErrorCode::kShapeOverflow:
  case ErrorCode::kIo:
  case ErrorCode::kVerifyFailed:
  case ErrorCode::kInternal: return false;
  }
  return false;
}

} // namespace sparkle
