// What `run` tells: a table for people, or one JSON object for tools (docs/cli.md lists its keys).
#pragma once

#include <string>

#include "runtime/report.h"

namespace sparkle::cli {

/// The library's report (runtime/report.h) with what tools ask for most at the top level: medians in seconds, null
/// where nothing was measured. One object over several lines.
std::string report_json(const RunReport &report);
std::string report_table(const RunReport &report);

} // namespace sparkle::cli
