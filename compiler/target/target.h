// Target: a row of the explicit table in targets/registry.cpp. Stateless: the machine is the TargetInfo value.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "compiler/target/artifact.h"
#include "compiler/target/object.h"
#include "compiler/target/target_info.h"

namespace sparkle {

struct LowerOptions {
  bool keep_text = false; ///< Fill Launch::source_text.
  bool assembly = false;  ///< With keep_text: the final machine code as text instead of the readable form.
  std::string isa;        ///< CPU: cap on instruction sets, a name of the target's; empty: what the machine has.
};

struct Target {
  std::string_view name;
  /// Refusal states its reason (ErrorCode::kUnsupported). The program is at Stage::kLowerable.
  Status (*check)(const Program &program, const TargetInfo &info);
  /// All launches with buffer binding, workspace layout and launch shape.
  Result<Artifact> (*lower)(const Program &program, const TargetInfo &info, const LowerOptions &options);
  /// Ahead of time; nullptr: the target makes no objects. kUnsupported also for programs with open extents;
  /// kInvalidInput: an unknown machine. The same program gives the same bytes, wherever and whenever.
  Result<ObjectCode> (*emit_object)(const Program &program, const TargetInfo &info,
                                    const ObjectOptions &options) = nullptr;
  /// For objects of `plan`'s program; any of their plans will do. Machines that need no choice have no dispatcher:
  /// their objects hold its functions.
  Result<std::vector<uint8_t>> (*emit_dispatcher)(const Artifact &plan, const DispatcherOptions &options) = nullptr;
  /// Why another target of the device, where there is one, should have this program; empty: no reason. nullptr: never.
  /// Heeded where nobody asked for the target by name.
  std::string (*reason_to_defer)(const Program &program) = nullptr;
};

/// The far buffers of a kernel in the order of their ids: position i here is `Launch::buffers[i]` and binding number i.
std::vector<BufferId> bound_buffers(const Kernel &kernel);

/// What lower() of every target fills alike from a program: tensors, symbols, offsets with lifetimes shared by
/// interval, flops; launches with name, buffers, writes and group extents, code, scratch_bytes and near_bytes left
/// empty. A workspace with an open extent has its place at the call alone (workspace_layout.h). kShapeOverflow: a size
/// leaves 64 bits. kUnsupported: a packed tensor with an open extent, group bounds neither constant nor a symbol.
Result<Artifact> plan_artifact(const Program &program, std::string_view target);

} // namespace sparkle
