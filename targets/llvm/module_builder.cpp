#include "targets/llvm/module_builder.h"

#include <algorithm>

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/IntrinsicsX86.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

#include "compiler/support/check.h"
#include "compiler/target/target.h"
#include "targets/llvm/codegen.h"
#include "targets/llvm/kernel_emitter.h"
#include "targets/llvm/narrow.h"
#include "targets/llvm/peephole.h"

namespace sparkle::llvm_target {
namespace {

using llvm::Value;

constexpr int64_t kScratchAlignment = 64;
constexpr unsigned kI32Bits = 32;

/// Letters, digits and underscores of a name, with a number that keeps it unique.
std::string symbol_of(std::string_view name, size_t number) {
  std::string symbol = "sparkle_" + std::to_string(number) + "_";
  for (char c : name) symbol += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return symbol;
}

/// Two functions for each launch: the entry walks the tasks, the group function runs one. Two, because only a
/// function's parameters can tell LLVM that buffers do not overlap without metadata on every access. A third, with
/// streaming stores, where those need addresses to be multiples that their buffers do not promise: the entry looks.
class LaunchBuilder {
public:
  LaunchBuilder(const Kernel &kernel, const Launch &launch, const CpuModel &cpu, llvm::Module &module)
      : kernel_(kernel), launch_(launch), cpu_(cpu), module_(module), context_(module.getContext()),
        bindings_(bound_buffers(kernel)) {}

  void run(const std::string &name) {
    SPARKLE_CHECK(bindings_.size() == launch_.buffers.size(), "the launch binds other buffers than its kernel has");
    const NarrowBuffers narrow = narrow_buffers();
    llvm::Function *group = make_group_function(name + "_group");
    KernelEmitter emitter(kernel_, *group, name_arguments(*group), narrow);
    emitter.run();
    scratch_bytes_ = emitter.scratch_bytes();
    const Alignments &wanted = emitter.wanted_alignments();
    if (wanted.empty()) return make_entry(name, {group, nullptr, {}}, emitter.streams());
    llvm::Function *aligned = make_group_function(name + "_aligned_group");
    KernelEmitter(kernel_, *aligned, name_arguments(*aligned), narrow, wanted).run();
    make_entry(name, {group, aligned, wanted}, true);
  }
  int64_t scratch_bytes() const { return scratch_bytes_; }

private:
  llvm::Function *make_function(const std::string &name, std::vector<llvm::Type *> types,
                                llvm::GlobalValue::LinkageTypes linkage);
  llvm::Function *make_group_function(const std::string &name);
  NarrowBuffers narrow_buffers();
  void describe_buffer(llvm::Function &function, unsigned argument, size_t slot);
  GroupArguments name_arguments(llvm::Function &group);
  /// What an entry calls: `aligned`, where there is one and the addresses are multiples of `alignments`.
  struct Groups {
    llvm::Function *group;
    llvm::Function *aligned;
    Alignments alignments;
  };
  void make_entry(const std::string &name, const Groups &groups, bool streams);
  Value *choose_group(llvm::IRBuilder<> &b, const Groups &groups, const std::vector<Value *> &buffers);
  void walk_tasks(llvm::Function &entry, llvm::FunctionCallee group, std::vector<Value *> arguments,
                  const std::vector<Value *> &extents);
  llvm::Type *pointer() { return llvm::PointerType::get(context_, 0); }

  const Kernel &kernel_;
  const Launch &launch_;
  const CpuModel &cpu_;
  llvm::Module &module_;
  llvm::LLVMContext &context_;
  std::vector<BufferId> bindings_; ///< In the order of binding numbers.
  int64_t scratch_bytes_ = 0;
};

llvm::Function *LaunchBuilder::make_function(const std::string &name, std::vector<llvm::Type *> types,
                                             llvm::GlobalValue::LinkageTypes linkage) {
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context_), types, false);
  auto *function = llvm::Function::Create(type, linkage, name, module_);
  function->setDoesNotThrow();
  function->addFnAttr("target-cpu", cpu_.cpu);
  if (!cpu_.tune.empty()) function->addFnAttr("tune-cpu", cpu_.tune);
  if (!cpu_.features.empty()) function->addFnAttr("target-features", cpu_.features);
  // Some CPUs prefer 256 bits; the schedule has chosen the lanes already.
  function->addFnAttr("prefer-vector-width", "512");
  function->addFnAttr("min-legal-vector-width", "512");
  if (kernel_.strict) function->addFnAttr(kStrictAttribute);
  return function;
}

