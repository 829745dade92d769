#include "compiler/target/object.h"

#include <algorithm>

#include "compiler/target/workspace_layout.h"

namespace sparkle {

CSignature c_signature(const Artifact &plan) {
  CSignature signature;
  for (uint32_t i = 0; i < plan.tensors.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    const Role role = plan.tensors[id].role;
    if (role == Role::kWorkspace || role == Role::kPacked || role == Role::kLocal) continue;
    signature.tensors.push_back(id);
    if (role == Role::kConst) signature.constants.push_back(id);
  }
  return signature;
}

std::string c_prefix(const std::string &symbol, const std::string &machine) {
  std::string prefix = symbol + "_";
  for (const char c : machine) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    prefix += is_plain ? c : '_';
  }
  return prefix;
}

bool is_used_by_runs(const Artifact &plan, TensorId tensor) {
  return std::ranges::any_of(plan.launches,
                             [&](const Launch &launch) { return std::ranges::count(launch.buffers, tensor) > 0; });
}

int64_t scratch_bytes(const Artifact &plan) {
  int64_t most = 0;
  for (const auto *launches : {&plan.prepack, &plan.launches})
    for (const Launch &launch : *launches) most = std::max(most, launch.scratch_bytes);
  return (most + kBlockAlignment - 1) / kBlockAlignment * kBlockAlignment;
}

int64_t constant_tasks(const Launch &launch) {
  int64_t tasks = 1;
  for (const Extent &extent : launch.groups) tasks *= extent.value;
  return tasks;
}

} // namespace sparkle
