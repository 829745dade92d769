#include "targets/x86/allocate.h"

#include "targets/x86/linear_scan.h"
#include "targets/x86/spill.h"

namespace sparkle::x86 {
namespace {

constexpr uint32_t kMaxFrameBytes = 32 * 1024;
constexpr uint32_t kSlotBytes = 64;
/// What is made anew needs no store, and often no instruction; a sum in the frame waits for its store at every
/// addition.
constexpr float kRemakeCost = 0.1F;
/// Pieces use what is free in their stretch; else each would drive another register into the frame.
constexpr float kPieceCost = 1e-6F;

std::vector<float> costs(const LiveRanges &ranges, const Spiller::Remakes &remakes, const Spiller &spiller) {
  std::vector<float> cost(ranges.size(), 0);
  for (uint32_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].first == LiveRange::kNever) continue;
    cost[i] = ranges[i].uses / static_cast<float>(ranges[i].last - ranges[i].first + 1);
    if (remakes[i] != nullptr) cost[i] *= kRemakeCost;
    if (spiller.is_piece(static_cast<VReg>(i))) cost[i] *= kPieceCost;
    if (spiller.is_short(static_cast<VReg>(i))) cost[i] = kUnspillable;
  }
  return cost;
}

} // namespace

// Each round spills registers of the function as it came, or of one stretch of it, and none twice. The former make
// finitely many of the latter, which make registers of one instruction; these are never spilled. When nothing else is
// left, an instruction has its operands and its result in registers of their own, and they fit: at most 5 of a class (3
// sources, base and index), or the 4 arguments.
Result<Allocation> allocate(Function &function) {
  Spiller spiller(function);
  for (;;) {
    const Liveness liveness(function);
    const LiveRanges &ranges = liveness.ranges();
    const Spiller::Remakes remakes = spiller.remakes(ranges);
    Scan scan = linear_scan(function, ranges, costs(ranges, remakes, spiller));
    if (!scan.spilled.empty()) {
      spiller.spill(scan.spilled, ranges, remakes);
      continue;
    }
    spiller.place_slots();
    if (function.frame_slots > kMaxFrameBytes / kSlotBytes) {
      return Error{ErrorCode::kUnsupported, "a frame of " + std::to_string(function.frame_slots * kSlotBytes) +
                                                " bytes; its limit is " + std::to_string(kMaxFrameBytes)};
    }
    return Allocation{std::move(scan.registers), spiller.hot_accesses(liveness.graph())};
  }
}

} // namespace sparkle::x86
