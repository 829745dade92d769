#include "tools/sparklec/ablate_report.h"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "tools/sparklec/format.h"

namespace sparkle::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Fewer operations than this for each byte of the arguments: the memory's rate says more than the arithmetic's.
constexpr double kFewOperations = 4;

Json positive_or_null(double value) { return value > 0 ? Json(value) : Json(nullptr); }
Json text_or_null(const std::string &text) { return text.empty() ? Json(nullptr) : Json(text); }

double rate(int64_t amount, double seconds) { return seconds > 0 ? static_cast<double>(amount) / seconds * 1e-9 : 0; }

bool counts_bytes(const DeviceAblation &device) {
  return static_cast<double>(device.flops) < kFewOperations * static_cast<double>(device.bytes);
}

/// The row that was timed for this one.
const AblationRow &timed_row(const DeviceAblation &device, const AblationRow &row) {
  return row.variant.same_as ? device.rows[*row.variant.same_as] : row;
}

Json row_json(const DeviceAblation &device, const AblationRow &row) {
  const AblationRow &timed = timed_row(device, row);
  const bool has_result = row.refusal.empty();
  Json out;
  out["part"] = name_of(row.variant.part);
  out["name"] = row.name;
  out["pattern"] = row.variant.pattern ? Json(name_of(*row.variant.pattern)) : Json(nullptr);
  out["refitted"] = row.variant.refitted;
  out["same_as"] = row.variant.same_as ? Json(timed.name) : Json(nullptr);
  out["refusal"] = text_or_null(row.refusal);
  out["verified"] = has_result ? Json(timed.verification.passed) : Json(nullptr);
  out["verify_mode"] = has_result ? Json(name_of(timed.verification.mode)) : Json(nullptr);
  out["verification"] = has_result ? Json(timed.verification.text()) : Json(nullptr);
  out["max_abs_error"] = has_result ? Json(timed.verification.max_abs_error) : Json(nullptr);
  const TimeSummary times = has_result ? timed.times : TimeSummary{};
  out["seconds"] = positive_or_null(times.median);
  out["spread"] = has_result ? Json(times.spread) : Json(nullptr);
  out["runs"] = times.count;
  out["cpu_share"] = has_result ? positive_or_null(timed.cpu_share) : Json(nullptr);
  out["gflops"] = positive_or_null(rate(device.flops, times.median));
  out["gb_per_s"] = positive_or_null(rate(device.bytes, times.median));
  out["slowdown"] = positive_or_null(row.slowdown);
  out["speedup"] = positive_or_null(row.speedup);
  out["schedule"] = text_or_null(has_result ? to_text(row.variant.schedule) : "");
  return out;
}

Json device_json(const DeviceAblation &device) {
  Json out;
  out["device"] = device.device.id;
  out["device_name"] = device.device.name;
  out["device_driver"] = text_or_null(device.device.driver);
  out["target"] = device.target;
  out["threads"] = device.threads > 0 ? Json(device.threads) : Json(nullptr);
  out["verified"] = device.all_verified();
  for (const Pattern pattern : kPatterns) out["patterns"][name_of(pattern)] = device.used.contains(pattern);
  out["rows"] = Json::array();
  for (const AblationRow &row : device.rows) out["rows"].push_back(row_json(device, row));
  return out;
}

/// Text cells in columns; the first one to the left, the others to the right.
class Columns {
public:
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string text() const {
    std::vector<size_t> widths;
    for (const auto &row : rows_)
      for (size_t i = 0; row.size() > 2 && i < row.size(); ++i) {
        widths.resize(std::max(widths.size(), i + 1));
        widths[i] = std::max(widths[i], row[i].size());
      }
    std::string out;
    for (const auto &row : rows_) {
      std::string line = row.front();
      line.resize(std::max(line.size(), widths.empty() ? 0 : widths[0]), ' ');
      for (size_t i = 1; i < row.size(); ++i)
        line += "  " + std::string(row.size() > 2 ? widths[i] - row[i].size() : 0, ' ') + row[i];
      while (line.ends_with(' ')) line.pop_back();
      out += line + "\n";
    }
    return out;
  }

private:
  std::vector<std::vector<std::string>> rows_;
};

