// Words -> CommandLine. The one place that knows the parser library.
#pragma once

#include <optional>

#include "tools/sparklec/options.h"

namespace sparkle::cli {

/// Either what to do, or how the process ends at once: help and version were printed to standard output (kDone), a
/// mistake with its way out to standard error (kUsage).
struct ParsedCommandLine {
  std::optional<CommandLine> line;
  ExitCode exit = ExitCode::kDone;
};

ParsedCommandLine parse_command_line(int argc, const char *const *argv);

} // namespace sparkle::cli
