#include "compiler/ir/verifier.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <functional>
#include <iterator>
#include <string_view>

#include "compiler/ir/operands.h"
#include "compiler/ir/verifier_impl.h"
#include "compiler/support/match.h"

namespace sparkle {
namespace {

constexpr std::array<std::string_view, kRuleCount> kRuleNames = {
    "id",       "name", "index-bits", "stage",    "bound-once", "scope",    "constant",  "operand",    "divisor",
    "buffer",   "role", "write",      "alloc",    "rank",       "mask",     "type",      "group-loop", "worker-loop",
    "unrolled", "copy", "barrier",    "fragment", "prefetch",   "imported", "lowerable", "program"};

/// Calls `on_var` and `on_buffer` for the variables that a statement binds and the buffers that it names.
template <class OnVar, class OnBuffer> void for_each_entry(const Stmt &stmt, OnVar &&on_var, OnBuffer &&on_buffer) {
  match(
      stmt, [](const Block &) {}, [](const If &) {}, [](const Barrier &) {}, [&](const For &s) { on_var(s.var); },
      [&](const Let &s) { on_var(s.var); }, [&](const Load &s) { on_var(s.var), on_buffer(s.buffer); },
      [&](const Store &s) { on_buffer(s.buffer); },
      [&](const Copy &s) {
        on_buffer(s.dst), on_buffer(s.src);
        for (const CopyAxis &axis : s.axes) on_var(axis.var);
      },
      [&](const Prefetch &s) { on_buffer(s.buffer); }, [&](const Alloc &s) { on_buffer(s.buffer); },
      [&](const FragmentFill &s) { on_buffer(s.fragment); },
      [&](const FragmentMove &s) { on_buffer(s.fragment), on_buffer(s.buffer); },
      [&](const FragmentMma &s) { on_buffer(s.d), on_buffer(s.a), on_buffer(s.b), on_buffer(s.c); });
}

/// Names seen so far: open addressing in a table with room for all of them.
class NameSet {
public:
  explicit NameSet(size_t most) : slots_(std::bit_ceil(2 * most + 1)) {}
  /// Whether it is new.
  bool insert(std::string_view name) {
    size_t at = std::hash<std::string_view>()(name) & (slots_.size() - 1);
    for (; slots_[at].data() != nullptr; at = (at + 1) & (slots_.size() - 1))
      if (slots_[at] == name) return false;
    slots_[at] = name;
    return true;
  }

private:
  std::vector<std::string_view> slots_;
};

/// `oc.0` or `oc.0_2` for dimension oc, split 0.
bool is_named_by_dim(const Variable &v) {
  if (v.dim.empty()) return v.name.find('.') == std::string::npos;
  char digits[16];
  const std::string_view split(digits, std::to_chars(digits, std::end(digits), v.split).ptr);
  const size_t dot = v.dim.size(), end = dot + 1 + split.size();
  if (v.name.size() < end || !v.name.starts_with(v.dim) || v.name[dot] != '.') return false;
  if (std::string_view(v.name).substr(dot + 1, split.size()) != split) return false;
  if (v.name.size() == end) return true;
  return v.name[end] == '_' && v.name.find_first_not_of("0123456789", end + 1) == std::string::npos;
}

} // namespace

std::string_view name_of(Rule rule) { return kRuleNames[static_cast<size_t>(rule) - 1]; }

bool Verifier::stmt_ids(StmtId id) {
  if (index_of(id) >= k_.stmt_count()) return false;
  current_ = id;
  if (seen_[index_of(id)]) return false;
  seen_[index_of(id)] = true;
  const Stmt &stmt = k_.stmt(id);
  bool in_range = true;
  for_each_root(stmt, [&](ExprId e) { in_range = in_range && index_of(e) < k_.expr_count(); });
  for_each_entry(
      stmt, [&](VarId v) { in_range = in_range && index_of(v) < k_.var_count(); },
      [&](BufferId b) { in_range = in_range && index_of(b) < k_.buffer_count(); });
  if (!in_range) return false;
  if (const auto *block = std::get_if<Block>(&stmt))
    return std::all_of(block->stmts.begin(), block->stmts.end(), [&](StmtId inner) { return stmt_ids(inner); });
  if (const auto *loop = std::get_if<For>(&stmt)) return stmt_ids(loop->body);
  const auto *branch = std::get_if<If>(&stmt);
  return !branch || (stmt_ids(branch->then_body) && (!is_valid(branch->else_body) || stmt_ids(branch->else_body)));
}

bool Verifier::ids_are_valid() {
  seen_.assign(k_.stmt_count(), false);
  if (stmt_ids(k_.body)) {
    current_ = kNoId<StmtId>;
    return true;
  }
  report(Rule::kId, "an id is out of range, or a statement stands in two places");
  return false;
}

void Verifier::names() {
  NameSet names(k_.var_count() + k_.buffer_count());
  for (size_t i = 0; i < k_.var_count(); ++i) {
    const Variable &v = k_.var(static_cast<VarId>(i));
    if (!names.insert(v.name) || !is_named_by_dim(v)) report(Rule::kName, "variable `%" + v.name + "`");
  }
  for (size_t i = 0; i < k_.buffer_count(); ++i) {
    const Buffer &b = k_.buffer(static_cast<BufferId>(i));
    if (!names.insert(b.name)) report(Rule::kName, "buffer `@" + b.name + "`");
  }
}

void Verifier::buffer(const Buffer &b) {
  const auto complain = [&](Rule rule, const std::string &text) { report(rule, "buffer `@" + b.name + "`" + text); };
  if (b.extents.size() != b.strides.size()) complain(Rule::kBuffer, " has not one stride per extent");
  const auto is_static_index = [&](ExprId id) { return k_.type_of(id) == kIndexType && is_static(id); };
  if (!std::all_of(b.extents.begin(), b.extents.end(), is_static_index) ||
      !std::all_of(b.strides.begin(), b.strides.end(), is_static_index))
    complain(Rule::kBuffer, " has an extent or stride that is not made of constants and symbols");
  if (b.alignment < 1 || !std::has_single_bit(static_cast<unsigned>(b.alignment)))
    complain(Rule::kBuffer, " is aligned to " + std::to_string(b.alignment) + ", no power of two");
  const bool is_local = b.role == Role::kLocal;
  const auto positive = [&](ExprId id) { return k_.constant(id).value_or(0) >= 1; };
  if (is_local && !std::all_of(b.extents.begin(), b.extents.end(), positive))
    complain(Rule::kBuffer, " is local, its extents must be constants of at least 1");
  if (is_local == (b.level == MemoryLevel::kFar))
    complain(Rule::kRole, " has role " + std::string(name_of(b.role)) + " at level " + std::string(name_of(b.level)));
  const bool is_fragment = b.fragment != FragmentUse::kNone;
  if (is_fragment && !is_local) complain(Rule::kRole, " is a fragment and not local");
  if (is_fragment && b.extents.size() != 2) complain(Rule::kFragment, " is a fragment without two dimensions");
  if (k_.stage != Stage::kLowerable || is_fragment) return;
  if (b.strides.size() != 1 || k_.constant(b.strides.front()) != 1)
    complain(Rule::kLowerable, " does not have one dimension of stride 1");
}

void Verifier::buffers() {
  for (size_t i = 0; i < k_.buffer_count(); ++i) buffer(k_.buffer(static_cast<BufferId>(i)));
}

/// Serial loops (rule 4 sees to that) around one Store.
void Verifier::imported_shape() {
  StmtId at = k_.body;
  while (const auto *loop = std::get_if<For>(&k_.stmt(at))) at = loop->body;
  current_ = at;
  const auto *store = std::get_if<Store>(&k_.stmt(at));
  if (!store) return report(Rule::kImported, "the loops are not around one store");
  if (is_valid(store->mask)) report(Rule::kImported, "the store is masked");
  if (k_.buffer(store->buffer).level != MemoryLevel::kFar) report(Rule::kImported, "the store is not to a far buffer");
  for (size_t i = 0; i < k_.expr_count(); ++i) {
    const auto *read = std::get_if<Read>(&k_.expr(static_cast<ExprId>(i)));
    if (!read || visited_[i].use == 0 || read->buffer != store->buffer) continue;
    const bool old_value = k_.buffer(read->buffer).role == Role::kInout && read->indices == store->indices;
    if (!old_value) report(Rule::kImported, "the kernel reads what it writes");
  }
}

void Verifier::stmt(StmtId id, Surroundings around) {
  current_ = id;
  const NodeInfo &info = node_info(k_.stmt(id));
  if (k_.stage < info.first || k_.stage > info.last)
    report(Rule::kStage, "a " + std::string(info.name) + " at stage " + std::string(name_of(k_.stage)));
  node(k_.stmt(id), around);
}

void Verifier::node(const Stmt &stmt, const Surroundings &around) {
  match(
      stmt, [&](const Block &s) { block(s, around); }, [&](const For &s) { loop(s, around); },
      [&](const If &s) { branch(s, around); }, [&](const Let &s) { let(s); }, [&](const Load &s) { load(s); },
      [&](const Store &s) { store(s); }, [&](const Copy &s) { copy(s); },
      [&](const Prefetch &s) {
        for (ExprId id : s.indices) use(id);
        access(s.buffer, s.indices, false);
        if (s.cache < 1 || s.cache > 3) report(Rule::kPrefetch, "cache level " + std::to_string(s.cache));
      },
      [&](const Barrier &) { barrier(around); }, [&](const Alloc &s) { alloc(s); },
      [&](const FragmentFill &s) { fragment_fill(s); }, [&](const FragmentMove &s) { fragment_move(s); },
      [&](const FragmentMma &s) { fragment_mma(s); });
}

void Verifier::run() {
  if (!ids_are_valid()) return;
  in_scope_.assign(k_.var_count(), false);
  varies_.assign(k_.var_count(), false);
  allocated_.assign(k_.buffer_count(), false);
  ever_allocated_.assign(k_.buffer_count(), false);
  visited_.assign(k_.expr_count(), {});
  binders_.assign(k_.var_count(), 0);
  bound_at_.assign(k_.var_count(), 0);
  checked_.assign(k_.expr_count(), false);
  if (k_.index_bits != 32 && k_.index_bits != 64)
    report(Rule::kIndexBits, "index_bits is " + std::to_string(k_.index_bits));
  names();
  buffers();
  stmt(k_.body, {});
  current_ = kNoId<StmtId>;
  if (k_.stage == Stage::kImported) imported_shape();
}

std::vector<Violation> find_violations(const Kernel &kernel) {
  std::vector<Violation> violations;
  Verifier(kernel, violations).run();
  return violations;
}

void report_violations(const Kernel &kernel, const std::vector<Violation> &violations, Diagnostics &diagnostics) {
  for (const Violation &v : violations) {
    const bool has_place = is_valid(v.stmt) && index_of(v.stmt) < kernel.stmt_count();
    const SourceRange range = has_place ? kernel.range(v.stmt) : SourceRange{};
    diagnostics.error("ir-" + std::string(name_of(v.rule)), range, v.text);
  }
}

} // namespace sparkle
