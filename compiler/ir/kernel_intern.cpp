// Hash consing: equal expressions get one id. A function for each node type, so that nothing is decided at run time.
#include <algorithm>
#include <bit>

#include "compiler/ir/kernel.h"
#include "compiler/ir/operands.h"
#include "compiler/support/match.h"

namespace sparkle {
namespace {

constexpr size_t kLeastSlots = 64;

/// Order-dependent mixing of 64-bit words.
class Hasher {
public:
  explicit Hasher(size_t seed) : state_(seed * 0x9E3779B97F4A7C15ull + 1) {}
  template <class T> Hasher &add(T value) {
    state_ = (std::rotl(state_, 23) ^ static_cast<uint64_t>(value)) * 0x9E3779B97F4A7C15ull;
    return *this;
  }
  template <class T> Hasher &add_all(const std::vector<T> &values) {
    add(values.size());
    for (const T &value : values) add(value);
    return *this;
  }
  Hasher &add_type(Type type) { return add(type.scalar).add(type.lanes); }
  uint32_t result() const { return static_cast<uint32_t>(state_ ^ state_ >> 32); }

private:
  uint64_t state_;
};

Hasher &mix(Hasher &h, const IntConst &e) { return h.add_type(e.type).add(e.value); }
Hasher &mix(Hasher &h, const FloatConst &e) { return h.add_type(e.type).add(std::bit_cast<uint64_t>(e.value)); }
Hasher &mix(Hasher &h, const VarRef &e) { return h.add(e.var); }
Hasher &mix(Hasher &h, const Unary &e) { return h.add(e.op).add(e.a); }
Hasher &mix(Hasher &h, const Binary &e) { return h.add(e.op).add(e.a).add(e.b); }
Hasher &mix(Hasher &h, const Compare &e) { return h.add(e.op).add(e.a).add(e.b); }
Hasher &mix(Hasher &h, const Select &e) { return h.add(e.cond).add(e.a).add(e.b); }
Hasher &mix(Hasher &h, const Fma &e) { return h.add(e.a).add(e.b).add(e.c); }
Hasher &mix(Hasher &h, const Cast &e) { return h.add_type(e.type).add(e.a); }
Hasher &mix(Hasher &h, const Bitcast &e) { return h.add_type(e.type).add(e.a); }
Hasher &mix(Hasher &h, const Ramp &e) { return h.add(e.base).add(e.stride).add(e.lanes); }
Hasher &mix(Hasher &h, const Broadcast &e) { return h.add(e.a).add(e.lanes); }
Hasher &mix(Hasher &h, const Shuffle &e) { return h.add_all(e.inputs).add_all(e.indices); }
Hasher &mix(Hasher &h, const ReduceLanes &e) { return h.add(e.op).add(e.a); }
Hasher &mix(Hasher &h, const Dot &e) { return h.add(e.acc).add(e.a).add(e.b); }
Hasher &mix(Hasher &h, const Read &e) { return h.add(e.buffer).add_all(e.indices).add(e.guard).add(e.other); }
Hasher &mix(Hasher &h, const Reduce &e) {
  h.add(e.op).add(e.axes.size());
  for (const ReduceAxis &axis : e.axes) h.add(axis.var).add(axis.begin).add(axis.end);
  return h.add(e.body).add(e.filter);
}

Type type_of(const Kernel &, const IntConst &e) { return e.type; }
Type type_of(const Kernel &, const FloatConst &e) { return e.type; }
Type type_of(const Kernel &k, const VarRef &e) { return k.var(e.var).type; }
Type type_of(const Kernel &k, const Unary &e) { return k.type_of(e.a); }
Type type_of(const Kernel &k, const Binary &e) { return k.type_of(e.a); }
Type type_of(const Kernel &k, const Compare &e) { return kBoolType.with_lanes(k.type_of(e.a).lanes); }
Type type_of(const Kernel &k, const Select &e) { return k.type_of(e.a); }
Type type_of(const Kernel &k, const Fma &e) { return k.type_of(e.a); }
Type type_of(const Kernel &, const Cast &e) { return e.type; }
Type type_of(const Kernel &, const Bitcast &e) { return e.type; }
Type type_of(const Kernel &k, const Ramp &e) { return k.type_of(e.base).with_lanes(e.lanes); }
Type type_of(const Kernel &k, const Broadcast &e) { return k.type_of(e.a).with_lanes(e.lanes); }
Type type_of(const Kernel &k, const Shuffle &e) {
  const Type input = e.inputs.empty() ? kIndexType : k.type_of(e.inputs.front());
  return input.with_lanes(static_cast<int>(e.indices.size()));
}
Type type_of(const Kernel &k, const ReduceLanes &e) { return k.type_of(e.a).with_lanes(1); }
Type type_of(const Kernel &k, const Dot &e) { return k.type_of(e.acc); }
Type type_of(const Kernel &k, const Read &e) { return {k.buffer(e.buffer).element, 1}; }
Type type_of(const Kernel &k, const Reduce &e) { return k.type_of(e.body); }

template <class Node> uint64_t own_vars(const Node &) { return 0; }
uint64_t own_vars(const VarRef &e) { return var_bit(e.var); }
uint64_t own_vars(const Reduce &e) {
  uint64_t bits = 0;
  for (const ReduceAxis &axis : e.axes) bits |= var_bit(axis.var);
  return bits;
}

/// Position of a node type in the variant: what tells nodes with equal operands apart.
template <class Node, class... Nodes> constexpr size_t position(const std::variant<Nodes...> *) {
  size_t at = 0;
  (void)((std::is_same_v<Node, Nodes> || (++at, false)) || ...);
  return at;
}

} // namespace

template <class Node> ExprId Kernel::find_or_add(Node node) {
  if (2 * (exprs_.size() + 1) > slots_.size()) grow_slots(exprs_.size() + 1);
  Hasher hasher(position<Node>(static_cast<const Expr *>(nullptr)));
  const uint32_t hash = mix(hasher, node).result();
  size_t at = hash & (slots_.size() - 1);
  for (; is_valid(slots_[at]); at = (at + 1) & (slots_.size() - 1)) {
    if (facts_[slots_[at]].hash != hash) continue;
    const auto *same = std::get_if<Node>(&exprs_[slots_[at]]);
    if (same && *same == node) return slots_[at];
  }
  uint64_t vars = own_vars(node);
  for_each_operand(node, [&](ExprId operand) { vars |= var_bits(operand); });
  facts_.add({sparkle::type_of(*this, node), hash, vars});
  return slots_[at] = exprs_.emplace(std::move(node));
}

ExprId Kernel::intern(Expr expr) {
  return std::visit([this](auto &node) { return find_or_add(std::move(node)); }, expr);
}

template <class Node>
requires(!std::is_same_v<Node, Expr>) ExprId Kernel::intern(Node node) { return find_or_add(std::move(node)); }

template ExprId Kernel::intern(IntConst);
template ExprId Kernel::intern(FloatConst);
template ExprId Kernel::intern(VarRef);
template ExprId Kernel::intern(Unary);
template ExprId Kernel::intern(Binary);
template ExprId Kernel::intern(Compare);
template ExprId Kernel::intern(Select);
template ExprId Kernel::intern(Fma);
template ExprId Kernel::intern(Cast);
template ExprId Kernel::intern(Bitcast);
template ExprId Kernel::intern(Ramp);
template ExprId Kernel::intern(Broadcast);
template ExprId Kernel::intern(Shuffle);
template ExprId Kernel::intern(ReduceLanes);
template ExprId Kernel::intern(Dot);
template ExprId Kernel::intern(Read);
template ExprId Kernel::intern(Reduce);

/// For `count` expressions at least.
void Kernel::grow_slots(size_t count) {
  const size_t wanted = std::max(kLeastSlots, std::bit_ceil(3 * count));
  if (wanted <= slots_.size()) return;
  slots_.assign(wanted, kNoId<ExprId>);
  for (uint32_t i = 0; i < exprs_.size(); ++i) {
    size_t at = facts_[ExprId{i}].hash & (slots_.size() - 1);
    while (is_valid(slots_[at])) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = ExprId{i};
  }
}

} // namespace sparkle