std::string times_text(double ratio) { return ratio > 0 ? format_number(ratio, "x") : ""; }

void add_row(Columns &table, const DeviceAblation &device, const AblationRow &row) {
  const std::string name = "  " + row.name;
  if (!row.refusal.empty()) return table.add({name, "cannot be made: " + row.refusal});
  const AblationRow &timed = timed_row(device, row);
  const double speed = rate(counts_bytes(device) ? device.bytes : device.flops, timed.times.median);
  char spread[32];
  std::snprintf(spread, sizeof spread, "%.0f%%", timed.times.spread * 100);
  table.add({name, format_seconds(timed.times.median), spread, std::to_string(timed.times.count), format_number(speed),
             times_text(row.slowdown), times_text(row.speedup),
             row.variant.same_as         ? "as `" + timed.name + "`"
             : timed.verification.passed ? "yes"
                                         : "NO"});
}

std::string heading(const AblationRow &row) {
  switch (row.variant.part) {
  case AblationPart::kFull: return "the full schedule";
  case AblationPart::kLadder:
    return row.variant.refitted ? "patterns added one by one, the rest refitted" : "patterns added one by one";
  case AblationPart::kLeaveOneOut:
    return row.variant.refitted ? "one pattern less, the rest refitted" : "one pattern less";
  case AblationPart::kPlainC: return "plain C, one thread";
  }
  return "";
}

std::string device_table(const DeviceAblation &device) {
  std::string text = table_line("device", device.device.id + " (" + device.device.name + ")" +
                                              (device.threads == 1  ? ", 1 thread"
                                               : device.threads > 1 ? ", " + std::to_string(device.threads) + " threads"
                                                                    : ""));
  std::string unused;
  for (const Pattern pattern : kPatterns)
    if (!device.used.contains(pattern)) unused += (unused.empty() ? "" : ", ") + std::string(name_of(pattern));
  text += table_line("not used", unused);
  Columns table;
  table.add({"", "time", "spread", "runs", counts_bytes(device) ? "GB/s" : "GFLOPS", "of full", "gain", "verified"});
  std::string last;
  for (const AblationRow &row : device.rows) {
    if (heading(row) != last) table.add({last = heading(row)});
    add_row(table, device, row);
  }
  for (const AblationRow &row : device.rows)
    if (row.is_timed() && !row.verification.passed)
      table.add({"", "`" + row.name + "` is wrong: " + row.verification.text()});
  text += table.text();
  const auto lowest = std::ranges::min_element(
      device.rows, {}, [](const AblationRow &row) { return row.cpu_share > 0 ? row.cpu_share : 1; });
  if (lowest->cpu_share > 0 && lowest->cpu_share < kDisturbedShare)
    text += "disturbed: `" + lowest->name + "` had " + format_number(lowest->cpu_share * 100, "%") +
            " of a core; others were at work, which slows long runs more than short ones\n";
  return text;
}

} // namespace

std::string ablation_json(const std::string &kernel, const std::vector<DeviceAblation> &devices) {
  Json out;
  out["kernel"] = kernel;
  out["flops"] = devices.front().flops;
  out["bytes"] = devices.front().bytes;
  out["verified"] = std::ranges::all_of(devices, &DeviceAblation::all_verified);
  out["devices"] = Json::array();
  for (const DeviceAblation &device : devices) out["devices"].push_back(device_json(device));
  return out.dump(2) + "\n";
}

std::string ablation_table(const std::string &kernel, const std::vector<DeviceAblation> &devices) {
  std::string text =
      table_line("kernel", kernel + ", " + format_number(static_cast<double>(devices.front().flops) * 1e-9, " GFLOP") +
                               ", " + format_bytes(devices.front().bytes));
  for (const DeviceAblation &device : devices) text += "\n" + device_table(device);
  return text;
}

} // namespace sparkle::cli
