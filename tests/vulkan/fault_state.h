// What the failing loader remembers: the plan, the calls, the objects. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <set>

#include "tests/vulkan/faults.h"

namespace sparkle::test {

class FaultState : public Faults {
public:
  void plan(const FaultPlan &plan) override;
  FaultReport report() override;

  /// A call begins. What it is to return by the plan, or 0.
  int enter(const char *name, const std::vector<int> &results);
  void made(const char *maker, uint64_t object);
  void destroyed(const char *maker, uint64_t object);
  void waits(double seconds);
  void complain(std::string text);
  bool is_discrete();

private:
  bool is_due(const std::vector<int> &results) const;

  std::mutex mutex_;
  FaultPlan plan_;
  FaultReport report_;
  bool is_failing_ = false;                                ///< The plan's call has come.
  std::map<std::string, std::multiset<uint64_t>> objects_; ///< Alive, by the call that made them.
};

} // namespace sparkle::test
