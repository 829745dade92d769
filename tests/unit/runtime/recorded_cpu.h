// Recorded processors for tests of detection.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/cpu_reader.h"

namespace sparkle {

class RecordedCpu final : public CpuReader {
public:
  std::map<std::pair<uint32_t, uint32_t>, CpuidRegisters> leaves;
  uint64_t saved_state = 0;
  std::map<std::string, std::string> files;
  std::vector<int> cpus;
  std::map<std::string, std::string> variables;

  CpuidRegisters cpuid(uint32_t leaf, uint32_t subleaf) const override {
    const auto found = leaves.find({leaf, subleaf});
    return found == leaves.end() ? CpuidRegisters{} : found->second;
  }
  uint64_t xcr0() const override { return saved_state; }
  std::optional<std::string> read_file(const std::string &path) const override { return find(files, path); }
  std::vector<int> affinity() const override { return cpus; }
  std::optional<std::string> environment(const std::string &name) const override { return find(variables, name); }

  void add_sysfs_cache(int index, const char *level, const char *type, const char *size, const char *ways,
                       const char *shared) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    files[folder + "level"] = std::string(level) + "\n";
    files[folder + "type"] = std::string(type) + "\n";
    files[folder + "size"] = std::string(size) + "\n";
    files[folder + "coherency_line_size"] = "64\n";
    files[folder + "ways_of_associativity"] = std::string(ways) + "\n";
    files[folder + "shared_cpu_list"] = std::string(shared) + "\n";
  }

private:
  static std::optional<std::string> find(const std::map<std::string, std::string> &map, const std::string &key) {
    const auto found = map.find(key);
    return found == map.end() ? std::nullopt : std::optional<std::string>(found->second);
  }
};

/// A virtual machine with 2 processors of an Intel Xeon (Cascade Lake), recorded.
inline RecordedCpu recorded_cascade_lake() {
  RecordedCpu cpu;
  cpu.leaves = {
      {{0x0, 0}, {0x00000016, 0x756E6547, 0x6C65746E, 0x49656E69}},
      {{0x1, 0}, {0x00050657, 0x00020800, 0xFFFA3203, 0x1F8BFBFF}},
      {{0x4, 0}, {0x04000121, 0x01C0003F, 0x0000003F, 0x00000000}},
      {{0x4, 1}, {0x04000122, 0x01C0003F, 0x0000003F, 0x00000000}},
      {{0x4, 2}, {0x04000143, 0x03C0003F, 0x000003FF, 0x00000000}},
      {{0x4, 3}, {0x04004163, 0x0280003F, 0x0000CFFF, 0x00000005}},
      {{0x7, 0}, {0x00000000, 0xD19F67EB, 0x0000081C, 0xBC000400}},
      {{0xB, 0}, {0x00000000, 0x00000001, 0x00000100, 0x00000000}},
      {{0xB, 1}, {0x00000005, 0x00000002, 0x00000201, 0x00000000}},
      {{0x80000000, 0}, {0x80000008, 0x00000000, 0x00000000, 0x00000000}},
      {{0x80000001, 0}, {0x00000000, 0x00000000, 0x00000121, 0x2C100800}},
      {{0x80000002, 0}, {0x65746E49, 0x2952286C, 0x6F655820, 0x2952286E}},
      {{0x80000003, 0}, {0x6F725020, 0x73736563, 0x4020726F, 0x352E3220}},
      {{0x80000004, 0}, {0x7A484730, 0x00000000, 0x00000000, 0x00000000}},
  };
  cpu.saved_state = 0x2FF;
  cpu.cpus = {0, 1};
  cpu.add_sysfs_cache(0, "1", "Data", "32K", "8", "0");
  cpu.add_sysfs_cache(1, "1", "Instruction", "32K", "8", "0");
  cpu.add_sysfs_cache(2, "2", "Unified", "1024K", "16", "0");
  cpu.add_sysfs_cache(3, "3", "Unified", "36608K", "11", "0-1");
  cpu.files["/sys/devices/system/cpu/cpu0/topology/core_cpus_list"] = "0\n";
  cpu.files["/sys/devices/system/cpu/cpu1/topology/core_cpus_list"] = "1\n";
  cpu.files["/proc/cpuinfo"] = "processor\t: 0\ncpu MHz\t\t: 2499.998\nprocessor\t: 1\ncpu MHz\t\t: 2500.100\n";
  return cpu;
}

/// 8 cores with both threads of an AMD EPYC of family 19h model 11h (Zen 4). Not recorded: put together from the leaves
/// that AMD's processor programming reference (55901) describes. No sysfs, as in a container without it.
inline RecordedCpu documented_zen4() {
  RecordedCpu cpu;
  cpu.leaves = {
      {{0x0, 0}, {0x00000010, 0x68747541, 0x444D4163, 0x69746E65}},
      {{0x1, 0}, {0x00A10F11, 0x00100800, 0x7EFA320B, 0x178BFBFF}},
      {{0x7, 0}, {0x00000001, 0xF1BF97A9, 0x00415FDE, 0x10000010}},
      {{0x7, 1}, {0x00000020, 0x00000000, 0x00000000, 0x00000000}},
      {{0xB, 0}, {0x00000001, 0x00000002, 0x00000100, 0x00000000}},
      {{0x80000000, 0}, {0x80000028, 0x68747541, 0x444D4163, 0x69746E65}},
      {{0x80000001, 0}, {0x00A10F11, 0x40000000, 0x75C237FF, 0x2FD3FBFF}},
      {{0x80000002, 0}, {0x20444D41, 0x43595045, 0x31523920, 0x00000034}},
      {{0x8000001D, 0}, {0x00004121, 0x01C0003F, 0x0000003F, 0x00000000}},
      {{0x8000001D, 1}, {0x00004122, 0x01C0003F, 0x0000003F, 0x00000000}},
      {{0x8000001D, 2}, {0x00004143, 0x01C0003F, 0x000007FF, 0x00000002}},
      {{0x8000001D, 3}, {0x0003C163, 0x03C0003F, 0x00007FFF, 0x00000009}},
      {{0x8000001E, 0}, {0x00000000, 0x00000100, 0x00000000, 0x00000000}},
  };
  cpu.saved_state = 0x2E7;
  for (int i = 0; i < 16; ++i) cpu.cpus.push_back(i);
  return cpu;
}

} // namespace sparkle
