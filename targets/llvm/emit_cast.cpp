// Conversions: narrowing saturates, floats to integers truncate with NaN to 0, to f16 and bf16 rounds to nearest even.
#include <llvm/IR/Intrinsics.h>

#include "compiler/ir/numeric.h"
#include "compiler/support/check.h"
#include "targets/llvm/kernel_emitter.h"

namespace sparkle::llvm_target {

using llvm::Value;

namespace {

bool is_signed(Scalar scalar) { return scalar != Scalar::kU8 && scalar != Scalar::kBool; }

} // namespace

Value *KernelEmitter::cast(Value *value, Type from, Type to) {
  if (from == to) return value;
  if (to.scalar == Scalar::kBool) {
    Value *zero = llvm::Constant::getNullValue(value->getType());
    if (!is_float(from.scalar)) return b_.CreateICmpNE(value, zero);
    value = to_f32(value, from);
    return b_.CreateFCmpUNE(value, llvm::Constant::getNullValue(value->getType()));
  }
  if (is_float(from.scalar)) {
    Value *wide = to_f32(value, from);
    return is_float(to.scalar) ? from_f32(wide, to) : float_to_integer(wide, to);
  }
  if (!is_float(to.scalar)) return cast_integer(value, from, to);
  if (to.scalar == Scalar::kBF16 && from.scalar == Scalar::kI32) value = keep_sticky_bits(value);
  llvm::Type *f32 = type_of(Type{Scalar::kF32, to.lanes});
  return from_f32(is_signed(from.scalar) ? b_.CreateSIToFP(value, f32) : b_.CreateUIToFP(value, f32), to);
}

/// f32 holds 24 bits: rounding a greater number there and then to bf16 would round twice. So its low byte, far below
/// the last bit of a bf16, becomes one bit that says whether any was set. f16 needs no such care: numbers that great
/// are infinite.
Value *KernelEmitter::keep_sticky_bits(Value *value) {
  const auto constant = [&](int64_t n) {
    return llvm::ConstantInt::get(value->getType(), static_cast<uint64_t>(n), true);
  };
  Value *low = b_.CreateAnd(value, constant(0xFF));
  Value *is_set = b_.CreateICmpNE(low, constant(0));
  Value *marked =
      b_.CreateOr(b_.CreateAnd(value, constant(~int64_t{0xFF})), b_.CreateSelect(is_set, constant(0x80), constant(0)));
  Value *magnitude = b_.CreateBinaryIntrinsic(llvm::Intrinsic::abs, value, b_.getFalse());
  return b_.CreateSelect(b_.CreateICmpUGT(magnitude, constant(1 << 24)), marked, value);
}

/// Clamps to what the new type holds, where it holds less, then changes the width.
Value *KernelEmitter::cast_integer(Value *value, Type from, Type to) {
  llvm::Type *type = type_of(to);
  const auto constant = [&](int64_t n) {
    return llvm::ConstantInt::get(value->getType(), static_cast<uint64_t>(n), true);
  };
  const bool from_signed = is_signed(from.scalar);
  if (from.scalar != Scalar::kBool && least_value(from.scalar) < least_value(to.scalar))
    value = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, value, constant(least_value(to.scalar)));
  if (from.scalar != Scalar::kBool && greatest_value(from.scalar) > greatest_value(to.scalar))
    value = b_.CreateBinaryIntrinsic(from_signed ? llvm::Intrinsic::smin : llvm::Intrinsic::umin, value,
                                     constant(greatest_value(to.scalar)));
  return from_signed ? b_.CreateSExtOrTrunc(value, type) : b_.CreateZExtOrTrunc(value, type);
}

/// LLVM takes the lanes apart where the result is shorter than what machines convert to. So those are limited as
/// floats, which hold the limits of bytes exactly; a NaN is no greater than the least value.
Value *KernelEmitter::float_to_integer(Value *value, Type to) {
  if (to.is_vector() && bytes_of(to.scalar) == 1) {
    const auto number = [&](int64_t n) { return llvm::ConstantFP::get(value->getType(), static_cast<double>(n)); };
    Value *least = number(least_value(to.scalar)), *greatest = number(greatest_value(to.scalar));
    if (is_signed(to.scalar)) value = b_.CreateSelect(b_.CreateFCmpORD(value, value), value, number(0));
    value = b_.CreateSelect(b_.CreateFCmpOGT(value, least), value, least);
    value = b_.CreateSelect(b_.CreateFCmpOLT(value, greatest), value, greatest);
    return b_.CreateTrunc(b_.CreateFPToSI(value, type_of(Type{Scalar::kI32, to.lanes})), type_of(to));
  }
  const auto id = is_signed(to.scalar) ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat;
  return b_.CreateIntrinsic(id, {type_of(to), value->getType()}, {value});
}

Value *KernelEmitter::to_f32(Value *value, Type from) {
  if (from.scalar == Scalar::kF32) return value;
  llvm::Type *f32 = type_of(Type{Scalar::kF32, from.lanes});
  if (from.scalar == Scalar::kF16) {
    llvm::Type *half = f32->getWithNewType(b_.getHalfTy());
    return b_.CreateFPExt(b_.CreateBitCast(value, half), f32);
  }
  llvm::Type *bits = f32->getWithNewType(b_.getInt32Ty()); // bf16 is the upper half of an f32.
  return b_.CreateBitCast(b_.CreateShl(b_.CreateZExt(value, bits), 16), f32);
}

Value *KernelEmitter::from_f32(Value *value, Type to) {
  if (to.scalar == Scalar::kF32) return value;
  if (to.scalar == Scalar::kBF16) return f32_to_bf16(value, to);
  llvm::Type *half = value->getType()->getWithNewType(b_.getHalfTy());
  return b_.CreateBitCast(b_.CreateFPTrunc(value, half), type_of(to));
}

/// Without AVX512-BF16 LLVM calls a runtime function for this; adding half a unit (less one for even) and cutting does
/// it too.
Value *KernelEmitter::f32_to_bf16(Value *value, Type to) {
  llvm::Type *type = value->getType()->getWithNewType(b_.getInt32Ty());
  const auto constant = [&](uint64_t n) { return llvm::ConstantInt::get(type, n); };
  Value *bits = b_.CreateBitCast(value, type);
  Value *is_odd = b_.CreateAnd(b_.CreateLShr(bits, 16), constant(1));
  Value *rounded = b_.CreateAdd(bits, b_.CreateAdd(is_odd, constant(0x7FFF)));
  Value *quiet_nan = b_.CreateOr(bits, constant(0x400000)); // Cutting alone could leave an infinity.
  Value *chosen = b_.CreateSelect(b_.CreateFCmpUNO(value, value), quiet_nan, rounded);
  return b_.CreateTrunc(b_.CreateLShr(chosen, 16), type_of(to));
}

} // namespace sparkle::llvm_target
