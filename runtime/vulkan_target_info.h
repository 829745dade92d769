// TargetInfo of a Vulkan device: figures that no driver tells come from a fixture, limits from the driver.
#pragma once

#include <string_view>

#include "compiler/support/result.h"
#include "compiler/target/target_info.h"
#include "runtime/vulkan_limits.h"

namespace sparkle {

/// Name of the fixture for a device: the first line of targets/fixtures/devices.txt whose text occurs in the name of
/// the device or of its driver, case aside; `generic_gpu` where none does.
std::string_view fixture_for(const VulkanLimits &limits);

/// A machine that was built in (targets/fixtures/NAME.target). kInvalidInput: there is none of that name.
Result<TargetInfo> embedded_target_info(std::string_view name);

/// The fixture of the device with everything that the driver reports put in its place: team size, workers, near memory,
/// groups, rounds of loops, buffer range, matrix units.
Result<TargetInfo> vulkan_target_info(const VulkanLimits &limits);

} // namespace sparkle
