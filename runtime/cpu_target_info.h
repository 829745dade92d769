// TargetInfo of a processor: what CPUID and the system say, completed by facts about its family (cpu_core_facts.h).
#pragma once

#include "compiler/target/target_info.h"
#include "runtime/cpu_info.h"

namespace sparkle {

/// Lanes, registers and widths follow `info.features`, so a cap on instruction sets is obeyed. Caches that the machine
/// does not tell are left out; a clock it does not tell is 1 GHz; an unknown family gets the cautious row of the table.
TargetInfo make_cpu_target_info(const CpuInfo &info);

} // namespace sparkle