/// (buffers..., group numbers..., symbols, uniforms, scratch)
llvm::Function *LaunchBuilder::make_group_function(const std::string &name) {
  std::vector<llvm::Type *> types(launch_.buffers.size(), pointer());
  types.insert(types.end(), launch_.groups.size(), llvm::Type::getInt64Ty(context_));
  types.insert(types.end(), 3, pointer());
  llvm::Function *function = make_function(name, types, llvm::GlobalValue::InternalLinkage);
  function->addFnAttr(llvm::Attribute::NoInline);
  for (size_t i = 0; i < bindings_.size(); ++i) describe_buffer(*function, static_cast<unsigned>(i), i);
  const auto first_pointer = static_cast<unsigned>(types.size() - 3);
  for (unsigned i = first_pointer; i < types.size(); ++i) {
    function->addParamAttr(i, llvm::Attribute::NoAlias);
    function->addParamAttr(i, llvm::Attribute::NoCapture);
    if (i + 1 < types.size()) function->addParamAttr(i, llvm::Attribute::ReadOnly);
  }
  function->addParamAttr(static_cast<unsigned>(types.size() - 1),
                         llvm::Attribute::getWithAlignment(context_, llvm::Align(kScratchAlignment)));
  return function;
}

/// What the near buffers of i32 hold follows from what is stored to them, which is known once the function is there;
/// and what the others hold, from that.
NarrowBuffers LaunchBuilder::narrow_buffers() {
  NarrowBuffers narrow;
  const auto is_candidate = [](const Buffer &buffer) {
    return buffer.level == MemoryLevel::kNear && buffer.element == Scalar::kI32;
  };
  size_t candidates = 0;
  for (uint32_t i = 0; i < kernel_.buffer_count(); ++i) candidates += is_candidate(kernel_.buffer(BufferId{i}));
  for (size_t before = 0; narrow.size() < candidates; before = narrow.size()) {
    llvm::Function *trial = make_group_function("trial");
    KernelEmitter(kernel_, *trial, name_arguments(*trial), narrow).run();
    registers_to_values(*trial);
    for (const auto &[number, range] : stored_ranges(*trial))
      if (narrow_type(range)) narrow.try_emplace(BufferId{number}, range.sextOrTrunc(kI32Bits));
    trial->eraseFromParent();
    if (narrow.size() == before) break;
  }
  return narrow;
}

void LaunchBuilder::describe_buffer(llvm::Function &function, unsigned argument, size_t slot) {
  const Buffer &buffer = kernel_.buffer(bindings_[slot]);
  // Two buffers may be views of one tensor.
  const bool no_alias = buffer.no_alias && std::ranges::count(launch_.buffers, buffer.tensor) == 1;
  if (no_alias) function.addParamAttr(argument, llvm::Attribute::NoAlias);
  function.addParamAttr(argument, llvm::Attribute::NoCapture);
  if (!launch_.writes[slot]) function.addParamAttr(argument, llvm::Attribute::ReadOnly);
  const uint64_t power = uint64_t{1} << llvm::Log2_64(static_cast<uint64_t>(std::max(buffer.alignment, 1)));
  function.addParamAttr(argument, llvm::Attribute::getWithAlignment(context_, llvm::Align(power)));
}

GroupArguments LaunchBuilder::name_arguments(llvm::Function &group) {
  GroupArguments arguments;
  unsigned next = 0;
  for (BufferId id : bindings_) {
    group.getArg(next)->setName(kernel_.buffer(id).name);
    arguments.buffers[id] = group.getArg(next++);
  }
  for (size_t i = 0; i < launch_.groups.size(); ++i) {
    arguments.groups.push_back(group.getArg(next));
    group.getArg(next++)->setName("group" + std::to_string(i));
  }
  arguments.symbols = group.getArg(next++);
  arguments.uniforms = group.getArg(next++);
  arguments.scratch = group.getArg(next);
  arguments.symbols->setName("symbols");
  arguments.uniforms->setName("uniforms");
  arguments.scratch->setName("scratch");
  return arguments;
}

/// The addresses lie with the caller, so that only the call can tell; once is enough, for the groups start at multiples
/// of what the alignments are.
Value *LaunchBuilder::choose_group(llvm::IRBuilder<> &b, const Groups &groups, const std::vector<Value *> &buffers) {
  if (!groups.aligned) return groups.group;
  Value *bits = b.getInt64(0);
  for (const auto &[buffer, bytes] : groups.alignments) {
    const auto slot = static_cast<size_t>(std::ranges::find(bindings_, buffer) - bindings_.begin());
    Value *address = b.CreatePtrToInt(buffers.at(slot), b.getInt64Ty());
    bits = b.CreateOr(bits, b.CreateAnd(address, b.getInt64(static_cast<uint64_t>(bytes - 1))));
  }
  return b.CreateSelect(b.CreateICmpEQ(bits, b.getInt64(0)), groups.aligned, groups.group);
}

