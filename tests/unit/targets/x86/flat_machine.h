// Runs flat code, to compare what it does before and after a step: slow and plain, an operation a line.
#pragma once

#include "targets/x86/allocate.h"
#include "targets/x86/vreg.h"

namespace sparkle::x86 {

/// Registers are those of the function, or with an allocation those of the machine: then registers that share one and
/// live at the same time spoil each other. What no instruction wrote holds rubbish, other rubbish in each machine.
class FlatMachine {
public:
  using Vector = std::array<uint32_t, 16>;

  FlatMachine(const Function &function, const Allocation *allocation, uint32_t rubbish);

  /// Arguments are offsets in `memory`. False: it ran past so many instructions, or met what this machine does not
  /// know.
  bool run(const std::array<uint64_t, 4> &arguments, size_t max_steps);

  std::vector<uint8_t> memory;

private:
  size_t place(VReg reg) const;
  uint64_t &general(VReg reg) { return general_[place(reg)]; }
  Vector &vector(VReg reg) { return vectors_[place(reg)]; }
  uint16_t &mask(VReg reg) { return masks_[place(reg)]; }
  uint8_t *address(const Inst &inst);
  uint64_t load(const Inst &inst, int bytes);
  uint64_t last_general(const Inst &inst);
  Vector last_vector(const Inst &inst, size_t source);
  int lanes(const Inst &inst) const { return inst.bytes / 4; }

  bool step(const Inst &inst);
  bool step_general(const Inst &inst);
  bool step_vector(const Inst &inst);
  bool step_moves(const Inst &inst);
  bool step_masks(const Inst &inst);
  uint64_t arithmetic(const Inst &inst, uint64_t a, uint64_t b) const;
  void write(const Inst &inst, const Vector &lanes);
  void load_vector(const Inst &inst);
  void store_vector(const Inst &inst);
  uint32_t lane_of(const Inst &inst, uint32_t a, uint32_t b, uint32_t c) const;

  const Function &function_;
  const Allocation *allocation_;
  std::vector<uint64_t> general_;
  std::vector<Vector> vectors_;
  std::vector<uint16_t> masks_;
  std::vector<uint8_t> frame_;
  std::vector<uint8_t> pool_;
  std::vector<size_t> labels_;
  std::array<uint64_t, 4> arguments_{};
  size_t at_ = 0;
};

} // namespace sparkle::x86
