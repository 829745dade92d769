#include "compiler/schedule/validate.h"

#include <algorithm>

namespace sparkle {
namespace {

class Validator {
public:
  Validator(const Kernel &kernel, const KernelSchedule &schedule, const LoopPlan &plan)
      : kernel_(kernel), schedule_(schedule), plan_(plan) {}

  Status run() const {
    for (const Staging &staging : schedule_.stagings) SPARKLE_TRY_STATUS(check(staging));
    for (const PrefetchHint &hint : schedule_.prefetches) SPARKLE_TRY_STATUS(check(hint));
    for (const std::string &dim : schedule_.partition)
      if (!plan_.find(dim)) return bad("`partition` names dimension `" + dim + "`, which does not exist");
    return ok();
  }

private:
  Error bad(const std::string &text) const {
    return {ErrorCode::kBadSchedule, "schedule of kernel `" + kernel_.name + "`: " + text};
  }

  Status check(const Staging &staging) const {
    const std::string what = "`stage " + staging.tensor + " " + std::string(name_of(staging.level)) + "` names ";
    SPARKLE_TRY_STATUS(check_tensor(what, staging.tensor));
    if (staging.at) SPARKLE_TRY_STATUS(check_loop(what, *staging.at));
    for (const LoopRef &loop : staging.layout) SPARKLE_TRY_STATUS(check_loop(what, loop));
    for (const LoopRef &loop : staging.walk) {
      SPARKLE_TRY_STATUS(check_loop(what, loop));
      if (std::find(staging.layout.begin(), staging.layout.end(), loop) == staging.layout.end())
        return bad(what + "loop `" + loop.text() + "` in `walk`, which is not in its layout");
    }
    return ok();
  }

  Status check(const PrefetchHint &hint) const {
    const std::string what = "`prefetch " + hint.tensor + "` names ";
    SPARKLE_TRY_STATUS(check_tensor(what, hint.tensor));
    SPARKLE_TRY_STATUS(check_loop(what, hint.at));
    // Group loops stand directly in one another; only the innermost has room for a statement.
    const auto here = plan_.loops.begin() + static_cast<ptrdiff_t>(*plan_.position(hint.at));
    const auto is_group = [](const PlannedLoop &loop) { return loop.kind == LoopKind::kGroup; };
    if (!is_group(*here) || std::none_of(here + 1, plan_.loops.end(), is_group)) return ok();
    return bad(what + "loop `" + hint.at.text() + "`, a group loop around others; serial loops can be named");
  }

  Status check_loop(const std::string &what, const LoopRef &loop) const {
    if (plan_.position(loop)) return ok();
    return bad(what + "loop `" + loop.text() + "`, which does not exist");
  }

  /// By its own name, or as the panels that hold its elements.
  Status check_tensor(const std::string &what, const std::string &tensor) const {
    Definition def = definition_of(kernel_);
    for (ExprId id : reads_of(kernel_, def.store->value)) {
      const Buffer &buffer = kernel_.buffer(std::get<Read>(kernel_.expr(id)).buffer);
      if (buffer.name == tensor || buffer.origin == tensor) return ok();
    }
    return bad(what + "tensor `" + tensor + "`, which the kernel does not read");
  }

  const Kernel &kernel_;
  const KernelSchedule &schedule_;
  const LoopPlan &plan_;
};

} // namespace

Status validate(const Kernel &kernel, const KernelSchedule &schedule, const LoopPlan &plan) {
  return Validator(kernel, schedule, plan).run();
}

} // namespace sparkle
