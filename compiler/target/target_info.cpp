#include "compiler/target/target_info.h"

#include "compiler/support/string_builder.h"
#include "compiler/support/text_reader.h"
#include "compiler/target/target_info_fields.h"

namespace sparkle {
namespace {

std::string value_text(const std::string &value) { return quote_word(value); }
std::string value_text(bool value) { return value ? "true" : "false"; }
std::string value_text(Sharing value) { return std::string(name_of(value)); }
template <class Number> std::string value_text(Number value) {
  StringBuilder out;
  out << value;
  return out.take();
}

} // namespace

std::string_view name_of(Sharing sharing) {
  switch (sharing) {
  case Sharing::kWorker: return "worker";
  case Sharing::kGroup: return "group";
  case Sharing::kDevice: return "device";
  }
  return "device";
}

std::string to_text(const TargetInfo &info) {
  StringBuilder out;
  const auto print = [&](std::string_view key, const auto &value, double) { out.line(key, ' ', value_text(value)); };
  for_each_field(info, print);
  for (const MemoryInfo &memory : info.memories) {
    out.line("memory ", quote_word(memory.name), " {").indent();
    for_each_memory_field(memory, print);
    out.dedent();
    out.line("}");
  }
  for (const MatrixUnit &unit : info.matrix_units) {
    out.line("matrix_unit {").indent();
    for_each_matrix_field(unit, print);
    out.dedent();
    out.line("}");
  }
  return out.take();
}

double peak_gflops(const TargetInfo &info) {
  const double fma_lanes = info.fma_per_cycle * info.lanes * info.team_workers;
  return static_cast<double>(info.units) * info.clock_ghz * fma_lanes * 2;
}

} // namespace sparkle
