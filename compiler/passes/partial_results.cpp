#include "compiler/passes/partial_results.h"

namespace sparkle {
namespace {

ExprId load_value(Builder &b, Type type, BufferId buffer, std::vector<ExprId> index, std::vector<StmtId> &stmts) {
  VarId value = b.value_var(b.kernel().buffer(buffer).name, type);
  stmts.push_back(b.kernel().add_stmt(Load{value, buffer, std::move(index)}));
  return b.var(value);
}

} // namespace

StmtId combine_slots(Builder &b, ReduceOp op, Type type, BufferId partials, const std::vector<SlotIndex> &slots,
                     int64_t lanes, BufferId total, const std::vector<ExprId> &total_index) {
  VarId lane = lanes > 0 ? b.loop_var("lane") : kNoId<VarId>;
  std::vector<StmtId> stmts;
  std::vector<ExprId> values;
  for (const SlotIndex &slot : slots) values.push_back(load_value(b, type, partials, slot(lane), stmts));
  while (values.size() > 1) {
    const size_t half = (values.size() + 1) / 2;
    for (size_t i = 0; i + half < values.size(); ++i) values[i] = b.combine(op, values[i], values[i + half]);
    values.resize(half);
  }
  // In this form, `vectorize` knows the sum of lanes.
  const ExprId old_total = load_value(b, type, total, total_index, stmts);
  stmts.push_back(b.store(total, total_index, b.combine(op, old_total, values.front())));
  StmtId body = b.block(std::move(stmts));
  if (lanes > 0) body = b.loop(lane, lanes, LoopKind::kLane, body);
  return b.block({b.store(total, total_index, b.identity(op, type)), body});
}

StmtId combine_workers(Builder &b, const std::vector<SharedPartials> &shared, ExprId worker, int64_t count,
                       const std::function<StmtId(std::function<StmtId(std::vector<ExprId>)>)> &nest) {
  const auto at = [](std::vector<ExprId> index, ExprId last) {
    index.push_back(last);
    return index;
  };
  std::vector<StmtId> stmts = {b.kernel().add_stmt(Barrier{})};
  while (count > 1) {
    const int64_t half = (count + 1) / 2;
    const ExprId partner = b.add(worker, b.index(half));
    const StmtId step = nest([&](std::vector<ExprId> index) {
      std::vector<StmtId> body;
      for (const SharedPartials &one : shared) {
        const ExprId mine = load_value(b, one.type, one.results, at(index, worker), body);
        const ExprId other = load_value(b, one.type, one.results, at(index, partner), body);
        body.push_back(b.store(one.results, at(index, worker), b.combine(one.op, mine, other)));
      }
      return b.block(std::move(body));
    });
    stmts.push_back(b.when(b.less(partner, b.index(count)), step));
    stmts.push_back(b.kernel().add_stmt(Barrier{}));
    count = half;
  }
  return b.block(std::move(stmts));
}

} // namespace sparkle
