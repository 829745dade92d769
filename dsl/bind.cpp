#include "dsl/bind.h"

#include <algorithm>

#include "compiler/support/checked_math.h"
#include "compiler/support/match.h"
#include "dsl/bind_impl.h"
#include "dsl/suggest.h"

namespace sparkle::dsl {

Binder::Binder(const CheckedKernel &in, const BindRequest &request, Diagnostics &diagnostics)
    : in_(in), request_(request), diagnostics_(diagnostics), origins_(in.ints.size()), resolved_(in.ints.size()),
      resolving_(in.ints.size()), ranges_(in.indices.size()), math_(ranges_), forms_(in.exprs.size()) {}

/// The same mistake at the same place is said once: inlining and sharing must not repeat it.
Diagnostic *Binder::error(std::string_view code, const Origin &at, std::string text) {
  if (!reported_.emplace(std::string(code), at.range.begin, at.call).second) return &(again_ = {});
  return &report_error(diagnostics_, in_, at.call, code, at.range, std::move(text));
}

Result<BoundKernel> Binder::run() {
  out_.name = in_.name;
  out_.range = in_.range;
  out_.scalars = in_.scalars;
  const int before = diagnostics_.error_count();
  const auto sound = [&] { return diagnostics_.error_count() == before; };
  if (bind_ints()) bind_tensors();
  for (const CheckedAgreement &agreement : in_.agreements)
    if (sound()) check_agreement(agreement);
  if (sound()) check_facts();
  if (sound()) bind_written_ranges();
  if (sound()) {
    collect_places();
    if (find_ranges()) bind_demand();
  }
  if (sound()) bind_definitions();
  if (sound()) return std::move(out_);
  return Error{ErrorCode::kInvalidInput, "`" + in_.name + "` can't be bound to these sizes"};
}

void Binder::set_int(IntId id, int64_t value, const std::string &origin, const Origin &at) {
  BoundInt &bound = out_.ints[id];
  if (bound.open) return; // A shape says nothing of the code: it is held against the extent at the call.
  auto &known = origins_[index_of(id)];
  if (known && bound.value != SymInt(value)) {
    error("dimension-conflict", at,
          "`" + bound.name + "` is " + text(bound.value) + " by " + *known + ", and " + std::to_string(value) + " by " +
              origin);
    return;
  }
  bound.value = value;
  known = origin;
}

/// Bare names in the shape of a parameter take the extents given; formulas are held against them later.
void Binder::bind_shape(const CheckedTensor &tensor, const std::vector<int64_t> &shape) {
  if (shape.size() != tensor.extents.size()) {
    error("shape-mismatch", origin_of(tensor),
          "`" + tensor.name + "` has " + std::to_string(tensor.extents.size()) + " dimensions, and was given " +
              std::to_string(shape.size()));
    return;
  }
  for (size_t d = 0; d < shape.size(); ++d) {
    const auto *bare = std::get_if<IntRef>(&in_.exprs[tensor.extents[d]].expr);
    if (bare != nullptr && !in_.ints[bare->name].is_parameter)
      set_int(bare->name, shape[d], "the shape of `" + tensor.name + "`", origin_of(in_.exprs[tensor.extents[d]]));
  }
}

void Binder::bind_given() {
  std::vector<std::string> names;
  for (const BoundInt &bound : out_.ints) names.push_back(bound.name);
  const auto id_of = [&](const std::string &name) {
    const auto at = std::find(names.begin(), names.end(), name);
    if (at != names.end()) return static_cast<IntId>(at - names.begin());
    auto *d =
        error("unknown-define", {in_.range}, "`" + in_.name + "` has no dimension or `int` parameter `" + name + "`");
    if (const auto nearest = nearest_name(name, names); !nearest.empty()) d->hint = "did you mean `" + nearest + "`?";
    return kNoId<IntId>;
  };
  for (const auto &[name, value] : request_.values)
    if (const IntId id = id_of(name); is_valid(id)) set_int(id, value, "the command (-D)", origin_of(in_.ints[id]));
  for (const std::string &name : request_.open) {
    const IntId id = id_of(name);
    if (!is_valid(id)) continue;
    out_.ints[id].open = true;
    out_.ints[id].value = SymInt::of_symbol(id);
    resolved_[index_of(id)] = true;
  }
  for (const auto &given : request_.shapes) {
    const std::string &name = given.first;
    const auto at = std::find_if(in_.tensors.begin(), in_.tensors.end(), [&](const auto &t) {
      return t.name == name && t.role != TensorRole::kLet && t.role != TensorRole::kTable;
    });
    if (at != in_.tensors.end())
      bind_shape(*at, given.second);
    else
      error("unknown-define", {in_.range}, "`" + in_.name + "` has no tensor `" + name + "`");
  }
}

bool Binder::bind_ints() {
  for (const IntName &name : in_.ints) out_.ints.add({name.name, name.is_parameter, false, 0});
  const int before = diagnostics_.error_count();
  bind_given();
  for (uint32_t i = 0; i < in_.ints.size() && diagnostics_.error_count() == before; ++i) resolve(static_cast<IntId>(i));
  return diagnostics_.error_count() == before;
}

bool Binder::check_extent(const std::string &name, const SymInt &value, ExprId formula, const Origin &at) {
  if (SymInt::surely_le(0, value)) return true;
  const std::string shown = is_valid(formula) ? " = `" + text_of(in_, formula) + "`" : "";
  const bool negative = value.is_constant();
  error(negative ? "negative-extent" : "dimension-needed", at,
        "`" + name + "`" + shown + " is " + text(value) +
            (negative ? "; an extent is at least 0" : ", which may be negative"));
  return false;
}

bool Binder::resolve_definition(IntId id) {
  const IntName &name = in_.ints[id];
  const auto form = linear(name.definition);
  if (!form) {
    report_math(name.definition, form.error());
    return false;
  }
  BoundInt &bound = out_.ints[id];
  auto &origin = origins_[index_of(id)];
  // The default of a parameter gives way; the formula of a dimension must agree.
  if (origin && !name.is_parameter && bound.value != form->constant)
    error("dimension-conflict", origin_of(name),
          "`" + name.name + "` is " + text(bound.value) + " by " + *origin + ", and " + text(form->constant) +
              " by its formula `" + text_of(in_, name.definition) + "`");
  if (!origin) bound.value = form->constant;
  origin = origin.value_or("its formula");
  return true;
}

bool Binder::resolve(IntId id) {
  const uint32_t at = index_of(id);
  if (resolved_[at]) return true;
  const IntName &name = in_.ints[id];
  const bool given = origins_[at].has_value();
  if ((!given && !is_valid(name.definition)) || resolving_[at]) {
    auto *d = error("dimension-unknown", origin_of(name),
                    std::string("the ") + (name.is_parameter ? "parameter" : "dimension") + " `" + name.name +
                        "` has no value");
    d->hint = "give it: `-D " + name.name + "=...`";
    return false;
  }
  resolving_[at] = true;
  const bool formula = is_valid(name.definition) && !(given && name.is_parameter);
  const bool sound = !formula || resolve_definition(id);
  resolving_[at] = false;
  if (!sound) return false;
  resolved_[at] = true;
  const Origin origin = formula ? origin_of(in_.exprs[name.definition]) : origin_of(name);
  return name.is_parameter || check_extent(name.name, out_.ints[id].value, name.definition, origin);
}

IndexRange Binder::bind_extent(const CheckedTensor &tensor, size_t dim) {
  const ExprId extent = tensor.extents[dim];
  const auto form = linear(extent);
  if (!form) {
    report_math(extent, form.error());
    return {0, 0};
  }
  if (!form->is_constant()) return {0, 0};
  check_extent(text_of(in_, extent), form->constant, kNoId<ExprId>, origin_of(in_.exprs[extent]));
  return {0, form->constant};
}

void Binder::check_given_shape(const CheckedTensor &tensor, const BoundTensor &bound) {
  const auto given = request_.shapes.find(tensor.name);
  for (size_t d = 0; d < bound.dims.size(); ++d) {
    const SymInt extent = bound.dims[d].extent.end;
    const Origin at = origin_of(in_.exprs[tensor.extents[d]]);
    const std::string formula = "`" + text_of(in_, tensor.extents[d]) + "` is " + text(extent);
    if (tensor.role == TensorRole::kTable && extent != SymInt(static_cast<int64_t>(tensor.table_shape[d])))
      error("table-shape", at, formula + ", and the table has " + std::to_string(tensor.table_shape[d]) + " entries");
    const bool checked =
        given != request_.shapes.end() && given->second.size() == bound.dims.size() && extent.is_constant();
    if (checked && tensor.role != TensorRole::kTable && extent != SymInt(given->second[d]))
      error("shape-mismatch", at,
            formula + ", and `" + tensor.name + "` was given " + std::to_string(given->second[d]));
  }
}

void Binder::check_volume(const BoundTensor &tensor) {
  int64_t bytes = 4; // The largest element.
  for (const BoundDim &dim : tensor.dims) {
    if (!dim.extent.end.is_constant() || dim.extent.end.constant() == 0) return;
    const auto product = checked_mul(bytes, dim.extent.end.constant());
    if (!product) {
      error("shape-overflow", {tensor.range}, "the size of `" + tensor.name + "` leaves 64 bits");
      return;
    }
    bytes = *product;
  }
}

void Binder::bind_tensors() {
  for (const CheckedTensor &tensor : in_.tensors) {
    BoundTensor bound{tensor.name, tensor.elem, tensor.role, {}, tensor.rules, tensor.values, tensor.range};
    for (size_t d = 0; d < tensor.extents.size(); ++d)
      bound.dims.push_back({tensor.dim_names[d], bind_extent(tensor, d)});
    if (tensor.role != TensorRole::kLet) {
      check_given_shape(tensor, bound);
      check_volume(bound);
    }
    out_.tensors.add(std::move(bound));
  }
}

std::optional<bool> Binder::compare(const Binary &binary, const Origin &at) {
  const auto a = linear(binary.lhs), b = linear(binary.rhs);
  if (!a || !b) {
    report_math(a ? binary.rhs : binary.lhs, a ? b.error() : a.error());
    return std::nullopt;
  }
  const SymInt &x = a->constant, &y = b->constant;
  if (!x.is_constant() || !y.is_constant()) {
    if (binary.op == BinaryOp::kEq && x == y) return true;
    if (binary.op == BinaryOp::kLe && SymInt::surely_le(x, y)) return true;
    if (binary.op == BinaryOp::kGe && SymInt::surely_le(y, x)) return true;
    error("dimension-needed", at, "the condition depends on a dimension that was left open; it must be given");
    return std::nullopt;
  }
  const int64_t p = x.constant(), q = y.constant();
  switch (binary.op) {
  case BinaryOp::kEq: return p == q;
  case BinaryOp::kNe: return p != q;
  case BinaryOp::kLt: return p < q;
  case BinaryOp::kLe: return p <= q;
  case BinaryOp::kGt: return p > q;
  default: return p >= q;
  }
}

/// Of a condition on dimensions; nothing when a mistake was reported.
std::optional<bool> Binder::holds(ExprId condition) {
  const ExprNode &node = in_.exprs[condition];
  if (const auto *unary = std::get_if<Unary>(&node.expr)) {
    const auto inner = holds(unary->operand);
    return inner ? std::optional(!*inner) : std::nullopt;
  }
  const auto *binary = std::get_if<Binary>(&node.expr);
  if (binary == nullptr) return std::nullopt;
  if (binary->op > BinaryOp::kAnd) return compare(*binary, origin_of(node));
  const auto a = holds(binary->lhs), b = holds(binary->rhs);
  if (!a || !b) return std::nullopt;
  return binary->op == BinaryOp::kAnd ? *a && *b : *a || *b;
}

/// What a call makes one.
void Binder::check_agreement(const CheckedAgreement &agreement) {
  const auto wanted = linear(agreement.wanted), given = linear(agreement.given);
  if (!wanted || !given)
    return report_math(wanted ? agreement.given : agreement.wanted, wanted ? given.error() : wanted.error());
  if (wanted->constant == given->constant) return;
  const bool known = wanted->constant.is_constant() && given->constant.is_constant();
  auto *d = error(known ? "shape-mismatch" : "dimension-needed", origin_of(agreement),
                  agreement.what + " is " + text(wanted->constant) + " " + agreement.wanted_by + ", and " +
                      text(given->constant) + " " + agreement.given_by);
  d->notes.push_back({agreement.declared, "declared here"});
}

void Binder::check_facts() {
  for (const CheckedFact &fact : in_.facts) {
    const auto result = holds(fact.condition);
    if (!result || *result) continue;
    std::string values;
    for (const BoundInt &bound : out_.ints)
      values += (values.empty() ? "" : ", ") + bound.name + " = " + text(bound.value);
    error("fact-violated", origin_of(fact), "`" + text_of(in_, fact.condition) + "` does not hold")->hint =
        "with " + values;
  }
}

Result<BoundKernel> bind(const CheckedFile &file, const BindRequest &request, Diagnostics &diagnostics) {
  const Error failed{ErrorCode::kInvalidInput, file.source_name + ": no kernel to bind"};
  std::vector<std::string> names;
  for (const CheckedKernel &kernel : file.kernels) {
    if (kernel.name == request.kernel || (request.kernel.empty() && file.kernels.size() == 1))
      return Binder(kernel, request, diagnostics).run();
    names.push_back(kernel.name);
  }
  std::string shown;
  for (const std::string &name : names) shown += (shown.empty() ? "`" : ", `") + name + "`";
  auto &d =
      diagnostics.error("unknown-kernel", {0, 0},
                        request.kernel.empty() ? "the text has " + std::to_string(names.size()) + " kernels; name one"
                                               : "the text has no kernel `" + request.kernel + "`");
  d.hint = shown.empty() ? "" : "kernels: " + shown;
  return failed;
}

} // namespace sparkle::dsl
