#include "targets/x86/text.h"

#include "compiler/support/string_builder.h"
#include "targets/x86/operands.h"
#include "targets/x86/text_names.h"

namespace sparkle::x86 {
namespace {

constexpr size_t kPoolBytesPerLine = 32;
constexpr std::string_view kGeneralNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                              "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

class Printer {
public:
  explicit Printer(const Function &function, const Allocation *allocation = nullptr)
      : function_(function), allocation_(allocation) {}

  void inst(const Inst &inst);
  void header();
  void pool();
  StringBuilder out;

private:
  void reg(VReg id);
  void address(const Inst &inst);
  void registers(const Address &address);
  void operands(const Inst &inst);
  void comma() {
    out << (first_ ? " " : ", ");
    first_ = false;
  }

  const Function &function_;
  const Allocation *allocation_; ///< Of the machine's registers, or nothing.
  bool first_ = true;
};

void Printer::reg(VReg id) {
  if (!function_.registers.contains(id)) {
    out << '?' << index_of(id);
    return;
  }
  const RegClass reg_class = function_.registers[id];
  const uint32_t number = allocation_ == nullptr ? index_of(id) : allocation_->registers[id];
  if (allocation_ != nullptr && reg_class == RegClass::kGeneral) {
    out << kGeneralNames[number & 15];
    return;
  }
  out << kClassLetters[static_cast<size_t>(reg_class)] << number;
}

void displaced(StringBuilder &out, int64_t bytes) {
  if (bytes != 0) out << (bytes < 0 ? " - " : " + ") << (bytes < 0 ? -bytes : bytes);
}

void Printer::registers(const Address &address) {
  if (is_valid(address.base)) reg(address.base);
  if (is_valid(address.index)) {
    if (is_valid(address.base)) out << " + ";
    reg(address.index);
    out << '*' << static_cast<int>(address.scale);
  }
  if (is_valid(address.base) || is_valid(address.index)) {
    displaced(out, address.displacement);
  } else {
    out << address.displacement;
  }
  if (address.is_constant) out << " const";
}

void Printer::address(const Inst &inst) {
  out << (inst.broadcast ? "bcast[" : "[");
  switch (inst.memory.kind) {
  case Address::Kind::kNone: break;
  case Address::Kind::kRegisters: registers(inst.memory); break;
  case Address::Kind::kFrame:
    out << "frame " << inst.memory.number;
    displaced(out, inst.memory.displacement);
    break;
  case Address::Kind::kPool:
    out << "pool";
    displaced(out, inst.memory.displacement);
    break;
  }
  out << ']';
}

void Printer::operands(const Inst &inst) {
  first_ = true;
  for (const VReg source : inst.src) {
    if (!is_valid(source)) continue;
    comma();
    reg(source);
  }
  if (inst.memory.kind != Address::Kind::kNone) {
    comma();
    address(inst);
  }
  if (inst.has_immediate || info_of(inst.op).immediate == OpInfo::Immediate::kAlways) {
    comma();
    out << inst.immediate;
  }
  if (!is_jump(inst.op)) return;
  comma();
  out << 'L' << index_of(inst.label);
}

void Printer::inst(const Inst &inst) {
  if (inst.op == Op::kLabel) {
    out << 'L' << index_of(inst.label) << ':';
    return;
  }
  out << "  ";
  if (is_valid(inst.dst)) {
    reg(inst.dst);
    out << " = ";
  }
  out << info_of(inst.op).name;
  if (has_condition(inst.op)) out << '.' << kConditionNames[static_cast<size_t>(inst.condition)];
  if (inst.bytes != 0) out << '.' << static_cast<int>(inst.bytes);
  operands(inst);
  if (is_valid(inst.mask)) {
    out << " {";
    reg(inst.mask);
    out << (inst.zeroing ? " z}" : "}");
  }
  if (inst.line != 0) out << " !" << inst.line;
}

void Printer::header() {
  out << "function @" << function_.name << ' ' << kFamilyNames[static_cast<size_t>(function_.isa.family)];
  if (function_.isa.vnni) out << " vnni";
  if (function_.frame_slots != 0) out << " frame " << function_.frame_slots;
  out << '\n';
}

void Printer::pool() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (size_t i = 0; i < function_.pool.size(); ++i) {
    if (i % kPoolBytesPerLine == 0) out << (i == 0 ? "  pool" : "\n  pool");
    if (i % 4 == 0) out << ' ';
    out << kDigits[function_.pool[i] >> 4] << kDigits[function_.pool[i] & 15];
  }
  if (!function_.pool.empty()) out << '\n';
}

} // namespace

std::string to_text(const Inst &inst, const Function &function) {
  Printer printer(function);
  printer.inst(inst);
  std::string text = printer.out.take();
  return text.substr(std::min(text.find_first_not_of(' '), text.size()));
}

static std::string print(Printer &&printer, const Function &function) {
  printer.header();
  printer.pool();
  for (const Inst &inst : function.code) {
    printer.inst(inst);
    printer.out << '\n';
  }
  return printer.out.take();
}

std::string to_text(const Function &function) { return print(Printer(function), function); }

std::string to_text(const Function &function, const Allocation &allocation) {
  return print(Printer(function, &allocation), function);
}

} // namespace sparkle::x86
