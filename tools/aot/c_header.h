// The C header of a program that was compiled to objects (docs/aot.md).
#pragma once

#include <string>
#include <vector>

#include "compiler/target/object.h"

namespace sparkle::aot {

/// The program for one machine. All of a header have the same arguments.
struct HeaderVariant {
  std::string machine;
  std::string object; ///< Name of its file.
  const Artifact *plan = nullptr;
  bool is_dispatched = false;
};

struct HeaderOptions {
  std::string symbol;     ///< What the functions' names start with.
  std::string compiler;   ///< `sparklec 0.1.0`.
  std::string dispatcher; ///< Name of the dispatcher's file; empty: there is none.
  std::vector<HeaderVariant> variants;
};

/// C99 and C++. `variants` has at least one.
std::string c_header(const HeaderOptions &options);

} // namespace sparkle::aot
