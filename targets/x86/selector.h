// Selects the instructions of one launch. Internal to this folder.
//
// Values. Lanes are 32 bits wide in registers: i8 and u8 are carried as i32, f16 and bf16 as the f32 of the same value.
// A vector of n lanes has one register for each `Isa::vector_lanes()` lanes, the last one as narrow as its lanes allow
// (part_bytes). Scalars: f32, f16, bf16 in lane 0 of a vector; the others in general registers, index with 64 bits,
// i32, i8, u8 with 32 whose upper half is undefined, bool as 0 or 1. Vectors of bool: a mask for each part (kAvx512),
// or lanes of ones and zeros (kAvx2). Vectors of index: lanes of 32 bits where Kernel::index_bits is 32, else one
// general register for each lane (`is_apart`).
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "compiler/analysis/interval.h"
#include "compiler/ir/kernel.h"
#include "compiler/target/artifact.h"
#include "targets/x86/code_builder.h"
#include "targets/x86/select.h"

namespace sparkle::x86 {

struct Value {
  Type type;
  std::vector<VReg> parts;
  std::optional<int64_t> number; ///< A whole scalar known here; then without parts.
  bool is_apart = false;
};

/// Bytes of operations on so many lanes: 4, 16, 32 or 64.
int part_bytes(int lanes);
/// Lanes of part `part` of a vector of so many.
int part_lanes(const Isa &isa, int lanes, int part);

/// Where lanes of an access lie.
struct Place {
  BufferId buffer;
  int element_bytes = 4;         ///< In memory.
  Address first;                 ///< Of lane 0; where steps are known.
  std::vector<int64_t> steps;    ///< In elements, from lane 0; one for all lanes where the index is a scalar.
  std::optional<int64_t> stride; ///< Between neighbouring lanes; 0: all lanes alike.
  Value lanes;                   ///< Element numbers, where steps are not known.
};

class Selector {
public:
  Selector(const Kernel &kernel, const Launch &launch, const Isa &isa);
  Result<Selected> run();

private:
  // selector.cpp: the function around the body: arguments, the walk over tasks, group numbers
  // select_loops.cpp, select_statements.cpp: statements
  void statement(StmtId id);
  void loop(const For &loop);
  void branch(const If &branch);
  void load(const Load &load);
  void store(const Store &store);
  /// Jumps to `to` when the scalar condition is false; nothing when it is known to be true.
  void jump_unless(ExprId condition, Label to);

  // select_index.cpp: scalar index expressions as sums of products, kept where they change last
  /// Known here: constants, and variables of expanded loops.
  std::optional<int64_t> known_index(ExprId id);
  VReg index(ExprId id);
  Place place(BufferId buffer, ExprId index);
  /// Of lane `lane` plus `elements`.
  Address element(const Place &place, int lane, int64_t elements = 0);

  // select_memory.cpp: lanes from and to memory, by how they lie and what they hold
  Value load_lanes(const Place &place, Type type, const Value *mask, const Value *other);
  void store_lanes(const Place &place, const Value &value, const Value *mask, bool streaming);

  // select_expr.cpp, select_cast.cpp, select_lanes.cpp: expressions of every type
  /// The last instruction writes `into` (one register for each part) where that is given.
  Value emit(ExprId id, const std::vector<VReg> *into = nullptr);
  Value widen(const Value &value, int lanes);
  Value cast(const Value &value, Type to);

  /// Remembers the first reason why this kernel cannot be selected; run() returns it.
  void refuse(std::string why);

  const Kernel &k_;
  const Launch &launch_;
  CodeBuilder b_;
  std::vector<std::optional<Value>> values_; ///< By VarId.
  std::unordered_map<ExprId, Value> memo_;   ///< Of the statement being selected.
  Ranges ranges_;
  std::string refusal_;
};

} // namespace sparkle::x86
