#include "compiler/ir/kernel.h"

#include <algorithm>
#include <bit>
#include <functional>

#include "compiler/support/checked_math.h"
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
  size_t result() const { return static_cast<size_t>(state_ ^ state_ >> 32); }

private:
  uint64_t state_;
};

size_t hash_reduce(Hasher h, const Reduce &e) {
  h.add(e.op).add(e.axes.size());
  for (const ReduceAxis &axis : e.axes) h.add(axis.var).add(axis.begin).add(axis.end);
  return h.add(e.body).add(e.filter).result();
}

/// `oc_12` without `_12`.
std::string without_suffix(const std::string &name) {
  const size_t at = name.find_last_not_of("0123456789");
  const bool has_suffix = at != std::string::npos && at > 0 && at + 1 < name.size() && name[at] == '_';
  return has_suffix ? name.substr(0, at) : name;
}

std::optional<int64_t> constant_at(const Kernel &kernel, const std::vector<ExprId> &list, int at) {
  if (at < 0 || static_cast<size_t>(at) >= list.size()) return std::nullopt;
  return kernel.constant(list[static_cast<size_t>(at)]);
}

uint32_t hash_of(const Expr &expr) {
  Hasher h(expr.index());
  return static_cast<uint32_t>(match(
      expr, [&](const IntConst &e) { return h.add_type(e.type).add(e.value).result(); },
      [&](const FloatConst &e) { return h.add_type(e.type).add(std::bit_cast<uint64_t>(e.value)).result(); },
      [&](const VarRef &e) { return h.add(e.var).result(); },
      [&](const Unary &e) { return h.add(e.op).add(e.a).result(); },
      [&](const Binary &e) { return h.add(e.op).add(e.a).add(e.b).result(); },
      [&](const Compare &e) { return h.add(e.op).add(e.a).add(e.b).result(); },
      [&](const Select &e) { return h.add(e.cond).add(e.a).add(e.b).result(); },
      [&](const Fma &e) { return h.add(e.a).add(e.b).add(e.c).result(); },
      [&](const Cast &e) { return h.add_type(e.type).add(e.a).result(); },
      [&](const Bitcast &e) { return h.add_type(e.type).add(e.a).result(); },
      [&](const Ramp &e) { return h.add(e.base).add(e.stride).add(e.lanes).result(); },
      [&](const Broadcast &e) { return h.add(e.a).add(e.lanes).result(); },
      [&](const Shuffle &e) { return h.add_all(e.inputs).add_all(e.indices).result(); },
      [&](const ReduceLanes &e) { return h.add(e.op).add(e.a).result(); },
      [&](const Dot &e) { return h.add(e.acc).add(e.a).add(e.b).result(); },
      [&](const Read &e) { return h.add(e.buffer).add_all(e.indices).add(e.guard).add(e.other).result(); },
      [&](const Reduce &e) { return hash_reduce(h, e); }));
}

} // namespace

ExprId Kernel::intern(Expr expr) {
  if (2 * (exprs_.size() + 1) > slots_.size()) grow_slots();
  const uint32_t hash = hash_of(expr);
  ExprId &slot = slots_[slot_of(expr, hash)];
  if (is_valid(slot)) return slot;
  types_.add(compute_type(expr));
  hashes_.add(hash);
  return slot = exprs_.add(std::move(expr));
}

/// Of the equal expression, or a free one.
size_t Kernel::slot_of(const Expr &expr, uint32_t hash) const {
  size_t at = hash & (slots_.size() - 1);
  while (is_valid(slots_[at]) && !(hashes_[slots_[at]] == hash && exprs_[slots_[at]] == expr))
    at = (at + 1) & (slots_.size() - 1);
  return at;
}

void Kernel::grow_slots() {
  slots_.assign(std::max<size_t>(kLeastSlots, 2 * slots_.size()), kNoId<ExprId>);
  for (uint32_t i = 0; i < exprs_.size(); ++i) {
    size_t at = hashes_[ExprId{i}] & (slots_.size() - 1);
    while (is_valid(slots_[at])) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = ExprId{i};
  }
}

StmtId Kernel::add_stmt(Stmt stmt, SourceRange range) {
  ranges_.add(range);
  return stmts_.add(std::move(stmt));
}

std::string Kernel::unique_name(std::string name) {
  if (name.empty()) name = "v";
  if (names_.insert(name).second) return name;
  const std::string base = without_suffix(name);
  int &next = next_suffix_.try_emplace(base, 2).first->second;
  do name = base + "_" + std::to_string(next++);
  while (!names_.insert(name).second);
  return name;
}

VarId Kernel::add_var(Variable variable) {
  if (variable.dim.empty()) {
    std::replace(variable.name.begin(), variable.name.end(), '.', '_');
  } else {
    const std::string base = variable.dim + "." + std::to_string(variable.split);
    if (variable.name != base && without_suffix(variable.name) != base) variable.name = base;
  }
  variable.name = unique_name(std::move(variable.name));
  return vars_.add(std::move(variable));
}

BufferId Kernel::add_buffer(Buffer buffer) {
  std::replace(buffer.name.begin(), buffer.name.end(), '.', '_');
  buffer.name = unique_name(std::move(buffer.name));
  return buffers_.add(std::move(buffer));
}

Type Kernel::compute_type(const Expr &expr) const {
  return match(
      expr, [&](const IntConst &e) { return e.type; }, [&](const FloatConst &e) { return e.type; },
      [&](const VarRef &e) { return vars_[e.var].type; }, [&](const Unary &e) { return types_[e.a]; },
      [&](const Binary &e) { return types_[e.a]; },
      [&](const Compare &e) { return kBoolType.with_lanes(types_[e.a].lanes); },
      [&](const Select &e) { return types_[e.a]; }, [&](const Fma &e) { return types_[e.a]; },
      [&](const Cast &e) { return e.type; }, [&](const Bitcast &e) { return e.type; },
      [&](const Ramp &e) { return types_[e.base].with_lanes(e.lanes); },
      [&](const Broadcast &e) { return types_[e.a].with_lanes(e.lanes); },
      [&](const Shuffle &e) {
        const Type input = e.inputs.empty() ? kIndexType : types_[e.inputs.front()];
        return input.with_lanes(static_cast<int>(e.indices.size()));
      },
      [&](const ReduceLanes &e) { return types_[e.a].with_lanes(1); }, [&](const Dot &e) { return types_[e.acc]; },
      [&](const Read &e) {
        return Type{buffers_[e.buffer].element, 1};
      },
      [&](const Reduce &e) { return types_[e.body]; });
}

Type Kernel::type_of(ExprId id) const { return types_[id]; }

std::optional<int64_t> Kernel::constant(ExprId id) const {
  if (!is_valid(id)) return std::nullopt;
  const auto *value = std::get_if<IntConst>(&exprs_[id]);
  return value ? std::optional(value->value) : std::nullopt;
}

std::optional<int64_t> Kernel::extent(BufferId id, int dim) const {
  return constant_at(*this, buffers_[id].extents, dim);
}

std::optional<int64_t> Kernel::stride(BufferId id, int dim) const {
  return constant_at(*this, buffers_[id].strides, dim);
}

std::vector<int64_t> dense_strides(const std::vector<int64_t> &extents) {
  std::vector<int64_t> strides(extents.size(), 1);
  for (size_t i = extents.size(); i-- > 1;) {
    const auto product = checked_mul(strides[i], extents[i]);
    SPARKLE_CHECK(product.has_value(), "tensor size overflows 64 bits");
    strides[i - 1] = *product;
  }
  return strides;
}

} // namespace sparkle
