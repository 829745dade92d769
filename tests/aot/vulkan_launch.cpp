// vulkan_launch DESCRIPTION.vulkan.json in:NAME=FILE... out:NAME=FILE... scalar:NAME=VALUE...
// Runs a program for Vulkan by its description and the .spv files beside it, and nothing else: no compiler is linked.
// Files hold a tensor's bytes, little-endian. Ends with 77 where no device has what the description asks for.
#include <bit>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "runtime/file_io.h"
#include "runtime/vulkan_device.h"

namespace sparkle {
namespace {

using Json = nlohmann::json;

constexpr int64_t kMaxFileBytes = int64_t{1} << 30;
constexpr int kSkipped = 77;

struct Place {
  VulkanBuffer buffer;
  int64_t offset = 0;
  int64_t bytes = 0;
};

struct Words {
  std::map<std::string, std::string> inputs, outputs, scalars;
};

Error wrong(std::string text) { return Error{ErrorCode::kInvalidInput, std::move(text)}; }

Result<Words> read_words(int count, char **words) {
  Words out;
  for (int i = 2; i < count; ++i) {
    const std::string word = words[i];
    const size_t colon = word.find(':'), equals = word.find('=');
    if (colon == std::string::npos || equals == std::string::npos || equals < colon) return wrong("`" + word + "`");
    const std::string kind = word.substr(0, colon);
    auto &map = kind == "in" ? out.inputs : kind == "out" ? out.outputs : out.scalars;
    map[word.substr(colon + 1, equals - colon - 1)] = word.substr(equals + 1);
  }
  return out;
}

bool has_feature(const VulkanLimits &limits, const std::string &name) {
  const std::map<std::string, bool> known{{"shaderInt64", limits.int64},
                                          {"shaderInt16", limits.int16},
                                          {"shaderInt8", limits.int8},
                                          {"shaderFloat16", limits.float16},
                                          {"storageBuffer16BitAccess", limits.storage16},
                                          {"storageBuffer8BitAccess", limits.storage8},
                                          {"vulkanMemoryModel", limits.memory_model}};
  const auto found = known.find(name);
  return found != known.end() && found->second;
}

/// Empty: the device has all that is asked for.
std::string missing(const VulkanLimits &limits, const Json &needs) {
  for (const std::string name : needs.at("features"))
    if (!has_feature(limits, name)) return name;
  const auto most = [&](const char *key, int64_t has) { return needs.at(key).get<int64_t>() > has ? key : ""; };
  std::string out = most("maxComputeWorkGroupInvocations", limits.max_workgroup_invocations);
  if (out.empty()) out = most("maxComputeSharedMemorySize", limits.shared_memory_bytes);
  if (out.empty()) out = most("maxPerStageDescriptorStorageBuffers", limits.max_storage_buffers);
  if (out.empty()) out = most("maxPushConstantsSize", limits.max_push_constant_bytes);
  if (out.empty()) out = most("maxStorageBufferRange", limits.max_storage_buffer_range);
  const int64_t alignment = needs.at("minStorageBufferOffsetAlignment");
  return out.empty() && alignment % limits.min_storage_offset_alignment != 0 ? "minStorageBufferOffsetAlignment" : out;
}

class Launcher {
public:
  Launcher(const Json &description, std::string folder, Words words, VulkanContext context)
      : description_(description), folder_(std::move(folder)), words_(std::move(words)), context_(std::move(context)) {}

  Status run() {
    SPARKLE_TRY_STATUS(place_tensors());
    SPARKLE_TRY_STATUS(transfer(words_.inputs, true));
    SPARKLE_TRY_STATUS(run_list(description_.at("prepack")));
    SPARKLE_TRY_STATUS(run_list(description_.at("kernels")));
    return transfer(words_.outputs, false);
  }

private:
  Status place_tensors();
  Status transfer(const std::map<std::string, std::string> &files, bool is_up);
  Status run_list(const Json &kernels);
  Result<VulkanPipeline> pipeline(const Json &kernel);
  Result<std::vector<std::byte>> push_constants() const;

