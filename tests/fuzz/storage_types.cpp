#include "tests/fuzz/storage_types.h"

#include <regex>

namespace sparkle::test {
namespace {

std::string narrower(const std::string &elem, Random &random) {
  static const std::vector<std::string> kReals = {"f32", "f16", "f16", "bf16", "bf16"};
  static const std::vector<std::string> kWhole = {"i32", "i8", "i8", "u8", "u8"};
  return random.pick(elem == "f32" ? kReals : kWhole);
}

/// What is read and written in place keeps its type, and so do the numbers in the text.
bool may_change(const std::string &name) { return name != "dst" && name != "k"; }

std::string with_inputs(const std::string &text, Random &random) {
  static const std::regex kParameter("(\\w+): (f32|i32)\\[");
  std::string out;
  auto rest = text.cbegin();
  for (std::sregex_iterator at(text.begin(), text.end(), kParameter), end; at != end; ++at) {
    const std::string name = (*at)[1], elem = (*at)[2];
    out.append(rest, (*at)[0].first);
    out += name + ": " + (may_change(name) ? narrower(elem, random) : elem) + "[";
    rest = (*at)[0].second;
  }
  return out.append(rest, text.cend());
}

/// `dst[m, n] = value;` becomes `dst[m, n] = f16(value);`.
std::string with_result(const std::string &text, Random &random) {
  static const std::regex kResult("-> dst: (f32|i32)\\["), kDefinition("\n  dst\\[([^=\n]*)\\] = ([^\n]*);\n");
  std::smatch found;
  if (!std::regex_search(text, found, kResult)) return text;
  const std::string elem = narrower(found[1], random);
  if (elem == found[1]) return text;
  const std::string declared = std::regex_replace(text, kResult, "-> dst: " + elem + "[");
  return std::regex_replace(declared, kDefinition, "\n  dst[$1] = " + elem + "($2);\n");
}

} // namespace

KernelText with_storage_types(const KernelText &kernel, Random &random) {
  KernelText changed = kernel;
  changed.text = with_inputs(kernel.text, random);
  if (random.chance(2, 3)) changed.text = with_result(changed.text, random);
  return import_text(changed) ? changed : kernel;
}

} // namespace sparkle::test
