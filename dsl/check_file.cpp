#include "compiler/support/match.h"
#include "dsl/check_impl.h"

namespace sparkle::dsl {
namespace {

const Ident &name_of(const Item &item) {
  return match(item, [](const auto &decl) -> const Ident & { return decl.name; });
}

Symbol::Kind kind_of(const Item &item) {
  return match(
      item, [](const ConstDecl &) { return Symbol::Kind::kConst; }, [](const FnDecl &) { return Symbol::Kind::kFn; },
      [](const KernelDecl &) { return Symbol::Kind::kKernel; });
}

void declare_items(FileScope &scope, Diagnostics &diagnostics) {
  for (size_t i = 0; i < scope.file.items.size(); ++i) {
    const Ident &name = name_of(scope.file.items[i]);
    Symbol symbol{kind_of(scope.file.items[i]), static_cast<uint32_t>(i), name.range, {}};
    const auto [place, fresh] = scope.items.emplace(name.name, symbol);
    if (fresh) continue;
    auto &d = diagnostics.error("shadowing", name.range, "`" + name.name + "` is declared twice");
    d.notes.push_back({place->second.range, "`" + name.name + "` declared here"});
  }
}

} // namespace

Result<CheckedFile> check(const File &file, Diagnostics &diagnostics) {
  FileScope scope(file);
  declare_items(scope, diagnostics);
  CheckedFile checked;
  checked.source_name = file.source_name;
  for (size_t i = 0; i < file.items.size() && !diagnostics.full(); ++i) {
    const int before = diagnostics.error_count();
    bool usable = true;
    Checker checker(scope, i, diagnostics);
    match(
        file.items[i], [&](const ConstDecl &decl) { usable = checker.check_const(decl).kind != Symbol::Kind::kBad; },
        [&](const FnDecl &decl) { usable = checker.check_fn(decl); },
        [&](const KernelDecl &decl) { checked.kernels.push_back(checker.check_kernel(decl)); });
    if (!usable || diagnostics.error_count() > before) scope.bad_items.insert(i);
  }
  if (diagnostics.has_errors()) return Error{ErrorCode::kInvalidInput, file.source_name + " has errors"};
  return checked;
}

} // namespace sparkle::dsl
