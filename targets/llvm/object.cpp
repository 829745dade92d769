#include "targets/llvm/object.h"

#include <optional>

#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Linker/Linker.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/raw_ostream.h>

#include "compiler/support/checked_math.h"
#include "targets/llvm/c_functions.h"
#include "targets/llvm/codegen.h"
#include "targets/llvm/diagnostics.h"
#include "targets/llvm/dispatcher.h"
#include "targets/llvm/module_builder.h"
#include "targets/llvm/object_machines.h"

namespace sparkle::llvm_target {
namespace {

Error refuse(std::string text) { return Error{ErrorCode::kUnsupported, std::move(text)}; }

/// Sizes are numbers in the header and in the functions.
Status check_closed(const Program &program, const Artifact &plan) {
  if (program.symbols.size() > 0)
    return refuse("dimension `" + program.symbols[static_cast<SymbolId>(0)].name +
                  "` is open; objects are made for given sizes");
  for (const auto *launches : {&plan.prepack, &plan.launches}) {
    for (const Launch &launch : *launches) {
      std::optional<int64_t> tasks = 1;
      for (const Extent &extent : launch.groups) tasks = tasks ? checked_mul(*tasks, extent.value) : tasks;
      if (!tasks) return Error{ErrorCode::kShapeOverflow, "the tasks of `" + launch.name + "` leave 64 bits"};
    }
  }
  return ok();
}

/// The assembly is ours: a mistake in it is a bug.
Status add_text(llvm::Module &module, const std::string &text) {
  llvm::SMDiagnostic problem;
  std::unique_ptr<llvm::Module> parsed = llvm::parseAssemblyString(text, problem, module.getContext());
  if (!parsed) {
    const std::string line = std::to_string(problem.getLineNo());
    return Error{ErrorCode::kInternal,
                 "the C functions do not parse, line " + line + ": " + problem.getMessage().str()};
  }
  parsed->setTargetTriple(module.getTargetTriple());
  parsed->setDataLayout(module.getDataLayout());
  if (llvm::Linker::linkModules(module, std::move(parsed)))
    return Error{ErrorCode::kInternal, "the C functions do not fit the kernels"};
  return ok();
}

void keep_to_itself(llvm::Module &module, const std::vector<std::string> &names) {
  for (const std::string &name : names)
    if (llvm::Function *function = module.getFunction(name)) function->setLinkage(llvm::GlobalValue::InternalLinkage);
}

Result<std::vector<uint8_t>> emit(llvm::Module &module, llvm::TargetMachine &machine) {
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  if (llvm::verifyModule(module, &stream))
    return Error{ErrorCode::kInternal, "the object's module does not verify: " + problem};
  optimize(module, machine);
  SPARKLE_TRY(const std::unique_ptr<llvm::MemoryBuffer> object, emit_object(module, machine));
  return std::vector<uint8_t>(object->getBufferStart(), object->getBufferEnd());
}

/// Scratch is known once the kernels are emitted, launches in the order of the entries.
void set_scratch(Artifact &plan, const std::vector<int64_t> &bytes) {
  size_t next = 0;
  for (auto *launches : {&plan.prepack, &plan.launches})
    for (Launch &launch : *launches) launch.scratch_bytes = bytes[next++];
}

CpuModel model_of(const ObjectMachine &machine) {
  return {std::string(machine.cpu), "", std::string(machine.features)};
}

} // namespace

Result<ObjectCode> make_object(const Program &program, const ObjectOptions &options) {
  SPARKLE_TRY(const ObjectMachine *kind, find_object_machine(options.machine));
  ObjectCode code;
  SPARKLE_TRY(code.plan, plan_artifact(program, options.machine));
  SPARKLE_TRY_STATUS(check_closed(program, code.plan));
  SPARKLE_TRY(const std::unique_ptr<llvm::TargetMachine> machine, make_target_machine(*kind));
  llvm::LLVMContext context;
  std::string complaint;
  context.setDiagnosticHandlerCallBack(keep_first_error, &complaint);

  SPARKLE_TRY(BuiltModule built, build_module(program, code.plan, model_of(*kind), *machine, context));
  set_scratch(code.plan, built.scratch_bytes);
  const std::string prefix = c_prefix(options.symbol, options.machine);
  SPARKLE_TRY_STATUS(add_text(*built.module, c_functions_text(code.plan, prefix, built.entries)));
  if (kind->level == 0)
    SPARKLE_TRY_STATUS(add_text(*built.module, dispatcher_text(code.plan, options.symbol, std::span(&kind, 1))));
  keep_to_itself(*built.module, built.entries);
  SPARKLE_TRY(code.bytes, emit(*built.module, *machine));
  if (!complaint.empty()) return Error{ErrorCode::kInternal, "LLVM: " + complaint};
  return code;
}

Result<std::vector<uint8_t>> make_dispatcher(const Artifact &plan, const DispatcherOptions &options) {
  std::vector<const ObjectMachine *> machines;
  for (const std::string &name : options.machines) {
    SPARKLE_TRY(const ObjectMachine *machine, find_object_machine(name));
    if (machine->level == 0)
      return Error{ErrorCode::kInvalidInput, "`" + name + "` needs no dispatcher: its object holds the functions"};
    machines.push_back(machine);
  }
  if (machines.empty()) return Error{ErrorCode::kInvalidInput, "a dispatcher needs machines to choose from"};
  const ObjectMachine &baseline = dispatcher_machine();
  SPARKLE_TRY(const std::unique_ptr<llvm::TargetMachine> machine, make_target_machine(baseline));
  llvm::LLVMContext context;
  std::string complaint;
  context.setDiagnosticHandlerCallBack(keep_first_error, &complaint);
  llvm::Module module(options.symbol, context);
  module.setTargetTriple(machine->getTargetTriple().str());
  module.setDataLayout(machine->createDataLayout());
  SPARKLE_TRY_STATUS(add_text(module, dispatcher_text(plan, options.symbol, machines)));
  SPARKLE_TRY(std::vector<uint8_t> bytes, emit(module, *machine));
  if (!complaint.empty()) return Error{ErrorCode::kInternal, "LLVM: " + complaint};
  return bytes;
}

} // namespace sparkle::llvm_target
