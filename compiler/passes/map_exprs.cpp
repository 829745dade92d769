#include "compiler/passes/map_exprs.h"

#include "compiler/support/match.h"

namespace sparkle {

void map_root_exprs(Stmt &stmt, FunctionRef<ExprId(ExprId)> fn) {
  auto one = [&](ExprId &id) {
    if (is_valid(id)) id = fn(id);
  };
  auto all = [&](std::vector<ExprId> &ids) {
    for (ExprId &id : ids) one(id);
  };
  match(
      stmt, [](Block &) {}, [](Barrier &) {}, [](Alloc &) {}, [](FragmentMma &) {},
      [&](For &s) { one(s.begin), one(s.end); }, [&](If &s) { one(s.cond); }, [&](Let &s) { one(s.value); },
      [&](Load &s) { all(s.indices), one(s.mask), one(s.other); },
      [&](Store &s) { all(s.indices), one(s.value), one(s.mask); },
      [&](Copy &s) { all(s.dst_indices), all(s.src_indices), one(s.guard), one(s.other); },
      [&](Prefetch &s) { all(s.indices); }, [&](FragmentFill &s) { one(s.value); },
      [&](FragmentMove &s) { all(s.indices); });
}

} // namespace sparkle
