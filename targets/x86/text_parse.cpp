#include <algorithm>
#include <charconv>
#include <optional>

#include "targets/x86/operands.h"
#include "targets/x86/text.h"
#include "targets/x86/text_names.h"

namespace sparkle::x86 {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<Op> op_named(std::string_view name) {
  constexpr int kOps = 0
#define SPARKLE_X86_OP(...) +1
#include "targets/x86/ops.def"
#undef SPARKLE_X86_OP
      ;
  for (int i = 0; i < kOps; ++i) {
    if (info_of(static_cast<Op>(i)).name == name) return static_cast<Op>(i);
  }
  return std::nullopt;
}

/// Reads one line at a time. Functions that return bool have reported why not.
class Parser {
public:
  Parser(const Source &source, Diagnostics &diagnostics) : source_(source), diagnostics_(diagnostics) {}
  Result<Function> run();

private:
  bool fail(std::string code, std::string text);
  void skip_space();
  bool at_end();
  bool peek_is(char c);
  bool take_if(char c);
  bool take_if(std::string_view word);
  bool expect(char c);
  std::string_view word();
  bool integer(int64_t &value);

  bool line();
  bool header();
  bool pool();
  bool label_place();
  bool is_register();
  bool reg(VReg &id);
  bool label(Label &id);
  bool displacement(int32_t &bytes);
  bool address(Inst &inst);
  bool address_registers(Address &address);
  bool address_register(Address &address);
  bool mnemonic(Inst &inst);
  bool suffix(Inst &inst);
  bool operand(Inst &inst, size_t &sources, bool &has_immediate);
  bool operands(Inst &inst);
  bool trailer(Inst &inst);
  bool inst();

  const Source &source_;
  Diagnostics &diagnostics_;
  Function function_;
  std::vector<bool> named_; ///< By register: its class is known.
  std::string_view text_;   ///< Of the file up to the end of the line.
  size_t at_ = 0;
  bool has_header_ = false;
};

bool Parser::fail(std::string code, std::string text) {
  const auto begin = static_cast<uint32_t>(at_);
  diagnostics_.error(std::move(code), {begin, begin + (at_ < text_.size() ? 1 : 0)}, std::move(text));
  return false;
}

void Parser::skip_space() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
}
bool Parser::at_end() {
  skip_space();
  return at_ >= text_.size() || text_[at_] == ';';
}
bool Parser::peek_is(char c) {
  skip_space();
  return at_ < text_.size() && text_[at_] == c;
}
bool Parser::take_if(char c) {
  if (!peek_is(c)) return false;
  ++at_;
  return true;
}
bool Parser::take_if(std::string_view wanted) {
  const size_t before = at_;
  if (word() == wanted) return true;
  at_ = before;
  return false;
}
bool Parser::expect(char c) { return take_if(c) || fail("vreg-syntax", std::string("expected `") + c + "`"); }

std::string_view Parser::word() {
  skip_space();
  const size_t begin = at_;
  while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
  return text_.substr(begin, at_ - begin);
}

bool Parser::integer(int64_t &value) {
  skip_space();
  const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
  if (error != std::errc()) return fail("vreg-syntax", "expected a whole number of 64 bits");
  at_ = static_cast<size_t>(end - text_.data());
  return true;
}

bool Parser::header() {
  if (!take_if("function")) return fail("vreg-syntax", "expected `function @name family`");
  if (!expect('@')) return false;
  skip_space();
  const size_t begin = at_;
  while (at_ < text_.size() && text_[at_] != ' ') ++at_;
  function_.name = text_.substr(begin, at_ - begin);
  const std::string_view family = word();
  const auto *found = std::find(kFamilyNames.begin(), kFamilyNames.end(), family);
  if (found == kFamilyNames.end()) return fail("vreg-syntax", "expected a family, `avx2` or `avx512`");
  function_.isa.family = static_cast<Family>(found - kFamilyNames.begin());
  function_.isa.vnni = take_if("vnni");
  if (take_if("frame")) {
    int64_t slots = 0;
    if (!integer(slots)) return false;
    function_.frame_slots = static_cast<uint32_t>(slots);
  }
  has_header_ = true;
  return true;
}

