// Program -> object file. Internal to this folder.
#pragma once

#include "compiler/target/object.h"
#include "compiler/target/target.h"

namespace sparkle::llvm_target {

/// target.h, Target::emit_object.
Result<ObjectCode> make_object(const Program &program, const ObjectOptions &options);
/// target.h, Target::emit_dispatcher.
Result<std::vector<uint8_t>> make_dispatcher(const Artifact &plan, const DispatcherOptions &options);

} // namespace sparkle::llvm_target
