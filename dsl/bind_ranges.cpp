// Ranges of indices, by the rules of docs/language.md, "Ranges": the numbers in comments are that list's.
#include <algorithm>

#include "compiler/support/match.h"
#include "dsl/bind_impl.h"

namespace sparkle::dsl {

void Binder::collect_places() {
  for (size_t i = 0; i < in_.definitions.size(); ++i) {
    std::vector<bool> seen(in_.exprs.size());
    collect_places(in_.definitions[i].value, i, seen);
  }
}

void Binder::collect_places(ExprId expr, size_t definition, std::vector<bool> &seen) {
  if (seen[index_of(expr)]) return;
  seen[index_of(expr)] = true;
  const auto visit = [&](ExprId child) {
    if (is_valid(child)) collect_places(child, definition, seen);
  };
  const auto visit_read = [&](const Read &read) {
    for (size_t d = 0; d < read.subscripts.size(); ++d) {
      const auto *alone = std::get_if<IndexRef>(&in_.exprs[read.subscripts[d]].expr);
      places_.push_back({read.tensor, d, read.subscripts[d], alone != nullptr ? alone->index : kNoId<IndexId>,
                         read.access[d].mode, definition});
    }
  };
  match(
      in_.exprs[expr].expr, [](const Literal &) {}, [](const IndexRef &) {}, [](const IntRef &) {},
      [](const ScalarRef &) {}, visit_read, [&](const Unary &unary) { visit(unary.operand); },
      [&](const Binary &binary) {
        visit(binary.lhs);
        visit(binary.rhs);
      },
      [&](const Select &select) {
        visit(select.condition);
        visit(select.if_true);
        visit(select.if_false);
      },
      [&](const Apply &apply) { visit(apply.operand); }, [&](const Cast &cast) { visit(cast.operand); },
      [&](const Reduce &reduce) {
        visit(reduce.filter);
        visit(reduce.body);
      });
}

/// Rules 1 and 2: indices of outputs, and ranges that stand in the text.
void Binder::bind_written_ranges() {
  for (const Definition &definition : in_.definitions) {
    if (in_.tensors[definition.target].role == TensorRole::kLet) continue;
    for (size_t d = 0; d < definition.indices.size(); ++d)
      ranges_[index_of(definition.indices[d])] = out_.tensors[definition.target].dims[d].extent;
  }
  for (uint32_t i = 0; i < in_.indices.size(); ++i) {
    const CheckedIndex &index = in_.indices[static_cast<IndexId>(i)];
    if (!is_valid(index.begin)) continue;
    const auto begin = linear(index.begin), end = linear(index.end);
    if (!begin || !end) {
      report_math(begin ? index.end : index.begin, begin ? end.error() : begin.error());
      continue;
    }
    const auto last = SymInt::add(end->constant, index.kind == RangeKind::kClosed ? 1 : 0);
    if (!last) {
      error("shape-overflow", origin_of(index), "the range of `" + index.name + "` leaves 64 bits");
      continue;
    }
    ranges_[i] = IndexRange{begin->constant, *last};
    const auto extent = SymInt::sub(*last, begin->constant);
    if (extent) check_extent(index.name, *extent, kNoId<ExprId>, origin_of(index));
  }
}

bool Binder::takes_range_from_reads(IndexId index) const { return in_.indices[index].kind == RangeKind::kNone; }

/// Of the dimension that is read; nothing while that is not known, or never will be (`in ..`).
std::optional<IndexRange> Binder::range_of(const Place &place) const {
  const CheckedTensor &tensor = in_.tensors[place.tensor];
  if (tensor.role != TensorRole::kLet) return out_.tensors[place.tensor].dims[place.dim].extent;
  const IndexId index = tensor.indices[place.dim];
  if (in_.indices[index].kind == RangeKind::kDemand) return std::nullopt;
  return ranges_[index_of(index)];
}

/// Rule 3: the dimensions in which the index stands alone, in its statement, without `outside`.
bool Binder::range_from_reads_inside(IndexId index) {
  for (const Place &place : places_) {
    if (place.alone != index || place.mode != OutsideMode::kNone) continue;
    const auto range = range_of(place);
    if (!range) continue;
    ranges_[index_of(index)] = range;
    return true;
  }
  return false;
}

/// Rule 4: the indices that stand alone at this place in all reads of the `let`.
bool Binder::range_from_readers(TensorId let, size_t dim) {
  std::optional<IndexRange> agreed;
  for (const Place &place : places_) {
    if (place.tensor != let || place.dim != dim) continue;
    if (!is_valid(place.alone)) return false;
    const auto &range = ranges_[index_of(place.alone)];
    if (!range || (agreed && *agreed != *range)) return false;
    agreed = range;
  }
  if (!agreed) return false;
  ranges_[index_of(in_.tensors[let].indices[dim])] = agreed;
  return true;
}

/// Each round settles an index or is the last one. Rule 3 goes before rule 4 wherever both could apply.
bool Binder::find_ranges() {
  const auto open = [&](IndexId index) { return !ranges_[index_of(index)] && takes_range_from_reads(index); };
  const auto round = [&] {
    bool settled = false;
    for (uint32_t i = 0; i < in_.indices.size(); ++i)
      if (open(static_cast<IndexId>(i))) settled = range_from_reads_inside(static_cast<IndexId>(i)) || settled;
    if (settled) return true;
    for (size_t i = in_.definitions.size(); i-- > 0;) {
      const TensorId target = in_.definitions[i].target;
      if (in_.tensors[target].role != TensorRole::kLet) continue;
      for (size_t d = 0; d < in_.tensors[target].indices.size(); ++d)
        if (open(in_.tensors[target].indices[d])) settled = range_from_readers(target, d) || settled;
    }
    return settled;
  };
  const int before = diagnostics_.error_count();
  while (round()) {
  }
  check_range_agreement();
  report_open_indices();
  return diagnostics_.error_count() == before;
}

void Binder::error_conflict(IndexId index, const Place &a, const Place &b) {
  const std::string name = in_.indices[index].name;
  const auto say = [&](const Place &place) {
    return "`" + in_.tensors[place.tensor].name + "` says " + name + " in " + text(*range_of(place));
  };
  auto *d = error("range-conflict", origin_of(in_.exprs[b.subscript]),
                  "two extents for `" + name + "`: " + say(a) + ", " + say(b));
  d->hint = "write the range of `" + name + "`, or the size that they share once";
  d->notes.push_back({in_.exprs[a.subscript].range, "the other place"});
}

/// Rule 3 takes no intersections: all such dimensions have the same extent.
void Binder::check_range_agreement() {
  std::vector<const Place *> first(in_.indices.size(), nullptr);
  for (const Place &place : places_) {
    if (!is_valid(place.alone) || place.mode != OutsideMode::kNone || !takes_range_from_reads(place.alone)) continue;
    const auto range = range_of(place);
    const Definition &definition = in_.definitions[place.definition];
    const bool of_output =
        in_.tensors[definition.target].role != TensorRole::kLet &&
        std::find(definition.indices.begin(), definition.indices.end(), place.alone) != definition.indices.end();
    if (!range || of_output) continue;
    const Place *&other = first[index_of(place.alone)];
    if (other == nullptr)
      other = &place;
    else if (*range_of(*other) != *range)
      error_conflict(place.alone, *other, place);
  }
}

/// The size that the author most likely means: of the output whose index is in the subscript.
std::string Binder::likely_extent(const Place &place) const {
  const Definition &reader = in_.definitions[place.definition];
  const CheckedTensor &target = in_.tensors[reader.target];
  for (size_t d = 0; d < reader.indices.size() && d < target.dim_names.size(); ++d) {
    const bool is_output = target.role != TensorRole::kLet && !target.dim_names[d].empty();
    if (is_output && holds_index(place.subscript, reader.indices[d])) return target.dim_names[d];
  }
  return "E";
}

bool Binder::holds_index(ExprId subscript, IndexId index) const {
  const Expr &node = in_.exprs[subscript].expr;
  if (const auto *ref = std::get_if<IndexRef>(&node)) return ref->index == index;
  if (const auto *unary = std::get_if<Unary>(&node)) return holds_index(unary->operand, index);
  const auto *binary = std::get_if<Binary>(&node);
  return binary != nullptr && (holds_index(binary->lhs, index) || holds_index(binary->rhs, index));
}

/// Prints both lines to paste.
void Binder::report_range_choice(TensorId let, size_t dim, const Place &place) {
  const CheckedTensor &tensor = in_.tensors[let];
  const std::string name = in_.indices[tensor.indices[dim]].name;
  const auto line = [&](const std::string &range, const std::string &rule) {
    std::string text = "`let " + tensor.name;
    for (size_t d = 0; d < tensor.indices.size(); ++d)
      text += (d == 0 ? "[" : ", ") + in_.indices[tensor.indices[d]].name + (d == dim ? range : "");
    return text + "]" + rule + " = ...`";
  };
  auto *d = error("range-choice", origin_of(in_.indices[tensor.indices[dim]]),
                  "`" + name + "` of `" + tensor.name + "` could reach to what is read, or stop at an extent");
  d->hint = "write " + line(" in ..", "") + " to compute whatever is read, or " +
            line(" in 0.." + likely_extent(place), " outside 0 on (" + name + ")") + " to stop there";
  d->notes.push_back({in_.exprs[place.subscript].range, "read here at more than an index alone"});
}

/// Rule 4 where the readers do not agree.
void Binder::report_readers(TensorId let, size_t dim) {
  const Place *first = nullptr;
  const IndexId index = in_.tensors[let].indices[dim];
  const std::string name = in_.indices[index].name;
  for (const Place &place : places_) {
    if (place.tensor != let || place.dim != dim || !ranges_[index_of(place.alone)]) continue;
    const IndexRange range = *ranges_[index_of(place.alone)];
    if (first == nullptr) first = &place;
    const IndexRange other = *ranges_[index_of(first->alone)];
    if (range == other) continue;
    auto *d = error("range-conflict", origin_of(in_.indices[index]),
                    "`" + name + "` of `" + in_.tensors[let].name + "` is read over " + text(other) + " and over " +
                        text(range));
    d->hint = "write its range: `" + name + " in 0..E`";
    d->notes.push_back({in_.exprs[first->subscript].range, "read here over " + text(other)});
    d->notes.push_back({in_.exprs[place.subscript].range, "read here over " + text(range)});
    return;
  }
}

/// Rules 5 and 6.
void Binder::report_open_indices() {
  const int before = diagnostics_.error_count();
  for (const Definition &definition : in_.definitions) {
    if (in_.tensors[definition.target].role != TensorRole::kLet) continue;
    for (size_t dim = 0; dim < definition.indices.size(); ++dim) {
      if (ranges_[index_of(definition.indices[dim])] || !takes_range_from_reads(definition.indices[dim])) continue;
      const auto reader = std::find_if(places_.begin(), places_.end(), [&](const Place &place) {
        return place.tensor == definition.target && place.dim == dim && !is_valid(place.alone);
      });
      if (reader != places_.end())
        report_range_choice(definition.target, dim, *reader);
      else
        report_readers(definition.target, dim);
    }
  }
  // An index may be open only because of one that was just reported.
  if (diagnostics_.error_count() > before) return;
  for (uint32_t i = 0; i < in_.indices.size(); ++i) {
    const CheckedIndex &index = in_.indices[static_cast<IndexId>(i)];
    if (ranges_[i] || index.kind != RangeKind::kNone) continue;
    error("range-unknown", origin_of(index),
          "nothing says the range of `" + index.name + "`: it stands alone in no dimension that has one")
        ->hint = "write it: `" + index.name + " in 0..E`";
  }
}

/// `in ..`: the hull of the reads. Readers stand after the `let`, so the last statements are settled first.
void Binder::bind_demand() {
  for (size_t i = in_.definitions.size(); i-- > 0;) {
    const CheckedTensor &target = in_.tensors[in_.definitions[i].target];
    for (size_t d = 0; target.role == TensorRole::kLet && d < target.indices.size(); ++d)
      if (in_.indices[target.indices[d]].kind == RangeKind::kDemand) bind_demand(in_.definitions[i].target, d);
  }
}

void Binder::bind_demand(TensorId let, size_t dim) {
  std::optional<Interval> hull;
  for (const Place &place : places_) {
    if (place.tensor != let || place.dim != dim) continue;
    const auto form = linear(place.subscript);
    const auto seen = form ? math_.interval(*form) : Result<Interval>(form.error());
    if (!seen) return report_math(place.subscript, seen.error());
    if (!hull) hull = *seen;
    const bool low = SymInt::surely_le(hull->least, seen->least),
               high = SymInt::surely_le(seen->greatest, hull->greatest);
    if ((!low && !SymInt::surely_le(seen->least, hull->least)) ||
        (!high && !SymInt::surely_le(hull->greatest, seen->greatest)))
      return report_math(place.subscript,
                         {ErrorCode::kUnsupported, "depends on a dimension that was left open; it must be given"});
    hull = Interval{low ? hull->least : seen->least, high ? hull->greatest : seen->greatest};
  }
  IndexRange range{0, 0};
  if (hull) {
    const auto end = SymInt::add(hull->greatest, 1);
    if (!end) return report_math(in_.definitions[0].value, {ErrorCode::kShapeOverflow, "leaves 64 bits"});
    range = {hull->least, SymInt::surely_le(*end, hull->least) ? hull->least : *end};
  }
  ranges_[index_of(in_.tensors[let].indices[dim])] = range;
}

} // namespace sparkle::dsl
