// Object file -> code in this process, through ORC and JITLink. Internal to this folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <llvm/Support/MemoryBuffer.h>

#include "compiler/support/result.h"
#include "compiler/target/artifact.h"

namespace sparkle::llvm_target {

/// Links `object`; entry i of the result is the function names[i]. All share one owner, which keeps the code mapped.
/// Memory is writable or executable, never both.
Result<std::vector<CpuCode>> load_object(std::unique_ptr<llvm::MemoryBuffer> object,
                                         const std::vector<std::string> &names);

} // namespace sparkle::llvm_target
