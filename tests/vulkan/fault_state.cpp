#include "tests/vulkan/fault_state.h"

#include <algorithm>

namespace sparkle::test {

void FaultState::plan(const FaultPlan &plan) {
  const std::lock_guard lock(mutex_);
  plan_ = plan;
  report_ = {};
  is_failing_ = false;
  objects_.clear();
}

FaultReport FaultState::report() {
  const std::lock_guard lock(mutex_);
  FaultReport report = report_;
  for (const auto &[maker, objects] : objects_) {
    report.alive += static_cast<int64_t>(objects.size());
    if (!objects.empty())
      report.complaints.push_back(std::to_string(objects.size()) + " of " + maker + " are still alive");
  }
  return report;
}

bool FaultState::is_due(const std::vector<int> &results) const {
  const auto number = static_cast<int64_t>(report_.calls.size());
  if (number == plan_.call) return true;
  const bool may_fail_so = std::ranges::find(results, plan_.result) != results.end();
  return is_failing_ && plan_.reach != FaultReach::kOnce && may_fail_so;
}

int FaultState::enter(const char *name, const std::vector<int> &results) {
  const std::lock_guard lock(mutex_);
  report_.calls.push_back({name, results});
  if (plan_.reach == FaultReach::kUntilNewDevice && is_failing_ && std::string(name) == "vkCreateDevice")
    is_failing_ = false;
  if (!is_due(results)) return 0;
  is_failing_ = true;
  ++report_.failed;
  return plan_.result;
}

void FaultState::made(const char *maker, uint64_t object) {
  const std::lock_guard lock(mutex_);
  objects_[maker].insert(object); // equal numbers may live at once: drivers may share objects of equal contents
}

void FaultState::destroyed(const char *maker, uint64_t object) {
  if (object == 0) return;
  const std::lock_guard lock(mutex_);
  auto &alive = objects_[maker];
  const auto found = alive.find(object);
  if (found == alive.end())
    report_.complaints.push_back(std::string("destroyed, but not alive: an object of ") + maker);
  else
    alive.erase(found);
  const bool ends_all = std::string(maker) == "vkCreateDevice" && alive.empty();
  for (const auto &[other, objects] : objects_)
    if (ends_all && !objects.empty() && other != "vkCreateInstance" && other != "vkCreateDebugUtilsMessengerEXT")
      report_.complaints.push_back("the device was destroyed before " + std::to_string(objects.size()) + " of " +
                                   other);
}

void FaultState::waits(double seconds) {
  const std::lock_guard lock(mutex_);
  report_.longest_wait = std::max(report_.longest_wait, seconds);
}

void FaultState::complain(std::string text) {
  const std::lock_guard lock(mutex_);
  report_.complaints.push_back(std::move(text));
}

bool FaultState::is_discrete() {
  const std::lock_guard lock(mutex_);
  return plan_.is_discrete;
}

} // namespace sparkle::test
