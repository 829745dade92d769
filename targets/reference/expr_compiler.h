// Expressions to instructions. Each is computed once per change of the innermost variable it depends on.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "targets/reference/program.h"

namespace sparkle::reference {

/// A stack of places that code can be added to. What is computed at a place holds until that place is closed.
class ExprCompiler {
public:
  explicit ExprCompiler(CompiledKernel &out);

  void open(Code &place);
  void close();

  /// Slot that holds the value from the innermost open place on. Constants and what depends on outer variables alone
  /// goes to their places; what can fail (Read, division by a variable) and what depends on it stays at the innermost
  /// one.
  Slot value(ExprId id);
  bool is_vector(ExprId id) const { return kernel_.type_of(id).is_vector(); }
  Access access(BufferId buffer, const std::vector<ExprId> &indices);

  /// A slot for `var`, which is bound at the innermost open place.
  Slot bind(VarId var);
  /// `var` is another name of `value` until the innermost place is closed.
  void alias(VarId var, ExprId value);
  Slot allocate(int64_t bytes);

  /// The first problem met, if any.
  const std::optional<Error> &error() const { return error_; }
  void fail(ErrorCode code, std::string text);

private:
  struct Known {
    Slot slot;
    int level; ///< Number of the place from which on it holds.
  };
  struct Place {
    Code *code;
    std::vector<ExprId> exprs;
    std::vector<VarId> vars;
  };

  Known known(ExprId id);
  Known compute(ExprId id);
  Known variable(VarId var);
  Known emit(InstrFn fn, ExprId id, std::vector<ExprId> operands, int extra = 0, int64_t imm = 0, bool pinned = false);
  Known binary(ExprId id, const Binary &e);
  Known constant(ExprId id, Type type, int64_t bits);
  Known shuffle(ExprId id, const Shuffle &e);
  Known read(ExprId id, const Read &e);
  Known reduce(ExprId id, const Reduce &e);
  Known add_instr(Instr instr, ExprId id, int level);
  int top() const { return static_cast<int>(places_.size()) - 1; }
  Scalar scalar(ExprId id) const { return kernel_.type_of(id).scalar; }
  int lanes(ExprId id) const { return kernel_.type_of(id).lanes; }

  CompiledKernel &out_;
  const Kernel &kernel_;
  OpTable ops_;
  std::vector<Place> places_;
  std::unordered_map<ExprId, Known> exprs_;
  std::unordered_map<VarId, Known> vars_;
  std::optional<Error> error_;
};

} // namespace sparkle::reference
