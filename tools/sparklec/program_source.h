// The front half of every command: file -> AST -> checked -> bound -> Program.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/ir/kernel.h"
#include "dsl/bind.h"
#include "dsl/check.h"
#include "tools/sparklec/console.h"

namespace sparkle::cli {

struct ProgramSource {
  Source source;
  dsl::File ast;
};

struct CheckedSource {
  Source source;
  dsl::CheckedFile file;
};

/// A kernel with its numbers. `program` is at stage kImported.
struct BoundSource {
  dsl::BoundKernel bound;
  Program program;
};

/// Values of -D, told apart by what the kernel declares.
struct Defines {
  std::map<std::string, int64_t> ints;
  std::map<std::string, double> scalars;
};

/// All: mistakes were shown when the result is an error. kIo, kInvalidInput: also the file that is not there.
Result<ProgramSource> read_program(const std::string &path, Console &console);
Result<CheckedSource> check_program(ProgramSource source, Console &console);

/// kInvalidInput: no such kernel, or several and none named.
Result<const dsl::CheckedKernel *> find_kernel(const CheckedSource &source, const std::string &name);
/// kInvalidInput: not NAME=VALUE, a value of another type, a name twice.
Result<Defines> parse_defines(const std::vector<std::string> &defines, const dsl::CheckedKernel &kernel);
/// `shapes`: of tensors that are known already.
Result<dsl::BoundKernel> bind_kernel(const CheckedSource &source, const dsl::CheckedKernel &kernel,
                                     const Defines &defines, const std::map<std::string, std::vector<int64_t>> &shapes,
                                     Console &console);

/// All steps, for commands without data.
Result<BoundSource> load_program(const ProgramOptions &options, bool strict, Console &console);

} // namespace sparkle::cli
