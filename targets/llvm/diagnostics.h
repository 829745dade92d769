// What LLVM says while it works. Internal to this folder.
#pragma once

#include <llvm/IR/DiagnosticInfo.h>

namespace sparkle::llvm_target {

/// For LLVMContext::setDiagnosticHandlerCallBack; `text` is a std::string, which gets the first error.
void keep_first_error(const llvm::DiagnosticInfo *info, void *text);

} // namespace sparkle::llvm_target
