// What `bench` prints.
#pragma once

#include <string>
#include <vector>

#include "tools/bench/bench_list.h"
#include "tools/sparklec/options.h"

namespace sparkle::cli {

struct BenchHeader {
  std::string machine;
  std::string list;
  std::string peer; ///< Empty: there is none.
};

/// The table's first lines, and a line of it.
std::string bench_head(const BenchHeader &header, const BenchCommand &command);
std::string bench_line(const bench::RowResult &row);
/// Below the table.
std::string bench_foot(const std::vector<bench::RowResult> &rows);

std::string bench_json(const BenchHeader &header, const BenchCommand &command,
                       const std::vector<bench::RowResult> &rows);

} // namespace sparkle::cli