void LaunchBuilder::make_entry(const std::string &name, const Groups &groups, bool streams) {
  llvm::Type *i64 = llvm::Type::getInt64Ty(context_);
  llvm::Function *entry = make_function(name, {pointer(), i64, i64, pointer()}, llvm::GlobalValue::ExternalLinkage);
  entry->addParamAttr(0, llvm::Attribute::ReadOnly);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(context_, "entry", entry));
  const auto load_pointer = [&](Value *base, size_t slot) {
    return b.CreateAlignedLoad(pointer(), b.CreateConstInBoundsGEP1_64(pointer(), base, slot), llvm::Align(8));
  };
  Value *buffers = load_pointer(entry->getArg(0), 0);
  Value *symbols = load_pointer(entry->getArg(0), 1);
  Value *uniforms = load_pointer(entry->getArg(0), 2);
  std::vector<Value *> arguments;
  for (size_t i = 0; i < launch_.buffers.size(); ++i) arguments.push_back(load_pointer(buffers, i));
  Value *group = choose_group(b, groups, arguments);
  std::vector<Value *> extents;
  for (const Extent &extent : launch_.groups) {
    Value *value = b.getInt64(static_cast<uint64_t>(extent.value));
    if (!extent.is_constant())
      value =
          b.CreateAlignedLoad(i64, b.CreateConstInBoundsGEP1_64(i64, symbols, index_of(extent.symbol)), llvm::Align(8));
    extents.push_back(value);
  }
  arguments.insert(arguments.end(), {symbols, uniforms, entry->getArg(3)});
  walk_tasks(*entry, {groups.group->getFunctionType(), group}, std::move(arguments), extents);
  b.SetInsertPoint(&entry->back());
  const bool is_x86 = llvm::Triple(module_.getTargetTriple()).isX86();
  if (streams && is_x86) b.CreateIntrinsic(llvm::Intrinsic::x86_sse_sfence, {}, {});
  b.CreateRetVoid();
}

/// Divides once, for the first task; from then on the group numbers count like an odometer, the last one fastest.
void LaunchBuilder::walk_tasks(llvm::Function &entry, llvm::FunctionCallee group, std::vector<Value *> arguments,
                               const std::vector<Value *> &extents) {
  auto *ready = llvm::BasicBlock::Create(context_, "ready", &entry);
  auto *task_block = llvm::BasicBlock::Create(context_, "task", &entry);
  auto *done = llvm::BasicBlock::Create(context_, "done", &entry);
  Value *first = entry.getArg(1), *last = entry.getArg(2);
  llvm::IRBuilder<> b(&entry.getEntryBlock());
  b.CreateCondBr(b.CreateICmpSLT(first, last), ready, done); // No division by an extent of 0 when there is no task.

  b.SetInsertPoint(ready);
  const size_t count = extents.size();
  std::vector<Value *> start(count);
  Value *rest = first;
  for (size_t i = count; i-- > 0;) {
    start[i] = b.CreateURem(rest, extents[i]);
    rest = b.CreateUDiv(rest, extents[i]);
  }
  b.CreateBr(task_block);

  b.SetInsertPoint(task_block);
  llvm::PHINode *task = b.CreatePHI(b.getInt64Ty(), 2, "task");
  task->addIncoming(first, ready);
  std::vector<llvm::PHINode *> numbers;
  for (size_t i = 0; i < count; ++i) {
    numbers.push_back(b.CreatePHI(b.getInt64Ty(), 2, "group" + std::to_string(i)));
    numbers.back()->addIncoming(start[i], ready);
  }
  arguments.insert(arguments.end() - 3, numbers.begin(), numbers.end());
  b.CreateCall(group, arguments);
  Value *carry = b.getTrue();
  for (size_t i = count; i-- > 0;) {
    Value *next = b.CreateAdd(numbers[i], b.CreateZExt(carry, b.getInt64Ty()));
    carry = b.CreateICmpEQ(next, extents[i]);
    numbers[i]->addIncoming(b.CreateSelect(carry, b.getInt64(0), next), task_block);
  }
  Value *next_task = b.CreateAdd(task, b.getInt64(1), "", false, true);
  task->addIncoming(next_task, task_block);
  b.CreateCondBr(b.CreateICmpSLT(next_task, last), task_block, done);
}

} // namespace

Result<BuiltModule> build_module(const Program &program, const Artifact &plan, const CpuModel &cpu,
                                 const llvm::TargetMachine &machine, llvm::LLVMContext &context) {
  BuiltModule built;
  built.module = std::make_unique<llvm::Module>(program.name, context);
  built.module->setTargetTriple(machine.getTargetTriple().str());
  built.module->setDataLayout(machine.createDataLayout());
  const auto add = [&](const Kernel &kernel, const Launch &launch) {
    const std::string name = symbol_of(kernel.name, built.entries.size());
    LaunchBuilder builder(kernel, launch, cpu, *built.module);
    builder.run(name);
    built.entries.push_back(name);
    built.scratch_bytes.push_back(builder.scratch_bytes());
  };
  for (size_t i = 0; i < program.prepack.size(); ++i) add(program.prepack[i], plan.prepack[i]);
  for (size_t i = 0; i < program.kernels.size(); ++i) add(program.kernels[i], plan.launches[i]);

  std::string problem;
  llvm::raw_string_ostream stream(problem);
  if (llvm::verifyModule(*built.module, &stream))
    return Error{ErrorCode::kInternal, "the LLVM module does not verify: " + problem};
  return built;
}

} // namespace sparkle::llvm_target
