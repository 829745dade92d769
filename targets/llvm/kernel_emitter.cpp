#include "targets/llvm/kernel_emitter.h"

#include <algorithm>

#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/Module.h>

#include "compiler/analysis/walk.h"
#include "compiler/support/check.h"
#include "compiler/support/checked_math.h"
#include "compiler/support/match.h"

namespace sparkle::llvm_target {
namespace {

constexpr int64_t kVectorBytes = 64; // The widest register, a cache line, and what `scratch` is aligned to.

} // namespace

KernelEmitter::KernelEmitter(const Kernel &kernel, llvm::Function &function, GroupArguments arguments,
                             NarrowBuffers narrow, Alignments alignments)
    : k_(kernel), function_(function), arguments_(std::move(arguments)), narrow_(std::move(narrow)),
      alignments_(std::move(alignments)),
      b_(function.getContext(), llvm::TargetFolder(function.getParent()->getDataLayout())), values_(kernel.var_count()),
      bases_(kernel.buffer_count()) {
  for (const auto &[buffer, address] : arguments_.buffers) bases_[index_of(buffer)] = address;
}

void KernelEmitter::run() {
  llvm::LLVMContext &context = function_.getContext();
  auto *entry = llvm::BasicBlock::Create(context, "entry", &function_);
  auto *body = llvm::BasicBlock::Create(context, "body", &function_);
  // The entry block takes nothing but the allocas and the values of symbols and uniforms, wherever they are first used.
  b_.SetInsertPoint(entry);
  b_.CreateBr(body);
  b_.SetInsertPoint(body);
  emit_stmt(k_.body);
  b_.CreateRetVoid();
}

void KernelEmitter::emit_stmt(StmtId id) {
  memo_.clear();
  match(
      k_.stmt(id), [&](const Block &s) { emit_block(s); }, [&](const For &s) { emit_for(s); },
      [&](const If &s) { emit_if(s); },
      [&](const Let &s) {
        ranges_.push_value(k_, s.var, s.value);
        bind(s.var, emit(s.value));
      },
      [&](const Load &s) { emit_load(s); }, [&](const Store &s) { emit_store(s); },
      [&](const Copy &) { SPARKLE_CHECK(false, "a copy reached the emitter"); },
      [&](const Prefetch &s) { emit_prefetch(s); },
      [&](const Barrier &) {}, // One worker at a time: nobody to wait for.
      [&](const Alloc &s) { emit_alloc(s); },
      [&](const FragmentFill &) { SPARKLE_CHECK(false, "a fragment reached the emitter"); },
      [&](const FragmentMove &) { SPARKLE_CHECK(false, "a fragment reached the emitter"); },
      [&](const FragmentMma &) { SPARKLE_CHECK(false, "a fragment reached the emitter"); });
}

void KernelEmitter::emit_block(const Block &block) {
  RangesScope scope(ranges_);
  const int64_t scratch_top = scratch_top_; // Allocs end with the block, and their scratch is used again.
  for (StmtId id : block.stmts) emit_stmt(id);
  scratch_top_ = scratch_top;
}

void KernelEmitter::emit_for(const For &loop) {
  RangesScope scope(ranges_);
  ranges_.push_loop(k_, loop);
  switch (loop.kind) {
  case LoopKind::kGroup: return emit_group(loop);
  case LoopKind::kUnrolled: return emit_expanded(loop);
  case LoopKind::kTeam:
  case LoopKind::kWorker:
  case LoopKind::kSerial: return emit_loop(loop);
  case LoopKind::kLane: break;
  }
  SPARKLE_CHECK(false, "a lane loop reached the emitter");
}

void KernelEmitter::emit_group(const For &loop) {
  SPARKLE_CHECK(group_depth_ < arguments_.groups.size(), "more group loops than the launch has");
  bind(loop.var, b_.CreateAdd(emit(loop.begin), arguments_.groups[group_depth_], k_.var(loop.var).name, false, true));
  ++group_depth_;
  emit_stmt(loop.body);
  --group_depth_;
}

void KernelEmitter::emit_expanded(const For &loop) {
  const int64_t begin = k_.constant(loop.begin).value();
  const int64_t end = k_.constant(loop.end).value();
  const bool fences = end - begin > 1 && wants_fences(loop.body);
  for (int64_t i = begin; i < end; ++i) {
    if (fences && i > begin) emit_fence();
    bind(loop.var, b_.getInt64(static_cast<uint64_t>(i)));
    emit_stmt(loop.body);
  }
}

// An expanded loop that loads from memory and accumulates in registers was put in this order by the schedule, to fit
// the registers. LLVM's scheduler hoists the loads of later iterations over earlier arithmetic and then spills (14 x 2
// vectors with 4 steps expanded: 8 spills a turn on Cascade Lake, 2026-11-22; none with fences). An out-of-order
// machine gains nothing from the hoisting.
bool KernelEmitter::wants_fences(StmtId body) {
  auto [known, is_new] = fences_.try_emplace(body, false);
  if (!is_new) return known->second;
  bool loads = false, accumulates = false;
  for_each_stmt(k_, body, [&](StmtId id) {
    if (const auto *load = std::get_if<Load>(&k_.stmt(id)))
      loads |= k_.buffer(load->buffer).level != MemoryLevel::kRegister;
    if (const auto *store = std::get_if<Store>(&k_.stmt(id)))
      accumulates |= k_.buffer(store->buffer).level == MemoryLevel::kRegister;
  });
  return fences_[body] = loads && accumulates;
}

void KernelEmitter::emit_fence() {
  auto *type = llvm::FunctionType::get(b_.getVoidTy(), false);
  b_.CreateCall(type, llvm::InlineAsm::get(type, "", "~{memory}", /*hasSideEffects=*/true));
}

void KernelEmitter::emit_loop(const For &loop) {
  Value *begin = emit(loop.begin);
  Value *end = emit(loop.end);
  Value *runs = b_.CreateICmpSLT(begin, end);
  auto *known = llvm::dyn_cast<llvm::ConstantInt>(runs);
  if (known && known->isZero()) return;

  llvm::LLVMContext &context = function_.getContext();
  auto *body = llvm::BasicBlock::Create(context, k_.var(loop.var).name, &function_);
  auto *exit = llvm::BasicBlock::Create(context, k_.var(loop.var).name + "_end", &function_);
  auto *before = b_.GetInsertBlock();
  if (known) {
    b_.CreateBr(body);
  } else {
    b_.CreateCondBr(runs, body, exit);
  }
  b_.SetInsertPoint(body);
  llvm::PHINode *var = b_.CreatePHI(b_.getInt64Ty(), 2, k_.var(loop.var).name);
  var->addIncoming(begin, before);
  bind(loop.var, var);
  emit_stmt(loop.body);
  Value *next = b_.CreateAdd(var, b_.getInt64(1), "", false, /*HasNSW=*/true);
  var->addIncoming(next, b_.GetInsertBlock());
  b_.CreateCondBr(b_.CreateICmpSLT(next, end), body, exit);
  b_.SetInsertPoint(exit);
}

void KernelEmitter::emit_if(const If &branch) {
  Value *cond = emit(branch.cond);
  if (auto *known = llvm::dyn_cast<llvm::ConstantInt>(cond)) {
    if (known->isOne()) return emit_stmt(branch.then_body);
    if (is_valid(branch.else_body)) emit_stmt(branch.else_body);
    return;
  }
  llvm::LLVMContext &context = function_.getContext();
  auto *then_block = llvm::BasicBlock::Create(context, "then", &function_);
  auto *end_block = llvm::BasicBlock::Create(context, "end", &function_);
  auto *else_block = is_valid(branch.else_body) ? llvm::BasicBlock::Create(context, "else", &function_) : end_block;
  b_.CreateCondBr(cond, then_block, else_block);
  b_.SetInsertPoint(then_block);
  {
    RangesScope scope(ranges_);
    ranges_.push_condition(k_, branch.cond);
    emit_stmt(branch.then_body);
  }
  b_.CreateBr(end_block);
  if (else_block != end_block) {
    b_.SetInsertPoint(else_block);
    emit_stmt(branch.else_body);
    b_.CreateBr(end_block);
  }
  b_.SetInsertPoint(end_block);
}

void KernelEmitter::emit_alloc(const Alloc &alloc) {
  const Buffer &buffer = k_.buffer(alloc.buffer);
  const int64_t elements = k_.extent(alloc.buffer, 0).value();
  if (buffer.level == MemoryLevel::kNear) {
    bases_[index_of(alloc.buffer)] =
        b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), arguments_.scratch, static_cast<uint64_t>(scratch_top_));
    const auto element_bytes = static_cast<int64_t>(stored_type(alloc.buffer)->getPrimitiveSizeInBits() / 8);
    const int64_t bytes = checked_mul(elements, element_bytes).value();
    scratch_top_ += ceil_div(bytes, kVectorBytes) * kVectorBytes;
    scratch_bytes_ = std::max(scratch_bytes_, scratch_top_);
    return;
  }
  // In the entry block, so that it becomes SSA values; registers hold nothing defined at the start of their life.
  llvm::IRBuilder<> entry(&function_.getEntryBlock(), function_.getEntryBlock().begin());
  auto *type = llvm::ArrayType::get(memory_type(buffer.element), static_cast<uint64_t>(elements));
  llvm::AllocaInst *slot = entry.CreateAlloca(type, nullptr, buffer.name);
  slot->setAlignment(llvm::Align(kVectorBytes));
  bases_[index_of(alloc.buffer)] = slot;
}

