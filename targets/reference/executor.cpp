#include "targets/reference/executor.h"

#include <cstring>
#include <memory>

namespace sparkle::reference {
namespace {

using Kind = Node::Kind;

bool is_worker_loop(LoopKind kind) { return kind == LoopKind::kTeam || kind == LoopKind::kWorker; }

class Executor {
public:
  explicit Executor(Machine &machine) : machine_(machine) {}

  bool run(const Node &node, Worker &worker);
  bool run_together(const Node &node, std::vector<Worker> &workers);

private:
  bool run_for(const Node &node, Worker &worker);
  bool run_load(const Node &node, Worker &worker);
  bool run_store(const Node &node, Worker &worker);
  bool run_prefetch(const Node &node, Worker &worker);
  bool run_copy(const Node &node, Worker &worker);
  bool copy_from(const CopyLoops &copy, const Copy &stmt, size_t depth, Worker &worker);
  bool run_alloc(const Node &node, Worker &worker);
  bool run_fragment(const Node &node, Worker &worker);
  bool begin_task(const Node &node);

  bool for_together(const Node &node, std::vector<Worker> &workers);
  bool fork(const Node &node, std::vector<Worker> &workers);
  bool if_together(const Node &node, std::vector<Worker> &workers);
  bool once_together(const Node &node, std::vector<Worker> &workers);
  bool same_for_all(Slot slot, size_t bytes, std::vector<Worker> &workers, const char *what);
  bool code_together(const Code &code, std::vector<Worker> &workers);

