#include "targets/llvm/peephole.h"

#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/PatternMatch.h>

#include "targets/cpu/division.h"

namespace sparkle::llvm_target {
namespace {

using llvm::Value;
namespace pattern = llvm::PatternMatch;

bool is_zext(const Value *value) { return llvm::isa<llvm::ZExtInst>(value); }

/// What was widened, when both operands come from one type by the same extension.
Value *narrow_extremum(llvm::IntrinsicInst &extremum) {
  const bool is_max = extremum.getIntrinsicID() == llvm::Intrinsic::smax;
  if (!is_max && extremum.getIntrinsicID() != llvm::Intrinsic::smin) return nullptr;
  Value *x = extremum.getArgOperand(0), *y = extremum.getArgOperand(1), *a = nullptr, *b = nullptr;
  if (!match(x, pattern::m_ZExtOrSExt(pattern::m_Value(a)))) return nullptr;
  llvm::IRBuilder<> builder(&extremum);
  const llvm::APInt *limit = nullptr;
  if (match(y, pattern::m_APInt(limit)) && is_zext(x)) { // A clamp to what the narrow type holds anyway.
    const bool keeps =
        is_max ? limit->isNonPositive()
               : limit->sge(llvm::APInt::getMaxValue(a->getType()->getScalarSizeInBits()).zext(limit->getBitWidth()));
    return keeps ? x : nullptr;
  }
  if (!match(y, pattern::m_ZExtOrSExt(pattern::m_Value(b))) || is_zext(x) != is_zext(y)) return nullptr;
  if (a->getType() != b->getType()) return nullptr;
  using namespace llvm::Intrinsic;
  const ID id = is_zext(x) ? (is_max ? umax : umin) : (is_max ? smax : smin);
  Value *narrow = builder.CreateBinaryIntrinsic(id, a, b);
  return is_zext(x) ? builder.CreateZExt(narrow, x->getType()) : builder.CreateSExt(narrow, x->getType());
}

/// The quotient without a division (targets/cpu/division.h).
Value *divide_by_constant(llvm::BinaryOperator &division, bool strict) {
  const llvm::APFloat *divisor = nullptr;
  if (division.getOpcode() != llvm::Instruction::FDiv || !division.getType()->getScalarType()->isFloatTy() ||
      !match(division.getOperand(1), pattern::m_APFloat(divisor)))
    return nullptr;
  const float value = divisor->convertToFloat();
  const std::optional<cpu::ConstantDivision> how = cpu::constant_division(value, strict);
  if (!how) return nullptr;
  llvm::IRBuilder<> b(&division);
  llvm::Type *type = division.getType();
  Value *x = division.getOperand(0), *reciprocal = llvm::ConstantFP::get(type, static_cast<double>(how->reciprocal));
  Value *quotient = b.CreateFMul(x, reciprocal);
  if (how->is_product) return quotient;
  Value *divided = llvm::ConstantFP::get(type, -static_cast<double>(value));
  Value *rest = b.CreateIntrinsic(llvm::Intrinsic::fma, {type}, {quotient, divided, x});
  Value *refined = b.CreateIntrinsic(llvm::Intrinsic::fma, {type}, {rest, reciprocal, quotient});
  return b.CreateSelect(b.CreateFCmpONE(rest, llvm::Constant::getNullValue(type)), refined, quotient);
}

Value *rewritten(llvm::Instruction &instruction, bool strict) {
  if (auto *intrinsic = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction)) return narrow_extremum(*intrinsic);
  if (auto *operation = llvm::dyn_cast<llvm::BinaryOperator>(&instruction); operation)
    return divide_by_constant(*operation, strict);
  return nullptr;
}

} // namespace

void rewrite_operations(llvm::Function &function, bool strict) {
  llvm::ReversePostOrderTraversal<llvm::Function *> order(&function);
  for (llvm::BasicBlock *block : order)
    for (llvm::Instruction &instruction : llvm::make_early_inc_range(*block)) {
      Value *value = rewritten(instruction, strict);
      if (!value) continue;
      instruction.replaceAllUsesWith(value);
      instruction.eraseFromParent();
    }
}

} // namespace sparkle::llvm_target
