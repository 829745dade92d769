// What selection has to know of a kernel before the first instruction.
#include <algorithm>
#include <utility>

#include "compiler/analysis/lane_steps.h"
#include "compiler/analysis/walk.h"
#include "targets/x86/selector.h"

namespace sparkle::x86 {
namespace {

/// More registers than that would be spilled to as much memory as the buffer takes.
constexpr size_t kMostSlices = 512;
constexpr int64_t kMostRounds = 4096;

/// Its value is in registers of its own, whatever it is made of.
bool is_arithmetic(const Expr &expr) {
  if (const auto *unary = std::get_if<Unary>(&expr)) return unary->op != UnaryOp::kNot;
  return std::get_if<Fma>(&expr) || std::get_if<Binary>(&expr) || std::get_if<Compare>(&expr);
}

bool holds_statements(const Stmt &stmt) {
  return std::get_if<Block>(&stmt) || std::get_if<For>(&stmt) || std::get_if<If>(&stmt);
}

} // namespace

void Selector::plan() {
  for (uint32_t i = 0; i < k_.buffer_count(); ++i) {
    const Buffer &buffer = k_.buffer(BufferId{i});
    const bool is_register = buffer.level == MemoryLevel::kRegister && buffer.element != Scalar::kBool;
    const std::optional<int64_t> elements = is_register ? k_.extent(BufferId{i}, 0) : std::nullopt;
    if (!elements || *elements > kMostRounds) continue;
    slices_[i].emplace();
    slices_[i]->slice_at.assign(static_cast<size_t>(*elements), -1);
  }
  for (uint32_t i = 0; i < k_.expr_count(); ++i)
    if (const auto *splat = std::get_if<Broadcast>(&k_.expr(ExprId{i})))
      if (const auto *ref = std::get_if<VarRef>(&k_.expr(splat->a)))
        is_broadcast_[index_of(ref->var)] = k_.var(ref->var).type == Type{Scalar::kF32, 1};
  for (uint32_t i = 0; i < k_.expr_count(); ++i) has_lane_arithmetic_ |= asks_for_ranges(ExprId{i});
  plan_statement(k_.body, 0);
  const std::vector<bool> stored = is_written_;
  for (uint32_t i = 0; i < k_.buffer_count(); ++i)
    for (uint32_t j = 0; j < k_.buffer_count() && !is_written_[i]; ++j)
      is_written_[i] = stored[j] && may_alias(BufferId{i}, BufferId{j});
}

/// Whole numbers divided, and lanes compared: instructions for them depend on what values may be.
bool Selector::asks_for_ranges(ExprId id) const {
  const Expr &expr = k_.expr(id);
  const Type type = k_.type_of(id);
  if (const auto *binary = std::get_if<Binary>(&expr)) {
    const bool divides = binary->op == BinaryOp::kDiv || binary->op == BinaryOp::kMod;
    return type.scalar == Scalar::kIndex ? divides || type.is_vector() : divides && type.scalar == Scalar::kI32;
  }
  if (const auto *compare = std::get_if<Compare>(&expr)) return k_.type_of(compare->a).is_vector();
  return std::get_if<Cast>(&expr) && (type.scalar == Scalar::kIndex || type.scalar == Scalar::kI32);
}

/// `conditions`: branches and loops around it whose body may never run.
void Selector::plan_statement(StmtId id, int conditions) {
  const Stmt &stmt = k_.stmt(id);
  if (const auto *block = std::get_if<Block>(&stmt)) {
    for (size_t i = 0; i < block->stmts.size(); ++i) {
      plan_statement(block->stmts[i], conditions);
      const auto *load = std::get_if<Load>(&k_.stmt(block->stmts[i]));
      if (load && slices_[index_of(load->buffer)] && outlives_no_store(*block, i)) needs_no_copy_.insert(load);
    }
  } else if (const auto *loop = std::get_if<For>(&stmt)) {
    plan_loop(*loop, conditions);
  } else if (const auto *branch = std::get_if<If>(&stmt)) {
    has_branches_ = true;
    plan_statement(branch->then_body, conditions + 1);
    if (is_valid(branch->else_body)) plan_statement(branch->else_body, conditions + 1);
  } else if (const auto *alloc = std::get_if<Alloc>(&stmt)) {
    if (slices_[index_of(alloc->buffer)]) slices_[index_of(alloc->buffer)]->conditions = conditions;
  } else if (const auto *load = std::get_if<Load>(&stmt)) {
    has_branches_ |= is_valid(load->mask);
    const int lanes = std::max<int>(k_.var(load->var).type.lanes, k_.type_of(load->indices.at(0)).lanes);
    plan_access(load->buffer, load->indices[0], lanes, is_valid(load->mask), false);
  } else if (const auto *store = std::get_if<Store>(&stmt)) {
    has_branches_ |= is_valid(store->mask);
    is_written_[index_of(store->buffer)] = true;
    const int lanes = std::max<int>(k_.type_of(store->value).lanes, k_.type_of(store->indices.at(0)).lanes);
    const std::optional<Slices> &slices = slices_[index_of(store->buffer)];
    plan_access(store->buffer, store->indices[0], lanes, is_valid(store->mask),
                slices && slices->conditions == conditions);
  } else if (const auto *prefetch = std::get_if<Prefetch>(&stmt)) {
    slices_[index_of(prefetch->buffer)].reset();
  }
}

void Selector::plan_loop(const For &loop, int conditions) {
  const bool may_be_empty = !(k_.constant(loop.begin) && k_.constant(loop.end)) && loop.kind != LoopKind::kGroup;
  const bool before = std::exchange(has_branches_, has_lane_arithmetic_);
  plan_statement(loop.body, conditions + (may_be_empty ? 1 : 0));
  if (has_branches_) asks_ranges_.insert(&loop);
  has_branches_ |= before;
}

/// An access to whole slices at places that expanded loops alone decide; else the buffer goes to memory.
void Selector::plan_access(BufferId buffer, ExprId index, int lanes, bool is_masked, bool is_sure) {
  std::optional<Slices> &slices = slices_[index_of(buffer)];
  if (!slices) return;
  const bool is_apart = lanes > 1 && k_.buffer(buffer).element == Scalar::kIndex;
  const std::optional<std::vector<int64_t>> steps = lane_steps(k_, index);
  const bool is_whole = steps && static_cast<int>(steps->size()) == lanes && (lanes == 1 || common_step(*steps) == 1);
  if (is_masked || is_apart || !is_whole) return slices.reset();
  const std::vector<VarId> vars = forms_.expanded_in(index);
  int64_t rounds = 1;
  for (VarId var : vars) {
    const auto [begin, end] = forms_.expanded_bounds(var);
    rounds = std::min(rounds * std::clamp<int64_t>(end - begin, 0, kMostRounds + 1), kMostRounds + 1);
  }
  if (rounds > kMostRounds) return slices.reset();
  for (int64_t round = 0; round < rounds && slices; ++round) {
    int64_t rest = round;
    for (VarId var : vars) {
      const auto [begin, end] = forms_.expanded_bounds(var);
      forms_.set_number(var, begin + rest % (end - begin));
      rest /= end - begin;
    }
    const std::optional<IndexForm> form = forms_.has_pure_lane(index) ? forms_.form(index) : std::nullopt;
    if (!form || !form->is_constant() || !plan_slice(*slices, form->constant, lanes, is_sure)) slices.reset();
  }
}

bool Selector::plan_slice(Slices &slices, int64_t offset, int lanes, bool is_sure) {
  if (offset < 0 || offset + lanes > static_cast<int64_t>(slices.slice_at.size())) return false;
  const auto first = slices.slice_at.begin() + offset;
  if (*first >= 0) {
    Slice &slice = slices.slices[static_cast<size_t>(*first)];
    slice.is_sure |= is_sure;
    return slice.offset == offset && slice.lanes == lanes;
  }
  if (std::any_of(first, first + lanes, [](int32_t owner) { return owner >= 0; })) return false;
  std::fill(first, first + lanes, static_cast<int32_t>(slices.slices.size()));
  slices.slices.push_back({offset, lanes, is_sure, {}});
  return slices.slices.size() <= kMostSlices;
}

/// Nothing uses the variable any more once its slice may have another value.
bool Selector::outlives_no_store(const Block &block, size_t load) const {
  const auto &what = std::get<Load>(k_.stmt(block.stmts[load]));
  bool is_stored = false;
  for (size_t i = load + 1; i < block.stmts.size(); ++i) {
    const StmtId id = block.stmts[i];
    const Stmt &stmt = k_.stmt(id);
    const auto uses = [&] { return stmt_uses_var(k_, id, what.var); };
    if (is_stored && uses()) return false;
    if (const auto *store = std::get_if<Store>(&stmt)) is_stored |= store->buffer == what.buffer;
    if (const auto *let = std::get_if<Let>(&stmt); let && !is_arithmetic(k_.expr(let->value)) && uses()) return false;
    if (!holds_statements(stmt) || !buffers_written_by(k_, id).contains(what.buffer)) continue;
    if (uses()) return false;
    is_stored = true;
  }
  return true;
}

} // namespace sparkle::x86
