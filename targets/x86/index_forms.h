// Scalar index expressions as sums over atoms, in which variables of expanded loops are numbers.
//
//   kh*3584 + (ow + 3)*64 + p/56 - 3648, where `ow` is expanded and now 2   ->   kh*3584 + [p/56] - 3328
//
// Atoms are variables and what is not linear. Numbers wrap at 64 bits: what the kernel computes does not leave them.
// Conditions over indices are forms too: 0 or 1.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "compiler/ir/kernel.h"

namespace sparkle::x86 {

enum class AtomId : uint32_t {};

struct IndexTerm {
  AtomId atom;
  int64_t coefficient;
  bool operator==(const IndexTerm &) const = default;
};

/// constant + sum of terms, those first that change in outer loops.
struct IndexForm {
  std::vector<IndexTerm> terms;
  int64_t constant = 0;
  bool is_constant() const { return terms.empty(); }
};

struct Atom {
  enum class Kind : uint8_t {
    kVariable, ///< Of a loop, or a symbol.
    kBinary,   ///< `op` of two operands; kAnd and kOr of 0 and 1.
    kCompare,  ///< `compare` of two operands.
    kSelect,   ///< operands[0] != 0 ? operands[1] : operands[2]
    kValue,    ///< A register that its owner knows of.
  };
  Kind kind = Kind::kValue;
  /// How many loops around it change it: 0 of symbols, 1 of group variables, 2 of the outermost serial loop.
  int depth = 0;
  bool is_counter = false; ///< Variable of a loop that is not expanded, groups excepted.
  bool is_not_negative = false;
  VarId var = kNoId<VarId>;
  BinaryOp op = BinaryOp::kAdd;
  CompareOp compare = CompareOp::kEq;
  std::vector<IndexForm> operands;
};

class IndexForms {
public:
  /// `opaque` gives the atom of a scalar expression over other than indices, at each call anew.
  IndexForms(const Kernel &kernel, std::function<AtomId(ExprId)> opaque);

  /// Unrolled loops, and those of one round.
  bool is_expanded(VarId var) const { return vars_[index_of(var)].kind == VarState::Kind::kExpanded; }
  /// Its numbers.
  std::pair<int64_t, int64_t> expanded_bounds(VarId var) const {
    return {vars_[index_of(var)].begin, vars_[index_of(var)].end};
  }
  void set_number(VarId var, int64_t number) { vars_[index_of(var)].number = number; }
  /// Bound by a Let whose value is inserted in place of it.
  bool is_inlined(VarId var) const { return vars_[index_of(var)].kind == VarState::Kind::kInlined; }
  /// A scalar index variable gets a value in a register; what was made of its former one stays as it is.
  AtomId bind_value(VarId var, int depth);
  AtomId add_value(int depth);

  const Atom &atom(AtomId id) const { return atoms_[index_of(id)]; }
  AtomId variable(VarId var) const { return vars_[index_of(var)].atom; }

  /// A sum that is the same whatever the expanded loops are at, but for its constant.
  struct Affine {
    IndexForm fixed;
    std::vector<std::pair<VarId, int64_t>> expanded; ///< With their coefficients.
  };
  /// Of lane 0; nullptr where the expression is none.
  const Affine *affine(ExprId id);
  int64_t constant_of(const Affine &affine) const;
  /// Of a scalar, or of one lane; nothing where the lane is not made of scalars.
  std::optional<IndexForm> form(ExprId id, int lane = 0);
  /// Made of indices alone.
  bool is_pure(ExprId id) const;
  /// Likewise, of lane 0 where it is a vector.
  bool has_pure_lane(ExprId id) const;
  /// Variables of expanded loops in an expression.
  std::vector<VarId> expanded_in(ExprId id) const;
  bool is_not_negative(const IndexForm &form) const;

private:
  struct VarState {
    enum class Kind : uint8_t { kOther, kExpanded, kAtom, kInlined } kind = Kind::kOther;
    AtomId atom = kNoId<AtomId>;
    int64_t number = 0, begin = 0, end = 0;
    ExprId value = kNoId<ExprId>;
  };
  struct Known {
    enum class State : uint8_t { kNew, kAffine, kOther } state = State::kNew;
    Affine affine;
  };

  void survey(StmtId id, int depth);
  void survey_loop(const For &loop, int depth);
  void add_variable(VarId var, int depth, bool is_counter, bool is_not_negative);
  AtomId add(Atom atom);

  std::optional<Affine> make_affine(ExprId id);
  std::optional<Affine> affine_of_binary(const Binary &e);
  std::optional<IndexForm> make(ExprId id, int lane);
  std::optional<IndexForm> make_binary(const Binary &e, int lane);
  std::optional<IndexForm> make_select(const Select &e, int lane);
  IndexForm binary(BinaryOp op, const IndexForm &a, const IndexForm &b);
  IndexForm divide(BinaryOp op, const IndexForm &a, int64_t divisor);
  IndexForm compare(CompareOp op, const IndexForm &a, const IndexForm &b);
  IndexForm combine(const IndexForm &a, const IndexForm &b, int64_t factor) const;
  IndexForm of_operation(Atom atom);
  bool comes_before(AtomId a, AtomId b) const;

  const Kernel &k_;
  std::function<AtomId(ExprId)> opaque_;
  std::vector<VarState> vars_; ///< By VarId.
  std::vector<Known> known_;   ///< By ExprId.
  std::vector<Atom> atoms_;
  std::map<std::vector<int64_t>, AtomId> operations_;
};

} // namespace sparkle::x86
