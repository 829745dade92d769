#include "compiler/passes/pack_check.h"

#include <algorithm>

namespace sparkle {

Status check_staging(const Staging &staging, const Kernel &kernel, const TargetInfo &info) {
  auto bad = [&](const std::string &text) {
    return Error{ErrorCode::kBadSchedule, "`stage " + staging.tensor + "` in kernel `" + kernel.name + "`: " + text};
  };
  if (!staging.at) return bad("near and register stagings need `at`");
  if (staging.lanes < 1 || staging.buffers < 1 || staging.buffers > 2 || staging.ahead < 0 || staging.ahead > 1 ||
      staging.skew < 0)
    return bad("lanes >= 1, buffers 1 or 2, ahead 0 or 1 and skew >= 0 are possible");
  if (staging.level == MemoryLevel::kRegister && (staging.buffers != 1 || staging.ahead != 0))
    return bad("register stagings have one buffer and no `ahead`");
  if (staging.level == MemoryLevel::kNear && staging.layout.empty()) return bad("near stagings need a layout");
  if (staging.lanes > 1 && staging.layout.empty()) return bad("`lanes` needs a layout");
  if (staging.lanes > std::max(info.access_lanes, info.lanes) && staging.lanes > 16)
    return bad("`lanes " + std::to_string(staging.lanes) + "` is wider than any access of this machine");
  return ok();
}

} // namespace sparkle
