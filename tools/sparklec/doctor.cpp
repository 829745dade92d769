#include <algorithm>

#include <nlohmann/json.hpp>

#include "tools/sparklec/commands.h"
#include "tools/sparklec/doctor_checks.h"

namespace sparkle::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string as_text(const std::vector<Finding> &findings) {
  size_t width = 0;
  for (const Finding &finding : findings) width = std::max(width, finding.check.size());
  std::string text;
  for (const Finding &finding : findings) {
    std::string health(name_of(finding.health)), check = finding.check;
    health.resize(8, ' ');
    check.resize(width, ' ');
    text += health + " " + check + "  " + escape_control(finding.text) + "\n";
    if (!finding.advice.empty()) text += std::string(11 + width, ' ') + finding.advice + "\n";
  }
  return text;
}

std::string as_json(const std::vector<Finding> &findings, ExitCode code) {
  Json list = Json::array();
  for (const Finding &finding : findings)
    list.push_back({{"check", finding.check},
                    {"health", name_of(finding.health)},
                    {"text", finding.text},
                    {"advice", finding.advice.empty() ? Json(nullptr) : Json(finding.advice)}});
  return Json{{"exit_code", static_cast<int>(code)}, {"checks", list}}.dump(2, ' ', false,
                                                                            Json::error_handler_t::replace) +
         "\n";
}

ExitCode code_of(const std::vector<Finding> &findings) {
  const auto any = [&](Health health) {
    return std::ranges::any_of(findings, [&](const Finding &finding) { return finding.health == health; });
  };
  if (any(Health::kWrong)) return ExitCode::kBug;
  return any(Health::kMissing) ? ExitCode::kMachine : ExitCode::kDone;
}

} // namespace

Result<ExitCode> doctor(const DoctorCommand &command, Console &console) {
  if (command.json) console.use_json();
  SPARKLE_TRY(const std::shared_ptr<Machine> machine, Machine::open());
  std::vector<Finding> findings{{"version", Health::kFine, "sparklec " SPARKLE_VERSION, {}}};
  const auto add = [&](std::vector<Finding> more) { std::ranges::move(more, std::back_inserter(findings)); };
  add(check_processor(machine->cpu_info()));
  add(check_steadiness(machine->cpu_info()));
  add(check_threads(*machine));
  add(check_targets(*machine));
  add(check_vulkan(*machine));
  add(check_cache_folder());
  add(check_compilers());
  add(check_devices(machine));
  const ExitCode code = code_of(findings);
  console.print(command.json ? as_json(findings, code) : as_text(findings));
  return code;
}

} // namespace sparkle::cli
