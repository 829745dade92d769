// The state of one run of a kernel: memory with its checks, the first error, and the functions that touch both.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "targets/reference/arithmetic.h"
#include "targets/reference/interpreter.h"
#include "targets/reference/program.h"

namespace sparkle::reference {

/// Extents and strides of a buffer, in elements.
struct Shape {
  std::vector<int64_t> extents, strides;
  int64_t element_bytes = 4;
  int64_t elements = 0; ///< One more than the largest offset; 0 when an extent is.
};

/// Who touched an element of near memory last, to find accesses that no barrier orders.
struct Mark {
  static constexpr int32_t kNobody = -1;
  static constexpr int32_t kMany = -2; ///< Several workers or teams; the writer of what all copy together.
  int32_t writer = kNobody, writer_team = kNobody;
  int32_t reader = kNobody, reader_team = kNobody;
  uint32_t written_at = 0, read_at = 0;
};

/// Near memory of a group, or a fragment of a team.
struct NearMemory {
  std::vector<std::byte> data;
  std::vector<uint8_t> written; ///< Per element.
  std::vector<Mark> marks;      ///< Per element; empty where a group has one worker.
};

/// What an access of one element resolves to.
struct Element {
  std::byte *data;
  uint8_t *written; ///< nullptr: not tracked (far memory).
  Mark *mark;       ///< nullptr: not tracked.
};

class Machine {
public:
  /// Yields the element at `offset`, whose indices are in the access's slots (Precision::kEstimate only).
  using EstimateRead = std::function<bool(const Access &, Worker &, int64_t offset, Estimate &out)>;

  /// Both must outlive the machine.
  Machine(const CompiledKernel &code, const KernelArguments &arguments);

  /// Runs the prologue and resolves every shape. The root frame lives as long as the machine.
  Status start();
  Worker &root() { return root_; }
  const CompiledKernel &code() const { return code_; }
  const Kernel &kernel() const { return *code_.kernel; }

  /// Records the first error and returns false.
  bool fail(std::string text);
  Error error() const { return {ErrorCode::kInvalidInput, error_.value_or("no error")}; }
  /// The statement being executed, for messages.
  StmtId current = kNoId<StmtId>;

  /// Offset in elements of lane `lane` of an access, checked against the extents.
  bool offset(const Access &access, Worker &worker, int lane, int64_t &out);
  /// The memory behind an offset that lies inside the extents.
  bool element(BufferId buffer, Worker &worker, int64_t offset, Element &out);
  bool load(const Access &access, Worker &worker, int lane, std::byte *dst);
  bool store(const Access &access, Worker &worker, int lane, const std::byte *src);
  /// Checks without touching memory.
  bool probe(const Access &access, Worker &worker, int lane);

  /// Makes near memory (undefined), one per group; a fragment, one per team.
  NearMemory &fresh_near(BufferId buffer, int32_t team);
  void reset_register(BufferId buffer, Worker &worker);

  const Shape &shape(BufferId buffer) const { return shapes_[index_of(buffer)]; }
  void barrier(BarrierScope scope, int32_t team);

  EstimateRead estimate_read;

  // Tasks to run: [first_task, last_task), counted in the order of the group loops.
  int64_t first_task = 0, last_task = INT64_MAX;
  int64_t next_task = 0;

private:
  Status bind_program_vars();
  Status resolve_shapes();
  Status check_far();
  bool ordered(uint32_t tick, int32_t team, const Worker &worker) const;
  bool note_read(Mark &mark, const Worker &worker, BufferId buffer, int64_t offset);
  bool note_write(Mark &mark, const Worker &worker, BufferId buffer, int64_t offset);
  bool conflict(BufferId buffer, int64_t offset, int32_t other, const Worker &worker, const char *what);
  std::string place(BufferId buffer, int64_t offset) const;

  const CompiledKernel &code_;
  const KernelArguments &arguments_;
  std::vector<std::byte> root_frame_;
  Worker root_;
  std::vector<Shape> shapes_;
  std::vector<FarMemory> far_;
  std::vector<std::vector<std::unique_ptr<NearMemory>>> near_; ///< By BufferId, by team; frames point to them.
  std::optional<std::string> error_;
  // Barriers advance the clock; an access before the last barrier of its group or team is over.
  uint32_t clock_ = 1;
  uint32_t group_barrier_ = 0;
  std::vector<uint32_t> team_barriers_;
};

// Instructions that need the machine (expr_compiler.cpp).
bool run_read(const Instr &instr, Worker &worker);
bool run_read_estimate(const Instr &instr, Worker &worker);
bool run_reduction(const Instr &instr, Worker &worker);
bool divisor_error(Worker &worker);

template <class T> bool check_divisor(const Instr &instr, Worker &worker) {
  for (int lane = 0; lane < instr.lanes; ++lane)
    if (at<T>(worker, instr.a)[lane] <= 0) return divisor_error(worker);
  return true;
}

/// First line of a statement, for messages.
std::string describe(const Kernel &kernel, StmtId stmt);
/// An element of memory as a double.
Estimate estimate_of(Scalar type, const std::byte *data);

} // namespace sparkle::reference
