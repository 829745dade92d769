// Expressions. nodes.h says what each means; floating arithmetic carries no fast-math flag, the IR contracts itself.
#include <algorithm>

#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>

#include "compiler/ir/numeric.h"
#include "compiler/support/check.h"
#include "compiler/support/match.h"
#include "targets/llvm/kernel_emitter.h"

namespace sparkle::llvm_target {

using llvm::Value;

llvm::Type *KernelEmitter::memory_type(Scalar scalar) const {
  llvm::LLVMContext &context = function_.getContext();
  switch (scalar) {
  case Scalar::kIndex: return llvm::Type::getInt64Ty(context);
  case Scalar::kI32: return llvm::Type::getInt32Ty(context);
  case Scalar::kF32: return llvm::Type::getFloatTy(context);
  case Scalar::kF16:
  case Scalar::kBF16: return llvm::Type::getInt16Ty(context);
  case Scalar::kBool:
  case Scalar::kI8:
  case Scalar::kU8: return llvm::Type::getInt8Ty(context);
  }
  SPARKLE_CHECK(false, "unknown scalar type");
}

llvm::Type *KernelEmitter::scalar_type(Scalar scalar) const {
  return scalar == Scalar::kBool ? llvm::Type::getInt1Ty(function_.getContext()) : memory_type(scalar);
}

llvm::Type *KernelEmitter::type_of(Type type) const {
  if (!type.is_vector()) return scalar_type(type.scalar);
  const bool narrow = type.scalar == Scalar::kIndex && k_.index_bits == 32;
  llvm::Type *lane = narrow ? llvm::Type::getInt32Ty(function_.getContext()) : scalar_type(type.scalar);
  return llvm::FixedVectorType::get(lane, type.lanes);
}

int KernelEmitter::lanes_of(Value *value) {
  auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(value->getType());
  return vector ? static_cast<int>(vector->getNumElements()) : 1;
}

Value *KernelEmitter::widen(Value *value, Scalar scalar, int lanes) {
  if (lanes_of(value) == lanes) return value;
  SPARKLE_CHECK(lanes_of(value) == 1, "vectors of different lanes meet");
  llvm::Type *lane = type_of(Type{scalar, static_cast<uint16_t>(lanes)})->getScalarType();
  if (lane->isIntegerTy()) value = b_.CreateTrunc(value, lane);
  return b_.CreateVectorSplat(static_cast<unsigned>(lanes), value);
}

Value *KernelEmitter::extract(Value *value, Scalar scalar, int lane) {
  if (lanes_of(value) > 1) value = b_.CreateExtractElement(value, static_cast<uint64_t>(lane));
  return value->getType()->isIntegerTy() ? b_.CreateSExt(value, scalar_type(scalar)) : value;
}

Value *KernelEmitter::emit(ExprId id) {
  if (auto known = memo_.find(id); known != memo_.end()) return known->second;
  Value *value = emit_new(id);
  memo_.emplace(id, value);
  return value;
}

Value *KernelEmitter::emit_new(ExprId id) {
  const Type type = k_.type_of(id);
  return match(
      k_.expr(id), [&](const IntConst &e) { return emit_constant(e.type, e.value); },
      [&](const FloatConst &e) { return emit_constant(e.type, e.value); },
      [&](const VarRef &e) {
        Value *value = values_[index_of(e.var)];
        return value ? value : external_value(e.var);
      },
      [&](const Unary &e) { return emit_unary(e, type); }, [&](const Binary &e) { return emit_binary(e); },
      [&](const Compare &e) { return emit_compare(e); },
      [&](const Select &e) {
        Value *a = widen(emit(e.a), type.scalar, type.lanes);
        Value *b = widen(emit(e.b), type.scalar, type.lanes);
        return b_.CreateSelect(emit(e.cond), a, b);
      },
      [&](const Fma &e) -> Value * {
        Value *a = widen(emit(e.a), type.scalar, type.lanes);
        Value *b = widen(emit(e.b), type.scalar, type.lanes);
        Value *c = widen(emit(e.c), type.scalar, type.lanes);
        if (!is_float(type.scalar)) return b_.CreateAdd(b_.CreateMul(a, b), c);
        return b_.CreateIntrinsic(llvm::Intrinsic::fma, {a->getType()}, {a, b, c});
      },
      [&](const Cast &e) { return cast(emit(e.a), k_.type_of(e.a), e.type); },
      [&](const Bitcast &e) { return b_.CreateBitCast(emit(e.a), type_of(e.type)); },
      [&](const Ramp &e) { return emit_ramp(e); },
      [&](const Broadcast &e) { return widen(emit(e.a), type.scalar, e.lanes); },
      [&](const Shuffle &e) { return emit_shuffle(e); }, [&](const ReduceLanes &e) { return emit_reduce_lanes(e); },
      [&](const Dot &e) { return emit_dot(e); },
      [&](const Read &) -> Value * { SPARKLE_CHECK(false, "a read reached the emitter"); },
      [&](const Reduce &) -> Value * { SPARKLE_CHECK(false, "a reduction reached the emitter"); });
}

Value *KernelEmitter::emit_constant(Type type, int64_t value) {
  return llvm::ConstantInt::get(type_of(type), static_cast<uint64_t>(value), /*IsSigned=*/true);
}

Value *KernelEmitter::emit_constant(Type type, double value) {
  if (type.scalar == Scalar::kF32) return llvm::ConstantFP::get(type_of(type), value);
  const bool is_half = type.scalar == Scalar::kF16;
  llvm::APFloat bits(value);
  bool loses_info = false;
  bits.convert(is_half ? llvm::APFloat::IEEEhalf() : llvm::APFloat::BFloat(), llvm::APFloat::rmNearestTiesToEven,
               &loses_info);
  return llvm::ConstantInt::get(type_of(type), bits.bitcastToAPInt());
}

Value *KernelEmitter::emit_unary(const Unary &unary, Type type) {
  using llvm::Intrinsic::ID;
  Value *a = emit(unary.a);
  const auto call = [&](ID id) { return b_.CreateUnaryIntrinsic(id, a); };
  switch (unary.op) {
  case UnaryOp::kNeg:
    if (is_float(type.scalar)) return b_.CreateFNeg(a);
    return b_.CreateNeg(a, "", type.scalar == Scalar::kIndex);
  case UnaryOp::kNot: return b_.CreateNot(a);
  case UnaryOp::kAbs:
    if (is_float(type.scalar)) return call(llvm::Intrinsic::fabs);
    return b_.CreateBinaryIntrinsic(llvm::Intrinsic::abs, a, b_.getFalse());
  case UnaryOp::kFloor: return call(llvm::Intrinsic::floor);
  case UnaryOp::kCeil: return call(llvm::Intrinsic::ceil);
  case UnaryOp::kRound: return call(llvm::Intrinsic::roundeven);
  case UnaryOp::kTrunc: return call(llvm::Intrinsic::trunc);
  case UnaryOp::kSqrt: return call(llvm::Intrinsic::sqrt);
  case UnaryOp::kRsqrt: return b_.CreateFDiv(llvm::ConstantFP::get(a->getType(), 1.0), call(llvm::Intrinsic::sqrt));
  default: return emit_math(unary.op, a);
  }
}

/// Element functions that were not expanded to polynomials: the C library, lane by lane.
Value *KernelEmitter::emit_math(UnaryOp op, Value *a) {
  switch (op) {
  case UnaryOp::kExp: return call_per_lane("expf", a);
  case UnaryOp::kLog: return call_per_lane("logf", a);
  case UnaryOp::kTanh: return call_per_lane("tanhf", a);
  case UnaryOp::kErf: return call_per_lane("erff", a);
  case UnaryOp::kSigmoid: {
    Value *one = llvm::ConstantFP::get(a->getType(), 1.0);
    return b_.CreateFDiv(one, b_.CreateFAdd(one, call_per_lane("expf", b_.CreateFNeg(a))));
  }
  default: break;
  }
  SPARKLE_CHECK(false, "unknown element function");
}

Value *KernelEmitter::call_per_lane(const char *name, Value *a) {
  llvm::Type *type = b_.getFloatTy();
  llvm::FunctionCallee callee =
      function_.getParent()->getOrInsertFunction(name, llvm::FunctionType::get(type, {type}, false));
  auto *function = llvm::cast<llvm::Function>(callee.getCallee());
  function->setDoesNotThrow();
  function->setMemoryEffects(llvm::MemoryEffects::none());
  if (lanes_of(a) == 1) return b_.CreateCall(callee, {a});
  Value *result = llvm::PoisonValue::get(a->getType());
  for (int i = 0; i < lanes_of(a); ++i) {
    Value *lane = b_.CreateExtractElement(a, static_cast<uint64_t>(i));
    result = b_.CreateInsertElement(result, b_.CreateCall(callee, {lane}), static_cast<uint64_t>(i));
  }
  return result;
}

Value *KernelEmitter::emit_binary(const Binary &binary) {
  const Type type = k_.type_of(binary.a);
  const int lanes = std::max<int>(type.lanes, k_.type_of(binary.b).lanes);
  Value *a = widen(emit(binary.a), type.scalar, lanes);
  Value *b = widen(emit(binary.b), type.scalar, lanes);
  const bool divides = binary.op == BinaryOp::kDiv || binary.op == BinaryOp::kMod;
  return arithmetic(binary.op, type, a, b, divides && is_not_negative(binary.a));
}

bool KernelEmitter::is_not_negative(ExprId id) const {
  return is_integer(k_.type_of(id).scalar) && bounds(k_, id, ranges_).lo.value_or(-1) >= 0;
}

Value *KernelEmitter::arithmetic(BinaryOp op, Type type, Value *a, Value *b, bool dividend_not_negative) {
  if (is_float(type.scalar)) return float_arithmetic(op, a, b);
  const bool is_index = type.scalar == Scalar::kIndex; // It does not overflow; i32 wraps.
  const bool is_signed = type.scalar != Scalar::kU8 && type.scalar != Scalar::kBool;
  using namespace llvm::Intrinsic;
  switch (op) {
  case BinaryOp::kAdd: return b_.CreateAdd(a, b, "", false, is_index);
  case BinaryOp::kSub: return b_.CreateSub(a, b, "", false, is_index);
  case BinaryOp::kMul: return b_.CreateMul(a, b, "", false, is_index);
  case BinaryOp::kMin: return integer_extremum(is_signed ? smin : umin, a, b);
  case BinaryOp::kMax: return integer_extremum(is_signed ? smax : umax, a, b);
  case BinaryOp::kAnd: return b_.CreateAnd(a, b);
  case BinaryOp::kOr: return b_.CreateOr(a, b);
  case BinaryOp::kDiv:
  case BinaryOp::kMod: return floor_division(op, a, b, dividend_not_negative || !is_signed);
  }
  SPARKLE_CHECK(false, "unknown operation");
}

/// The folder knows intrinsics of scalars alone; places of lanes must be known as soon as they can be.
Value *KernelEmitter::integer_extremum(llvm::Intrinsic::ID id, Value *a, Value *b) {
  if (!llvm::isa<llvm::Constant>(a) || !llvm::isa<llvm::Constant>(b)) return b_.CreateBinaryIntrinsic(id, a, b);
  return b_.CreateSelect(b_.CreateICmp(llvm::MinMaxIntrinsic::getPredicate(id), a, b), a, b);
}

Value *KernelEmitter::float_arithmetic(BinaryOp op, Value *a, Value *b) {
  SPARKLE_CHECK(a->getType()->isFPOrFPVectorTy(), "arithmetic on a storage type");
  switch (op) {
  case BinaryOp::kAdd: return b_.CreateFAdd(a, b);
  case BinaryOp::kSub: return b_.CreateFSub(a, b);
  case BinaryOp::kMul: return b_.CreateFMul(a, b);
  case BinaryOp::kDiv: return b_.CreateFDiv(a, b);
  case BinaryOp::kMin: return b_.CreateSelect(b_.CreateFCmpOLT(b, a), b, a);
  case BinaryOp::kMax: return b_.CreateSelect(b_.CreateFCmpOLT(a, b), b, a);
  default: break;
  }
  SPARKLE_CHECK(false, "operation not defined for floats");
}

Value *KernelEmitter::floor_division(BinaryOp op, Value *a, Value *b, bool dividend_not_negative) {
  const bool is_div = op == BinaryOp::kDiv;
  if (dividend_not_negative) return is_div ? b_.CreateUDiv(a, b) : b_.CreateURem(a, b);
  auto *constant = llvm::dyn_cast<llvm::Constant>(b);
  if (constant && constant->getType()->isVectorTy()) constant = constant->getSplatValue();
  if (auto *divisor = llvm::dyn_cast_or_null<llvm::ConstantInt>(constant);
      divisor && divisor->getValue().isPowerOf2()) {
    // Shifts and masks of two's complement round down by themselves.
    if (is_div) return b_.CreateAShr(a, llvm::ConstantInt::get(a->getType(), divisor->getValue().logBase2()));
    return b_.CreateAnd(a, llvm::ConstantInt::get(a->getType(), divisor->getValue() - 1));
  }
  Value *remainder = b_.CreateSRem(a, b); // Has the dividend's sign.
  Value *is_negative = b_.CreateICmpSLT(remainder, llvm::Constant::getNullValue(a->getType()));
  if (!is_div) return b_.CreateSelect(is_negative, b_.CreateAdd(remainder, b), remainder);
  return b_.CreateAdd(b_.CreateSDiv(a, b), b_.CreateSExt(is_negative, a->getType()));
}

Value *KernelEmitter::emit_compare(const Compare &compare) {
  const Type type = k_.type_of(compare.a);
  const int lanes = std::max<int>(type.lanes, k_.type_of(compare.b).lanes);
  Value *a = widen(emit(compare.a), type.scalar, lanes);
  Value *b = widen(emit(compare.b), type.scalar, lanes);
  if (is_float(type.scalar)) {
    SPARKLE_CHECK(type.scalar == Scalar::kF32, "comparison of a storage type");
    switch (compare.op) {
    case CompareOp::kEq: return b_.CreateFCmpOEQ(a, b);
    case CompareOp::kNe: return b_.CreateFCmpUNE(a, b);
    case CompareOp::kLt: return b_.CreateFCmpOLT(a, b);
    case CompareOp::kLe: return b_.CreateFCmpOLE(a, b);
    }
  }
  const bool is_unsigned = type.scalar == Scalar::kU8 || type.scalar == Scalar::kBool;
  switch (compare.op) {
  case CompareOp::kEq: return b_.CreateICmpEQ(a, b);
  case CompareOp::kNe: return b_.CreateICmpNE(a, b);
  case CompareOp::kLt: return is_unsigned ? b_.CreateICmpULT(a, b) : b_.CreateICmpSLT(a, b);
  case CompareOp::kLe: return is_unsigned ? b_.CreateICmpULE(a, b) : b_.CreateICmpSLE(a, b);
  }
  SPARKLE_CHECK(false, "unknown comparison");
}

Value *KernelEmitter::emit_ramp(const Ramp &ramp) {
  const Type type{Scalar::kIndex, static_cast<uint16_t>(ramp.lanes)};
  if (ramp.lanes == 1) return emit(ramp.base);
  llvm::Type *lane = type_of(type)->getScalarType();
  std::vector<llvm::Constant *> steps;
  for (int i = 0; i < ramp.lanes; ++i)
    steps.push_back(llvm::ConstantInt::get(lane, static_cast<uint64_t>(i * ramp.stride), true));
  return b_.CreateAdd(widen(emit(ramp.base), Scalar::kIndex, ramp.lanes), llvm::ConstantVector::get(steps), "", false,
                      true);
}

} // namespace sparkle::llvm_target
