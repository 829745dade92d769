#include "targets/llvm/diagnostics.h"

#include <string>

#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/Support/raw_ostream.h>

namespace sparkle::llvm_target {

void keep_first_error(const llvm::DiagnosticInfo *info, void *text) {
  auto &first = *static_cast<std::string *>(text);
  if (info->getSeverity() != llvm::DS_Error || !first.empty()) return;
  llvm::raw_string_ostream stream(first);
  llvm::DiagnosticPrinterRawOStream printer(stream);
  info->print(printer);
}

} // namespace sparkle::llvm_target
