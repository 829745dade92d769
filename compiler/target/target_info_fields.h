// The fields of TargetInfo, MemoryInfo and MatrixUnit with their names in the text form: one list for printer and
// parser.
#pragma once

#include "compiler/target/target_info.h"

namespace sparkle {

inline constexpr double kAnyFrom0 = 0;
inline constexpr double kAnyFrom1 = 1;
inline constexpr double kPositive = 1e-9;

/// Calls f(key, field, least) for every plain field, in the order of the text form; `least` is the smallest legal
/// value.
template <class Info, class F> void for_each_field(Info &info, F &&f) {
  f("name", info.name, kAnyFrom0);
  f("units", info.units, kAnyFrom1);
  f("clock_ghz", info.clock_ghz, kPositive);
  f("team_workers", info.team_workers, kAnyFrom1);
  f("max_workers", info.max_workers, kAnyFrom1);
  f("resident_workers", info.resident_workers, kAnyFrom1);
  f("resident_groups", info.resident_groups, kAnyFrom1);
  f("lanes", info.lanes, kAnyFrom1);
  f("access_lanes", info.access_lanes, kAnyFrom1);
  f("masked_access", info.masked_access, kAnyFrom0);
  f("registers", info.registers, kAnyFrom1);
  f("register_words", info.register_words, kAnyFrom0);
  f("fma_per_cycle", info.fma_per_cycle, kPositive);
  f("load_per_cycle", info.load_per_cycle, kPositive);
  f("broadcast_per_cycle", info.broadcast_per_cycle, kPositive);
  f("store_per_cycle", info.store_per_cycle, kPositive);
  f("fma_latency", info.fma_latency, kPositive);
  f("fma_memory_operand", info.fma_memory_operand, kAnyFrom0);
  f("code_bytes", info.code_bytes, kAnyFrom1);
  f("barrier_cycles", info.barrier_cycles, kAnyFrom0);
  f("task_cycles", info.task_cycles, kAnyFrom0);
  f("launch_us", info.launch_us, kAnyFrom0);
  f("fetch_ahead", info.fetch_ahead, kAnyFrom0);
  f("streaming_stores", info.streaming_stores, kAnyFrom0);
  f("near_bytes", info.near_bytes, kAnyFrom0);
  f("near_bytes_unit", info.near_bytes_unit, kAnyFrom0);
  f("max_groups", info.max_groups, kAnyFrom0);
  f("max_buffer_bytes", info.max_buffer_bytes, kAnyFrom0);
  f("max_loop_rounds", info.max_loop_rounds, kAnyFrom0);
  f("near_banks", info.near_banks, kAnyFrom0);
  f("far_element_bytes", info.far_element_bytes, kAnyFrom1);
  f("near_element_bytes", info.near_element_bytes, kAnyFrom1);
}

template <class Memory, class F> void for_each_memory_field(Memory &memory, F &&f) {
  f("bytes", memory.bytes, kAnyFrom0);
  f("line_bytes", memory.line_bytes, kAnyFrom1);
  f("ways", memory.ways, kAnyFrom0);
  f("way_stride_bytes", memory.way_stride_bytes, kAnyFrom0);
  f("bytes_per_cycle", memory.bytes_per_cycle, kAnyFrom0);
  f("latency_cycles", memory.latency_cycles, kAnyFrom0);
  f("sharing", memory.sharing, kAnyFrom0);
  f("explicit_fill", memory.explicit_fill, kAnyFrom0);
}

template <class Unit, class F> void for_each_matrix_field(Unit &unit, F &&f) {
  f("m", unit.m, kAnyFrom1);
  f("n", unit.n, kAnyFrom1);
  f("k", unit.k, kAnyFrom1);
  f("input", unit.input, kAnyFrom0);
  f("accumulator", unit.accumulator, kAnyFrom0);
  f("flops_per_cycle", unit.flops_per_cycle, kAnyFrom0);
}

} // namespace sparkle
