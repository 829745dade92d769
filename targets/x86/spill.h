// Rewrites a function so that some of its registers are kept in the frame, or made anew at each use.
#pragma once

#include "targets/x86/liveness.h"

namespace sparkle::x86 {

/// Over the rounds of one allocation.
class Spiller {
public:
  explicit Spiller(Function &function);

  /// Those that can be made anew anywhere: one write, of a constant, from the pool, or an address of registers that
  /// are written once. The latter only where these live as long.
  /// By register: the write, or nothing. Valid until the code changes.
  using Remakes = std::vector<const Inst *>;
  Remakes remakes(const LiveRanges &ranges) const;

  /// No instruction names a register of `spilled` afterwards. Each of its uses has a new register instead, which lives
  /// from just before one instruction to just behind it (of arguments, to behind the last of them).
  void spill(const std::vector<VReg> &spilled, const LiveRanges &ranges, const Remakes &remakes);

  /// Made by spill(): spilling them again would free nothing.
  bool is_short(VReg reg) const { return index_of(reg) >= first_short_; }

  /// Gives slots that are never used at the same time one place. Call once, when no more is spilled.
  void place_slots();

  /// Loads and stores of the frame in loops that hold no other loop.
  int hot_accesses(const FlowGraph &graph) const;

private:
  struct Slot {
    uint32_t first; ///< Instructions from the first write to the last read.
    uint32_t last;
  };
  enum class Kind : uint8_t { kKept, kFrame, kRemade };
  struct Plan {
    Kind kind = Kind::kKept;
    uint32_t number = 0; ///< The slot, or the instruction in made_.
  };

  bool is_spilled(VReg reg) const { return index_of(reg) < plans_.size() && plans_[index_of(reg)].kind != Kind::kKept; }
  void plan(const std::vector<VReg> &spilled, const LiveRanges &ranges, const Remakes &remakes);
  bool has_spilled(const Inst &inst) const;
  void rewrite(Inst inst);
  bool becomes_access(Inst &inst) const;
  bool fold(Inst &inst, VReg reg) const;
  VReg reload(Inst &inst, VReg reg);
  void flush_stores();
  Address slot_of(VReg reg) const;

  Function &function_;
  uint32_t first_short_;
  uint32_t first_slot_;
  std::vector<Slot> slots_;
  std::vector<Plan> plans_;  ///< By register, of this round.
  std::vector<Inst> made_;   ///< Writes of remade registers, of this round.
  std::vector<Inst> code_;   ///< What the function becomes.
  std::vector<Inst> stores_; ///< Wait for the end of the instruction, or of the arguments.
};

} // namespace sparkle::x86
