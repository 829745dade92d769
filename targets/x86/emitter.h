// One machine instruction, or the short sequence that ops.def names, for each instruction of a function. Internal to
// this folder; the families differ in `special`.
//
// rax is free at any time; so are k0 and k1 (kAvx512), and rdx in divisions.
#pragma once

#include <string_view>
#include <vector>

#include <xbyak/xbyak.h>

#include "targets/x86/emit.h"

namespace sparkle::x86 {

/// Where code goes, and how it is laid out.
struct EmitterOptions {
  uint8_t *buffer = nullptr; ///< 64-byte aligned.
  size_t capacity = 0;
  /// Forward jumps over few instructions take the short form. A wrong guess is Xbyak::ERR_LABEL_IS_TOO_FAR.
  bool short_jumps = true;
};

class Emitter : protected Xbyak::CodeGenerator {
public:
  Emitter(const Function &function, const Allocation &allocation, const EmitterOptions &options);
  ~Emitter() override = default;
  Emitter(const Emitter &) = delete;
  Emitter &operator=(const Emitter &) = delete;

  /// kUnsupported with the instruction's text. Throws Xbyak::Error (a full buffer: ERR_CODE_IS_TOO_BIG).
  Result<MachineCode> run();
  /// Being emitted when something was thrown; nullptr: none.
  const Inst *current() const { return current_; }

protected:
  using Code = Xbyak::CodeGenerator;

  /// What the families do apart. False: not an operation of this family.
  virtual bool special(const Inst &inst) = 0;
  /// Loads and stores `bytes` (16, 32, 64) under inst.mask.
  virtual void masked_load(const Inst &inst) = 0;
  virtual void masked_store(const Inst &inst) = 0;

  // emitter.cpp: operands
  int number(VReg reg, RegClass reg_class) const;
  Xbyak::Reg general(VReg reg, int bytes) const;
  Xbyak::Reg32 general32(VReg reg) const { return Xbyak::Reg32(general(reg, 4).getIdx()); }
  Xbyak::Reg64 general64(VReg reg) const { return Xbyak::Reg64(general(reg, 8).getIdx()); }
  /// 64 bytes: zmm, 32: ymm, less: xmm.
  Xbyak::Xmm vector(VReg reg, int bytes) const;
  Xbyak::Opmask mask(VReg reg) const;
  /// `dst` under the instruction's mask, if it has one.
  Xbyak::Xmm masked(const Inst &inst, Xbyak::Xmm dst) const;
  const Xbyak::AddressFrame &frame_of(const Inst &inst, int bytes) const;
  /// `bytes`: 1 to 8 where the other operand does not say them, else 0.
  Xbyak::Address address(const Inst &inst, int bytes = 0);
  /// use(operand): the memory operand where there is one, else source `at` as a register of `bytes`.
  template <class Use> void with_vector(const Inst &inst, int at, int bytes, Use use) {
    if (inst.memory.kind != Address::Kind::kNone) return use(static_cast<const Xbyak::Operand &>(address(inst)));
    const Xbyak::Xmm reg = vector(inst.src[static_cast<size_t>(at)], bytes);
    return use(static_cast<const Xbyak::Operand &>(reg));
  }
  /// The immediate, 0 to `most`; else refuses.
  uint8_t small(const Inst &inst, int most);
  /// Remembers why the instruction cannot be encoded.
  void refuse(std::string_view why) {
    if (refusal_.empty()) refusal_ = why;
  }
  void move_vector(const Xbyak::Xmm &to, const Xbyak::Xmm &from) {
    if (to.getIdx() != from.getIdx()) vmovaps(to, from);
  }

  const Function &f_;
  const Allocation &allocation_;

private:
  // emitter.cpp: what every instruction goes through
  Status emit_one(const Inst &inst);
  bool dispatch(const Inst &inst);
  bool may_have_memory(const Inst &inst);

  // emit_frame.cpp: prologue, arguments, epilogue, labels and jumps, pool
  void find_saved_registers();
  void prologue();
  void epilogue();
  /// The instructions from `first` that are Op::kArg, as one parallel copy; returns the one behind.
  size_t arguments(size_t first);
  /// Labels that innermost loops jump back to.
  void find_loop_heads();
  Xbyak::CodeGenerator::LabelType reach(size_t from, Label to) const;
  bool control(const Inst &inst);
  void pool();

