// The memory patterns that a schedule is made of, and schedules without some of them. Every pattern has a neutral value
// in the Schedule; taking a pattern away writes that value and repairs what refers to it, nothing else. Pure functions.
//
//   pattern          neutral value
//   place            every `let` is stored
//   groups           group loops are serial; where groups have several workers they stay: that is the machine's shape
//   vectorize        no lane loops, copies move one element at once
//   tile             no inner loops over output dimensions but those of workers and lanes, order of the text
//   far              nothing is packed before the kernel
//   near, register   nothing is staged there
//   unroll           the reduction's loops are serial
//   prefetch         none
//   overlap          one near buffer, no loads ahead
//   skew             dense near buffers, of stagings and of lets placed at loops
//   partition, clip  none, guards stay guards
//   split_reduction  1
//   stream           plain stores
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"

namespace sparkle {

/// In the order in which a ladder adds them: what others build on comes first.
enum class Pattern : uint8_t {
  kPlace,
  kGroups,
  kVectorize,
  kTile,
  kFar,
  kNear,
  kRegister,
  kUnroll,
  kPrefetch,
  kOverlap,
  kSkew,
  kPartition,
  kClip,
  kSplitReduction,
  kStream,
};

inline constexpr std::array kPatterns{
    Pattern::kPlace, Pattern::kGroups,    Pattern::kVectorize, Pattern::kTile,           Pattern::kFar,
    Pattern::kNear,  Pattern::kRegister,  Pattern::kUnroll,    Pattern::kPrefetch,       Pattern::kOverlap,
    Pattern::kSkew,  Pattern::kPartition, Pattern::kClip,      Pattern::kSplitReduction, Pattern::kStream};

std::string_view name_of(Pattern pattern);

class PatternSet {
public:
  constexpr PatternSet() = default;
  constexpr PatternSet(Pattern pattern) : bits_(bit(pattern)) {}
  static constexpr PatternSet all() {
    PatternSet set;
    for (const Pattern pattern : kPatterns) set.add(pattern);
    return set;
  }
  constexpr void add(Pattern pattern) { bits_ |= bit(pattern); }
  constexpr void remove(Pattern pattern) { bits_ &= ~bit(pattern); }
  constexpr bool contains(Pattern pattern) const { return (bits_ & bit(pattern)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  bool operator==(const PatternSet &) const = default;

private:
  static constexpr uint32_t bit(Pattern pattern) { return 1u << static_cast<uint32_t>(pattern); }
  uint32_t bits_ = 0;
};

/// `schedule`, which belongs to `kernel` (stage kImported, after placement), with `patterns` at their neutral values.
/// Placement is neutral from here on too, but its definition needs loops of its own. kBadSchedule: the schedule does
/// not fit the kernel.
Result<KernelSchedule> without(const Kernel &kernel, const KernelSchedule &schedule, PatternSet patterns);

/// The patterns that `without` would change.
Result<PatternSet> patterns_of(const Kernel &kernel, const KernelSchedule &schedule);

} // namespace sparkle
