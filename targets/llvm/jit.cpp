#include "targets/llvm/jit.h"

#include <cmath>
#include <cstring>

#include <llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/TargetParser/Host.h>

namespace sparkle::llvm_target {
namespace {

namespace orc = llvm::orc;

Error to_error(llvm::Error error) {
  return Error{ErrorCode::kInternal, "LLVM cannot link the code: " + llvm::toString(std::move(error))};
}

/// No platform, no unwind tables, no symbols of the process: kernels call nothing but what add_library_functions lists.
llvm::Expected<std::unique_ptr<orc::LLJIT>> make_jit() {
  orc::LLJITBuilder builder;
  builder.setJITTargetMachineBuilder(orc::JITTargetMachineBuilder(llvm::Triple(llvm::sys::getProcessTriple())));
  builder.setPlatformSetUp(orc::setUpInactivePlatform);
  builder.setLinkProcessSymbolsByDefault(false);
  builder.setObjectLinkingLayerCreator(
      [](orc::ExecutionSession &session, const llvm::Triple &) -> llvm::Expected<std::unique_ptr<orc::ObjectLayer>> {
        auto memory = llvm::jitlink::InProcessMemoryManager::Create();
        if (!memory) return memory.takeError();
        return std::make_unique<orc::ObjectLinkingLayer>(session, std::move(*memory));
      });
  auto jit = builder.create();
  // Failures come back from lookup; the default reporter would print them as well.
  if (jit)
    (*jit)->getExecutionSession().setErrorReporter([](llvm::Error error) { llvm::consumeError(std::move(error)); });
  return jit;
}

template <class Function> orc::ExecutorSymbolDef symbol(Function *function) {
  return {orc::ExecutorAddr::fromPtr(function), llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
}

llvm::Error add_library_functions(orc::LLJIT &jit) {
  using Unary = float(float);
  using Move = void *(void *, const void *, size_t);
  orc::SymbolMap symbols;
  symbols[jit.mangleAndIntern("expf")] = symbol(static_cast<Unary *>(std::exp));
  symbols[jit.mangleAndIntern("logf")] = symbol(static_cast<Unary *>(std::log));
  symbols[jit.mangleAndIntern("tanhf")] = symbol(static_cast<Unary *>(std::tanh));
  symbols[jit.mangleAndIntern("erff")] = symbol(static_cast<Unary *>(std::erf));
  // LLVM may turn loops and wide moves into calls of these.
  symbols[jit.mangleAndIntern("memcpy")] = symbol(static_cast<Move *>(std::memcpy));
  symbols[jit.mangleAndIntern("memmove")] = symbol(static_cast<Move *>(std::memmove));
  symbols[jit.mangleAndIntern("memset")] = symbol(static_cast<void *(*)(void *, int, size_t)>(std::memset));
  return jit.getMainJITDylib().define(orc::absoluteSymbols(std::move(symbols)));
}

} // namespace

Result<std::vector<CpuCode>> load_object(std::unique_ptr<llvm::MemoryBuffer> object,
                                         const std::vector<std::string> &names) {
  auto made = make_jit();
  if (!made) return to_error(made.takeError());
  std::shared_ptr<orc::LLJIT> jit = std::move(*made);
  if (auto error = add_library_functions(*jit)) return to_error(std::move(error));
  if (auto error = jit->addObjectFile(std::move(object))) return to_error(std::move(error));
  std::vector<CpuCode> codes;
  for (const std::string &name : names) {
    auto address = jit->lookup(name);
    if (!address) return to_error(address.takeError());
    codes.push_back({address->toPtr<SparkleCpuEntry>(), jit});
  }
  return codes;
}

} // namespace sparkle::llvm_target
