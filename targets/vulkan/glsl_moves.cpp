// Loads and stores as lines of GLSL, and which loads need no line of their own.
#include "compiler/analysis/walk.h"
#include "targets/vulkan/glsl_statements.h"

namespace sparkle::vulkan {

void StatementWriter::write_load(const Load &load) {
  Places places = accesses_.places(access_of(k_, c_.divisors, load));
  std::vector<ExprId> roots = places.expressions();
  if (is_valid(load.mask)) {
    auto scalar = uniform_lane(k_, load.mask);
    roots.push_back(scalar ? *scalar : load.mask);
    roots.push_back(load.other);
  }
  e_.name_shared(roots);
  if (is_valid(load.mask)) return write_masked_load(load, places);
  Type type = k_.var(load.var).type;
  std::string value = accesses_.read(places, type).text;
  c_.out.line(c_.type_name(type), " ", c_.name_of_var(load.var), " = ", value, ";");
}

/// Branches, not `?:`, which may evaluate both sides: memory outside the buffer must not be touched.
void StatementWriter::write_masked_load(const Load &load, const Places &places) {
  Type type = k_.var(load.var).type;
  const std::string name = c_.name_of_var(load.var);
  ExprId other = c_.build.broadcast(load.other, type.lanes);
  c_.out.line(c_.type_name(type), " ", name, " = ", e_.text(other), ";");
  if (auto cond = uniform_lane(k_, load.mask)) {
    c_.out.line("if (", e_.text(*cond), ") ", name, " = ", accesses_.read(places, type).text, ";");
    return;
  }
  for (int lane = 0; lane < type.lanes; ++lane) {
    const Place &place = places.places[places.is_uniform ? 0 : static_cast<size_t>(lane)];
    ExprId mask = lane_of(c_.build, load.mask, lane);
    // GLSL refuses a constant subscript below 0, even where it is never used.
    if (k_.constant(mask) == 0) continue;
    c_.out.line("if (", e_.text(mask), ") ", name, component(lane), " = ",
                accesses_.load(places, place, type.with_lanes(1)).text, ";");
  }
}

std::string StatementWriter::store_guard(const Store &store, ExprId mask) {
  // A store outside the worker loops happens once, though all workers come by; registers are each worker's own.
  bool once = span_ > 1 && k_.buffer(store.buffer).level != MemoryLevel::kRegister;
  std::string guard;
  if (once) guard = span_ == c_.shape.local_size ? "worker == 0u" : "worker % " + std::to_string(span_) + "u == 0u";
  if (is_valid(mask)) {
    Text cond = e_.write(mask);
    guard = once ? guard + " && " + cond.at_least(Precedence::kLogicalAnd) : cond.text;
  }
  return guard.empty() ? "" : "if (" + guard + ") ";
}

void StatementWriter::write_store(const Store &store) {
  Access access = access_of(k_, c_.divisors, store);
  Places places = accesses_.places(access);
  bool is_split = access.lanes > 1 && !places.is_whole;
  ExprId value = c_.build.broadcast(store.value, access.lanes);
  std::optional<ExprId> mask = is_valid(store.mask) ? uniform_lane(k_, store.mask) : std::nullopt;

  std::vector<ExprId> roots = places.expressions();
  roots.push_back(mask ? *mask : store.mask);
  roots.push_back(value);
  e_.name_shared(roots);
  const Expr &node = k_.expr(value);
  bool is_simple = std::holds_alternative<VarRef>(node) || std::holds_alternative<Broadcast>(node) ||
                   std::holds_alternative<Shuffle>(node) || std::holds_alternative<FloatConst>(node) ||
                   std::holds_alternative<IntConst>(node) || c_.named.contains(value);
  Type type = k_.type_of(value);
  if (!is_simple && (is_split || (k_.strict && is_float(type.scalar)))) {
    std::string name = c_.names.fresh("t");
    c_.out.line(precise(type), c_.type_name(type), " ", name, " = ", e_.text(value), ";");
    c_.name_expr(value, {name});
  }
  if (is_split) return write_split_store(store, places);
  std::string guard = store_guard(store, mask ? *mask : store.mask);
  std::string stored = AccessWriter::as_stored(places, type, e_.text(value));
  c_.out.line(guard, accesses_.write(places.places[0]).text, " = ", stored, ";");
}

void StatementWriter::write_split_store(const Store &store, const Places &places) {
  std::optional<ExprId> mask = is_valid(store.mask) ? uniform_lane(k_, store.mask) : std::nullopt;
  int lanes = std::max(k_.type_of(store.value).lanes, k_.type_of(store.indices[0]).lanes);
  for (int lane = 0; lane < lanes; ++lane) {
    const Place &place = places.places[places.is_uniform ? 0 : static_cast<size_t>(lane)];
    ExprId lane_mask = !is_valid(store.mask) ? store.mask : mask ? *mask : lane_of(c_.build, store.mask, lane);
    if (is_valid(lane_mask) && k_.constant(lane_mask) == 0) continue;
    auto named = c_.named.find(store.value);
    std::string value = named != c_.named.end() && k_.type_of(store.value).is_vector()
                            ? ExpressionWriter::pick(named->second, lane).text
                            : e_.text(lane_of(c_.build, store.value, lane));
    std::string stored = AccessWriter::as_stored(places, k_.type_of(store.value).with_lanes(1), value);
    c_.out.line(store_guard(store, lane_mask), accesses_.write(place).text, " = ", stored, ";");
  }
}

bool StatementWriter::holds_once(StmtId user, VarId var) {
  const Stmt stmt = k_.stmt(user);
  if (auto *let = std::get_if<Let>(&stmt)) return e_.occurs_once(let->value, var);
  auto *store = std::get_if<Store>(&stmt);
  if (!store || !e_.occurs_once(store->value, var)) return false;
  // Written lane by lane, the value would be loaded again for each lane.
  if (accesses_.is_split(*store)) return false;
  bool elsewhere = is_valid(store->mask) || uses_var(k_, store->indices[0], var);
  return !elsewhere;
}

std::optional<size_t> StatementWriter::sole_user(const std::vector<StmtId> &stmts, size_t load_position) {
  const Load &load = std::get<Load>(k_.stmt(stmts[load_position]));
  if (is_valid(load.mask) || count_users(load.var) != 1) return std::nullopt;
  for (size_t i = load_position + 1; i < stmts.size(); ++i) {
    const Stmt &stmt = k_.stmt(stmts[i]);
    if (stmt_uses_var(k_, stmts[i], load.var)) {
      return holds_once(stmts[i], load.var) ? std::optional(i) : std::nullopt;
    }
    // Nothing that writes may come between: the element must be the same when it is read later.
    bool only_reads = std::holds_alternative<Load>(stmt) || std::holds_alternative<Let>(stmt);
    if (!only_reads) return std::nullopt;
  }
  return std::nullopt;
}

int StatementWriter::count_users(VarId var) {
  if (users_.empty()) {
    for_each_stmt(k_, k_.body, [&](StmtId id) {
      for_each_expr(k_, id, [&](ExprId e) {
        if (auto *ref = std::get_if<VarRef>(&k_.expr(e))) ++users_[ref->var];
      });
    });
  }
  return users_[var];
}

} // namespace sparkle::vulkan
