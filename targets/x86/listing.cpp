#include "targets/x86/listing.h"

#if SPARKLE_HAS_ZYDIS
#include <Zydis/Zydis.h>
#endif

#include "compiler/ir/printer.h"
#include "compiler/support/string_builder.h"
#include "targets/x86/machine_text.h"
#include "targets/x86/text.h"

namespace sparkle::x86 {
namespace {

/// The first line of each statement.
class Statements {
public:
  explicit Statements(const Kernel &kernel) : printed_(print_with_ranges(kernel)) {}

  /// Says which statement what follows comes from, where it is another one than before; `line` as in Inst.
  void write(StringBuilder &out, uint32_t line, std::string_view mark) {
    if (line == last_) return;
    last_ = line;
    if (line == 0 || line > printed_.ranges.size()) return;
    const SourceRange range = printed_.ranges[line - 1];
    std::string_view text = std::string_view(printed_.text).substr(range.begin, range.end - range.begin);
    while (text.starts_with(' ')) text.remove_prefix(1);
    if (!text.empty()) out << mark << ' ' << text << '\n';
  }

private:
  PrintedKernel printed_;
  uint32_t last_ = 0;
};

template <class Text> std::string listing_of(const Function &function, const Kernel &kernel, Text text) {
  StringBuilder out;
  Statements statements(kernel);
  out << "function @" << function.name << ' ' << name_of(function.isa.family) << '\n';
  for (const Inst &inst : function.code) {
    statements.write(out, inst.line, "                                        ;");
    out << (inst.op == Op::kLabel ? "" : "  ") << text(inst) << '\n';
  }
  return out.take();
}

} // namespace

std::string listing(const Function &function, const Kernel &kernel) {
  return listing_of(function, kernel, [&](Inst inst) {
    inst.line = 0;
    return to_text(inst, function);
  });
}

std::string listing(const Function &function, const Allocation &allocation, const Kernel &kernel) {
  return listing_of(function, kernel, [&](const Inst &inst) { return machine_text(inst, function, allocation); });
}

#if SPARKLE_HAS_ZYDIS
Result<std::string> listing(const MachineCode &code, const Kernel &kernel) {
  StringBuilder out;
  Statements statements(kernel);
  size_t at = 0, line = 0;
  while (at < code.code_bytes) {
    while (line < code.lines.size() && code.lines[line].offset <= at)
      statements.write(out, code.lines[line++].line, "                                        #");
    ZydisDisassembledInstruction instruction;
    const ZyanStatus status = ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, at, code.bytes.data() + at,
                                                    code.code_bytes - at, &instruction);
    if (!ZYAN_SUCCESS(status))
      return Error{ErrorCode::kInternal, "no instruction at byte " + std::to_string(at) + " of `" + kernel.name + "`"};
    std::string offset = std::to_string(at);
    out << std::string(offset.size() < 6 ? 6 - offset.size() : 0, ' ') << offset << "  " << instruction.text << '\n';
    at += instruction.info.length;
  }
  return out.take();
}
#else
Result<std::string> listing(const MachineCode &, const Kernel &) {
  return Error{ErrorCode::kUnsupported, "this build has no disassembler (libzydis-dev)"};
}
#endif

} // namespace sparkle::x86
