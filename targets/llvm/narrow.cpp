#include "targets/llvm/narrow.h"

#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Metadata.h>
#include <llvm/IR/PatternMatch.h>
#include <llvm/Transforms/Utils/Local.h>

#include "targets/llvm/value_ranges.h"

namespace sparkle::llvm_target {
namespace {

using llvm::ConstantRange;
using llvm::Value;
namespace pattern = llvm::PatternMatch;

/// Fewer operations do not pay for the extension behind them.
constexpr int kLeastOperations = 2;
constexpr unsigned kWideBits = 32;

bool fits_unsigned(const ConstantRange &range, unsigned bits) { return range.getUnsignedMax().getActiveBits() <= bits; }
bool fits_signed(const ConstantRange &range, unsigned bits) {
  return range.getSignedMin().getSignificantBits() <= bits && range.getSignedMax().getSignificantBits() <= bits;
}

bool is_wide_vector(const Value &value) {
  return value.getType()->isVectorTy() && value.getType()->isIntOrIntVectorTy() &&
         value.getType()->getScalarSizeInBits() == kWideBits;
}

/// Rewrites trees of i32 arithmetic, from the leaves (extensions and constants) up, in `bits` bits.
class Narrower {
public:
  Narrower(ValueRanges &ranges, unsigned bits) : ranges_(ranges), bits_(bits) {}

  /// The low bits of `value` can be had from narrow operands alone.
  bool can(Value *value) {
    if (auto known = can_.find(value); known != can_.end()) return known->second;
    can_[value] = false; // In a loop it is not.
    const bool answer = decide(value);
    return can_[value] = answer;
  }

  /// The low bits; what `can` says yes to.
  Value *make(Value *value) {
    if (auto known = made_.find(value); known != made_.end()) return known->second;
    Value *narrow = build(value);
    made_[value] = narrow;
    return narrow;
  }

  /// Operations of a tree, those of other trees left out; extensions are free, they only get shorter.
  int operations(Value *value) {
    auto *instruction = llvm::dyn_cast<llvm::Instruction>(value);
    if (!instruction || llvm::isa<llvm::CastInst>(value) || llvm::isa<llvm::PHINode>(value)) return 0;
    int count = 1;
    for (Value *operand : instruction->operand_values())
      if (count < kLeastOperations && is_wide_vector(*operand)) count += operations(operand);
    return count;
  }

private:
  llvm::Type *narrow_type_of(const Value &value) const { return value.getType()->getWithNewBitWidth(bits_); }

  bool decide(Value *value) {
    if (!is_wide_vector(*value)) return false;
    if (llvm::isa<llvm::Constant>(value)) return true;
    if (llvm::isa<llvm::ZExtInst>(value) || llvm::isa<llvm::SExtInst>(value))
      return llvm::cast<llvm::CastInst>(value)->getOperand(0)->getType()->getScalarSizeInBits() <= bits_;
    if (auto *operation = llvm::dyn_cast<llvm::BinaryOperator>(value)) return decide_binary(*operation);
    if (auto *extremum = llvm::dyn_cast<llvm::MinMaxIntrinsic>(value)) {
      Value *a = extremum->getLHS(), *b = extremum->getRHS();
      return can(a) && can(b) && (both_fit(a, b, false) || (extremum->isSigned() && both_fit(a, b, true)));
    }
    return false;
  }

  bool decide_binary(llvm::BinaryOperator &e) {
    Value *a = e.getOperand(0), *b = e.getOperand(1);
    const llvm::APInt *distance = nullptr;
    switch (e.getOpcode()) {
    case llvm::Instruction::Add:
    case llvm::Instruction::Sub:
    case llvm::Instruction::Mul:
    case llvm::Instruction::And:
    case llvm::Instruction::Or:
    case llvm::Instruction::Xor: return can(a) && can(b);
    case llvm::Instruction::Shl: return match(b, pattern::m_APInt(distance)) && distance->ult(bits_) && can(a);
    case llvm::Instruction::LShr:
      return match(b, pattern::m_APInt(distance)) && distance->ult(bits_) && can(a) && fits(a, false);
    case llvm::Instruction::AShr:
      return match(b, pattern::m_APInt(distance)) && distance->ult(bits_) && can(a) &&
             (fits(a, false) || fits(a, true));
    default: return false;
    }
  }

  bool fits(Value *value, bool is_signed) {
    return is_signed ? fits_signed(ranges_.of(value), bits_) : fits_unsigned(ranges_.of(value), bits_);
  }
  bool both_fit(Value *a, Value *b, bool is_signed) { return fits(a, is_signed) && fits(b, is_signed); }

  Value *build(Value *value) {
    llvm::Type *type = narrow_type_of(*value);
    if (auto *constant = llvm::dyn_cast<llvm::Constant>(value))
      return llvm::IRBuilder<>(value->getContext()).CreateTrunc(constant, type);
    auto *instruction = llvm::cast<llvm::Instruction>(value);
    llvm::IRBuilder<> b(instruction);
    if (auto *cast = llvm::dyn_cast<llvm::CastInst>(value)) {
      Value *from = cast->getOperand(0);
      return llvm::isa<llvm::ZExtInst>(cast) ? b.CreateZExt(from, type) : b.CreateSExt(from, type);
    }
    if (auto *extremum = llvm::dyn_cast<llvm::MinMaxIntrinsic>(value)) {
      using namespace llvm::Intrinsic;
      const bool is_min =
          extremum->getPredicate() == llvm::CmpInst::ICMP_SLT || extremum->getPredicate() == llvm::CmpInst::ICMP_ULT;
      const bool is_unsigned = both_fit(extremum->getLHS(), extremum->getRHS(), false);
      const ID id = is_unsigned ? (is_min ? umin : umax) : (is_min ? smin : smax);
      Value *left = make(extremum->getLHS()), *right = make(extremum->getRHS());
      return b.CreateBinaryIntrinsic(id, left, right);
    }
    auto &operation = *llvm::cast<llvm::BinaryOperator>(value);
    Value *left = make(operation.getOperand(0)), *right = make(operation.getOperand(1));
    auto opcode = operation.getOpcode();
    if (opcode == llvm::Instruction::AShr && fits(operation.getOperand(0), false)) opcode = llvm::Instruction::LShr;
    return b.CreateBinOp(opcode, left, right);
  }

