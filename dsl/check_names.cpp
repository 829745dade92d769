#include <algorithm>

#include "dsl/check_impl.h"
#include "dsl/suggest.h"

namespace sparkle::dsl {
namespace {

bool is_builtin(std::string_view name) {
  return function_named(name) || name == "clamp" || name == "select" || name == "ceil_div";
}

} // namespace

Diagnostic &Checker::error(std::string_view code, SourceRange range, std::string text) {
  return report_error(diagnostics_, kernel_, own_.call, code, range, std::move(text));
}

const Symbol *Checker::find(std::string_view name) const {
  const auto local = names_.find(name);
  return local == names_.end() ? nullptr : &local->second;
}

bool Checker::declare(const Ident &name, Symbol symbol) {
  symbol.range = name.range;
  const auto local = names_.find(name.name);
  const Symbol *other = local == names_.end() ? nullptr : &local->second;
  const auto item = scope_.items.find(name.name);
  if (other == nullptr && item != scope_.items.end()) other = &item->second;
  if (other != nullptr) {
    auto &d = error("shadowing", name.range,
                    "`" + name.name + "` is declared twice: there is one namespace, and nothing is hidden");
    if (other->range != SourceRange{}) d.notes.push_back({other->range, "`" + name.name + "` declared here"});
    // Which of the two a later use means can't be told, so nothing is said about it.
    if (local != names_.end() && symbol.kind != Symbol::Kind::kIndex) local->second.kind = Symbol::Kind::kBad;
    return false;
  }
  if (is_builtin(name.name)) {
    error("shadowing", name.range, "`" + name.name + "` is a function of the language");
    return false;
  }
  names_[name.name] = std::move(symbol);
  order_.push_back(name.name);
  return true;
}

void Checker::close_scope(size_t names) {
  for (; order_.size() > names; order_.pop_back()) names_.erase(order_.back());
}

std::vector<std::string> Checker::visible_names() const {
  std::vector<std::string> names;
  for (const auto &[name, symbol] : names_) names.push_back(name);
  for (const auto &[name, symbol] : scope_.items)
    if (symbol.id < item_) names.push_back(name);
  for (int i = 0; i <= static_cast<int>(Function::kTrunc); ++i) names.emplace_back(name_of(static_cast<Function>(i)));
  names.insert(names.end(), {"clamp", "select", "ceil_div"});
  return names;
}

void Checker::error_unknown(std::string_view name, SourceRange range) {
  auto &d = error("unknown-name", range, "`" + std::string(name) + "` is not declared");
  std::vector<std::string> names = visible_names();
  if (context_.in_outside) names.insert(names.end(), {"mirror", "reflect", "wrap", "skip"});
  const std::string nearest = nearest_name(name, names);
  if (nearest.empty()) return;
  d.hint = "did you mean `" + nearest + "`?";
  d.fixes.push_back({range, nearest});
}

/// Reports what is unknown. A file-level constant becomes part of the kernel when it is first used.
Symbol Checker::lookup(std::string_view name, SourceRange range) {
  if (pending_.contains(name)) {
    error("use-before-definition", range, "`" + std::string(name) + "` is used before the place that defines it");
    return {};
  }
  if (const Symbol *local = find(name)) return *local;
  const auto found = scope_.items.find(name);
  if (found == scope_.items.end()) {
    error_unknown(name, range);
    return {};
  }
  const Symbol item = found->second;
  if (item.id >= item_) {
    auto &d = error("use-before-definition", range, "`" + std::string(name) + "` is used before its definition");
    d.notes.push_back({item.range, "defined here; recursion is not possible"});
    return {};
  }
  if (scope_.bad_items.contains(item.id)) return {};
  if (item.kind != Symbol::Kind::kConst) return item;
  if (const auto known = file_consts_.find(item.id); known != file_consts_.end()) return known->second;
  return file_consts_[item.id] = check_const(std::get<ConstDecl>(file_.items[item.id]));
}

} // namespace sparkle::dsl
