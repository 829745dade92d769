// What the lanes of integer values may be: intervals from the bottom up, without loops (a value of a loop is anything).
#pragma once

#include <llvm/ADT/DenseMap.h>
#include <llvm/IR/ConstantRange.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

namespace sparkle::llvm_target {

class ValueRanges {
public:
  /// Of all lanes of an integer or a vector of integers.
  llvm::ConstantRange of(llvm::Value *value);

private:
  llvm::ConstantRange compute(llvm::Value *value);
  llvm::ConstantRange of_constant(const llvm::Constant &constant) const;
  llvm::ConstantRange of_instruction(llvm::Instruction &instruction);
  llvm::ConstantRange of_intrinsic(llvm::IntrinsicInst &intrinsic);

  llvm::DenseMap<llvm::Value *, llvm::ConstantRange> known_;
};

} // namespace sparkle::llvm_target
