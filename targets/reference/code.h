// The compiled form of expressions: straight-line instructions over the slots of a worker's frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "compiler/ir/nodes.h"

namespace sparkle::reference {

class Machine;

/// One worker (or the group, outside of worker loops): its frame holds values, register buffers and pointers to near
/// memory.
struct Worker {
  std::byte *frame = nullptr;
  Machine *machine = nullptr;
  int32_t number = 0; ///< In its group.
  int32_t team = 0;
};

/// Byte offset of a value in the frame.
using Slot = uint32_t;
inline constexpr Slot kNoSlot = 0xFFFFFFFFu;

struct Instr;
/// Returns false after it put an error into the machine.
using InstrFn = bool (*)(const Instr &, Worker &);

struct Instr {
  InstrFn fn = nullptr;
  Slot dst = kNoSlot, a = kNoSlot, b = kNoSlot, c = kNoSlot;
  int32_t lanes = 1;
  int32_t extra = 0; ///< Lanes of an operand where they differ; index into a table of the machine's program.
  int64_t imm = 0;   ///< A constant's bits, a ramp's stride.
};
using Code = std::vector<Instr>;

inline bool run_code(const Code &code, Worker &worker) {
  for (const Instr &instr : code)
    if (!instr.fn(instr, worker)) return false;
  return true;
}

template <class T> T *at(Worker &worker, Slot slot) { return reinterpret_cast<T *>(worker.frame + slot); }
template <class T> const T *at(const Worker &worker, Slot slot) {
  return reinterpret_cast<const T *>(worker.frame + slot);
}

/// What floating types are computed in.
enum class Precision : uint8_t {
  kExact,    ///< As nodes.h says.
  kEstimate, ///< In double, with magnitudes (arithmetic.h, Estimate).
};

/// Bytes of one lane in a frame.
int frame_bytes(Scalar scalar, Precision precision);

/// The instruction for an operation; an empty function where the type has no such operation.
/// Operands and result have the lanes of the instruction unless said otherwise.
class OpTable {
public:
  explicit OpTable(Precision precision) : precision_(precision) {}

  InstrFn unary(UnaryOp op, Scalar type) const;
  InstrFn binary(BinaryOp op, Scalar type) const;
  InstrFn compare(CompareOp op, Scalar type) const;
  InstrFn select(Scalar type) const;
  InstrFn fma(Scalar type) const;
  InstrFn cast(Scalar from, Scalar to) const;
  InstrFn bitcast() const;                              ///< Of 32 bits a lane; none for estimates.
  InstrFn broadcast(Scalar type) const;                 ///< a: one lane.
  InstrFn reduce_lanes(ReduceOp op, Scalar type) const; ///< a: `extra` lanes; dst: one.
  InstrFn dot(Scalar acc, Scalar a,
              Scalar b) const; ///< a, b: `extra` times the lanes; b into c, acc into a: (acc a b) = (a b c).
  InstrFn identity(ReduceOp op, Scalar type) const;
  InstrFn constant(Scalar type) const;  ///< imm: the value, for floats the bits of a double.
  InstrFn copy_lane(Scalar type) const; ///< dst = a, one lane.
  InstrFn ramp() const;                 ///< a: base; imm: stride.

private:
  Precision precision_;
};

} // namespace sparkle::reference
