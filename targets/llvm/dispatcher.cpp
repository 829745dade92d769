// Levels: System V ABI for x86-64, 3.1.1 (micro-architecture levels). CPUID and XCR0: Intel 64 and IA-32 Architectures
// Software Developer's Manual, volume 2 (CPUID, XGETBV) and volume 1, 13.3: instructions count only when the operating
// system saves the registers they use.
#include "targets/llvm/dispatcher.h"

#include <algorithm>

#include "compiler/support/string_builder.h"
#include "targets/llvm/c_functions.h"

namespace sparkle::llvm_target {
namespace {

constexpr uint32_t bits(std::initializer_list<int> numbers) {
  uint32_t mask = 0;
  for (const int number : numbers) mask |= uint32_t{1} << number;
  return mask;
}

// Leaf 1, ecx: sse3 ssse3 fma cx16 sse4.1 sse4.2 movbe popcnt osxsave avx f16c
constexpr uint32_t kLeaf1 = bits({0, 9, 12, 13, 19, 20, 22, 23, 27, 28, 29});
// Leaf 7, ebx: bmi1 avx2 bmi2; and avx512 f dq cd bw vl
constexpr uint32_t kLeaf7Level3 = bits({3, 5, 8}), kLeaf7Level4 = kLeaf7Level3 | bits({16, 17, 28, 30, 31});
// Leaf 0x80000001, ecx: lahf lzcnt
constexpr uint32_t kExtended = bits({0, 5});
constexpr uint32_t kFirstExtendedLeaf = 0x80000000;
// XCR0: sse and avx registers; and masks, upper halves, upper 16 registers
constexpr uint32_t kSavedLevel3 = bits({1, 2}), kSavedLevel4 = kSavedLevel3 | bits({5, 6, 7});

/// i32 as LLVM prints it.
int32_t word(uint32_t value) { return static_cast<int32_t>(value); }

class LevelWriter {
public:
  explicit LevelWriter(StringBuilder &out) : out_(out) {}

  /// `@level_now`: the level of the processor, 0 when it is below 3.
  void run() {
    out_.line("define internal i32 @level_now() {");
    out_.indent();
    need_leaf("basic", 0, 7);
    need_leaf("extended", kFirstExtendedLeaf, kFirstExtendedLeaf + 1);
    need_bits("leaf1", 1, 2, kLeaf1);
    need_bits("leafx", kFirstExtendedLeaf + 1, 2, kExtended);
    cpuid("leaf7", 7);
    out_.line("%leaf7.word = extractvalue { i32, i32, i32, i32 } %leaf7, 1");
    // Only now: XGETBV is an invalid instruction where OSXSAVE (leaf 1) is not set.
    out_.line("%saved.pair = call { i32, i32 } asm sideeffect \"xgetbv\", "
              "\"={ax},={dx},{cx},~{dirflag},~{fpsr},~{flags}\"(i32 0)");
    out_.line("%saved = extractvalue { i32, i32 } %saved.pair, 0");
    all_set("has3", "%leaf7.word", kLeaf7Level3);
    all_set("saves3", "%saved", kSavedLevel3);
    all_set("has4", "%leaf7.word", kLeaf7Level4);
    all_set("saves4", "%saved", kSavedLevel4);
    out_.line("%is3 = and i1 %has3, %saves3");
    out_.line("%both4 = and i1 %has4, %saves4");
    out_.line("%is4 = and i1 %is3, %both4");
    out_.line("%level3 = select i1 %is3, i32 3, i32 0");
    out_.line("%level = select i1 %is4, i32 4, i32 %level3");
    out_.line("ret i32 %level");
    out_.line("none:");
    out_.line("ret i32 0");
    out_.dedent();
    out_.line("}");
  }

private:
  void cpuid(const std::string &name, uint32_t leaf) {
    out_.line("%", name,
              " = call { i32, i32, i32, i32 } asm sideeffect \"cpuid\", "
              "\"={ax},={bx},={cx},={dx},{ax},{cx},~{dirflag},~{fpsr},~{flags}\"(i32 ",
              word(leaf), ", i32 0)");
  }
  /// Goes on in a new block when `condition` holds, else to `none`.
  void need(const std::string &name, const std::string &condition) {
    out_.line("br i1 ", condition, ", label %", name, ".ok, label %none");
    out_.line(name, ".ok:");
  }
  void need_leaf(const std::string &name, uint32_t group, uint32_t leaf) {
    cpuid(name, group);
    out_.line("%", name, ".last = extractvalue { i32, i32, i32, i32 } %", name, ", 0");
    out_.line("%", name, ".known = icmp uge i32 %", name, ".last, ", word(leaf));
    need(name, "%" + name + ".known");
  }
  void need_bits(const std::string &name, uint32_t leaf, int which, uint32_t mask) {
    cpuid(name, leaf);
    out_.line("%", name, ".word = extractvalue { i32, i32, i32, i32 } %", name, ", ", which);
    all_set(name + ".all", "%" + name + ".word", mask);
    need(name, "%" + name + ".all");
  }
  void all_set(const std::string &name, const std::string &value, uint32_t mask) {
    out_.line("%", name, ".masked = and i32 ", value, ", ", word(mask));
    out_.line("%", name, " = icmp eq i32 %", name, ".masked, ", word(mask));
  }

