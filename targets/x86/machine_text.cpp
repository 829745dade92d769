#include "targets/x86/machine_text.h"

#include <algorithm>

#include "compiler/support/string_builder.h"
#include "targets/x86/text.h"

namespace sparkle::x86 {
namespace {

constexpr std::string_view kGeneralNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                              "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_digit(c) || c == '_' || c == '.' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string machine_name(RegClass reg_class, uint8_t number, int bytes) {
  if (reg_class == RegClass::kGeneral) return std::string(kGeneralNames[number & 15]);
  const std::string digits = std::to_string(number);
  if (reg_class == RegClass::kMask) return "k" + digits;
  return (bytes == 64 ? "zmm" : bytes == 32 ? "ymm" : "xmm") + digits;
}

} // namespace

std::string machine_text(const Inst &inst, const Function &function, const Allocation &allocation) {
  Inst plain = inst;
  plain.line = 0;
  const std::string text = to_text(plain, function);
  std::string out;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    while (end < text.size() && is_word(text[end])) ++end;
    const std::string_view word = std::string_view(text).substr(begin, end - begin);
    int64_t number = 0;
    // A register's word is its class and digits; no operation's is.
    const bool is_register = word.size() > 1 && (word[0] == 'g' || word[0] == 'v' || word[0] == 'k') &&
                             parse_int(word.substr(1), number) &&
                             static_cast<size_t>(number) < function.registers.size();
    const auto reg = static_cast<VReg>(number);
    if (is_register)
      out += machine_name(function.registers[reg], allocation.registers[reg], inst.bytes);
    else
      out += end == begin ? std::string_view(text).substr(begin, 1) : word;
    begin = std::max(end, begin + 1);
  }
  return out;
}

} // namespace sparkle::x86
