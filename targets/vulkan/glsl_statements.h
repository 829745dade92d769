// Statements of the loop IR as lines of GLSL.
#pragma once

#include "targets/vulkan/glsl_accesses.h"

namespace sparkle::vulkan {

class StatementWriter {
public:
  explicit StatementWriter(GlslContext &context)
      : c_(context), k_(context.kernel), e_(context), accesses_(context, e_), span_(context.shape.local_size) {}

  /// Appends the statement to GlslContext::out.
  void write(StmtId id);

private:
  void write_block(const Block &block);
  void write_nested(StmtId body);
  void write_for(StmtId id, const For &loop);
  void write_group(StmtId id, const For &loop);
  void write_worker(StmtId id, const For &loop);
  void write_worker_body(const For &loop, const WorkerDigit &digit, const std::string &number);
  void write_sequential(const For &loop);
  void write_if(const If &branch);
  void write_let(const Let &let);
  void write_load(const Load &load);
  void write_masked_load(const Load &load, const Places &places);
  void write_store(const Store &store);
  void write_split_store(const Store &store, const Places &places);
  void write_barrier();
  void write_alloc(const Alloc &alloc);

  /// The position in `stmts` of the one statement that can hold the load in place of its variable; nothing: it needs a
  /// line.
  std::optional<size_t> sole_user(const std::vector<StmtId> &stmts, size_t load_position);
  bool holds_once(StmtId user, VarId var);
  /// Statements whose own expressions use the variable.
  int count_users(VarId var);
  /// `if (...) ` with what must hold for a store to take place, or nothing.
  std::string store_guard(const Store &store, ExprId mask);
  std::string precise(Type type) const;
  std::string offset_from(ExprId begin, const std::string &number);

  GlslContext &c_;
  Kernel &k_;
  ExpressionWriter e_;
  AccessWriter accesses_;
  int64_t span_; ///< Workers that come by each statement of the body that is being written.
  std::unordered_map<VarId, int> users_;
};

} // namespace sparkle::vulkan
