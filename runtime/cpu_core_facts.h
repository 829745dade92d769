// Facts about processor cores that CPUID does not tell: rates and latencies by family and model.
#pragma once

#include <string_view>

#include "runtime/cpu_info.h"

namespace sparkle {

/// Operations on whole vectors started per cycle.
struct IssueFacts {
  double fma = 1;
  double load = 1; ///< Also of one element broadcast to all lanes.
  double store = 1;
};

struct CoreFacts {
  std::string_view vendor;
  int family;
  int first_model, last_model;
  std::string_view name;
  IssueFacts avx2;   ///< Vectors of 8 floats.
  IssueFacts avx512; ///< Vectors of 16 floats, where the processor has them.
  double fma_latency;
  double l1_latency; ///< Cycles, to a vector register.
  double l2_bytes_per_cycle, l2_latency;
  double l3_bytes_per_cycle, l3_latency;     ///< Of one core.
  double dram_bytes_per_cycle, dram_latency; ///< Of one core alone.
  bool streaming_stores = false;             ///< Measured to pay on one thread (docs/schedule.md); else unknown.
};

/// The row of this processor, or a cautious one that fits any x86-64.
CoreFacts core_facts(const CpuInfo &info);

} // namespace sparkle
