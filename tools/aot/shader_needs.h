// What a SPIR-V module needs of the device that runs it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/support/result.h"

namespace sparkle::aot {

/// Names of the Vulkan features behind the capabilities that the module declares, sorted; a capability without a name
/// here is `capability N`. Those that every device has are left out. kInvalidInput: no SPIR-V.
Result<std::vector<std::string>> required_features(std::span<const uint32_t> spirv);

} // namespace sparkle::aot
