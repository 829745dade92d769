#include "targets/x86/index_forms.h"

#include <algorithm>

#include "compiler/support/check.h"
#include "compiler/support/checked_math.h"

namespace sparkle::x86 {
namespace {

int64_t wrapped_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t wrapped_mul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

IndexForm constant_form(int64_t value) { return {{}, value}; }

IndexForm scaled(IndexForm form, int64_t factor) {
  if (factor == 0) return {};
  form.constant = wrapped_mul(form.constant, factor);
  for (IndexTerm &term : form.terms) term.coefficient = wrapped_mul(term.coefficient, factor);
  return form;
}

bool is_index_like(Type type) { return type.scalar == Scalar::kIndex || type.scalar == Scalar::kBool; }

bool holds(CompareOp op, int64_t a, int64_t b) {
  switch (op) {
  case CompareOp::kEq: return a == b;
  case CompareOp::kNe: return a != b;
  case CompareOp::kLt: return a < b;
  case CompareOp::kLe: return a <= b;
  }
  return false;
}

int64_t fold(BinaryOp op, int64_t a, int64_t b) {
  switch (op) {
  case BinaryOp::kAdd: return wrapped_add(a, b);
  case BinaryOp::kSub: return wrapped_add(a, wrapped_mul(b, -1));
  case BinaryOp::kMul: return wrapped_mul(a, b);
  case BinaryOp::kDiv: return floor_div(a, b);
  case BinaryOp::kMod: return floor_mod(a, b);
  case BinaryOp::kMin: return std::min(a, b);
  case BinaryOp::kMax: return std::max(a, b);
  case BinaryOp::kAnd: return a & b;
  case BinaryOp::kOr: return a | b;
  }
  return 0;
}

void add_expanded(std::vector<std::pair<VarId, int64_t>> &sum, const std::pair<VarId, int64_t> &term) {
  const auto same = std::ranges::find(sum, term.first, &std::pair<VarId, int64_t>::first);
  if (same == sum.end()) {
    sum.push_back(term);
  } else {
    same->second = wrapped_add(same->second, term.second);
  }
}

} // namespace

// ---- Sums

bool IndexForms::comes_before(AtomId a, AtomId b) const {
  const Atom &left = atom(a), &right = atom(b);
  if (left.depth != right.depth) return left.depth < right.depth;
  if (left.is_counter != right.is_counter) return left.is_counter;
  return index_of(a) < index_of(b);
}

/// a + factor * b
IndexForm IndexForms::combine(const IndexForm &a, const IndexForm &b, int64_t factor) const {
  IndexForm out;
  out.constant = wrapped_add(a.constant, wrapped_mul(b.constant, factor));
  out.terms.reserve(a.terms.size() + b.terms.size());
  auto left = a.terms.begin();
  auto right = b.terms.begin();
  while (left != a.terms.end() || right != b.terms.end()) {
    if (right == b.terms.end() || (left != a.terms.end() && comes_before(left->atom, right->atom))) {
      out.terms.push_back(*left++);
    } else if (left == a.terms.end() || left->atom != right->atom) {
      out.terms.push_back({right->atom, wrapped_mul(right->coefficient, factor)});
      ++right;
    } else {
      const int64_t sum = wrapped_add(left->coefficient, wrapped_mul(right->coefficient, factor));
      if (sum != 0) out.terms.push_back({left->atom, sum});
      ++left, ++right;
    }
  }
  return out;
}

bool IndexForms::is_not_negative(const IndexForm &form) const {
  return form.constant >= 0 && std::ranges::all_of(form.terms, [&](const IndexTerm &term) {
           return term.coefficient >= 0 && atom(term.atom).is_not_negative;
         });
}

const IndexForms::Affine *IndexForms::affine(ExprId id) {
  Known::State state = known_[index_of(id)].state;
  if (state == Known::State::kNew) {
    std::optional<Affine> made = make_affine(id);
    state = made ? Known::State::kAffine : Known::State::kOther;
    known_[index_of(id)].state = state;
    if (made) known_[index_of(id)].affine = std::move(*made);
  }
  return state == Known::State::kAffine ? &known_[index_of(id)].affine : nullptr;
}

int64_t IndexForms::constant_of(const Affine &affine) const {
  int64_t sum = affine.fixed.constant;
  for (const auto &[var, coefficient] : affine.expanded)
    sum = wrapped_add(sum, wrapped_mul(coefficient, vars_[index_of(var)].number));
  return sum;
}

std::optional<IndexForms::Affine> IndexForms::make_affine(ExprId id) {
  const Expr &expr = k_.expr(id);
  if (!is_index_like(k_.type_of(id))) return std::nullopt;
  if (const auto *e = std::get_if<IntConst>(&expr)) return Affine{constant_form(e->value), {}};
  const auto copy = [&](ExprId of) -> std::optional<Affine> {
    const Affine *known = affine(of);
    if (!known) return std::nullopt;
    return *known;
  };
  if (const auto *e = std::get_if<Ramp>(&expr)) return copy(e->base);
  if (const auto *e = std::get_if<Broadcast>(&expr)) return copy(e->a);
  if (const auto *e = std::get_if<VarRef>(&expr)) {
    const VarState &var = vars_[index_of(e->var)];
    if (var.kind == VarState::Kind::kExpanded) return Affine{{}, {{e->var, 1}}};
    if (var.kind == VarState::Kind::kAtom) return Affine{IndexForm{{{var.atom, 1}}, 0}, {}};
    if (var.kind == VarState::Kind::kInlined) return copy(var.value);
    return std::nullopt;
  }
  if (const auto *e = std::get_if<Binary>(&expr)) return affine_of_binary(*e);
  if (k_.type_of(id).is_vector() || !is_pure(id) || !expanded_in(id).empty()) return std::nullopt;
  if (std::optional<IndexForm> made = make(id, 0)) return Affine{std::move(*made), {}};
  return std::nullopt;
}

std::optional<IndexForms::Affine> IndexForms::affine_of_binary(const Binary &e) {
  const Affine *a = affine(e.a), *b = affine(e.b);
  if (!a || !b) return std::nullopt;
  const auto is_number = [](const Affine &affine) { return affine.fixed.is_constant() && affine.expanded.empty(); };
  if (e.op == BinaryOp::kAdd || e.op == BinaryOp::kSub) {
    const int64_t sign = e.op == BinaryOp::kAdd ? 1 : -1;
    Affine sum{combine(a->fixed, b->fixed, sign), a->expanded};
    for (const auto &[var, coefficient] : b->expanded)
      add_expanded(sum.expanded, {var, wrapped_mul(coefficient, sign)});
    return sum;
  }
  if (e.op == BinaryOp::kMul && (is_number(*a) || is_number(*b))) {
    const Affine &form = is_number(*a) ? *b : *a;
    const int64_t factor = (is_number(*a) ? *a : *b).fixed.constant;
    Affine product{scaled(form.fixed, factor), form.expanded};
    for (auto &[var, coefficient] : product.expanded) coefficient = wrapped_mul(coefficient, factor);
    return product;
  }
  if (!a->expanded.empty() || !b->expanded.empty()) return std::nullopt;
  return Affine{binary(e.op, a->fixed, b->fixed), {}};
}

// ---- One expression, now

std::optional<IndexForm> IndexForms::form(ExprId id, int lane) {
  if (lane == 0) {
    if (const Affine *known = affine(id)) {
      IndexForm form = known->fixed;
      form.constant = constant_of(*known);
      return form;
    }
  }
  return make(id, lane);
}

std::optional<IndexForm> IndexForms::make(ExprId id, int lane) {
  const Expr &expr = k_.expr(id);
  const bool is_vector = k_.type_of(id).is_vector();
  if (is_index_like(k_.type_of(id))) {
    if (const auto *e = std::get_if<IntConst>(&expr)) return constant_form(e->value);
    if (const auto *e = std::get_if<Ramp>(&expr)) {
      std::optional<IndexForm> base = form(e->base);
      if (base) base->constant = wrapped_add(base->constant, wrapped_mul(e->stride, lane));
      return base;
    }
    if (const auto *e = std::get_if<Broadcast>(&expr)) return form(e->a);
    if (const auto *e = std::get_if<Binary>(&expr)) return make_binary(*e, lane);
    if (const auto *e = std::get_if<Select>(&expr)) return make_select(*e, lane);
    if (const auto *e = std::get_if<Unary>(&expr); e && (e->op == UnaryOp::kNeg || e->op == UnaryOp::kNot)) {
      const std::optional<IndexForm> a = form(e->a, lane);
      if (!a) return std::nullopt;
      return combine(constant_form(e->op == UnaryOp::kNot ? 1 : 0), *a, -1);
    }
    if (const auto *e = std::get_if<Compare>(&expr); e && k_.type_of(e->a).scalar == Scalar::kIndex) {
      const std::optional<IndexForm> a = form(e->a, lane), b = form(e->b, lane);
      if (!a || !b) return std::nullopt;
      return compare(e->op, *a, *b);
    }
    if (const auto *e = std::get_if<VarRef>(&expr); e && !is_vector) {
      const VarState &var = vars_[index_of(e->var)];
      if (var.kind == VarState::Kind::kExpanded) return constant_form(var.number);
      if (var.kind == VarState::Kind::kInlined) return form(var.value);
      if (is_valid(var.atom)) return IndexForm{{{var.atom, 1}}, 0};
    }
  }
  if (is_vector) return std::nullopt;
  return IndexForm{{{opaque_(id), 1}}, 0};
}

std::optional<IndexForm> IndexForms::make_binary(const Binary &e, int lane) {
  const std::optional<IndexForm> a = form(e.a, lane);
  if (!a) return std::nullopt;
  const std::optional<IndexForm> b = form(e.b, lane);
  if (!b) return std::nullopt;
  return binary(e.op, *a, *b);
}

std::optional<IndexForm> IndexForms::make_select(const Select &e, int lane) {
  const std::optional<IndexForm> cond = form(e.cond, lane), a = form(e.a, lane), b = form(e.b, lane);
  if (!cond || !a || !b) return std::nullopt;
  if (cond->is_constant()) return cond->constant != 0 ? a : b;
  Atom atom;
  atom.kind = Atom::Kind::kSelect;
  atom.operands = {*cond, *a, *b};
  atom.is_not_negative = is_not_negative(*a) && is_not_negative(*b);
  return of_operation(std::move(atom));
}

IndexForm IndexForms::binary(BinaryOp op, const IndexForm &a, const IndexForm &b) {
  if (a.is_constant() && b.is_constant()) return constant_form(fold(op, a.constant, b.constant));
  if (op == BinaryOp::kAdd) return combine(a, b, 1);
  if (op == BinaryOp::kSub) return combine(a, b, -1);
  if (op == BinaryOp::kMul && a.is_constant()) return scaled(b, a.constant);
  if (op == BinaryOp::kMul && b.is_constant()) return scaled(a, b.constant);
  if ((op == BinaryOp::kDiv || op == BinaryOp::kMod) && b.is_constant()) return divide(op, a, b.constant);
  const bool is_extremum = op == BinaryOp::kMin || op == BinaryOp::kMax;
  if (is_extremum && a.terms == b.terms) return (op == BinaryOp::kMin) == (a.constant < b.constant) ? a : b;
  if (op == BinaryOp::kAnd || op == BinaryOp::kOr) {
    const bool is_neutral = op == BinaryOp::kAnd; // x and 1 = x, x or 0 = x
    if (a.is_constant()) return (a.constant != 0) == is_neutral ? b : a;
    if (b.is_constant()) return (b.constant != 0) == is_neutral ? a : b;
  }
  Atom atom;
  atom.kind = Atom::Kind::kBinary;
  atom.op = op;
  atom.operands = {a, b};
  const bool one = is_not_negative(a), other = is_not_negative(b);
  atom.is_not_negative = op == BinaryOp::kMax ? one || other : op == BinaryOp::kMod || (one && other);
  return of_operation(std::move(atom));
}

/// (c*T + R) / c = T + R/c, (c*T + R) % c = R % c
IndexForm IndexForms::divide(BinaryOp op, const IndexForm &a, int64_t divisor) {
  IndexForm whole, rest;
  for (const IndexTerm &term : a.terms) {
    if (term.coefficient % divisor == 0) {
      whole.terms.push_back({term.atom, term.coefficient / divisor});
    } else {
      rest.terms.push_back(term);
    }
  }
  rest.constant = floor_mod(a.constant, divisor);
  whole.constant = floor_div(a.constant, divisor);
  if (rest.is_constant()) return op == BinaryOp::kDiv ? whole : constant_form(rest.constant);
  // The quotient of a whole division is told apart from others by its dividend, so the constant goes back to it.
  if (whole.terms.empty()) {
    rest.constant = a.constant;
    whole.constant = 0;
  }
  Atom atom;
  atom.kind = Atom::Kind::kBinary;
  atom.op = op;
  atom.operands = {rest, constant_form(divisor)};
  atom.is_not_negative = op == BinaryOp::kMod || is_not_negative(rest);
  const IndexForm part = of_operation(std::move(atom));
  return op == BinaryOp::kDiv ? combine(part, whole, 1) : part;
}

IndexForm IndexForms::compare(CompareOp op, const IndexForm &a, const IndexForm &b) {
  if (a.terms == b.terms) return constant_form(holds(op, a.constant, b.constant) ? 1 : 0);
  Atom atom;
  atom.kind = Atom::Kind::kCompare;
  atom.compare = op;
  atom.operands = {a, b};
  atom.is_not_negative = true;
  return of_operation(std::move(atom));
}

IndexForm IndexForms::of_operation(Atom atom) {
  std::vector<int64_t> key{static_cast<int64_t>(atom.kind), static_cast<int64_t>(atom.op),
                           static_cast<int64_t>(atom.compare)};
  for (const IndexForm &operand : atom.operands) {
    key.push_back(static_cast<int64_t>(operand.terms.size()));
    key.push_back(operand.constant);
    for (const IndexTerm &term : operand.terms) {
      key.insert(key.end(), {static_cast<int64_t>(index_of(term.atom)), term.coefficient});
      atom.depth = std::max(atom.depth, this->atom(term.atom).depth);
    }
  }
  const auto [known, is_new] = operations_.try_emplace(std::move(key), kNoId<AtomId>);
  if (is_new) known->second = add(std::move(atom));
  return IndexForm{{{known->second, 1}}, 0};
}

} // namespace sparkle::x86
