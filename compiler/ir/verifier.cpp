#include "compiler/ir/verifier.h"

#include <algorithm>
#include <array>
#include <bit>
#include <unordered_set>

#include "compiler/ir/printer.h"
#include "compiler/ir/verifier_impl.h"
#include "compiler/support/match.h"

namespace sparkle {
namespace {

constexpr std::array<std::string_view, kRuleCount> kRuleNames = {
    "id",       "name", "index-bits", "stage",    "bound-once", "scope",    "constant",  "operand",    "divisor",
    "buffer",   "role", "write",      "alloc",    "rank",       "mask",     "type",      "group-loop", "worker-loop",
    "unrolled", "copy", "barrier",    "fragment", "prefetch",   "imported", "lowerable", "program"};

/// All ids that a statement refers to, by table.
struct Ids {
  std::vector<ExprId> exprs;   ///< kNoId is not valid here.
  std::vector<ExprId> options; ///< kNoId is valid.
  std::vector<VarId> vars;
  std::vector<BufferId> buffers;
  std::vector<StmtId> stmts;
};

Ids ids_of(const Stmt &stmt) {
  return match(
      stmt,
      [](const Block &s) {
        return Ids{{}, {}, {}, {}, s.stmts};
      },
      [](const For &s) {
        return Ids{{s.begin, s.end}, {}, {s.var}, {}, {s.body}};
      },
      [](const If &s) {
        Ids ids{{s.cond}, {}, {}, {}, {s.then_body}};
        if (is_valid(s.else_body)) ids.stmts.push_back(s.else_body);
        return ids;
      },
      [](const Let &s) {
        return Ids{{s.value}, {}, {s.var}, {}, {}};
      },
      [](const Load &s) {
        return Ids{s.indices, {s.mask, s.other}, {s.var}, {s.buffer}, {}};
      },
      [](const Store &s) {
        Ids ids{s.indices, {s.mask}, {}, {s.buffer}, {}};
        ids.exprs.push_back(s.value);
        return ids;
      },
      [](const Copy &s) {
        Ids ids{s.dst_indices, {s.guard, s.other}, {}, {s.dst, s.src}, {}};
        ids.exprs.insert(ids.exprs.end(), s.src_indices.begin(), s.src_indices.end());
        for (const CopyAxis &axis : s.axes) ids.vars.push_back(axis.var);
        return ids;
      },
      [](const Prefetch &s) {
        return Ids{s.indices, {}, {}, {s.buffer}, {}};
      },
      [](const Barrier &) { return Ids{}; },
      [](const Alloc &s) {
        return Ids{{}, {}, {}, {s.buffer}, {}};
      },
      [](const FragmentFill &s) {
        return Ids{{s.value}, {}, {}, {s.fragment}, {}};
      },
      [](const FragmentMove &s) {
        return Ids{s.indices, {}, {}, {s.fragment, s.buffer}, {}};
      },
      [](const FragmentMma &s) {
        return Ids{{}, {}, {}, {s.d, s.a, s.b, s.c}, {}};
      });
}

/// `oc.0` or `oc.0_2` for dimension oc, split 0.
bool is_named_by_dim(const Variable &v) {
  if (v.dim.empty()) return v.name.find('.') == std::string::npos;
  const std::string base = v.dim + "." + std::to_string(v.split);
  if (v.name == base) return true;
  if (!v.name.starts_with(base + "_")) return false;
  return v.name.find_first_not_of("0123456789", base.size() + 1) == std::string::npos;
}

} // namespace

std::string_view name_of(Rule rule) { return kRuleNames[static_cast<size_t>(rule) - 1]; }

bool Verifier::stmt_ids(StmtId id) {
  if (index_of(id) >= k_.stmt_count()) return false;
  current_ = id;
  if (seen_[index_of(id)]) return false;
  seen_[index_of(id)] = true;
  const Ids ids = ids_of(k_.stmt(id));
  const auto within = [](size_t count) { return [count](auto one) { return index_of(one) < count; }; };
  const auto is_option = [&](ExprId e) { return !is_valid(e) || index_of(e) < k_.expr_count(); };
  return std::all_of(ids.exprs.begin(), ids.exprs.end(), within(k_.expr_count())) &&
         std::all_of(ids.options.begin(), ids.options.end(), is_option) &&
         std::all_of(ids.vars.begin(), ids.vars.end(), within(k_.var_count())) &&
         std::all_of(ids.buffers.begin(), ids.buffers.end(), within(k_.buffer_count())) &&
         std::all_of(ids.stmts.begin(), ids.stmts.end(), [&](StmtId inner) { return stmt_ids(inner); });
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
  std::unordered_set<std::string> names;
  for (size_t i = 0; i < k_.var_count(); ++i) {
    const Variable &v = k_.var(static_cast<VarId>(i));
    if (!names.insert(v.name).second || !is_named_by_dim(v)) report(Rule::kName, "variable `%" + v.name + "`");
  }
  for (size_t i = 0; i < k_.buffer_count(); ++i) {
    const Buffer &b = k_.buffer(static_cast<BufferId>(i));
    if (!names.insert(b.name).second) report(Rule::kName, "buffer `@" + b.name + "`");
  }
}

void Verifier::buffer(const Buffer &b) {
  const std::string name = "buffer `@" + b.name + "`";
  if (b.extents.size() != b.strides.size()) report(Rule::kBuffer, name + " has not one stride per extent");
  const auto is_static_index = [&](ExprId id) { return k_.type_of(id) == kIndexType && is_static(id); };
  if (!std::all_of(b.extents.begin(), b.extents.end(), is_static_index) ||
      !std::all_of(b.strides.begin(), b.strides.end(), is_static_index))
    report(Rule::kBuffer, name + " has an extent or stride that is not made of constants and symbols");
  if (b.alignment < 1 || !std::has_single_bit(static_cast<unsigned>(b.alignment)))
    report(Rule::kBuffer, name + " is aligned to " + std::to_string(b.alignment) + ", no power of two");
  const bool is_local = b.role == Role::kLocal;
  const auto positive = [&](ExprId id) { return k_.constant(id).value_or(0) >= 1; };
  if (is_local && !std::all_of(b.extents.begin(), b.extents.end(), positive))
    report(Rule::kBuffer, name + " is local, its extents must be constants of at least 1");
  if (is_local == (b.level == MemoryLevel::kFar))
    report(Rule::kRole,
           name + " has role " + std::string(name_of(b.role)) + " at level " + std::string(name_of(b.level)));
  const bool is_fragment = b.fragment != FragmentUse::kNone;
  if (is_fragment && !is_local) report(Rule::kRole, name + " is a fragment and not local");
  if (is_fragment && b.extents.size() != 2) report(Rule::kFragment, name + " is a fragment without two dimensions");
  if (k_.stage != Stage::kLowerable || is_fragment) return;
  if (b.strides.size() != 1 || k_.constant(b.strides.front()) != 1)
    report(Rule::kLowerable, name + " does not have one dimension of stride 1");
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
    if (!read || visited_[i] == 0 || read->buffer != store->buffer) continue;
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
  visited_.assign(k_.expr_count(), 0);
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
