// Where facts about the processor come from: the machine itself, or recorded data in tests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sparkle {

struct CpuidRegisters {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

class CpuReader {
public:
  virtual ~CpuReader() = default;
  /// All zero where there is no such leaf, or no CPUID at all.
  virtual CpuidRegisters cpuid(uint32_t leaf, uint32_t subleaf) const = 0;
  /// Register state that the system saves (XGETBV 0). Called only when leaf 1 says OSXSAVE.
  virtual uint64_t xcr0() const = 0;
  virtual std::optional<std::string> read_file(const std::string &path) const = 0;
  /// Logical processors on which the calling thread may run, ascending; empty: unknown.
  virtual std::vector<int> affinity() const = 0;
  virtual std::optional<std::string> environment(const std::string &name) const = 0;
};

std::unique_ptr<CpuReader> host_cpu_reader();

} // namespace sparkle
