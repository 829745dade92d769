#include "runtime/cpu_target_info.h"

#include "runtime/cpu_core_facts.h"

namespace sparkle {
namespace {

constexpr int kFloatBytes = 4;
constexpr double kTaskCycles = 200;       ///< A shared counter's line moves from one core to another.
constexpr double kLaunchMicroseconds = 5; ///< Waking and joining the threads of a pool.

void set_vectors(const CpuInfo &info, const CoreFacts &facts, TargetInfo &target) {
  const bool wide = info.features.has_avx512();
  const IssueFacts &issue = wide ? facts.avx512 : facts.avx2;
  target.lanes = wide ? 16 : info.features.avx2 ? 8 : 4; // without AVX2: SSE2, part of every x86-64
  target.access_lanes = target.lanes;
  target.registers = wide ? 32 : 16;
  target.masked_access = wide;
  target.fma_memory_operand = wide; // with broadcast; without EVEX encoding a broadcast is an instruction
  target.fma_per_cycle = issue.fma;
  target.load_per_cycle = issue.load;
  target.broadcast_per_cycle = issue.load;
  target.store_per_cycle = issue.store;
  target.fma_latency = facts.fma_latency;
}

/// A cache belongs to a core when no more processors share it than one core has.
MemoryInfo cache_memory(const CpuCache &cache, const CpuInfo &info) {
  MemoryInfo memory;
  memory.name = "L" + std::to_string(cache.level);
  memory.bytes = cache.bytes;
  if (cache.line_bytes > 0) memory.line_bytes = cache.line_bytes;
  memory.ways = cache.ways;
  // From level 3 on, sets are picked by a hash of the address: no stride competes for one set.
  memory.way_stride_bytes = cache.ways > 0 && cache.level <= 2 ? cache.bytes / cache.ways : 0;
  memory.sharing = cache.sharing_cpus <= info.threads_per_core ? Sharing::kGroup : Sharing::kDevice;
  if (cache.level > 2) memory.sharing = Sharing::kDevice; // also in a machine, or a part of one, with a single core
  return memory;
}

void set_memories(const CpuInfo &info, const CoreFacts &facts, TargetInfo &target) {
  const double l1_bytes_per_cycle = target.load_per_cycle * target.lanes * kFloatBytes;
  const struct {
    int level;
    double bytes_per_cycle, latency_cycles;
  } levels[] = {{1, l1_bytes_per_cycle, facts.l1_latency},
                {2, facts.l2_bytes_per_cycle, facts.l2_latency},
                {3, facts.l3_bytes_per_cycle, facts.l3_latency}};
  for (const auto &level : levels) {
    const CpuCache *cache = info.data_cache(level.level);
    if (!cache) continue;
    MemoryInfo memory = cache_memory(*cache, info);
    memory.bytes_per_cycle = level.bytes_per_cycle;
    memory.latency_cycles = level.latency_cycles;
    target.memories.push_back(std::move(memory));
  }
  MemoryInfo dram;
  dram.name = "DRAM";
  dram.bytes_per_cycle = facts.dram_bytes_per_cycle;
  dram.latency_cycles = facts.dram_latency;
  target.memories.push_back(std::move(dram));
}

/// AMX tiles: 16 rows of 64 bytes; one multiplication in 16 cycles (Intel Optimization Reference Manual, 20).
void set_matrix_units(const CpuFeatures &features, TargetInfo &target) {
  if (!features.amx_tile) return;
  if (features.amx_bf16) target.matrix_units.push_back({16, 16, 32, "bf16", "f32", 1024});
  if (!features.amx_int8) return;
  target.matrix_units.push_back({16, 16, 64, "i8", "i32", 2048});
  target.matrix_units.push_back({16, 16, 64, "u8", "i32", 2048});
}

double known_clock(const CpuInfo &info) {
  // Nominal first: vector code on all cores runs near it, rarely at the boost of one core.
  for (const double clock : {info.base_ghz, info.current_ghz, info.max_ghz}) {
    if (clock > 0) return clock;
  }
  return 1;
}

} // namespace

TargetInfo make_cpu_target_info(const CpuInfo &info) {
  const CoreFacts facts = core_facts(info);
  TargetInfo target;
  target.name = info.name.empty() ? "unknown" : info.name;
  target.units = info.usable_cores;
  target.clock_ghz = known_clock(info);
  set_vectors(info, facts, target);
  for (const CpuCache &cache : info.caches) {
    if (cache.level == 1 && cache.kind == CacheKind::kInstruction) target.code_bytes = cache.bytes;
  }
  target.task_cycles = kTaskCycles;
  target.launch_us = kLaunchMicroseconds;
  target.fetch_ahead = 1;
  target.streaming_stores = facts.streaming_stores;
  set_memories(info, facts, target);
  set_matrix_units(info.features, target);
  return target;
}

} // namespace sparkle