  StringBuilder &out_;
};

/// `@level`: asks once. Threads that come at the same time find the same answer.
void write_memo(StringBuilder &out) {
  out.line("@known = internal global i32 -1, align 4");
  out.line("define internal i32 @level() {");
  out.line("  %before = load atomic i32, ptr @known monotonic, align 4");
  out.line("  %is_known = icmp sge i32 %before, 0");
  out.line("  br i1 %is_known, label %done, label %ask");
  out.line("ask:");
  out.line("  %now = call i32 @level_now()");
  out.line("  store atomic i32 %now, ptr @known monotonic, align 4");
  out.line("  ret i32 %now");
  out.line("done:");
  out.line("  ret i32 %before");
  out.line("}");
}

void write_fixed_level(StringBuilder &out) {
  out.line("define internal i32 @level() {");
  out.line("  ret i32 0");
  out.line("}");
}

/// Blocks `m0`, `m1`...: the first whose level the processor has; then the block `none`.
template <class Body>
void for_each_machine(StringBuilder &out, std::span<const ObjectMachine *const> machines, Body body) {
  out.line("%level = call i32 @level()");
  for (size_t i = 0; i < machines.size(); ++i) {
    out.line("%fits", i, " = icmp sge i32 %level, ", machines[i]->level);
    out.line("br i1 %fits", i, ", label %m", i, ", label %else", i);
    out.line("m", i, ":");
    body(i);
    out.line("else", i, ":");
  }
}

void write_function(StringBuilder &out, const CFunction &function, const std::string &symbol,
                    std::span<const ObjectMachine *const> machines) {
  const auto variant = [&](size_t i) { return c_prefix(symbol, std::string(machines[i]->name)) + function.suffix; };
  std::string types;
  for (const std::string &type : function.parameters) types += (types.empty() ? "" : ", ") + type;
  for (size_t i = 0; i < machines.size(); ++i) out.line("declare ", function.result, " @", variant(i), "(", types, ")");
  const std::string list = parameter_list(function);
  out.line("define ", function.result, " @", symbol, function.suffix, "(", list, ") {");
  out.indent();
  for_each_machine(out, machines, [&](size_t i) {
    out.line("%result", i, " = tail call ", function.result, " @", variant(i), "(", list, ")");
    out.line("ret ", function.result, " %result", i);
  });
  out.line("ret ", function.result, " ", function.without_machine);
  out.dedent();
  out.line("}");
}

void write_machine_name(StringBuilder &out, const std::string &symbol, std::span<const ObjectMachine *const> machines) {
  for (size_t i = 0; i < machines.size(); ++i)
    out.line("@name", i, " = internal unnamed_addr constant [", machines[i]->name.size() + 1, " x i8] c\"",
             machines[i]->name, "\\00\"");
  out.line("define ptr @", symbol, "_machine() {");
  out.indent();
  for_each_machine(out, machines, [&](size_t i) { out.line("ret ptr @name", i); });
  out.line("ret ptr null");
  out.dedent();
  out.line("}");
}

} // namespace

std::string dispatcher_text(const Artifact &plan, const std::string &symbol,
                            std::span<const ObjectMachine *const> machines) {
  StringBuilder out;
  const bool needs_choice = machines.front()->level > 0;
  if (needs_choice) {
    LevelWriter(out).run();
    write_memo(out);
  } else {
    write_fixed_level(out);
  }
  for (const CFunction &function : c_functions(plan)) write_function(out, function, symbol, machines);
  write_machine_name(out, symbol, machines);
  return out.take();
}

} // namespace sparkle::llvm_target
