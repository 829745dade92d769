// Every kernel under tests/filetests/dsl, at every `// bind:` line: the import verifies, runs in the interpreter
// without a single access outside, and writes every element of every output.
#include "tests/unit/dsl/dsl_fixture.h"
#include "tests/unit/import/import_fixture.h"
#include "tests/unit/kernel_files.h"

namespace sparkle {
namespace {

int64_t elements_of(const Tensor &tensor, int64_t open) {
  int64_t count = 1;
  for (const Extent &extent : tensor.extents) count *= extent.is_constant() ? extent.value : open;
  return count;
}

/// Inputs of zero bytes; then outputs that start as two patterns must end alike.
std::map<std::string, std::vector<uint8_t>> outputs_from(const Program &program, uint8_t fill, Status &status) {
  constexpr int64_t kOpen = 3;
  Arguments arguments(program);
  for (const Symbol &symbol : program.symbols) arguments.symbol(symbol.name, kOpen);
  for (const Tensor &tensor : program.tensors) {
    const auto bytes = static_cast<size_t>(elements_of(tensor, kOpen) * bytes_of(tensor.element));
    const bool output = tensor.role == Role::kOutput;
    if (tensor.role != Role::kWorkspace) arguments.set(tensor.name, std::vector<uint8_t>(bytes, output ? fill : 0));
  }
  status = arguments.run();
  std::map<std::string, std::vector<uint8_t>> outputs;
  for (const Tensor &tensor : program.tensors)
    if (tensor.role == Role::kOutput) outputs[tensor.name] = arguments.get<uint8_t>(tensor.name);
  return outputs;
}

void check_line(const std::string &text, const std::string &line, bool strict) {
  const dsl::BindRequest bind = dsl::parse_request(line);
  const Program program = imported(text, {bind.kernel, bind.values, bind.shapes, bind.open, strict});
  ASSERT_FALSE(program.kernels.empty());
  EXPECT_EQ(program.flops > 0, bind.open.empty());
  EXPECT_LE(program.flops_executed, program.flops);
  Status status = ok();
  const auto first = outputs_from(program, 0x5A, status);
  EXPECT_TRUE(status) << status.error().text;
  EXPECT_EQ(first, outputs_from(program, 0xA5, status));
  EXPECT_TRUE(status) << status.error().text;
}

TEST(ImportCorpus, EveryKernelVerifiesAndRuns) {
  const auto files = test::kernel_files("dsl");
  ASSERT_GE(files.size(), 20u);
  for (const auto &path : files) {
    const std::string text = test::read_text(path);
    const std::vector<std::string> lines = test::bind_lines(text);
    EXPECT_FALSE(lines.empty()) << path;
    for (const std::string &line : lines) {
      SCOPED_TRACE(path.filename().string() + line);
      check_line(text, line, false);
      if (path.filename() != "half.spk") check_line(text, line, true);
    }
  }
}

} // namespace
} // namespace sparkle
