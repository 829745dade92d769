// The commands. Each prints its result and returns how the process ends; errors go to Console::fail.
#pragma once

#include "tools/sparklec/console.h"
#include "tools/sparklec/options.h"

namespace sparkle::cli {

Result<ExitCode> run(const RunCommand &command, Console &console);
Result<ExitCode> emit(const EmitCommand &command, Console &console);
Result<ExitCode> build(const BuildCommand &command, Console &console);
Result<ExitCode> explain(const ExplainCommand &command, Console &console);
Result<ExitCode> ablate(const AblateCommand &command, Console &console);
Result<ExitCode> bench(const BenchCommand &command, Console &console);
Result<ExitCode> devices(const DevicesCommand &command, Console &console);
Result<ExitCode> doctor(const DoctorCommand &command, Console &console);

} // namespace sparkle::cli
