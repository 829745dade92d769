#include "tools/aot/dependency_file.h"

#include <string_view>

namespace sparkle::aot {
namespace {

/// GNU make manual, 4.3 and 6.3: a backslash before white space, `#` and `:`; `$` is doubled.
std::string escape(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c == ' ' || c == '\t' || c == '#' || c == ':') out += '\\';
    if (c == '$') out += '$';
    out += c;
  }
  return out;
}

} // namespace

std::string dependency_text(const std::vector<std::string> &outputs, const std::vector<std::string> &inputs) {
  std::string text;
  for (const std::string &output : outputs) text += (text.empty() ? "" : " \\\n ") + escape(output);
  text += ':';
  for (const std::string &input : inputs) text += " \\\n " + escape(input);
  text += '\n';
  for (size_t i = 1; i < inputs.size(); ++i) text += "\n" + escape(inputs[i]) + ":\n";
  return text;
}

} // namespace sparkle::aot
