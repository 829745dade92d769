// The front half of every command: file -> AST -> checked -> bound -> Program.
#pragma once

#include <map>
#include <set>
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

/// Values of -D, told apart by what the kernel declares, and dimensions that --open leaves open.
struct Defines {
  std::map<std::string, int64_t> ints;
  std::map<std::string, double> scalars;
  std::set<std::string> open;
};

/// `--open N`, `--open N=1,8`: what the kernel is compiled without, and the extents to run with.
class OpenDimensions {
public:
  /// kInvalidInput: another form, a name twice, lists of different lengths.
  static Result<OpenDimensions> parse(const std::vector<std::string> &texts);

  bool empty() const { return extents_.empty(); }
  std::set<std::string> names() const;
  /// How many runs there are extents for; 1 where there are none.
  size_t runs() const;
  /// Those that are known; others follow from files.
  std::map<std::string, int64_t> extents_of(size_t run) const;

private:
  std::map<std::string, std::vector<int64_t>> extents_;
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

/// All steps, for commands without data: dimensions may stay open.
Result<BoundSource> load_program(const ProgramOptions &options, bool strict, Console &console);

} // namespace sparkle::cli
