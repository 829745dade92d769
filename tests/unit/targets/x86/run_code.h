// Runs emitted functions on this machine.
#pragma once

#include <gtest/gtest.h>

#include "compiler/target/artifact.h"
#include "targets/x86/code_memory.h"
#include "targets/x86/emit.h"

namespace sparkle::x86 {

/// The function in executable memory; without an entry where it could not be made, which fails the test.
struct Runnable {
  MappedCode code;
  MachineCode made;
  SparkleCpuEntry entry = nullptr;
};

inline Runnable make_runnable(const Function &function, const Allocation &allocation) {
  Runnable out;
  Result<MachineCode> made = emit(function, allocation);
  EXPECT_TRUE(made) << made.error().text;
  if (!made) return out;
  Result<MappedCode> mapped = map_code(made->bytes);
  EXPECT_TRUE(mapped) << mapped.error().text;
  if (!mapped) return out;
  out.made = std::move(*made);
  out.code = std::move(*mapped);
  out.entry = reinterpret_cast<SparkleCpuEntry>(reinterpret_cast<uintptr_t>(out.code.address));
  return out;
}

/// True when the machine runs code of the family; says so where it does not.
inline bool has_family(Family family) {
  const Result<Isa> isa = host_isa(name_of(family));
  if (!isa) std::printf("[SKIP] %s\n", isa.error().text.c_str());
  return isa.has_value();
}

} // namespace sparkle::x86
