// Texts of --help.
#pragma once

#include <string>
#include <string_view>

namespace sparkle::cli {

struct CommandHelp {
  std::string_view name;
  std::string_view purpose;
  std::string_view examples;
};

extern const CommandHelp kMainHelp;
extern const CommandHelp kRunHelp;
extern const CommandHelp kEmitHelp;
extern const CommandHelp kBuildHelp;
extern const CommandHelp kExplainHelp;
extern const CommandHelp kAblateHelp;
extern const CommandHelp kBenchHelp;
extern const CommandHelp kDevicesHelp;
extern const CommandHelp kDoctorHelp;

/// Machine descriptions in the program: `avx2, h100, zen4`.
std::string fixture_names();

} // namespace sparkle::cli
