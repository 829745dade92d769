// Flat code over virtual registers: what instruction selection makes of the loop IR, register allocation turns into
// registers of the machine, and the emitters encode.
//
//   function @dst avx512
//     g0 = arg 0
//     g7 = gload.8 [g0]
//     v9 = vzero.64
//   L1:
//     v10 = vbroadcast.64 [g7 + 8]
//     v9 = vfma.64 v10, v11, v9
//     g7 = gadd.8 g7, 4
//     jump_if.lt.8 g7, g8, L1
//     ret
//
// - A virtual register has one class and may be written many times. It holds nothing before its first write.
// - An instruction reads all its operands before it writes its result, and writes at most one register (and memory).
//   Flags of the machine live within one instruction only.
// - ops.def lists the operations: operands, what each one does, which family has it.
// - Selection writes operations that the machine has: one instruction each, or the short fixed sequence that ops.def
//   names, which needs no register beyond its operands and the one that emitters keep (rax).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "compiler/support/id.h"
#include "targets/x86/isa.h"

namespace sparkle::x86 {

enum class VReg : uint32_t {};
enum class Label : uint32_t {};

enum class RegClass : uint8_t {
  kGeneral, ///< `g`: 64 bits.
  kVector,  ///< `v`: as wide as the family's vectors; narrower results leave the rest undefined.
  kMask,    ///< `k`: one bit a lane; kAvx512 alone. kAvx2 keeps masks in vectors, all bits of a lane alike.
};

enum class Op : uint8_t {
#define SPARKLE_X86_OP(id, name, ...) k##id,
#include "targets/x86/ops.def"
#undef SPARKLE_X86_OP
};

/// Of signed numbers, but for the last two.
enum class Condition : uint8_t { kEq, kNe, kLt, kLe, kGt, kGe, kBelow, kAtLeast };

struct Address {
  enum class Kind : uint8_t {
    kNone,
    kRegisters, ///< base + index * scale + displacement; `[g1 + g2*4 + 16]`.
    kFrame,     ///< Spill slot `number` + displacement; `[frame 2]`. Slots are 64 bytes, 64-byte aligned.
    kPool,      ///< Constant pool, at byte `displacement`; `[pool + 64]`.
  };
  Kind kind = Kind::kNone;
  VReg base = kNoId<VReg>;
  VReg index = kNoId<VReg>; ///< Of class kVector in gathers and scatters: 32-bit lanes.
  uint8_t scale = 1;        ///< 1, 2, 4 or 8.
  bool is_constant = false; ///< Of registers: nothing that the function does writes there; `[g1 + 16 const]`.
  uint32_t number = 0;
  int32_t displacement = 0;
  bool operator==(const Address &) const = default;
};

struct Inst {
  Op op{};
  /// Bytes of the result (of what is stored, in stores): 4, 16, 32 or 64 of vectors; 4 or 8 of general registers, 1 and
  /// 2 also in loads and stores. 4 of a vector: lane 0 alone, as `vaddss` does.
  uint8_t bytes = 0;
  Condition condition = Condition::kEq;
  /// In place of the last source of general operations. Operations that always have one do without this.
  bool has_immediate = false;
  bool broadcast = false; ///< The memory operand is 4 bytes, for all lanes; kAvx512 alone.
  bool zeroing = false;   ///< Lanes outside `mask` become 0; else they keep what `dst` held, which is then read.
  VReg dst = kNoId<VReg>;
  std::array<VReg, 3> src = {kNoId<VReg>, kNoId<VReg>, kNoId<VReg>};
  VReg mask = kNoId<VReg>; ///< Of class kMask, or kVector in masked loads, stores and gathers of kAvx2.
  Address memory = {};     ///< In place of the last source, where ops.def allows it.
  int64_t immediate = 0;
  Label label = kNoId<Label>;
  uint32_t line = 0; ///< Of the statement it came from, for people: 1 + StmtId; 0: none.
};

struct Function {
  std::string name;
  Isa isa;
  IdTable<VReg, RegClass> registers;
  uint32_t labels = 0; ///< Labels are 0 ... labels - 1; each is placed once, by Op::kLabel.
  uint32_t frame_slots = 0;
  std::vector<Inst> code;
  std::vector<uint8_t> pool; ///< Constants, 64-byte aligned.

  VReg add_register(RegClass reg_class) { return registers.add(reg_class); }
  Label add_label() { return static_cast<Label>(labels++); }
};

/// Classes of operands in ops.def.
enum class Operand : uint8_t { kNone, kG, kV, kK };

struct OpInfo {
  std::string_view name;
  Operand dst;
  std::array<Operand, 3> src;
  /// kNo; kLast: may stand for the last source; kLoad: is what is loaded; kStore: is what is stored to; kAddress: its
  /// address alone is used.
  enum class Memory : uint8_t { kNo, kLast, kLoad, kStore, kAddress } memory;
  enum class Immediate : uint8_t { kNo, kLast, kAlways } immediate; ///< kLast: may stand for the last source.
  enum class Needs : uint8_t { kAny, kAvx512 } needs;
};
const OpInfo &info_of(Op op);

} // namespace sparkle::x86
