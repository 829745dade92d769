// Loads and stores: one vector access where lanes are neighbours, a splat where they are alike, else lane by lane.
#include <numeric>

#include <llvm/IR/Intrinsics.h>

#include "compiler/support/check.h"
#include "compiler/support/checked_math.h"
#include "compiler/support/match.h"
#include "targets/llvm/kernel_emitter.h"

namespace sparkle::llvm_target {

using llvm::Value;

namespace {

/// Steps between lanes for which whole vectors are loaded and shuffled; wider ones take an element at a time.
constexpr int64_t kGreatestShuffledStride = 4;
constexpr int kLeastShuffledLanes = 4;

bool is_all_ones(Value *mask) {
  auto *constant = llvm::dyn_cast<llvm::Constant>(mask);
  return constant && constant->isAllOnesValue();
}
bool is_zero(Value *mask) {
  auto *constant = llvm::dyn_cast<llvm::Constant>(mask);
  return constant && constant->isNullValue();
}

} // namespace

/// What neighbouring lanes differ by, if that is the same constant for all.
std::optional<int64_t> KernelEmitter::lane_stride(ExprId index) const {
  if (!k_.type_of(index).is_vector()) return 0;
  const Expr &expr = k_.expr(index);
  if (const auto *ramp = std::get_if<Ramp>(&expr)) return ramp->stride;
  if (std::holds_alternative<Broadcast>(expr) || std::holds_alternative<IntConst>(expr)) return 0;
  const auto *binary = std::get_if<Binary>(&expr);
  if (!binary) return std::nullopt;
  const auto a = lane_stride(binary->a), b = lane_stride(binary->b);
  if (!a || !b) return std::nullopt;
  switch (binary->op) {
  case BinaryOp::kAdd: return checked_add(*a, *b);
  case BinaryOp::kSub: return checked_sub(*a, *b);
  case BinaryOp::kMul: {
    if (*a == 0 && *b == 0) return 0;
    const Expr &factor = k_.expr(*a == 0 ? binary->a : binary->b);
    const auto *splat = std::get_if<Broadcast>(&factor);
    const auto value = k_.constant(splat ? splat->a : *a == 0 ? binary->a : binary->b);
    return value ? checked_mul(*a == 0 ? *b : *a, *value) : std::nullopt;
  }
  default: return *a == 0 && *b == 0 ? std::optional<int64_t>(0) : std::nullopt;
  }
}

Value *KernelEmitter::emit_first_lane(ExprId index) {
  if (!k_.type_of(index).is_vector()) return emit(index);
  const Expr &expr = k_.expr(index);
  if (const auto *ramp = std::get_if<Ramp>(&expr)) return emit(ramp->base);
  if (const auto *splat = std::get_if<Broadcast>(&expr)) return emit(splat->a);
  if (const auto *constant = std::get_if<IntConst>(&expr)) return b_.getInt64(static_cast<uint64_t>(constant->value));
  const auto &binary = std::get<Binary>(expr); // lane_stride knows no other.
  const bool divides = binary.op == BinaryOp::kDiv || binary.op == BinaryOp::kMod;
  return arithmetic(binary.op, kIndexType, emit_first_lane(binary.a), emit_first_lane(binary.b),
                    divides && is_not_negative(binary.a));
}

/// The largest power of two, up to a vector, that divides the address of lane 0. Streaming stores need it: LLVM splits
/// one that may be unaligned into eight scalar ones.
llvm::Align KernelEmitter::alignment_of(BufferId id, ExprId index) {
  auto [known, is_new] = index_factors_.try_emplace(index, 0);
  if (is_new) {
    const LinearForm form = to_linear(k_, index);
    int64_t factor = form.constant;
    for (const LinearTerm &term : form.terms) factor = std::gcd(factor, term.coefficient);
    known->second = factor; // 0: the index is 0.
  }
  const Buffer &buffer = k_.buffer(id);
  const int64_t bytes = std::gcd(checked_mul(known->second, bytes_of(buffer.element)).value_or(1), buffer.alignment);
  return llvm::Align(static_cast<uint64_t>(std::max(bytes & -bytes, bytes_of(buffer.element))));
}

/// A masked access may point outside where no lane is active, so that its address must not claim to be in bounds.
KernelEmitter::Place KernelEmitter::place(BufferId id, ExprId index, bool masked) {
  const Buffer &buffer = k_.buffer(id);
  Value *base = bases_[index_of(id)];
  SPARKLE_CHECK(base, "buffer used before its allocation or not bound");
  Place place{base, lane_stride(index), nullptr, memory_type(buffer.element), alignment_of(id, index)};
  if (!place.stride) {
    place.lanes = emit(index);
    return place;
  }
  Value *first = emit_first_lane(index);
  place.pointer = masked ? b_.CreateGEP(place.element, base, first) : b_.CreateInBoundsGEP(place.element, base, first);
  return place;
}

Value *KernelEmitter::lane_address(BufferId id, const Place &place, int lane) {
  if (place.stride)
    return b_.CreateGEP(place.element, place.pointer, b_.getInt64(static_cast<uint64_t>(lane * *place.stride)));
  return b_.CreateGEP(place.element, bases_[index_of(id)], extract(place.lanes, Scalar::kIndex, lane));
}

/// The addresses of all lanes as one vector, for gathers and scatters under a mask.
Value *KernelEmitter::lane_addresses(BufferId id, const Place &place, int lanes) {
  if (!place.stride) return b_.CreateGEP(place.element, bases_[index_of(id)], place.lanes);
  std::vector<llvm::Constant *> steps;
  for (int i = 0; i < lanes; ++i) steps.push_back(b_.getInt64(static_cast<uint64_t>(i * *place.stride)));
  return b_.CreateGEP(place.element, place.pointer, llvm::ConstantVector::get(steps));
}

llvm::Align KernelEmitter::element_alignment(const Place &place) {
  return llvm::Align(place.element->getPrimitiveSizeInBits() / 8);
}

Value *KernelEmitter::from_memory(Scalar scalar, Value *value) {
  if (scalar == Scalar::kBool) return b_.CreateICmpNE(value, llvm::Constant::getNullValue(value->getType()));
  return value->getType()->isIntOrIntVectorTy()
             ? b_.CreateTrunc(value, type_of(Type{scalar, static_cast<uint16_t>(lanes_of(value))}))
             : value;
}

Value *KernelEmitter::to_memory(Scalar scalar, Value *value) {
  if (!value->getType()->isIntOrIntVectorTy()) return value;
  llvm::Type *type = value->getType()->getWithNewType(memory_type(scalar));
  return scalar == Scalar::kBool ? b_.CreateZExt(value, type) : b_.CreateSExt(value, type);
}

// ---- Loads
// -----------------------------------------------------------------------------------------------------------

void KernelEmitter::emit_load(const Load &load) {
  const Scalar scalar = k_.buffer(load.buffer).element;
  const int lanes = k_.var(load.var).type.lanes;
  Value *mask = is_valid(load.mask) ? emit(load.mask) : nullptr;
  if (mask && is_all_ones(mask)) mask = nullptr;
  if (mask && is_zero(mask)) return bind(load.var, widen(emit(load.other), scalar, lanes));
  const Place where = place(load.buffer, load.indices.at(0), mask != nullptr);
  if (!mask) return bind(load.var, from_memory(scalar, load_lanes(load.buffer, where, lanes)));
  Value *other = to_memory(scalar, widen(emit(load.other), scalar, lanes));
  const bool branches = lanes_of(mask) == 1 && (lanes == 1 || where.stride != 1);
  Value *value = branches ? load_if(load.buffer, where, lanes, mask, other)
                          : load_masked(load.buffer, where, lanes, widen(mask, Scalar::kBool, lanes), other);
  bind(load.var, from_memory(scalar, value));
}

/// Lanes of any addresses have no stride at all.
bool KernelEmitter::has_small_step(const Place &place, int lanes) {
  return place.stride && *place.stride > 1 && *place.stride <= kGreatestShuffledStride && lanes >= kLeastShuffledLanes;
}

Value *KernelEmitter::load_lanes(BufferId buffer, const Place &place, int lanes) {
  const auto count = static_cast<unsigned>(lanes);
  if (lanes == 1) return b_.CreateAlignedLoad(place.element, place.pointer, place.alignment);
  auto *type = llvm::FixedVectorType::get(place.element, count);
  if (place.stride == 1) return b_.CreateAlignedLoad(type, place.pointer, place.alignment);
  if (place.stride == 0)
    return b_.CreateVectorSplat(count, b_.CreateAlignedLoad(place.element, place.pointer, place.alignment));
  if (has_small_step(place, lanes)) return load_shuffled(place, lanes);
  Value *result = llvm::PoisonValue::get(type);
  for (int i = 0; i < lanes; ++i) {
    Value *lane = b_.CreateAlignedLoad(place.element, lane_address(buffer, place, i), element_alignment(place));
    result = b_.CreateInsertElement(result, lane, static_cast<uint64_t>(i));
  }
  return result;
}

/// Of elements offset, offset + 1...: those that an active lane reads.
llvm::Constant *KernelEmitter::elements_of_lanes(llvm::Constant *mask, int lanes, int stride, int offset) {
  std::vector<llvm::Constant *> active;
  for (int i = offset; i < offset + lanes; ++i) {
    const bool is_lane = i % stride == 0 && i / stride < lanes;
    active.push_back(is_lane ? mask->getAggregateElement(static_cast<unsigned>(i / stride)) : b_.getFalse());
  }
  return llvm::ConstantVector::get(active);
}

/// Lanes a small step apart: as many vectors as the step, of which the last one ends with the last lane, so that
/// nothing beyond it is read; shuffles take every `stride`-th element.
Value *KernelEmitter::load_shuffled(const Place &place, int lanes, llvm::Constant *mask) {
  const int stride = static_cast<int>(*place.stride), span = (lanes - 1) * stride + 1;
  auto *type = llvm::FixedVectorType::get(place.element, static_cast<unsigned>(lanes));
  Value *result = llvm::PoisonValue::get(type);
  int done = 0;
  for (int chunk = 0; chunk < stride; ++chunk) {
    const int offset = std::min(chunk * lanes, span - lanes);
    Value *pointer = b_.CreateInBoundsGEP(place.element, place.pointer, b_.getInt64(static_cast<uint64_t>(offset)));
    const llvm::Align alignment = offset == 0 ? place.alignment : element_alignment(place);
    Value *part = nullptr;
    if (mask)
      part = b_.CreateMaskedLoad(type, pointer, alignment, elements_of_lanes(mask, lanes, stride, offset));
    else
      part = b_.CreateAlignedLoad(type, pointer, alignment);
    std::vector<int> from(static_cast<size_t>(lanes), llvm::PoisonMaskElem);
    std::iota(from.begin(), from.begin() + done, 0);
    for (; done < lanes && done * stride < offset + lanes; ++done)
      from[static_cast<size_t>(done)] = lanes + done * stride - offset;
    result = b_.CreateShuffleVector(result, part, from);
  }
  return result;
}

Value *KernelEmitter::load_masked(BufferId buffer, const Place &place, int lanes, Value *mask, Value *other) {
  auto *type = llvm::FixedVectorType::get(place.element, static_cast<unsigned>(lanes));
  if (place.stride == 1) return b_.CreateMaskedLoad(type, place.pointer, place.alignment, mask, other);
  if (place.stride == 0) { // One element for all lanes: read where any of them is active.
    const bool known = llvm::isa<llvm::Constant>(mask);
    Value *value =
        known ? load_lanes(buffer, place, lanes) : load_if(buffer, place, lanes, b_.CreateOrReduce(mask), other);
    return b_.CreateSelect(mask, value, other);
  }
  auto *known = llvm::dyn_cast<llvm::Constant>(mask);
  if (known && has_small_step(place, lanes)) return b_.CreateSelect(mask, load_shuffled(place, lanes, known), other);
  return b_.CreateMaskedGather(type, lane_addresses(buffer, place, lanes), element_alignment(place), mask, other);
}

Value *KernelEmitter::load_if(BufferId buffer, const Place &place, int lanes, Value *mask, Value *other) {
  llvm::LLVMContext &context = function_.getContext();
  auto *load_block = llvm::BasicBlock::Create(context, "load", &function_);
  auto *end_block = llvm::BasicBlock::Create(context, "loaded", &function_);
  auto *before = b_.GetInsertBlock();
  b_.CreateCondBr(mask, load_block, end_block);
  b_.SetInsertPoint(load_block);
  Value *value = load_lanes(buffer, place, lanes);
  b_.CreateBr(end_block);
  b_.SetInsertPoint(end_block);
  llvm::PHINode *phi = b_.CreatePHI(value->getType(), 2);
  phi->addIncoming(other, before);
  phi->addIncoming(value, load_block);
  return phi;
}

// ---- Stores
// ----------------------------------------------------------------------------------------------------------

void KernelEmitter::emit_store(const Store &store) {
  const Scalar scalar = k_.buffer(store.buffer).element;
  const ExprId index = store.indices.at(0);
  Value *mask = is_valid(store.mask) ? emit(store.mask) : nullptr;
  if (mask && is_all_ones(mask)) mask = nullptr;
  if (mask && is_zero(mask)) return;
  const int lanes = std::max<int>(k_.type_of(store.value).lanes, k_.type_of(index).lanes);
  Value *value = to_memory(scalar, widen(emit(store.value), scalar, lanes));
  const Place where = place(store.buffer, index, mask != nullptr);
  if (!mask) return store_lanes(store.buffer, where, value, lanes, store.kind == StoreKind::kStreaming);
  if (lanes_of(mask) == 1 && (lanes == 1 || where.stride != 1))
    return store_if(store.buffer, where, value, lanes, mask);
  store_masked(store.buffer, where, value, lanes, widen(mask, Scalar::kBool, lanes));
}

void KernelEmitter::store_lanes(BufferId buffer, const Place &place, Value *value, int lanes, bool streaming) {
  if (lanes == 1 || place.stride == 1) {
    llvm::StoreInst *store = b_.CreateAlignedStore(value, place.pointer, place.alignment);
    const uint64_t bytes = value->getType()->getPrimitiveSizeInBits() / 8;
    if (!streaming || lanes == 1 || place.alignment.value() < bytes) return;
    llvm::LLVMContext &context = function_.getContext();
    auto *one = llvm::ConstantAsMetadata::get(b_.getInt32(1));
    store->setMetadata(llvm::LLVMContext::MD_nontemporal, llvm::MDNode::get(context, one));
    streams_ = true;
    return;
  }
  for (int i = 0; i < lanes; ++i)
    b_.CreateAlignedStore(b_.CreateExtractElement(value, static_cast<uint64_t>(i)), lane_address(buffer, place, i),
                          element_alignment(place));
}

void KernelEmitter::store_masked(BufferId buffer, const Place &place, Value *value, int lanes, Value *mask) {
  if (place.stride == 1) {
    b_.CreateMaskedStore(value, place.pointer, place.alignment, mask);
    return;
  }
  b_.CreateMaskedScatter(value, lane_addresses(buffer, place, lanes), element_alignment(place), mask);
}

void KernelEmitter::store_if(BufferId buffer, const Place &place, Value *value, int lanes, Value *mask) {
  llvm::LLVMContext &context = function_.getContext();
  auto *store_block = llvm::BasicBlock::Create(context, "store", &function_);
  auto *end_block = llvm::BasicBlock::Create(context, "stored", &function_);
  b_.CreateCondBr(mask, store_block, end_block);
  b_.SetInsertPoint(store_block);
  store_lanes(buffer, place, value, lanes, false);
  b_.CreateBr(end_block);
  b_.SetInsertPoint(end_block);
}

} // namespace sparkle::llvm_target