  Machine &machine_;
};

// ---- One worker
// --------------------------------------------------------------------------------------------------------

bool Executor::run(const Node &node, Worker &worker) {
  if (node.kind == Kind::kBlock) {
    if (!run_code(node.before, worker)) return false;
    for (const auto &child : node.children)
      if (!run(*child, worker)) return false;
    return true;
  }
  machine_.current = node.stmt;
  if (!run_code(node.before, worker)) return false;
  switch (node.kind) {
  case Kind::kBlock: return true;
  case Kind::kFor: return run_for(node, worker);
  case Kind::kIf: {
    const bool taken = *at<uint8_t>(worker, node.value) != 0;
    if (taken) return run(*node.children[0], worker);
    return node.children.size() < 2 || run(*node.children[1], worker);
  }
  case Kind::kLet: return run_code(node.each, worker);
  case Kind::kLoad: return run_load(node, worker);
  case Kind::kStore: return run_store(node, worker);
  case Kind::kCopy: return run_copy(node, worker);
  case Kind::kPrefetch: return run_prefetch(node, worker);
  case Kind::kBarrier: machine_.barrier(node.scope, worker.team); return true;
  case Kind::kAlloc: return run_alloc(node, worker);
  case Kind::kFill:
  case Kind::kMove:
  case Kind::kMma: return run_fragment(node, worker);
  }
  return true;
}

/// Counts tasks at the innermost group loop; false for those that are not asked for.
bool Executor::begin_task(const Node &node) {
  if (node.loop != LoopKind::kGroup) return true;
  const Node &body = *node.children[0];
  if (body.kind == Kind::kFor && body.loop == LoopKind::kGroup) return true;
  machine_.barrier(BarrierScope::kGroup, 0); // Groups share nothing.
  const int64_t task = machine_.next_task++;
  return task >= machine_.first_task && task < machine_.last_task;
}

bool Executor::run_for(const Node &node, Worker &worker) {
  const int64_t begin = *at<int64_t>(worker, node.begin);
  const int64_t end = *at<int64_t>(worker, node.end);
  const Node &body = *node.children[0];
  const Worker outer = worker;
  for (int64_t i = begin; i < end; ++i) {
    if (!begin_task(node)) continue;
    if (is_worker_loop(node.loop)) {
      const int32_t step = static_cast<int32_t>(i - begin), extent = static_cast<int32_t>(end - begin);
      worker.number = outer.number * extent + step;
      if (node.loop == LoopKind::kTeam) worker.team = outer.team * extent + step;
    }
    *at<int64_t>(worker, node.var) = i;
    if (!run_code(node.each, worker) || !run(body, worker)) return false;
  }
  worker = outer;
  return true;
}

bool Executor::run_load(const Node &node, Worker &worker) {
  const int64_t bytes = machine_.shape(node.access.buffer).element_bytes;
  std::byte *dst = worker.frame + node.var;
  for (int lane = 0; lane < node.lanes; ++lane, dst += bytes) {
    const bool loads = node.mask == kNoSlot || at<uint8_t>(worker, node.mask)[node.mask_is_vector ? lane : 0] != 0;
    if (loads) {
      if (!machine_.load(node.access, worker, lane, dst)) return false;
    } else {
      std::memcpy(dst, worker.frame + node.other + (node.value_is_vector ? lane * bytes : 0),
                  static_cast<size_t>(bytes));
    }
  }
  return run_code(node.each, worker);
}

bool Executor::run_store(const Node &node, Worker &worker) {
  const int64_t bytes = machine_.shape(node.access.buffer).element_bytes;
  for (int lane = 0; lane < node.lanes; ++lane) {
    if (node.mask != kNoSlot && at<uint8_t>(worker, node.mask)[node.mask_is_vector ? lane : 0] == 0) continue;
    const std::byte *src = worker.frame + node.value + (node.value_is_vector ? lane * bytes : 0);
    if (!machine_.store(node.access, worker, lane, src)) return false;
  }
  return true;
}

bool Executor::run_prefetch(const Node &node, Worker &worker) {
  for (int lane = 0; lane < node.lanes; ++lane)
    if (!machine_.probe(node.access, worker, lane)) return false;
  return true;
}

bool Executor::copy_from(const CopyLoops &copy, const Copy &stmt, size_t depth, Worker &worker) {
  if (depth < copy.axes.size()) {
    for (int64_t i = 0; i < stmt.axes[depth].extent; ++i) {
      *at<int64_t>(worker, copy.axes[depth].var) = i;
      if (!run_code(copy.axes[depth].each, worker) || !copy_from(copy, stmt, depth + 1, worker)) return false;
    }
    return true;
  }
  if (!run_code(copy.guard_code, worker) || !run_code(copy.dst_code, worker)) return false;
  if (copy.guard != kNoSlot && *at<uint8_t>(worker, copy.guard) == 0)
    return machine_.store(copy.dst, worker, 0, worker.frame + copy.other);
  std::byte value[16];
  return run_code(copy.src_code, worker) && machine_.load(copy.src, worker, 0, value) &&
         machine_.store(copy.dst, worker, 0, value);
}

bool Executor::run_copy(const Node &node, Worker &worker) {
  const Copy &copy = std::get<Copy>(machine_.kernel().stmt(node.stmt));
  if (!node.together) return copy_from(node.copy, copy, 0, worker);
  Worker all = worker; // No worker in particular: a barrier must come before any of them sees it.
  all.number = all.team = Mark::kMany;
  return copy_from(node.copy, copy, 0, all);
}

bool Executor::run_alloc(const Node &node, Worker &worker) {
  const BufferId buffer = node.access.buffer;
  if (node.together)
    *at<NearMemory *>(worker, machine_.code().locals[index_of(buffer)].data) =
        &machine_.fresh_near(buffer, worker.team);
  else
    machine_.reset_register(buffer, worker);
  return true;
}

bool Executor::run_fragment(const Node &node, Worker &worker) {
  if (node.kind == Kind::kFill) return fill_fragment(node, worker);
  return node.kind == Kind::kMove ? move_fragment(node, worker) : multiply_fragments(node, worker);
}

// ---- All workers of a group
// --------------------------------------------------------------------------------------------

bool Executor::run_together(const Node &node, std::vector<Worker> &workers) {
  if (!node.together) {
    for (Worker &worker : workers)
      if (!run(node, worker)) return false;
    return true;
  }
  if (node.kind == Kind::kBlock) {
    if (!code_together(node.before, workers)) return false;
    for (const auto &child : node.children)
      if (!run_together(*child, workers)) return false;
    return true;
  }
  machine_.current = node.stmt;
  if (!code_together(node.before, workers)) return false;
  if (node.kind == Kind::kFor) return for_together(node, workers);
  return node.kind == Kind::kIf ? if_together(node, workers) : once_together(node, workers);
}

bool Executor::code_together(const Code &code, std::vector<Worker> &workers) {
  for (Worker &worker : workers)
    if (!run_code(code, worker)) return false;
  return true;
}

bool Executor::same_for_all(Slot slot, size_t bytes, std::vector<Worker> &workers, const char *what) {
  for (Worker &worker : workers)
    if (std::memcmp(worker.frame + slot, workers.front().frame + slot, bytes) != 0)
      return machine_.fail(std::string(what) +
                           " differs between workers, but a barrier, copy or fragment operation inside needs them all");
  return true;
}

bool Executor::if_together(const Node &node, std::vector<Worker> &workers) {
  if (!same_for_all(node.value, 1, workers, "the condition")) return false;
  const bool taken = *at<uint8_t>(workers.front(), node.value) != 0;
  if (taken) return run_together(*node.children[0], workers);
  return node.children.size() < 2 || run_together(*node.children[1], workers);
}

bool Executor::for_together(const Node &node, std::vector<Worker> &workers) {
  if (!same_for_all(node.begin, 8, workers, "a loop bound") || !same_for_all(node.end, 8, workers, "a loop bound"))
    return false;
  const int64_t begin = *at<int64_t>(workers.front(), node.begin);
  const int64_t end = *at<int64_t>(workers.front(), node.end);
  if (is_worker_loop(node.loop) && end - begin != 1) return fork(node, workers);
  for (int64_t i = begin; i < end; ++i) {
    if (!begin_task(node)) continue;
    for (Worker &worker : workers) *at<int64_t>(worker, node.var) = i;
    if (!code_together(node.each, workers) || !run_together(*node.children[0], workers)) return false;
  }
  return true;
}

/// Every worker becomes `extent` of them, with frames of their own.
bool Executor::fork(const Node &node, std::vector<Worker> &workers) {
  constexpr int64_t kMaxWorkers = 1 << 16;
  const int64_t begin = *at<int64_t>(workers.front(), node.begin);
  const int64_t extent = *at<int64_t>(workers.front(), node.end) - begin;
  if (extent <= 0) return true;
  const auto frame_bytes = static_cast<size_t>(machine_.code().frame_bytes);
  const auto count = workers.size() * static_cast<size_t>(extent);
  if (extent > kMaxWorkers || static_cast<int64_t>(count) > kMaxWorkers)
    return machine_.fail("a group has over 65536 workers");
  const std::unique_ptr<std::byte[]> frames(new std::byte[count * frame_bytes]);
  std::vector<Worker> forked;
  forked.reserve(count);
  for (const Worker &parent : workers) {
    for (int64_t i = 0; i < extent; ++i) {
      Worker child = parent;
      child.frame = frames.get() + forked.size() * frame_bytes;
      child.number = static_cast<int32_t>(parent.number * extent + i);
      if (node.loop == LoopKind::kTeam) child.team = static_cast<int32_t>(parent.team * extent + i);
      std::memcpy(child.frame, parent.frame, frame_bytes);
      *at<int64_t>(child, node.var) = begin + i;
      forked.push_back(child);
    }
  }
  return code_together(node.each, forked) && run_together(*node.children[0], forked);
}

/// What is done once per group or once per team.
bool Executor::once_together(const Node &node, std::vector<Worker> &workers) {
  if (node.kind == Kind::kCopy) return run_copy(node, workers.front());
  const bool per_team = node.kind == Kind::kFill || node.kind == Kind::kMove || node.kind == Kind::kMma;
  if (node.kind == Kind::kAlloc) {
    const BufferId buffer = node.access.buffer;
    const bool is_fragment = machine_.kernel().buffer(buffer).fragment != FragmentUse::kNone;
    NearMemory *near = nullptr;
    for (size_t i = 0; i < workers.size(); ++i) {
      if (i == 0 || (is_fragment && workers[i].team != workers[i - 1].team))
        near = &machine_.fresh_near(buffer, workers[i].team);
      *at<NearMemory *>(workers[i], machine_.code().locals[index_of(buffer)].data) = near;
    }
    return true;
  }
  for (size_t i = 0; i < workers.size(); ++i) {
    if (i > 0 && workers[i].team == workers[i - 1].team) continue;
    if (per_team) {
      if (!run_fragment(node, workers[i])) return false;
    } else {
      machine_.barrier(node.scope, workers[i].team);
    }
  }
  return true;
}

} // namespace

bool execute(Machine &machine) {
  Executor executor(machine);
  const Node &body = *machine.code().body;
  if (!machine.code().has_workers) return executor.run(body, machine.root());
  std::vector<Worker> workers{machine.root()};
  return executor.run_together(body, workers);
}

} // namespace sparkle::reference
