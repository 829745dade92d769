// Rewrites a function so that some of its registers are kept in the frame, or made anew at each use.
#pragma once

#include "targets/x86/liveness.h"

namespace sparkle::x86 {

/// Over the rounds of one allocation.
class Spiller {
public:
  explicit Spiller(Function &function);

  /// Those that can be made anew anywhere: one write, of a constant, from the pool, or an address of registers that
  /// are written once, and loads where what they read stays as it is. The latter two only where the registers of the
  /// address live as long.
  /// By register: the write, or nothing. Valid until the code changes.
  using Remakes = std::vector<const Inst *>;
  Remakes remakes(const LiveRanges &ranges) const;

  /// No instruction names a register of `spilled` afterwards. Stretches of a block that name it more than once have a
  /// new register for it, which is read from the frame once and goes there with each write. What is left, and such
  /// registers when their turn to be spilled comes, has a new one for each instruction, from just before it to just
  /// behind it (of arguments, to behind the last of them).
  void spill(const std::vector<VReg> &spilled, const LiveRanges &ranges, const Remakes &remakes);

  /// Made for one stretch.
  bool is_piece(VReg reg) const { return spans_[index_of(reg)] == Span::kStretch; }
  /// Made for one instruction: spilling it would free nothing.
  bool is_short(VReg reg) const { return spans_[index_of(reg)] == Span::kInstruction; }

  /// Gives slots that are never used at the same time one place. Call once, when no more is spilled.
  void place_slots();

  /// Loads and stores of the frame in loops that hold no other loop.
  int hot_accesses(const FlowGraph &graph) const;

private:
  struct Slot {
    uint32_t first; ///< Instructions from the first write to the last read.
    uint32_t last;
    bool is_small; ///< Of a general register or a mask: 8 share 64 bytes.
  };
  /// Of what a register stands for a register of the function as it came.
  enum class Span : uint8_t { kAll, kStretch, kInstruction };
  /// Of a spilled register, in the stretch that is rewritten.
  struct Piece {
    uint32_t stretch = 0;
    uint32_t names = 0; ///< Instructions that read or write it.
    uint32_t last = 0;  ///< Of these, the one counted last.
    VReg reg = kNoId<VReg>;
  };
  static constexpr uint32_t kNoHome = 0xFFFFFFFFu;
  enum class Kind : uint8_t { kKept, kFrame, kRemade };
  struct Plan {
    Kind kind = Kind::kKept;
    uint32_t number = 0; ///< The slot, or the instruction in made_.
  };

  bool is_spilled(VReg reg) const { return index_of(reg) < plans_.size() && plans_[index_of(reg)].kind != Kind::kKept; }
  void plan(const std::vector<VReg> &spilled, const LiveRanges &ranges, const Remakes &remakes);
  void add_reloads(const LiveRanges &ranges, Remakes &found) const;
  bool has_spilled(const Inst &inst) const;
  void rewrite(Inst inst);
  bool becomes_access(Inst &inst) const;
  bool fold(Inst &inst, VReg reg) const;
  VReg add_register(VReg like, Span span);
  size_t enter_stretch(size_t first);
  bool has_piece(VReg reg) const;
  std::pair<VReg, bool> stand_in(VReg reg);
  VReg reload(Inst &inst, VReg reg);
  bool is_own_transfer(const Inst &inst) const;
  void flush_stores();
  Address slot_of(VReg reg) const;

  Function &function_;
  uint32_t first_slot_;
  std::vector<Span> spans_;     ///< By register.
  std::vector<uint32_t> homes_; ///< By register: the slot that holds what it holds.
  std::vector<Slot> slots_;
  std::vector<Plan> plans_;   ///< By register, of this round.
  std::vector<Piece> pieces_; ///< Likewise.
  uint32_t stretch_ = 0;      ///< Entered, over all rounds.
  std::vector<Inst> made_;    ///< Writes of remade registers, of this round.
  std::vector<Inst> code_;    ///< What the function becomes.
  std::vector<Inst> stores_;  ///< Wait for the end of the instruction, or of the arguments.
};

} // namespace sparkle::x86