void KernelEmitter::emit_prefetch(const Prefetch &prefetch) {
  const Place where = place(prefetch.buffer, prefetch.indices.at(0), /*masked=*/true);
  Value *pointer = lane_address(prefetch.buffer, where, 0);
  const int locality = std::clamp(4 - prefetch.cache, 0, 3); // LLVM: 3 is kept in the nearest cache.
  b_.CreateIntrinsic(llvm::Intrinsic::prefetch, {pointer->getType()},
                     {pointer, b_.getInt32(0), b_.getInt32(static_cast<uint32_t>(locality)), b_.getInt32(1)});
}

/// Symbols and uniforms do not change during a call; each is loaded once, in the entry block.
llvm::Value *KernelEmitter::external_value(VarId var) {
  const Variable &variable = k_.var(var);
  const bool is_symbol = variable.kind == VarKind::kSymbol;
  SPARKLE_CHECK(is_symbol || variable.kind == VarKind::kUniform, "variable used outside its scope");
  const uint32_t slot = is_symbol ? index_of(variable.symbol) : index_of(variable.uniform);
  llvm::IRBuilder<> entry(function_.getEntryBlock().getTerminator());
  Value *base = is_symbol ? arguments_.symbols : arguments_.uniforms;
  Value *pointer = entry.CreateConstInBoundsGEP1_64(entry.getInt64Ty(), base, slot);
  Value *value = entry.CreateAlignedLoad(type_of(variable.type), pointer, llvm::Align(8), variable.name);
  values_[index_of(var)] = value;
  return value;
}

} // namespace sparkle::llvm_target
