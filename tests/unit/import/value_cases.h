// Programs with what they are given and what they give, in the comments below them:
//
//   // bind: N=3 open=B          sizes; starts a run of the program
//   // given: x = 1 2.5 -inf     an input, a scalar parameter, or the value of an open dimension
//   // gives: y = 2 nan 0        a result, exactly; a second line for the same name goes on where the first ended
//
// In a file of cases each program starts with `//// name`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/ir/kernel.h"
#include "dsl/bind.h"

namespace sparkle {

struct ValueRun {
  dsl::BindRequest sizes;
  std::map<std::string, std::vector<double>> given, gives;
};
struct ValueCase {
  std::string name, text;
  std::vector<ValueRun> runs;
};

/// Of a file of cases.
std::vector<ValueCase> read_value_cases(const std::string &text);
/// Of one program, as it stands in a document.
ValueCase read_value_case(const std::string &name, const std::string &text);

/// Binds, imports and interprets; a failed expectation for every difference.
void check_value_case(const ValueCase &test);

} // namespace sparkle
