#include "bindings/c/internal.h"

using namespace sparkle;
using namespace sparkle::capi;

namespace {

/// Listing may fail for lack of memory alone: then there is nothing to list.
const std::vector<DeviceInfo> &devices_of(sparkle_machine &machine) noexcept {
  try {
    std::call_once(machine.listed, [&] { machine.devices = machine.machine->devices(); });
  } catch (...) {
    machine.devices.clear();
  }
  return machine.devices;
}

} // namespace

sparkle_error *sparkle_machine_open(const sparkle_machine_options *options, sparkle_machine **machine) {
  return guarded([&]() -> sparkle_error * {
    if (!machine) return invalid("no place for the machine is given");
    sparkle_machine_options given = SPARKLE_MACHINE_OPTIONS_INIT;
    if (!read_struct(options, given)) return invalid("the machine's options have no known size");
    MachineOptions wanted;
    wanted.threads = given.threads;
    if (given.isa) wanted.isa = given.isa;
    SPARKLE_CAPI_TRY(std::shared_ptr<Machine> opened, Machine::open(wanted));
    auto made = std::make_unique<sparkle_machine>();
    made->machine = std::move(opened);
    *machine = made.release();
    return nullptr;
  });
}

size_t sparkle_machine_device_count(sparkle_machine *machine) { return devices_of(*machine).size(); }

sparkle_error *sparkle_machine_device(sparkle_machine *machine, size_t number, sparkle_device *device) {
  return guarded([&]() -> sparkle_error * {
    const std::vector<DeviceInfo> &devices = devices_of(*machine);
    if (number >= devices.size())
      return invalid("there is no device number " + std::to_string(number) + "; there are " +
                     std::to_string(devices.size()));
    const DeviceInfo &one = devices[number];
    *device = {one.id.c_str(), one.name.c_str(), one.driver.c_str(), one.is_software ? 1 : 0};
    return nullptr;
  });
}

void sparkle_machine_free(sparkle_machine *machine) { delete machine; }
