#include "targets/llvm/value_ranges.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Metadata.h>

#include "targets/llvm/narrow.h"

namespace sparkle::llvm_target {

using llvm::ConstantRange;

namespace {

unsigned bits_of(const llvm::Value &value) { return value.getType()->getScalarSizeInBits(); }

ConstantRange anything(const llvm::Value &value) { return ConstantRange::getFull(bits_of(value)); }

std::optional<ConstantRange> noted_range(const llvm::Instruction &instruction) {
  const llvm::MDNode *node = instruction.getMetadata(kRangeMetadata);
  if (!node) return std::nullopt;
  const auto end = [&](unsigned i) {
    return llvm::mdconst::extract<llvm::ConstantInt>(node->getOperand(i))->getSExtValue();
  };
  const unsigned bits = bits_of(instruction);
  return ConstantRange::getNonEmpty(llvm::APInt(bits, static_cast<uint64_t>(end(0)), true),
                                    llvm::APInt(bits, static_cast<uint64_t>(end(1)), true) + 1);
}

} // namespace

ConstantRange ValueRanges::of(llvm::Value *value) {
  if (auto known = known_.find(value); known != known_.end()) return known->second;
  ConstantRange range = compute(value);
  known_.try_emplace(value, range);
  return range;
}

ConstantRange ValueRanges::compute(llvm::Value *value) {
  if (const auto *constant = llvm::dyn_cast<llvm::Constant>(value)) return of_constant(*constant);
  if (auto *intrinsic = llvm::dyn_cast<llvm::IntrinsicInst>(value)) return of_intrinsic(*intrinsic);
  if (auto *instruction = llvm::dyn_cast<llvm::Instruction>(value)) return of_instruction(*instruction);
  return anything(*value);
}

ConstantRange ValueRanges::of_constant(const llvm::Constant &constant) const {
  if (const auto *number = llvm::dyn_cast<llvm::ConstantInt>(&constant)) return ConstantRange(number->getValue());
  const auto *type = llvm::dyn_cast<llvm::FixedVectorType>(constant.getType());
  if (!type) return anything(constant);
  ConstantRange all = ConstantRange::getEmpty(bits_of(constant));
  for (unsigned i = 0; i < type->getNumElements(); ++i) {
    const auto *lane = llvm::dyn_cast_or_null<llvm::ConstantInt>(constant.getAggregateElement(i));
    if (!lane) return anything(constant);
    all = all.unionWith(ConstantRange(lane->getValue()));
  }
  return all;
}

ConstantRange ValueRanges::of_instruction(llvm::Instruction &instruction) {
  const unsigned bits = bits_of(instruction);
  if (auto noted = noted_range(instruction)) return *noted;
  if (auto *operation = llvm::dyn_cast<llvm::BinaryOperator>(&instruction))
    return of(operation->getOperand(0)).binaryOp(operation->getOpcode(), of(operation->getOperand(1)));
  if (auto *select = llvm::dyn_cast<llvm::SelectInst>(&instruction))
    return of(select->getTrueValue()).unionWith(of(select->getFalseValue()));
  if (auto *cast = llvm::dyn_cast<llvm::CastInst>(&instruction)) {
    const bool is_integer = cast->getOperand(0)->getType()->isIntOrIntVectorTy();
    if (!is_integer || llvm::isa<llvm::BitCastInst>(cast)) return anything(instruction);
    return of(cast->getOperand(0)).castOp(cast->getOpcode(), bits);
  }
  return anything(instruction);
}

ConstantRange ValueRanges::of_intrinsic(llvm::IntrinsicInst &intrinsic) {
  using namespace llvm::Intrinsic;
  switch (intrinsic.getIntrinsicID()) {
  case smin: return of(intrinsic.getArgOperand(0)).smin(of(intrinsic.getArgOperand(1)));
  case smax: return of(intrinsic.getArgOperand(0)).smax(of(intrinsic.getArgOperand(1)));
  case umin: return of(intrinsic.getArgOperand(0)).umin(of(intrinsic.getArgOperand(1)));
  case umax: return of(intrinsic.getArgOperand(0)).umax(of(intrinsic.getArgOperand(1)));
  default: return anything(intrinsic);
  }
}

} // namespace sparkle::llvm_target
