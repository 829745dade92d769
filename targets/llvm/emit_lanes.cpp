// Expressions that combine lanes: shuffles, reductions, dot products.
#include "compiler/ir/numeric.h"
#include "targets/llvm/kernel_emitter.h"

namespace sparkle::llvm_target {

using llvm::Value;

namespace {

constexpr int kNoLane = -1;

} // namespace

/// LLVM shuffles two vectors of one length: the shorter one is padded with lanes that are never read.
Value *KernelEmitter::concatenate(Value *a, Value *b) {
  const int count_a = lanes_of(a), count_b = lanes_of(b);
  const int length = std::max(count_a, count_b);
  const auto pad = [&](Value *value, int count) -> Value * {
    if (!value->getType()->isVectorTy())
      return b_.CreateInsertElement(llvm::FixedVectorType::get(value->getType(), static_cast<unsigned>(length)), value,
                                    uint64_t{0});
    if (count == length) return value;
    std::vector<int> mask(static_cast<size_t>(length), kNoLane);
    for (int i = 0; i < count; ++i) mask[static_cast<size_t>(i)] = i;
    return b_.CreateShuffleVector(value, mask);
  };
  std::vector<int> mask;
  for (int i = 0; i < count_a; ++i) mask.push_back(i);
  for (int i = 0; i < count_b; ++i) mask.push_back(length + i);
  return b_.CreateShuffleVector(pad(a, count_a), pad(b, count_b), mask);
}

Value *KernelEmitter::emit_shuffle(const Shuffle &shuffle) {
  const Scalar scalar = k_.type_of(shuffle.inputs.at(0)).scalar;
  Value *all = emit(shuffle.inputs[0]);
  // Scalars of type index are wider than lanes; in a shuffle they are lanes.
  const auto as_lane = [&](Value *value) -> Value * {
    if (value->getType()->isVectorTy() || !value->getType()->isIntegerTy()) return value;
    return b_.CreateTrunc(value, type_of(Type{scalar, 2})->getScalarType());
  };
  all = as_lane(all);
  for (size_t i = 1; i < shuffle.inputs.size(); ++i) all = concatenate(all, as_lane(emit(shuffle.inputs[i])));
  if (shuffle.indices.size() == 1) return extract(all, scalar, shuffle.indices[0]);
  if (!all->getType()->isVectorTy()) return b_.CreateVectorSplat(static_cast<unsigned>(shuffle.indices.size()), all);
  return b_.CreateShuffleVector(all, shuffle.indices);
}

Value *KernelEmitter::emit_reduce_lanes(const ReduceLanes &reduce) {
  const Type type = k_.type_of(reduce.a);
  Value *vector = emit(reduce.a);
  Value *result = extract(vector, type.scalar, 0);
  for (int i = 1; i < type.lanes; ++i)
    result = arithmetic(step_of(reduce.op), type.with_lanes(1), result, extract(vector, type.scalar, i), false);
  return result;
}

Value *KernelEmitter::emit_dot(const Dot &dot) {
  const Type acc_type = k_.type_of(dot.acc);
  const Type input_a = k_.type_of(dot.a), input_b = k_.type_of(dot.b);
  const int terms = input_a.lanes / acc_type.lanes;
  Value *a = cast(emit(dot.a), input_a, acc_type.with_lanes(input_a.lanes));
  Value *b = cast(emit(dot.b), input_b, acc_type.with_lanes(input_b.lanes));
  const Type wide = acc_type.with_lanes(input_a.lanes);
  Value *products = arithmetic(BinaryOp::kMul, wide, a, b, false);
  Value *sum = nullptr;
  for (int j = 0; j < terms; ++j) {
    std::vector<int> mask;
    for (int i = 0; i < acc_type.lanes; ++i) mask.push_back(i * terms + j);
    Value *term = products;
    if (terms > 1)
      term = acc_type.lanes == 1 ? extract(products, acc_type.scalar, j) : b_.CreateShuffleVector(products, mask);
    sum = sum ? arithmetic(BinaryOp::kAdd, acc_type, sum, term, false) : term;
  }
  return arithmetic(BinaryOp::kAdd, acc_type, emit(dot.acc), sum, false);
}

} // namespace sparkle::llvm_target
