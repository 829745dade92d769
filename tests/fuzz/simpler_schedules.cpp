#include <functional>

#include "tests/fuzz/random_schedule.h"

namespace sparkle::test {
namespace {

/// Collects copies of a schedule, each with one change to one of its kernels.
class Simplifier {
public:
  explicit Simplifier(const Schedule &schedule) : schedule_(schedule) {}

  std::vector<Schedule> run() {
    for (at_ = 0; at_ < schedule_.kernels.size(); ++at_) {
      add([&](Schedule &s) { s.kernels.erase(s.kernels.begin() + static_cast<std::ptrdiff_t>(at_)); });
      drop_lists();
      drop_switches();
      for (size_t i = 0; i < kernel().stagings.size(); ++i) simplify_staging(i);
      for (size_t i = 0; i < kernel().dims.size(); ++i) simplify_dim(i);
    }
    return std::move(out_);
  }

private:
  const KernelSchedule &kernel() const { return schedule_.kernels[at_]; }

  void add(const std::function<void(Schedule &)> &change) {
    Schedule simpler = schedule_;
    change(simpler);
    if (!(simpler == schedule_)) out_.push_back(std::move(simpler));
  }
  void change(const std::function<void(KernelSchedule &)> &change) {
    add([&](Schedule &s) { change(s.kernels[at_]); });
  }
  template <class T> void drop_each(std::vector<T> KernelSchedule::*list) {
    for (size_t i = 0; i < (kernel().*list).size(); ++i)
      change([&](KernelSchedule &k) { (k.*list).erase((k.*list).begin() + static_cast<std::ptrdiff_t>(i)); });
  }

  void drop_lists() {
    drop_each(&KernelSchedule::stagings);
    drop_each(&KernelSchedule::prefetches);
    drop_each(&KernelSchedule::partition);
    change([](KernelSchedule &k) { k.order.clear(); });
  }

  void drop_switches() {
    change([](KernelSchedule &k) { k.clip = false; });
    change([](KernelSchedule &k) { k.store = StoreKind::kPlain; });
    change([](KernelSchedule &k) { k.split_reduction = 1; });
    change([](KernelSchedule &k) { k.at.skew.clear(); });
    if (kernel().placement == Placement::kAt)
      change([](KernelSchedule &k) {
        k.placement = Placement::kStored;
        k.at = {};
      });
  }

  void simplify_staging(size_t i) {
    change([&](KernelSchedule &k) { k.stagings[i].skew = 0; });
    change([&](KernelSchedule &k) { k.stagings[i].walk.clear(); });
    change([&](KernelSchedule &k) { k.stagings[i].lanes = 1; });
    change([&](KernelSchedule &k) { k.stagings[i].buffers = 1; });
    change([&](KernelSchedule &k) { k.stagings[i].ahead = 0; });
  }

  /// Without the dimension's entry, without one of its splits, or with a split of another, simpler kind; loops that are
  /// gone leave the order and the stagings.
  void simplify_dim(size_t i) {
    change([&](KernelSchedule &k) {
      const std::string name = k.dims[i].dim;
      forget(k, [&](const LoopRef &ref) { return ref.dim == name && (ref.split > 0 || !k.dims[i].fused.empty()); });
      k.dims.erase(k.dims.begin() + static_cast<std::ptrdiff_t>(i));
    });
    for (size_t split = 1; split < kernel().dims[i].splits.size(); ++split)
      change([&](KernelSchedule &k) { drop_split(k, k.dims[i], static_cast<int>(split)); });
    for (size_t split = 0; split < kernel().dims[i].splits.size(); ++split)
      change([&](KernelSchedule &k) { k.dims[i].splits[split].kind = LoopKind::kSerial; });
    change([&](KernelSchedule &k) {
      if (!k.dims[i].splits.empty()) k.dims[i].splits.front().factor = 0;
    });
  }

  static void drop_split(KernelSchedule &k, DimSchedule &dim, int split) {
    forget(k, [&](const LoopRef &ref) { return ref.dim == dim.dim && ref.split == split; });
    for (LoopRef *ref : refs(k))
      if (ref->dim == dim.dim && ref->split > split) --ref->split;
    dim.splits.erase(dim.splits.begin() + split);
    dim.splits.front().factor = 0;
  }

  static std::vector<LoopRef *> refs(KernelSchedule &k) {
    std::vector<LoopRef *> refs;
    for (LoopRef &ref : k.order) refs.push_back(&ref);
    for (PrefetchHint &hint : k.prefetches) refs.push_back(&hint.at);
    for (Staging &staging : k.stagings) {
      if (staging.at) refs.push_back(&*staging.at);
      for (LoopRef &ref : staging.layout) refs.push_back(&ref);
      for (LoopRef &ref : staging.walk) refs.push_back(&ref);
    }
    return refs;
  }

  static void forget(KernelSchedule &k, const std::function<bool(const LoopRef &)> &gone) {
    std::erase_if(k.order, gone);
    std::erase_if(k.prefetches, [&](const PrefetchHint &hint) { return gone(hint.at); });
    std::erase_if(k.stagings, [&](const Staging &s) { return s.at && gone(*s.at); });
    for (Staging &staging : k.stagings) {
      std::erase_if(staging.layout, gone);
      std::erase_if(staging.walk, gone);
    }
  }

  const Schedule &schedule_;
  size_t at_ = 0;
  std::vector<Schedule> out_;
};

} // namespace

std::vector<Schedule> simpler_schedules(const Schedule &schedule) { return Simplifier(schedule).run(); }

} // namespace sparkle::test
