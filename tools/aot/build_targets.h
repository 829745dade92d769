// The names that `sparklec build --target` takes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/support/result.h"

namespace sparkle::aot {

enum class Output { kObject, kShaders };

struct BuildTarget {
  std::string_view name;   ///< Also the machine's name in ObjectOptions, for objects.
  std::string_view target; ///< Row of targets/registry.cpp.
  std::string_view plan;   ///< The machine description that schedules are chosen for, unless told otherwise.
  Output output = Output::kObject;
  bool is_dispatched = false; ///< One of several variants for one kind of processor.
};

/// Better variants of one kind of processor stand before lesser ones.
std::span<const BuildTarget> build_targets();
/// `aarch64, vulkan...`
std::string build_target_names();

/// One word of --target: `x86-64-v3`, or `vulkan=h100` to plan for another machine description.
struct TargetRequest {
  const BuildTarget *target = nullptr;
  std::string plan; ///< As given, else the target's own.
};

/// Of a list separated by commas; in the order of build_targets(). kInvalidInput, with the names there are: an unknown
/// one, one twice, none.
Result<std::vector<TargetRequest>> parse_targets(std::string_view list);

} // namespace sparkle::aot
