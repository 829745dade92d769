// An ablation as a table and as JSON (docs/cli.md).
#pragma once

#include <string>
#include <vector>

#include "runtime/ablation.h"

namespace sparkle::cli {

std::string ablation_json(const std::string &kernel, const std::vector<DeviceAblation> &devices);
std::string ablation_table(const std::string &kernel, const std::vector<DeviceAblation> &devices);

} // namespace sparkle::cli
