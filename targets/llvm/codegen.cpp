#include "targets/llvm/codegen.h"

#include <mutex>

#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/PassManager.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/DCE.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

#include "targets/llvm/narrow.h"
#include "targets/llvm/peephole.h"

namespace sparkle::llvm_target {
namespace {

struct RewriteOperations : llvm::PassInfoMixin<RewriteOperations> {
  static llvm::PreservedAnalyses run(llvm::Function &function, llvm::FunctionAnalysisManager &) {
    rewrite_operations(function, function.hasFnAttribute(kStrictAttribute));
    llvm::PreservedAnalyses kept;
    kept.preserveSet<llvm::CFGAnalyses>();
    return kept;
  }
};

struct NarrowIntegers : llvm::PassInfoMixin<NarrowIntegers> {
  static llvm::PreservedAnalyses run(llvm::Function &function, llvm::FunctionAnalysisManager &) {
    narrow_integers(function);
    llvm::PreservedAnalyses kept;
    kept.preserveSet<llvm::CFGAnalyses>();
    return kept;
  }
};

void register_native_target() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });
}

void register_all_targets() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    llvm::InitializeAllAsmParsers(); // For the dispatchers' instructions.
  });
}

Result<std::unique_ptr<llvm::TargetMachine>> create_machine(const std::string &triple, const CpuModel &cpu, bool jit) {
  std::string problem;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, problem);
  if (!target) return Error{ErrorCode::kUnsupported, "LLVM has no target for " + triple + ": " + problem};
  llvm::TargetOptions options;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(triple, cpu.cpu, cpu.features, options,
                                                                           llvm::Reloc::PIC_, llvm::CodeModel::Small,
                                                                           llvm::CodeGenOptLevel::Default, jit));
  if (!machine) return Error{ErrorCode::kUnsupported, "LLVM cannot generate code for " + triple};
  return machine;
}

/// What LLVMTargetMachine::addPassesToEmitFile does, without the machine scheduler before register allocation. It moves
/// loads up until the accumulators of a full register tile spill: a 14 x 2 tile with 16 steps expanded had 50 stack
/// accesses a turn on Cascade Lake with it and none without (2026-11-22). Its order is not missed by an out-of-order
/// machine.
bool add_codegen_passes(llvm::legacy::PassManager &passes, llvm::TargetMachine &machine, llvm::raw_pwrite_stream &out,
                        llvm::CodeGenFileType type) {
  auto &target = static_cast<llvm::LLVMTargetMachine &>(machine);
  passes.add(new llvm::TargetLibraryInfoWrapperPass(target.getTargetTriple()));
  auto *module_info = new llvm::MachineModuleInfoWrapperPass(&target);
  llvm::TargetPassConfig *config = target.createPassConfig(passes);
  config->setDisableVerify(true);
  config->disablePass(&llvm::MachineSchedulerID);
  passes.add(config);
  passes.add(module_info);
  if (config->addISelPasses()) return false;
  config->addMachinePasses();
  config->setInitialized();
  if (target.addAsmPrinter(passes, out, nullptr, type, module_info->getMMI().getContext())) return false;
  passes.add(llvm::createFreeMachineFunctionPass());
  return true;
}

Status generate(llvm::Module &module, llvm::TargetMachine &machine, llvm::raw_pwrite_stream &out,
                llvm::CodeGenFileType type) {
  llvm::legacy::PassManager passes;
  if (!add_codegen_passes(passes, machine, out, type))
    return Error{ErrorCode::kInternal, "LLVM cannot generate code for " + machine.getTargetTriple().str()};
  passes.run(module);
  return ok();
}

} // namespace

Result<std::unique_ptr<llvm::TargetMachine>> make_target_machine(const CpuModel &cpu) {
  register_native_target();
  return create_machine(llvm::sys::getProcessTriple(), cpu, /*jit=*/true);
}

Result<std::unique_ptr<llvm::TargetMachine>> make_target_machine(const ObjectMachine &machine) {
  register_all_targets();
  const CpuModel cpu{std::string(machine.cpu), "", std::string(machine.features)};
  return create_machine(std::string(machine.triple), cpu, /*jit=*/false);
}

namespace {

/// The analyses of one run of passes over functions.
struct Analyses {
  explicit Analyses(llvm::TargetMachine *machine) : builder(machine) {
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(call_graph);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, call_graph, modules);
  }
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager call_graph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder;
};

} // namespace

void registers_to_values(llvm::Function &function) {
  Analyses analyses(nullptr);
  llvm::SROAPass(llvm::SROAOptions::ModifyCFG).run(function, analyses.functions);
}

void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  Analyses analyses(&machine);
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG)); // Register buffers become values.
  passes.addPass(NarrowIntegers());
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true)); // Expanded loops repeat their address arithmetic.
  passes.addPass(RewriteOperations());
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::SimplifyCFGPass());
  llvm::LoopPassManager loop_passes;
  loop_passes.addPass(llvm::LICMPass(llvm::LICMOptions()));
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(loop_passes), /*UseMemorySSA=*/true));
  passes.addPass(llvm::DCEPass());
  for (llvm::Function &function : module)
    if (!function.isDeclaration()) passes.run(function, analyses.functions);
}

Result<std::unique_ptr<llvm::MemoryBuffer>> emit_object(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  SPARKLE_TRY_STATUS(generate(module, machine, out, llvm::CodeGenFileType::ObjectFile));
  return std::unique_ptr<llvm::MemoryBuffer>(
      std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(bytes), "sparkle", /*RequiresNullTerminator=*/false));
}

Result<std::string> emit_assembly(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  SPARKLE_TRY_STATUS(generate(module, machine, out, llvm::CodeGenFileType::AssemblyFile));
  return std::string(bytes.begin(), bytes.end());
}

} // namespace sparkle::llvm_target