  const Json &description_;
  std::string folder_;
  Words words_;
  VulkanContext context_;
  std::map<std::string, Place> places_;
};

Status Launcher::place_tensors() {
  std::map<std::string, VulkanBuffer> blocks;
  for (const char *role : {"workspace", "packed"}) {
    const int64_t bytes = description_.at(std::string(role) + "_bytes");
    if (bytes > 0) {
      SPARKLE_TRY(blocks[role], context_.create_buffer(bytes));
    }
  }
  for (const Json &tensor : description_.at("tensors")) {
    Place &place = places_[tensor.at("name")];
    place.bytes = tensor.at("binding_bytes");
    place.offset = tensor.value("offset", int64_t{0});
    if (tensor.contains("offset")) {
      place.buffer = blocks.at(tensor.at("role"));
    } else {
      SPARKLE_TRY(place.buffer, context_.create_buffer(place.bytes));
    }
  }
  return ok();
}

Status Launcher::transfer(const std::map<std::string, std::string> &files, bool is_up) {
  for (const Json &tensor : description_.at("tensors")) {
    const auto file = files.find(tensor.at("name"));
    if (file == files.end()) continue;
    const Place &place = places_.at(file->first);
    std::vector<uint8_t> bytes(tensor.at("bytes").get<size_t>());
    if (is_up) {
      SPARKLE_TRY(const std::vector<uint8_t> given, read_file(file->second, kMaxFileBytes));
      if (given.size() != bytes.size()) return wrong("`" + file->second + "` has not the size of the tensor");
      SPARKLE_TRY_STATUS(context_.upload(place.buffer, place.offset, std::as_bytes(std::span(given))));
    } else {
      SPARKLE_TRY_STATUS(context_.download(place.buffer, place.offset, std::as_writable_bytes(std::span(bytes))));
      SPARKLE_TRY_STATUS(write_file(file->second, bytes));
    }
  }
  return ok();
}

/// All but the number of groups, which must be the last one: the runtime fills it in.
Result<std::vector<std::byte>> Launcher::push_constants() const {
  const Json &described = description_.at("push_constants");
  std::vector<std::byte> push(described.at("bytes").get<size_t>() - 4);
  for (const Json &field : described.at("fields")) {
    const auto offset = field.at("offset").get<size_t>();
    if (field.at("value") == "groups") {
      if (offset != push.size()) return wrong("the number of groups is not the last push constant");
      continue;
    }
    const auto given = words_.scalars.find(field.at("name"));
    if (given == words_.scalars.end()) return wrong("no value for " + field.at("name").get<std::string>());
    const double value = std::stod(given->second);
    const uint32_t word = field.at("type") == "f32" ? std::bit_cast<uint32_t>(static_cast<float>(value))
                                                    : static_cast<uint32_t>(static_cast<int32_t>(value));
    std::memcpy(push.data() + offset, &word, sizeof word);
  }
  return push;
}

Result<VulkanPipeline> Launcher::pipeline(const Json &kernel) {
  SPARKLE_TRY(const std::vector<uint8_t> module,
              read_file(folder_ + kernel.at("spirv").get<std::string>(), kMaxFileBytes));
  ShaderCode code;
  code.words.resize(module.size() / 4);
  std::memcpy(code.words.data(), module.data(), code.words.size() * 4);
  code.local_size = kernel.at("workgroup_size").at(0);
  VulkanPipelineShape shape;
  shape.buffers = static_cast<int>(kernel.at("bindings").size());
  shape.push_bytes = description_.at("push_constants").at("bytes").get<int64_t>() - 4;
  shape.near_bytes = kernel.at("shared_memory_bytes");
  shape.name = kernel.at("name");
  if (kernel.at("entry_point") != "main") return wrong("another entry point than `main`");
  return context_.create_pipeline(code, shape);
}

Status Launcher::run_list(const Json &kernels) {
  if (kernels.empty()) return ok();
  std::vector<VulkanPipeline> pipelines(kernels.size());
  std::vector<VulkanDispatch> list(kernels.size());
  for (size_t i = 0; i < kernels.size(); ++i) {
    SPARKLE_TRY(pipelines[i], pipeline(kernels[i]));
    list[i].pipeline = &pipelines[i];
    list[i].groups = kernels[i].at("groups");
    SPARKLE_TRY(list[i].push, push_constants());
    for (const Json &binding : kernels[i].at("bindings")) {
      if (binding.at("set") != 0 || binding.at("binding") != list[i].bindings.size())
        return wrong("bindings have gaps");
      const Place &place = places_.at(binding.at("tensor"));
      list[i].bindings.push_back({&place.buffer, place.offset, place.bytes});
    }
  }
  if (auto done = context_.run(list); !done) return done.error();
  return ok();
}

int fail(const Error &error) {
  std::fprintf(stderr, "FAILED: %s\n", error.text.c_str());
  return 1;
}

int launch(int count, char **given) {
  if (count < 2) return fail(wrong("no description is named"));
  const std::string path = given[1];
  const Result<std::vector<uint8_t>> text = read_file(path, kMaxFileBytes);
  if (!text) return fail(text.error());
  const Json description = Json::parse(*text);
  if (description.at("format") != "sparkle-vulkan" || description.at("version") != 1)
    return fail(wrong("another format"));
  Result<Words> words = read_words(count, given);
  if (!words) return fail(words.error());
  const VulkanDevices devices = VulkanDevices::open();
  std::string reasons = devices.devices().empty() ? "no device" : "";
  for (size_t i = 0; i < devices.devices().size(); ++i) {
    const std::string reason = missing(devices.devices()[i], description.at("requires"));
    reasons += reason.empty() ? "" : devices.devices()[i].name + " lacks " + reason + "; ";
    if (!reason.empty()) continue;
    Result<VulkanContext> context = devices.create_context(i);
    if (!context) return fail(context.error());
    Launcher launcher(description, path.substr(0, path.rfind('/') + 1), std::move(*words), std::move(*context));
    const Status done = launcher.run();
    if (!done) return fail(done.error());
    std::printf("ran on %s\n", devices.devices()[i].name.c_str());
    return 0;
  }
  std::printf("[SKIP] %s\n", reasons.c_str());
  return kSkipped;
}

} // namespace
} // namespace sparkle

int main(int argc, char **argv) {
  try {
    return sparkle::launch(argc, argv);
  } catch (const std::exception &failure) { // What the description lacks.
    std::fprintf(stderr, "FAILED: %s\n", failure.what());
    return 1;
  }
}
