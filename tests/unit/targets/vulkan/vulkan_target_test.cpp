// Every filetest of the target: SPIR-V that is valid, and results equal to the interpreter's on every device that is
// here.
#include "targets/vulkan/vulkan_target.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include <gtest/gtest.h>
#include <spirv-tools/libspirv.hpp>

#include "compiler/analysis/element_functions.h"
#include "compiler/ir/parser.h"
#include "compiler/ir/verifier.h"
#include "runtime/vulkan_device.h"
#include "targets/reference/interpreter.h"

namespace sparkle {
namespace {

struct Case {
  Program program;
  reference::RunValues values;
  /// `; near: roots=sqrt`: tensors that hold results of a function, which devices compute to within its bound.
  std::map<std::string, const ElementFunction *> near = {};
};

/// `; symbols: N=5` in front of the program.
std::vector<std::pair<std::string, std::string>> settings(const std::string &text, const std::string &key) {
  std::vector<std::pair<std::string, std::string>> out;
  size_t at = text.find("; " + key + ": ");
  if (at == std::string::npos) return out;
  std::istringstream words(text.substr(at + key.size() + 4, text.find('\n', at) - at - key.size() - 4));
  for (std::string word; words >> word;) {
    size_t equals = word.find('=');
    out.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return out;
}

Case read_case(const std::string &path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  std::string input = text.str().substr(0, text.str().find("\n; expect")) + "\n";
  Source source(path, input);
  Diagnostics diagnostics;
  auto program = parse_program(source, diagnostics);
  EXPECT_TRUE(program) << render_text(diagnostics, source);
  if (!program) return {};
  Status verified = verify(*program);
  EXPECT_TRUE(verified) << verified.error().text;
  Case out{*program, {}};
  for (auto &[tensor, function] : settings(input, "near")) {
    const auto found = std::ranges::find(element_functions(), function, [](auto &f) { return name_of(f.op); });
    EXPECT_NE(found, element_functions().end()) << function;
    if (found != element_functions().end()) out.near[tensor] = &*found;
  }
  for (auto &[name, value] : settings(input, "symbols")) out.values.symbols.push_back(std::stoll(value));
  for (auto &[name, value] : settings(input, "uniforms")) {
    float real = std::stof(value);
    uint32_t bits;
    std::memcpy(&bits, &real, sizeof bits);
    out.values.uniforms.push_back(bits);
  }
  return out;
}

TargetInfo machine() {
  TargetInfo info;
  info.max_workers = 1024;
  info.near_bytes = 32768;
  return info;
}

/// Small whole numbers: every sum stays exact in f32, so that results must be equal.
std::vector<uint32_t> whole_numbers(Scalar element, int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint32_t> out(static_cast<size_t>(count));
  for (uint32_t &word : out) {
    int32_t value = static_cast<int32_t>(random() % 17) - 8;
    float real = static_cast<float>(value);
    std::memcpy(&word, element == Scalar::kF32 ? static_cast<const void *>(&real) : &value, sizeof word);
  }
  return out;
}

constexpr uint32_t kUntouched = 0xDEADBEEF;
constexpr size_t kGuardWords = 64; ///< Behind every tensor; must stay as they are.

using Memory = std::vector<std::vector<uint32_t>>; ///< Per tensor.

Memory make_memory(const Case &test) {
  Memory out;
  for (const Tensor &tensor : test.program.tensors) {
    int64_t count = *reference::bytes_of(tensor, test.values.symbols) / bytes_of(tensor.element);
    bool is_input = tensor.role == Role::kInput || tensor.role == Role::kConst;
    auto seed = static_cast<uint32_t>(out.size() + 1);
    out.push_back(is_input ? whole_numbers(tensor.element, count, seed) : std::vector<uint32_t>(count, kUntouched));
    out.back().resize(out.back().size() + kGuardWords, kUntouched);
  }
  return out;
}

Memory run_reference(const Case &test) {
  Memory memory = make_memory(test);
  std::unordered_map<TensorId, reference::FarMemory> tensors;
  for (size_t i = 0; i < memory.size(); ++i) {
    auto bytes = static_cast<int64_t>((memory[i].size() - kGuardWords) * 4);
    tensors[static_cast<TensorId>(i)] = {memory[i].data(), bytes};
  }
  Status status = reference::interpret(test.program, tensors, test.values);
  EXPECT_TRUE(status) << status.error().text;
  return memory;
}

std::vector<std::byte> push_constants(const reference::RunValues &values) {
  std::vector<std::byte> out(values.symbols.size() * 8 + values.uniforms.size() * 4);
  std::byte *at = out.data();
  for (int64_t symbol : values.symbols) std::memcpy(std::exchange(at, at + 8), &symbol, 8);
  for (uint64_t uniform : values.uniforms) std::memcpy(std::exchange(at, at + 4), &uniform, 4);
  return out;
}

int64_t group_count(const Launch &launch, const reference::RunValues &values) {
  int64_t count = 1;
  for (const Extent &extent : launch.groups) {
    count *= extent.is_constant() ? extent.value : values.symbols[index_of(extent.symbol)];
  }
  return count;
}

Status run_launch(VulkanContext &context, const Launch &launch, const Case &test,
                  const std::vector<VulkanBuffer> &buffers) {
  std::vector<std::byte> push = push_constants(test.values);
  VulkanPipelineShape shape{static_cast<int>(launch.buffers.size()), static_cast<int64_t>(push.size()),
                            launch.near_bytes, launch.name};
  SPARKLE_TRY(VulkanPipeline pipeline, context.create_pipeline(std::get<ShaderCode>(launch.code), shape));
  VulkanDispatch dispatch{&pipeline, {}, push, group_count(launch, test.values)};
  for (TensorId tensor : launch.buffers) {
    const VulkanBuffer &buffer = buffers[index_of(tensor)];
    dispatch.bindings.push_back({&buffer, 0, buffer.bytes()});
  }
  SPARKLE_TRY(VulkanRunTimes times, context.run({&dispatch, 1}));
  return times.wall >= 0 ? ok() : Status(Error{ErrorCode::kInternal, "negative time"});
}

/// Of a result that is `expected`, rounded from an exact one; the bits of a NaN are open. No function: all bits count.
bool is_same(uint32_t expected, uint32_t actual, const ElementFunction *function) {
  if (expected == actual || !function) return expected == actual;
  float a, b;
  std::memcpy(&a, &expected, sizeof a);
  std::memcpy(&b, &actual, sizeof b);
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  const int64_t distance = std::abs(static_cast<int64_t>(expected) - static_cast<int64_t>(actual));
  return std::signbit(a) == std::signbit(b) && static_cast<double>(distance) <= function->max_ulps + 0.5;
}

/// First element that differs, or -1.
int64_t first_difference(const std::vector<uint32_t> &expected, const std::vector<uint32_t> &actual,
                         const ElementFunction *function) {
  for (size_t i = 0; i < expected.size(); ++i)
    if (!is_same(expected[i], actual[i], function)) return static_cast<int64_t>(i);
  return -1;
}

Result<Memory> run_device(VulkanContext &context, const Case &test, const Artifact &artifact) {
  Memory memory = make_memory(test);
  std::vector<VulkanBuffer> buffers;
  for (const auto &words : memory) {
    SPARKLE_TRY(VulkanBuffer buffer, context.create_buffer(static_cast<int64_t>(words.size() * 4)));
    SPARKLE_TRY_STATUS(context.upload(buffer, 0, std::as_bytes(std::span(words))));
    buffers.push_back(std::move(buffer));
  }
  for (const Launch &launch : artifact.launches) SPARKLE_TRY_STATUS(run_launch(context, launch, test, buffers));
  for (size_t i = 0; i < memory.size(); ++i) {
    SPARKLE_TRY_STATUS(context.download(buffers[i], 0, std::as_writable_bytes(std::span(memory[i]))));
  }
  return memory;
}

class VulkanTarget : public ::testing::TestWithParam<std::string> {};

TEST_P(VulkanTarget, MakesValidSpirv) {
  Case test = read_case(GetParam());
  auto artifact = vulkan_target().lower(test.program, machine(), {});
  ASSERT_TRUE(artifact) << artifact.error().text;
  spvtools::SpirvTools tools(SPV_ENV_VULKAN_1_1);
  std::string messages;
  tools.SetMessageConsumer(
      [&](spv_message_level_t, const char *, const spv_position_t &, const char *m) { messages += m; });
  for (const Launch &launch : artifact->launches) {
    EXPECT_TRUE(tools.Validate(std::get<ShaderCode>(launch.code).words)) << messages;
  }
}

TEST_P(VulkanTarget, IsDeterministic) {
  LowerOptions options{true, false, ""};
  Case first = read_case(GetParam()), second = read_case(GetParam());
  auto a = vulkan_target().lower(first.program, machine(), options);
  auto b = vulkan_target().lower(second.program, machine(), options);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->launches[0].source_text, b->launches[0].source_text);
}

TEST_P(VulkanTarget, ComputesWhatTheInterpreterDoes) {
  VulkanDevices devices = VulkanDevices::open();
  if (devices.devices().empty()) GTEST_SKIP() << "no Vulkan device";
  Case test = read_case(GetParam());
  auto artifact = vulkan_target().lower(test.program, machine(), {});
  ASSERT_TRUE(artifact) << artifact.error().text;
  Memory expected = run_reference(test);
  for (size_t i = 0; i < devices.devices().size(); ++i) {
    auto context = devices.create_context(i);
    ASSERT_TRUE(context) << context.error().text;
    auto actual = run_device(*context, test, *artifact);
    ASSERT_TRUE(actual) << actual.error().text;
    const VulkanLimits &device = devices.devices()[i];
    for (size_t t = 0; t < expected.size(); ++t) {
      const Tensor &tensor = test.program.tensors[static_cast<TensorId>(t)];
      const auto near = test.near.find(tensor.name);
      const int64_t at = first_difference(expected[t], (*actual)[t], near == test.near.end() ? nullptr : near->second);
      const auto shown = static_cast<size_t>(std::max<int64_t>(at, 0));
      EXPECT_EQ(at, -1) << "tensor " << tensor.name << " on " << device.name << ": bits " << expected[t].at(shown)
                        << ", computed " << (*actual)[t].at(shown);
    }
  }
}

std::vector<std::string> filetests() {
  std::vector<std::string> out;
  for (const auto &entry : std::filesystem::directory_iterator(SPARKLE_FILETESTS)) {
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    if (text.str().find("\n; expect-error") == std::string::npos) out.push_back(entry.path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

INSTANTIATE_TEST_SUITE_P(Filetests, VulkanTarget, ::testing::ValuesIn(filetests()),
                         [](const auto &info) { return std::filesystem::path(info.param).stem().string(); });

TEST(VulkanTargetText, IsGlslOrAssembly) {
  Case test = read_case(std::string(SPARKLE_FILETESTS) + "/vector_add.ir");
  auto glsl = vulkan_target().lower(test.program, machine(), {true, false, ""});
  auto assembly = vulkan_target().lower(test.program, machine(), {true, true, ""});
  auto none = vulkan_target().lower(test.program, machine(), {});
  ASSERT_TRUE(glsl && assembly && none);
  EXPECT_TRUE(glsl->launches[0].source_text.starts_with("// add: c\n"));
  EXPECT_NE(assembly->launches[0].source_text.find("EntryPoint"), std::string::npos);
  EXPECT_EQ(none->launches[0].source_text, "");
}

TEST(VulkanTargetText, SaysWhatTheShaderNeeds) {
  Case test = read_case(std::string(SPARKLE_FILETESTS) + "/wide_index.ir");
  auto wide = vulkan_target().lower(test.program, machine(), {});
  ASSERT_TRUE(wide);
  EXPECT_TRUE(std::get<ShaderCode>(wide->launches[0].code).wide_index);
  test = read_case(std::string(SPARKLE_FILETESTS) + "/sgemm.ir");
  auto narrow = vulkan_target().lower(test.program, machine(), {});
  ASSERT_TRUE(narrow);
  EXPECT_FALSE(std::get<ShaderCode>(narrow->launches[0].code).wide_index);
  EXPECT_EQ(std::get<ShaderCode>(narrow->launches[0].code).local_size, 256u);
  EXPECT_EQ(narrow->launches[0].near_bytes, 32768);
}

} // namespace
} // namespace sparkle