bool Parser::pool() {
  while (!at_end()) {
    const std::string_view digits = word();
    if (digits.empty() || digits.size() % 2 != 0) return fail("vreg-syntax", "expected bytes in hexadecimal");
    for (size_t i = 0; i < digits.size(); i += 2) {
      uint8_t byte = 0;
      const auto [end, error] = std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
      if (end != digits.data() + i + 2) return fail("vreg-syntax", "expected bytes in hexadecimal");
      function_.pool.push_back(byte);
    }
  }
  return true;
}

/// A class letter and a digit come next.
bool Parser::is_register() {
  skip_space();
  return at_ + 1 < text_.size() && kClassLetters.find(text_[at_]) != std::string_view::npos && is_digit(text_[at_ + 1]);
}

bool Parser::reg(VReg &id) {
  if (!is_register()) return fail("vreg-syntax", "expected a register");
  constexpr int64_t kMaxRegisters = 1 << 24;
  const auto reg_class = static_cast<RegClass>(kClassLetters.find(text_[at_]));
  const size_t begin = at_++;
  int64_t number = 0;
  if (!integer(number)) return false;
  if (number >= kMaxRegisters) return fail("vreg-operand", "the number of a register is below 16777216");
  // Registers in between come back as general until they are named.
  while (static_cast<int64_t>(function_.registers.size()) <= number) {
    function_.registers.add(RegClass::kGeneral);
    named_.push_back(false);
  }
  id = static_cast<VReg>(number);
  if (named_[index_of(id)] && function_.registers[id] != reg_class) {
    at_ = begin;
    return fail("vreg-operand", "a register has one class");
  }
  named_[index_of(id)] = true;
  function_.registers[id] = reg_class;
  return true;
}

bool Parser::label(Label &id) {
  if (!expect('L')) return false;
  int64_t number = 0;
  if (!integer(number)) return false;
  id = static_cast<Label>(number);
  function_.labels = std::max(function_.labels, index_of(id) + 1);
  return true;
}

bool Parser::displacement(int32_t &bytes) {
  const bool is_negative = peek_is('-');
  if (!is_negative && !peek_is('+')) return true;
  ++at_;
  int64_t value = 0;
  if (!integer(value)) return false;
  bytes = static_cast<int32_t>(is_negative ? -value : value);
  return bytes == (is_negative ? -value : value) || fail("vreg-operand", "a displacement has 32 bits");
}

/// A base, or an index with its `*scale`.
bool Parser::address_register(Address &address) {
  VReg id = kNoId<VReg>;
  if (!reg(id)) return false;
  if (!take_if('*')) {
    if (is_valid(address.base)) return fail("vreg-operand", "an address has one base; an index has its `*scale`");
    address.base = id;
    return true;
  }
  int64_t scale = 0;
  if (!integer(scale)) return false;
  if (scale != 1 && scale != 2 && scale != 4 && scale != 8) return fail("vreg-operand", "a scale is 1, 2, 4 or 8");
  address.index = id;
  address.scale = static_cast<uint8_t>(scale);
  return true;
}

bool Parser::address_registers(Address &address) {
  address.kind = Address::Kind::kRegisters;
  if (!is_register()) {
    int64_t value = 0;
    if (!integer(value)) return false;
    address.displacement = static_cast<int32_t>(value);
    return address.displacement == value || fail("vreg-operand", "a displacement has 32 bits");
  }
  if (!address_register(address)) return false;
  const size_t before = at_;
  if (take_if('+')) {
    if (is_register()) return address_register(address) && displacement(address.displacement);
    at_ = before;
  }
  return displacement(address.displacement);
}

bool Parser::address(Inst &inst) {
  if (inst.memory.kind != Address::Kind::kNone) return fail("vreg-operand", "an instruction has one memory operand");
  if (!expect('[')) return false;
  if (take_if("pool")) {
    inst.memory.kind = Address::Kind::kPool;
    return displacement(inst.memory.displacement) && expect(']');
  }
  if (take_if("frame")) {
    inst.memory.kind = Address::Kind::kFrame;
    int64_t number = 0;
    if (!integer(number)) return false;
    inst.memory.number = static_cast<uint32_t>(number);
    return displacement(inst.memory.displacement) && expect(']');
  }
  if (!address_registers(inst.memory)) return false;
  inst.memory.is_constant = take_if("const");
  return expect(']');
}

