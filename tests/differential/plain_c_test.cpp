// Plain C (targets/c), compiled by a C compiler of this machine, against the interpreter: every kernel under
// tests/filetests/dsl at every `// bind:` line. It shares no code with the other ways to run a program.
#include <gtest/gtest.h>

#include "compiler/import/import.h"
#include "runtime/plain_c.h"
#include "runtime/verify.h"
#include "tests/differential/kernel_case.h"
#include "tests/unit/dsl/dsl_fixture.h"
#include "tests/unit/kernel_files.h"

namespace sparkle::test {
namespace {

constexpr int64_t kOpenExtent = 3;

Result<VerifyReport> run_plain_c(const Program &program, TensorSet &tensors, const CCompiler &compiler) {
  const std::vector<std::string> flags{"-O1", "-Wall", "-Wextra", "-Wshadow", "-Wdouble-promotion", "-Werror"};
  SPARKLE_TRY(const auto executable, compile_plain_c(program, test_machine(), compiler, flags));
  SPARKLE_TRY(const std::unique_ptr<Binding> binding, bind_program(executable, tensors.arguments()));
  VerifyOptions options;
  options.mode = VerifyMode::kFull;
  SPARKLE_TRY(const Verifier verifier, Verifier::prepare(program, binding->arguments(), options));
  SPARKLE_TRY(const RunTimes times, binding->run());
  return verifier.check();
}

void check(const std::string &text, const std::string &line, const CCompiler &compiler) {
  const dsl::BindRequest bind = dsl::parse_request(line);
  const Source source("kernel.spk", text);
  Diagnostics diagnostics;
  const auto program = import_source(source, {bind.kernel, bind.values, bind.shapes, bind.open, false}, diagnostics);
  ASSERT_TRUE(program) << render_text(diagnostics, source);
  std::map<std::string, int64_t> symbols;
  for (const Symbol &symbol : program->symbols) symbols[symbol.name] = std::max(symbol.minimum, kOpenExtent);
  Result<TensorSet> tensors = TensorSet::make(*program, 7, symbols);
  ASSERT_TRUE(tensors) << tensors.error().text;
  const Result<VerifyReport> report = run_plain_c(*program, *tensors, compiler);
  if (!report && !program->symbols.empty() && report.error().code == ErrorCode::kUnsupported) {
    EXPECT_NE(report.error().text.find("is stored and has an open extent"), std::string::npos) << report.error().text;
    return; // No target has workspace of an open size.
  }
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_TRUE(report->passed) << report->text();
  EXPECT_GT(report->compared, 0);
}

TEST(PlainC, EveryKernelAgreesWithTheInterpreter) {
  const Result<CCompiler> compiler = find_c_compiler();
  if (!compiler) GTEST_SKIP() << compiler.error().text;
  int seen = 0;
  for (const auto &path : kernel_files("dsl")) {
    const std::string text = read_text(path);
    for (const std::string &line : bind_lines(text)) {
      SCOPED_TRACE(path.filename().string() + line);
      check(text, line, *compiler);
      ++seen;
    }
  }
  EXPECT_GE(seen, 20);
}

TEST(PlainC, RefusalsOfTheCompilerAreItsWords) {
  const Result<CCompiler> compiler = find_c_compiler();
  if (!compiler) GTEST_SKIP() << compiler.error().text;
  const auto program = import_text({"kernel twice(a: f32[N]) -> b: f32[N] { b[i] = a[i] * 2; }", {{"N", 3}}, {}});
  ASSERT_TRUE(program) << program.error().text;
  const auto refused = compile_plain_c(*program, test_machine(), *compiler, {"-fno-such-option"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(refused.error().text.find("no-such-option"), std::string::npos) << refused.error().text;
  const auto absent = compile_plain_c(*program, test_machine(), {"/nonexistent/cc", "cc"}, {});
  ASSERT_FALSE(absent);
  EXPECT_NE(absent.error().text.find("/nonexistent/cc"), std::string::npos) << absent.error().text;
}

} // namespace
} // namespace sparkle::test
