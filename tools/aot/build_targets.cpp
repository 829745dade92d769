#include "tools/aot/build_targets.h"

#include <algorithm>

namespace sparkle::aot {
namespace {

constexpr BuildTarget kTargets[] = {
    {"x86-64-v4", "llvm", "x86-64-v4", Output::kObject, true},
    {"x86-64-v3", "llvm", "x86-64-v3", Output::kObject, true},
    {"aarch64", "llvm", "aarch64", Output::kObject, false},
    {"vulkan", "vulkan", "generic_gpu", Output::kShaders, false},
};

Error wrong(std::string text) { return Error{ErrorCode::kInvalidInput, std::move(text)}; }

Result<TargetRequest> parse_one(std::string_view word) {
  const size_t equals = std::min(word.find('='), word.size());
  const std::string_view name = word.substr(0, equals);
  const auto *found = std::ranges::find(kTargets, name, &BuildTarget::name);
  if (found == std::end(kTargets))
    return wrong("there is no target `" + std::string(name) + "`; there are " + build_target_names());
  if (equals == word.size()) return TargetRequest{found, std::string(found->plan)};
  const std::string_view plan = word.substr(equals + 1);
  if (plan.empty()) return wrong("`" + std::string(word) + "` names no machine description");
  return TargetRequest{found, std::string(plan)};
}

} // namespace

std::span<const BuildTarget> build_targets() { return kTargets; }

std::string build_target_names() {
  std::string names;
  for (const BuildTarget &target : kTargets) names += (names.empty() ? "" : ", ") + std::string(target.name);
  return names;
}

Result<std::vector<TargetRequest>> parse_targets(std::string_view list) {
  std::vector<TargetRequest> requests;
  for (;;) {
    const size_t comma = std::min(list.find(','), list.size());
    SPARKLE_TRY(TargetRequest request, parse_one(list.substr(0, comma)));
    if (std::ranges::count(requests, request.target, &TargetRequest::target) > 0)
      return wrong("target `" + std::string(request.target->name) + "` is given twice");
    requests.push_back(std::move(request));
    if (comma == list.size()) break;
    list.remove_prefix(comma + 1);
  }
  std::ranges::sort(requests, {}, &TargetRequest::target);
  return requests;
}

} // namespace sparkle::aot