bool Parser::suffix(Inst &inst) {
  if (at_ < text_.size() && is_digit(text_[at_])) {
    int64_t bytes = 0;
    if (!integer(bytes)) return false;
    inst.bytes = static_cast<uint8_t>(bytes);
    return bytes == inst.bytes || fail("vreg-op", "no such number of bytes");
  }
  const auto *found = std::find(kConditionNames.begin(), kConditionNames.end(), word());
  if (found == kConditionNames.end()) return fail("vreg-op", "no such condition");
  inst.condition = static_cast<Condition>(found - kConditionNames.begin());
  return true;
}

bool Parser::mnemonic(Inst &inst) {
  const size_t begin = (skip_space(), at_);
  const std::string_view name = word();
  const std::optional<Op> op = op_named(name);
  if (!op || *op == Op::kLabel) {
    at_ = begin;
    return fail("vreg-op", "no such operation: `" + std::string(name) + "`");
  }
  inst.op = *op;
  while (at_ < text_.size() && text_[at_] == '.') {
    ++at_;
    if (!suffix(inst)) return false;
  }
  return true;
}

bool Parser::operand(Inst &inst, size_t &sources, bool &has_immediate) {
  if (is_register()) {
    if (sources == inst.src.size()) return fail("vreg-operand", "at most three sources");
    return reg(inst.src[sources++]);
  }
  if (peek_is('[')) return address(inst);
  if (peek_is('L')) return label(inst.label);
  if (take_if("bcast")) {
    inst.broadcast = true;
    return address(inst);
  }
  if (has_immediate) return fail("vreg-operand", "an instruction has one immediate");
  has_immediate = true;
  return integer(inst.immediate);
}

bool Parser::operands(Inst &inst) {
  size_t sources = 0;
  bool has_immediate = false;
  const auto ends = [&] { return at_end() || peek_is('{') || peek_is('!'); };
  for (bool is_first = true; !ends(); is_first = false) {
    if (!is_first && !expect(',')) return false;
    if (!operand(inst, sources, has_immediate)) return false;
  }
  const bool always = info_of(inst.op).immediate == OpInfo::Immediate::kAlways;
  if (always && !has_immediate) return fail("vreg-operand", "its immediate is missing");
  inst.has_immediate = has_immediate && !always;
  return true;
}

/// Mask and line.
bool Parser::trailer(Inst &inst) {
  if (take_if('{')) {
    if (!reg(inst.mask)) return false;
    inst.zeroing = take_if('z');
    if (!expect('}')) return false;
  }
  if (take_if('!')) {
    int64_t line = 0;
    if (!integer(line)) return false;
    inst.line = static_cast<uint32_t>(line);
  }
  return at_end() || fail("vreg-syntax", "expected the end of the line");
}

bool Parser::inst() {
  Inst inst;
  if (is_register()) {
    if (!reg(inst.dst) || !expect('=')) return false;
  }
  if (!mnemonic(inst) || !operands(inst) || !trailer(inst)) return false;
  function_.code.push_back(inst);
  return true;
}

bool Parser::label_place() {
  Inst inst;
  inst.op = Op::kLabel;
  if (!label(inst.label) || !expect(':')) return false;
  function_.code.push_back(inst);
  return at_end() || fail("vreg-syntax", "expected the end of the line");
}

bool Parser::line() {
  if (at_end()) return true;
  if (!has_header_) return header();
  if (take_if("pool")) return pool();
  if (peek_is('L')) return label_place();
  return inst();
}

Result<Function> Parser::run() {
  const std::string_view all = source_.text();
  for (size_t begin = 0; begin < all.size() && !diagnostics_.full();) {
    const size_t end = std::min(all.find('\n', begin), all.size());
    text_ = all.substr(0, end);
    at_ = begin;
    line();
    begin = end + 1;
  }
  if (!has_header_ && !diagnostics_.has_errors()) {
    fail("vreg-syntax", "expected `function @name family`");
  }
  if (diagnostics_.has_errors()) return Error{ErrorCode::kInvalidInput, "this is no flat code"};
  return std::move(function_);
}

} // namespace

Result<Function> parse_function(const Source &source, Diagnostics &diagnostics) {
  return Parser(source, diagnostics).run();
}

} // namespace sparkle::x86
