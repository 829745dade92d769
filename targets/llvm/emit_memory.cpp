// Loads and stores: one vector access where lanes are neighbours, a splat where they are alike, else lane by lane.
#include <algorithm>
#include <bit>
#include <numeric>

#include <llvm/IR/Intrinsics.h>

#include "compiler/analysis/lane_steps.h"
#include "compiler/support/check.h"
#include "compiler/support/checked_math.h"
#include "compiler/support/match.h"
#include "targets/llvm/kernel_emitter.h"
#include "targets/llvm/narrow.h"

namespace sparkle::llvm_target {

using llvm::Value;

namespace {

/// Vectors loaded whole and shuffled into one, for lanes that lie within them; further ones take an element at a time.
constexpr int64_t kMostShuffledVectors = 4;
constexpr int kLeastShuffledLanes = 4;
constexpr int64_t kMostAlignment = 4096; // Nobody asks for more than a page.
constexpr int64_t kWidestStoreBytes = 64;
constexpr unsigned kFloatBits = 32;

int64_t bytes_of(llvm::Type *type) { return static_cast<int64_t>(type->getPrimitiveSizeInBits() / 8); }

bool is_all_ones(Value *mask) {
  auto *constant = llvm::dyn_cast<llvm::Constant>(mask);
  return constant && constant->isAllOnesValue();
}
bool is_zero(Value *mask) {
  auto *constant = llvm::dyn_cast<llvm::Constant>(mask);
  return constant && constant->isNullValue();
}

} // namespace

Value *KernelEmitter::emit_first_lane(ExprId index) {
  if (!k_.type_of(index).is_vector()) return emit(index);
  const Expr &expr = k_.expr(index);
  if (const auto *ramp = std::get_if<Ramp>(&expr)) return emit(ramp->base);
  if (const auto *splat = std::get_if<Broadcast>(&expr)) return emit(splat->a);
  if (const auto *constant = std::get_if<IntConst>(&expr)) return b_.getInt64(static_cast<uint64_t>(constant->value));
  const auto &binary = std::get<Binary>(expr); // lane_steps knows no other.
  const bool divides = binary.op == BinaryOp::kDiv || binary.op == BinaryOp::kMod;
  return arithmetic(binary.op, kIndexType, emit_first_lane(binary.a), emit_first_lane(binary.b),
                    divides && is_not_negative(binary.a));
}

/// `index` as a scalar and what each lane adds to it, where that is known here alone: at edges, where unrolled
/// loops leave nothing else of a reflection.
std::optional<KernelEmitter::LaneOffsets> KernelEmitter::lane_offsets(ExprId index, int lanes) {
  const auto count = static_cast<size_t>(lanes);
  const Expr &expr = k_.expr(index);
  if (const auto *splat = std::get_if<Broadcast>(&expr)) return lane_offsets(splat->a, lanes);
  if (!k_.type_of(index).is_vector()) return LaneOffsets{emit(index), std::vector<int64_t>(count, 0)};
  LaneOffsets out{nullptr, std::vector<int64_t>(count, 0)};
  if (const auto *ramp = std::get_if<Ramp>(&expr)) {
    out.base = emit(ramp->base);
    for (size_t i = 0; i < count; ++i) out.offsets[i] = static_cast<int64_t>(i) * ramp->stride;
    return out;
  }
  const auto *sum = std::get_if<Binary>(&expr);
  if (sum && (sum->op == BinaryOp::kAdd || sum->op == BinaryOp::kSub)) {
    const auto a = lane_offsets(sum->a, lanes), b = lane_offsets(sum->b, lanes);
    if (!a || !b) return std::nullopt;
    out.base = arithmetic(sum->op, kIndexType, a->base, b->base, false);
    for (size_t i = 0; i < count; ++i)
      out.offsets[i] = sum->op == BinaryOp::kAdd ? a->offsets[i] + b->offsets[i] : a->offsets[i] - b->offsets[i];
    return out;
  }
  auto *known = llvm::dyn_cast<llvm::Constant>(emit(index));
  for (size_t i = 0; i < count; ++i) {
    auto *lane = known ? known->getAggregateElement(static_cast<unsigned>(i)) : nullptr;
    const auto *value = lane ? llvm::dyn_cast<llvm::ConstantInt>(lane) : nullptr;
    if (!value) return std::nullopt;
    out.offsets[i] = value->getSExtValue();
  }
  out.base = b_.getInt64(0);
  return out;
}

/// The largest power of two, up to a page, that divides the bytes from the buffer's first element to lane 0.
int64_t KernelEmitter::index_bytes_of(BufferId id, ExprId index) {
  auto [known, is_new] = index_factors_.try_emplace(index, 0);
  if (is_new) {
    const LinearForm form = to_linear(k_, index);
    int64_t factor = form.constant;
    for (const LinearTerm &term : form.terms) factor = std::gcd(factor, term.coefficient);
    known->second = factor; // 0: the index is 0.
  }
  const auto element = static_cast<int64_t>(stored_type(id)->getPrimitiveSizeInBits() / 8);
  return std::gcd(checked_mul(known->second, element).value_or(1), kMostAlignment);
}

int64_t KernelEmitter::alignment_of(BufferId id) const {
  const auto known = alignments_.find(id);
  const int64_t bytes = k_.buffer(id).alignment;
  return known == alignments_.end() ? bytes : std::max(bytes, known->second);
}

/// A masked access may point outside where no lane is active, so that its address must not claim to be in bounds.
KernelEmitter::Place KernelEmitter::place(BufferId id, ExprId index, bool masked) {
  Value *base = bases_[index_of(id)];
  SPARKLE_CHECK(base, "buffer used before its allocation or not bound");
  const int64_t index_bytes = index_bytes_of(id, index);
  Place place{base, {}, {}, nullptr, stored_type(id), llvm::Align(), index_bytes};
  const int64_t known_bytes = std::gcd(index_bytes, alignment_of(id));
  place.alignment = std::max(llvm::Align(static_cast<uint64_t>(known_bytes)), element_alignment(place));
  Value *first = nullptr;
  if (std::optional<std::vector<int64_t>> steps = lane_steps(k_, index)) {
    place.steps = std::move(*steps);
    first = emit_first_lane(index);
  } else if (auto known = lane_offsets(index, k_.type_of(index).lanes)) {
    const int64_t start = known->offsets.front();
    for (int64_t offset : known->offsets) place.steps.push_back(offset - start);
    place.alignment = element_alignment(place);
    place.index_bytes = 1;
    first = b_.CreateAdd(known->base, b_.getInt64(static_cast<uint64_t>(start)));
  } else {
    place.lanes = emit(index);
    return place;
  }
  place.stride = common_step(place.steps);
  place.pointer = masked ? b_.CreateGEP(place.element, base, first) : b_.CreateInBoundsGEP(place.element, base, first);
  return place;
}

Value *KernelEmitter::lane_address(BufferId id, const Place &place, int lane) {
  if (!place.lanes)
    return b_.CreateGEP(place.element, place.pointer, b_.getInt64(static_cast<uint64_t>(place.step(lane))));
  return b_.CreateGEP(place.element, bases_[index_of(id)], extract(place.lanes, Scalar::kIndex, lane));
}

/// The addresses of all lanes as one vector, for gathers and scatters under a mask.
Value *KernelEmitter::lane_addresses(BufferId id, const Place &place, int lanes) {
  if (place.lanes) return b_.CreateGEP(place.element, bases_[index_of(id)], place.lanes);
  std::vector<llvm::Constant *> steps;
  for (int i = 0; i < lanes; ++i) steps.push_back(b_.getInt64(static_cast<uint64_t>(place.step(i))));
  return b_.CreateGEP(place.element, place.pointer, llvm::ConstantVector::get(steps));
}

llvm::Align KernelEmitter::element_alignment(const Place &place) {
  return llvm::Align(place.element->getPrimitiveSizeInBits() / 8);
}

llvm::Type *KernelEmitter::stored_type(BufferId id) const {
  const auto range = narrow_.find(id);
  const auto narrow = range == narrow_.end() ? std::nullopt : narrow_type(range->second);
  return narrow ? llvm::Type::getIntNTy(function_.getContext(), narrow->bits) : memory_type(k_.buffer(id).element);
}

/// Of values that were stored with fewer bits, the extension says what they may be.
Value *KernelEmitter::from_memory(BufferId id, Value *value) {
  const Scalar scalar = k_.buffer(id).element;
  if (scalar == Scalar::kBool) return b_.CreateICmpNE(value, llvm::Constant::getNullValue(value->getType()));
  if (!value->getType()->isIntOrIntVectorTy()) return value;
  llvm::Type *type = type_of(Type{scalar, static_cast<uint16_t>(lanes_of(value))});
  const auto range = narrow_.find(id);
  if (range == narrow_.end()) return b_.CreateTrunc(value, type);
  const bool is_signed = narrow_type(range->second)->is_signed;
  Value *wide = is_signed ? b_.CreateSExt(value, type) : b_.CreateZExt(value, type);
  const auto end = [&](const llvm::APInt &number) {
    return llvm::ConstantAsMetadata::get(b_.getInt64(static_cast<uint64_t>(number.getSExtValue())));
  };
  if (auto *extension = llvm::dyn_cast<llvm::Instruction>(wide))
    extension->setMetadata(kRangeMetadata,
                           llvm::MDNode::get(function_.getContext(),
                                             {end(range->second.getSignedMin()), end(range->second.getSignedMax())}));
  return wide;
}

Value *KernelEmitter::to_memory(BufferId id, Value *value) {
  if (!value->getType()->isIntOrIntVectorTy()) return value;
  llvm::Type *type = value->getType()->getWithNewType(stored_type(id));
  return k_.buffer(id).element == Scalar::kBool ? b_.CreateZExt(value, type) : b_.CreateSExtOrTrunc(value, type);
}

void KernelEmitter::name_buffer(BufferId id, llvm::Instruction &store) {
  const Buffer &buffer = k_.buffer(id);
  if (buffer.level != MemoryLevel::kNear || buffer.element != Scalar::kI32) return;
  auto *number = llvm::ConstantAsMetadata::get(b_.getInt32(index_of(id)));
  store.setMetadata(kBufferMetadata, llvm::MDNode::get(function_.getContext(), number));
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
  if (!mask) return bind(load.var, from_memory(load.buffer, load_lanes(load.buffer, where, lanes)));
  Value *other = to_memory(load.buffer, widen(emit(load.other), scalar, lanes));
  const bool branches = lanes_of(mask) == 1 && (lanes == 1 || where.stride != 1);
  Value *value = branches ? load_if(load.buffer, where, lanes, mask, other)
                          : load_masked(load.buffer, where, lanes, widen(mask, Scalar::kBool, lanes), other);
  bind(load.var, from_memory(load.buffer, value));
}

/// Worth loading whole vectors for: lanes at known places, close together, and neither neighbours nor alike.
bool KernelEmitter::is_shuffled(const Place &place, int lanes) {
  if (place.lanes || lanes < kLeastShuffledLanes || place.stride == 0 || place.stride == 1) return false;
  const auto [least, greatest] = std::ranges::minmax(place.steps);
  return static_cast<int>(place.steps.size()) == lanes && greatest - least < kMostShuffledVectors * lanes;
}

Value *KernelEmitter::load_lanes(BufferId buffer, const Place &place, int lanes) {
  const auto count = static_cast<unsigned>(lanes);
  if (lanes == 1) return b_.CreateAlignedLoad(place.element, place.pointer, place.alignment);
  auto *type = llvm::FixedVectorType::get(place.element, count);
  if (place.stride == 1) return b_.CreateAlignedLoad(type, place.pointer, place.alignment);
  if (place.stride == 0)
    return b_.CreateVectorSplat(count, b_.CreateAlignedLoad(place.element, place.pointer, place.alignment));
  if (is_shuffled(place, lanes)) return load_shuffled(place, lanes);
  Value *result = llvm::PoisonValue::get(type);
  for (int i = 0; i < lanes; ++i) {
    Value *lane = b_.CreateAlignedLoad(place.element, lane_address(buffer, place, i), element_alignment(place));
    result = b_.CreateInsertElement(result, lane, static_cast<uint64_t>(i));
  }
  return result;
}

/// Of elements first, first + 1...: those that an active lane reads.
llvm::Constant *KernelEmitter::elements_of_lanes(llvm::Constant *mask, const Place &place, int64_t first, int width) {
  std::vector<llvm::Constant *> active(static_cast<size_t>(width), b_.getFalse());
  for (size_t i = 0; i < place.steps.size(); ++i) {
    const int64_t at = place.steps[i] - first;
    llvm::Constant *lane = mask->getAggregateElement(static_cast<unsigned>(i));
    if (at >= 0 && at < width && !lane->isNullValue()) active[static_cast<size_t>(at)] = lane;
  }
  return llvm::ConstantVector::get(active);
}

/// Whole vectors from the first element read to the last one, of which the last vector ends with the last element, so
/// that nothing beyond is read; shuffles take the lanes out of them.
Value *KernelEmitter::load_shuffled(const Place &place, int lanes, llvm::Constant *mask) {
  const auto [least, greatest] = std::ranges::minmax(place.steps);
  const int64_t span = greatest - least + 1;
  const int width = static_cast<int>(std::min<int64_t>(span, lanes));
  auto *type = llvm::FixedVectorType::get(place.element, static_cast<unsigned>(width));
  Value *result = nullptr;
  std::vector<bool> done(static_cast<size_t>(lanes), false);
  for (int64_t chunk = 0; chunk < span; chunk += width) {
    const int64_t first = least + std::min(chunk, span - width);
    Value *pointer = b_.CreateInBoundsGEP(place.element, place.pointer, b_.getInt64(static_cast<uint64_t>(first)));
    const llvm::Align alignment = first == 0 ? place.alignment : element_alignment(place);
    Value *part = mask ? b_.CreateMaskedLoad(type, pointer, alignment, elements_of_lanes(mask, place, first, width))
                       : static_cast<Value *>(b_.CreateAlignedLoad(type, pointer, alignment));
    result = take_lanes(result, part, place.steps, first, done);
  }
  return result;
}

/// The lanes of `result` that are done, and those that lie in `part`, which begins with element `first`.
Value *KernelEmitter::take_lanes(Value *result, Value *part, const std::vector<int64_t> &steps, int64_t first,
                                 std::vector<bool> &done) {
  const int width = lanes_of(part), lanes = static_cast<int>(steps.size());
  const int offset = result ? lanes : 0; // Of the part's elements among those of both.
  std::vector<int> from(steps.size(), llvm::PoisonMaskElem);
  for (size_t i = 0; i < steps.size(); ++i) {
    const int64_t at = steps[i] - first;
    if (done[i]) {
      from[i] = static_cast<int>(i);
    } else if (at >= 0 && at < width) {
      from[i] = offset + static_cast<int>(at);
      done[i] = true;
    }
  }
  return result ? b_.CreateShuffleVector(result, part, from) : b_.CreateShuffleVector(part, from);
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
  if (known && is_shuffled(place, lanes)) return b_.CreateSelect(mask, load_shuffled(place, lanes, known), other);
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
  Value *value = to_memory(store.buffer, widen(emit(store.value), scalar, lanes));
  const Place where = place(store.buffer, index, mask != nullptr);
  if (!mask) return store_lanes(store.buffer, where, value, lanes, store.kind == StoreKind::kStreaming);
  if (lanes_of(mask) == 1 && (lanes == 1 || where.stride != 1))
    return store_if(store.buffer, where, value, lanes, mask);
  store_masked(store.buffer, where, value, lanes, widen(mask, Scalar::kBool, lanes));
}

void KernelEmitter::store_lanes(BufferId buffer, const Place &place, Value *value, int lanes, bool streaming) {
  if (lanes == 1 || place.stride == 1) {
    if (streaming && lanes > 1 && can_stream(buffer, place, value)) return stream_past_caches(place, value);
    name_buffer(buffer, *b_.CreateAlignedStore(value, place.pointer, place.alignment));
    return;
  }
  for (int i = 0; i < lanes; ++i)
    name_buffer(buffer, *b_.CreateAlignedStore(b_.CreateExtractElement(value, static_cast<uint64_t>(i)),
                                               lane_address(buffer, place, i), element_alignment(place)));
}

/// Only where the address is a multiple of the vector, or of a cache line: LLVM splits a streaming store that may be
/// unaligned into eight scalar ones.
bool KernelEmitter::can_stream(BufferId buffer, const Place &place, Value *value) {
  const int64_t bytes = std::min(bytes_of(value->getType()), kWidestStoreBytes);
  if (place.index_bytes < bytes || !std::has_single_bit(static_cast<uint64_t>(bytes))) return false;
  if (static_cast<int64_t>(place.alignment.value()) >= bytes) return true;
  wanted_[buffer] = std::max(wanted_[buffer], bytes);
  return false;
}

/// A store of a value with fewer bits becomes one instruction with its conversion, which cannot stream: a fence, which
/// costs nothing, keeps them apart.
void KernelEmitter::stream_past_caches(const Place &place, Value *value) {
  if (value->getType()->getScalarSizeInBits() < kFloatBits) {
    auto *floats = llvm::FixedVectorType::get(b_.getFloatTy(), static_cast<unsigned>(bytes_of(value->getType()) / 4));
    value = b_.CreateArithmeticFence(b_.CreateBitCast(value, floats), floats);
  }
  llvm::StoreInst *store = b_.CreateAlignedStore(value, place.pointer, place.alignment);
  auto *one = llvm::ConstantAsMetadata::get(b_.getInt32(1));
  store->setMetadata(llvm::LLVMContext::MD_nontemporal, llvm::MDNode::get(function_.getContext(), one));
  streams_ = true;
}

void KernelEmitter::store_masked(BufferId buffer, const Place &place, Value *value, int lanes, Value *mask) {
  if (place.stride == 1) {
    name_buffer(buffer, *b_.CreateMaskedStore(value, place.pointer, place.alignment, mask));
    return;
  }
  name_buffer(buffer,
              *b_.CreateMaskedScatter(value, lane_addresses(buffer, place, lanes), element_alignment(place), mask));
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
