// What every operation of ops.def does, in plain C++: one lane, one bit at a time, written from ops.def alone.
#pragma once

#include <array>
#include <bit>
#include <cstring>

#include "targets/x86/vreg.h"

namespace sparkle::x86 {

/// A vector register.
struct Lanes {
  std::array<uint8_t, 64> bytes{};

  template <class T> T get(int i) const {
    T value;
    std::memcpy(&value, bytes.data() + static_cast<size_t>(i) * sizeof(T), sizeof(T));
    return value;
  }
  template <class T> void put(int i, T value) {
    std::memcpy(bytes.data() + static_cast<size_t>(i) * sizeof(T), &value, sizeof(T));
  }
  uint32_t word(int i) const { return get<uint32_t>(i); }
  int32_t number(int i) const { return get<int32_t>(i); }
  float real(int i) const { return get<float>(i); }
};

/// What an instruction reads, and after `model` what it leaves. Sources that are no operands of it may hold anything.
struct ModelState {
  std::array<Lanes, 3> vectors;       ///< Sources.
  std::array<uint64_t, 3> generals{}; ///< Sources.
  std::array<uint16_t, 3> masks{};    ///< Sources.
  Lanes mask_lanes;                   ///< Inst::mask of class kVector.
  uint16_t mask = 0;                  ///< Inst::mask of class kMask.
  Lanes index;                        ///< Of gathers and scatters.
  uint8_t *memory = nullptr;          ///< At the address; of gathers and scatters at index 0.
  uint64_t address = 0;               ///< What `gaddress` gives.
  Lanes vector;                       ///< Result; before: what it held.
  uint64_t general = 0;               ///< Result.
  uint16_t mask_result = 0;
};

void model(const Inst &inst, const Isa &isa, ModelState &state);

/// One lane of 4 bytes of a vector; false: not such an operation.
bool model_lane(const Inst &inst, const Isa &isa, ModelState &state, int lane);
/// Results narrower than their sources, and bytes within 16 bytes; false: not such an operation.
bool model_packed(const Inst &inst, ModelState &state);
/// By the predicate of vcmpps.
bool compare_reals(int predicate, float a, float b);
/// Toward zero; the least number where it does not fit.
int32_t real_to_number(float value);

/// Bytes of a vector result that ops.def defines.
int defined_bytes(const Inst &inst);
/// Its lanes are floats: one NaN is as good as another.
bool is_float_result(Op op);

float half_to_float(uint16_t bits);
/// To nearest even.
uint16_t float_to_half(float value);

} // namespace sparkle::x86