  ValueRanges &ranges_;
  unsigned bits_;
  llvm::DenseMap<Value *, bool> can_;
  llvm::DenseMap<Value *, Value *> made_;
};

/// A limit that no value reaches.
Value *without_limit(llvm::Instruction &instruction, ValueRanges &ranges) {
  auto *limit = llvm::dyn_cast<llvm::MinMaxIntrinsic>(&instruction);
  if (!limit || !limit->getType()->isVectorTy()) return nullptr;
  const ConstantRange a = ranges.of(limit->getLHS()), b = ranges.of(limit->getRHS());
  if (a.icmp(llvm::CmpInst::getNonStrictPredicate(limit->getPredicate()), b)) return limit->getLHS();
  if (b.icmp(llvm::CmpInst::getNonStrictPredicate(limit->getPredicate()), a)) return limit->getRHS();
  return nullptr;
}

class FunctionNarrower {
public:
  explicit FunctionNarrower(llvm::Function &function) : function_(function), by_8_(ranges_, 8), by_16_(ranges_, 16) {}

  void run() {
    for (llvm::Instruction &instruction : llvm::instructions(function_))
      if (Value *same = without_limit(instruction, ranges_)) instruction.replaceAllUsesWith(same);
    std::vector<llvm::Instruction *> users;
    for (llvm::Instruction &instruction : llvm::instructions(function_)) users.push_back(&instruction);
    for (llvm::Instruction *user : users) visit(*user);
    for (llvm::BasicBlock &block : function_)
      for (llvm::Instruction &instruction : llvm::make_early_inc_range(llvm::reverse(block)))
        if (llvm::isInstructionTriviallyDead(&instruction)) instruction.eraseFromParent();
  }

private:
  void visit(llvm::Instruction &user) {
    if (auto *cut = llvm::dyn_cast<llvm::TruncInst>(&user); cut && is_wide_vector(*cut->getOperand(0)))
      return visit_trunc(*cut);
    if (llvm::isa<llvm::PHINode>(user) || is_part(user)) return;
    for (llvm::Use &use : user.operands())
      if (is_wide_vector(*use)) visit_use(use);
  }

  /// Of a tree that its own user narrows.
  bool is_part(llvm::Instruction &user) {
    return is_wide_vector(user) && by_16_.can(&user) && narrow_type(ranges_.of(&user)).has_value();
  }

  void visit_trunc(llvm::TruncInst &cut) {
    Value *wide = cut.getOperand(0);
    const unsigned bits = cut.getType()->getScalarSizeInBits();
    if (!by_16_.can(wide) || by_16_.operations(wide) == 0) return;
    llvm::IRBuilder<> b(&cut);
    if (bits <= 8 && by_8_.can(wide))
      cut.replaceAllUsesWith(b.CreateTrunc(by_8_.make(wide), cut.getType()));
    else if (bits <= 16)
      cut.replaceAllUsesWith(b.CreateTrunc(by_16_.make(wide), cut.getType()));
  }

  void visit_use(llvm::Use &use) {
    Value *wide = use.get();
    if (!by_16_.can(wide) || by_16_.operations(wide) < kLeastOperations) return;
    const auto type = narrow_type(ranges_.of(wide));
    if (!type) return;
    Narrower &narrower = type->bits == 8 && by_8_.can(wide) ? by_8_ : by_16_;
    Value *&extended = extended_[wide];
    if (!extended) {
      auto *after = llvm::cast<llvm::Instruction>(wide)->getNextNode();
      llvm::IRBuilder<> b(after);
      Value *narrow = narrower.make(wide);
      extended = type->is_signed ? b.CreateSExt(narrow, wide->getType()) : b.CreateZExt(narrow, wide->getType());
    }
    use.set(extended);
  }

  llvm::Function &function_;
  ValueRanges ranges_;
  Narrower by_8_, by_16_;
  llvm::DenseMap<Value *, Value *> extended_;
};

} // namespace

std::optional<NarrowType> narrow_type(const ConstantRange &range) {
  for (unsigned bits : {8u, 16u}) {
    if (fits_unsigned(range, bits)) return NarrowType{bits, false};
    if (fits_signed(range, bits)) return NarrowType{bits, true};
  }
  return std::nullopt;
}

void narrow_integers(llvm::Function &function) { FunctionNarrower(function).run(); }

std::map<uint32_t, ConstantRange> stored_ranges(llvm::Function &function) {
  std::map<uint32_t, ConstantRange> all;
  ValueRanges ranges;
  for (llvm::Instruction &instruction : llvm::instructions(function)) {
    const llvm::MDNode *node = instruction.getMetadata(kBufferMetadata);
    if (!node) continue;
    const auto number =
        static_cast<uint32_t>(llvm::mdconst::extract<llvm::ConstantInt>(node->getOperand(0))->getZExtValue());
    Value *value = instruction.getOperand(0); // Of plain, masked and scattered stores.
    const ConstantRange range = ranges.of(value);
    auto [entry, is_new] = all.try_emplace(number, range);
    if (!is_new) entry->second = entry->second.unionWith(range);
  }
  return all;
}

} // namespace sparkle::llvm_target