  // emit_general.cpp
  bool general_operation(const Inst &inst);
  bool general_memory(const Inst &inst);
  bool arithmetic(const Inst &inst);
  void move_general(VReg to, VReg from, int bytes);
  void compare(const Inst &inst);
  /// apply(register, operand): of registers or a register and memory. `commutes`: sources may change places.
  template <class Apply> void two_address(const Inst &inst, bool commutes, Apply apply);
  template <class Apply> void with_memory(const Inst &inst, Apply apply);
  void add(const Inst &inst);
  void subtract(const Inst &inst);
  void multiply(const Inst &inst);
  void load(const Inst &inst);
  void load_signed(const Inst &inst);
  void store(const Inst &inst);
  void shift(const Inst &inst);
  void extreme(const Inst &inst);
  void divide(const Inst &inst);
  void set(const Inst &inst);
  void select(const Inst &inst);
  void constant(const Inst &inst);
  void jump_if(const Inst &inst);
  /// Signed 32 bits (unsigned too of operations on 4 bytes); else refuses.
  uint32_t immediate32(const Inst &inst);
  bool reads_in_address(const Inst &inst, VReg reg) const;

  // emit_vector.cpp: arithmetic; emit_moves.cpp: moves, conversions, lanes
  bool vector_binary(const Inst &inst);
  bool float_binary(const Inst &inst, const Xbyak::Xmm &d, const Xbyak::Xmm &a, const Xbyak::Operand &b);
  bool whole_binary(const Inst &inst, const Xbyak::Xmm &d, const Xbyak::Xmm &a, const Xbyak::Operand &b);
  bool lane_binary(const Inst &inst, const Xbyak::Xmm &d, const Xbyak::Xmm &a, const Xbyak::Operand &b);
  bool vector_unary(const Inst &inst);
  void square_root(const Inst &inst);
  void shift_lanes(const Inst &inst);
  void multiply_add(const Inst &inst);
  void multiply_add_memory(const Inst &inst);
  bool vector_move(const Inst &inst);
  void load_vector(const Inst &inst);
  void store_vector(const Inst &inst);
  void stream(const Inst &inst);
  void prefetch(const Inst &inst);
  bool widening_load(const Inst &inst);
  void widening_load_one(const Inst &inst);
  bool conversion(const Inst &inst);
  bool lane_move(const Inst &inst);

  std::vector<Xbyak::Label> labels_;
  std::vector<uint8_t> label_alignment_; ///< By label; 0: any place.
  std::vector<size_t> label_at_;         ///< By label: its instruction.
  Xbyak::Label pool_;
  std::vector<int> saved_; ///< Callee-saved registers in use.
  bool has_wide_vectors_ = false;
  bool short_jumps_ = true;
  size_t at_ = 0; ///< Number of the instruction.
  const Inst *current_ = nullptr;
  std::string refusal_;
};

/// VEX throughout.
class Avx2Emitter final : public Emitter {
public:
  using Emitter::Emitter;

private:
  bool special(const Inst &inst) override;
  void masked_load(const Inst &inst) override;
  void masked_store(const Inst &inst) override;
  bool compare_lanes(const Inst &inst);
  void round(const Inst &inst);
  void extract(const Inst &inst);
};

/// VEX where the registers and the width allow it, which is shorter; else EVEX.
class Avx512Emitter final : public Emitter {
public:
  using Emitter::Emitter;

private:
  bool special(const Inst &inst) override;
  void masked_load(const Inst &inst) override;
  void masked_store(const Inst &inst) override;
  /// VEX can hold the registers, the width and the memory operand.
  bool fits_vex(const Inst &inst) const;
  bool compare_lanes(const Inst &inst);
  bool compare_masks(const Inst &inst);
  bool masks(const Inst &inst);
  bool narrowing(const Inst &inst);
  bool blends(const Inst &inst);
  bool parts(const Inst &inst);
  void blend(const Inst &inst);
  void blend_fixed(const Inst &inst);
  void round(const Inst &inst);
  void ones(const Inst &inst);
  void narrow_one(const Inst &inst);
  void extract(const Inst &inst);
  void insert(const Inst &inst);
  void signs(const Inst &inst);
  void permute_two(const Inst &inst);
  void dot_bytes(const Inst &inst);
  void multiply_add_masked(const Inst &inst);
  void gather(const Inst &inst);
  void scatter(const Inst &inst);
};

} // namespace sparkle::x86
