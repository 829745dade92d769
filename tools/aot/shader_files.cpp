#include "tools/aot/shader_files.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "compiler/target/object.h"
#include "runtime/vulkan_choices.h"
#include "tools/aot/sha256.h"
#include "tools/aot/shader_needs.h"
#include "tools/aot/tensor_layout.h"

namespace sparkle::aot {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormatVersion = 1;
/// Shaders see memory as vectors of up to four words: bindings reach to the end of the last one.
constexpr int64_t kVectorBytes = 16;
constexpr int64_t kBlockAlignment = 64; ///< Of Artifact::offsets.
/// What every device offers in each direction (Vulkan specification, table "Required Limits").
constexpr int64_t kGroupsInEachDirection = 65535;

std::vector<uint8_t> bytes_of(const std::vector<uint32_t> &words) {
  std::vector<uint8_t> bytes;
  for (const uint32_t word : words)
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<uint8_t>(word >> shift));
  return bytes;
}

/// From the first element to the end of the last one.
int64_t span_bytes(const Tensor &tensor) {
  const std::vector<int64_t> shape = shape_of(tensor), strides = strides_of(tensor);
  int64_t last = 0;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 0) return 0;
    last += (shape[d] - 1) * strides[d];
  }
  return (last + 1) * sparkle::bytes_of(tensor.element);
}

int64_t bound_bytes(const Tensor &tensor) {
  const int64_t bytes = std::max<int64_t>(span_bytes(tensor), 1);
  return (bytes + kVectorBytes - 1) / kVectorBytes * kVectorBytes;
}

class Describer {
public:
  Describer(const Artifact &artifact, const ShaderFilesOptions &options) : artifact_(artifact), options_(options) {}

  Result<std::vector<OutputFile>> run() {
    Json prepack = Json::array(), kernels = Json::array();
    for (const Launch &launch : artifact_.prepack) {
      SPARKLE_TRY(Json one, kernel(launch));
      prepack.push_back(std::move(one));
    }
    for (const Launch &launch : artifact_.launches) {
      SPARKLE_TRY(Json one, kernel(launch));
      kernels.push_back(std::move(one));
    }
    Json out;
    out["format"] = "sparkle-vulkan";
    out["version"] = kFormatVersion;
    out["program"] = artifact_.program_name;
    out["compiler"] = options_.compiler;
    out["planned_for"] = options_.plan;
    out["flops"] = artifact_.flops;
    out["flops_executed"] = artifact_.flops_executed;
    out["requires"] = needs();
    out["tensors"] = tensors();
    out["workspace_bytes"] = artifact_.workspace_bytes;
    out["packed_bytes"] = artifact_.packed_bytes;
    out["push_constants"] = push_constants();
    out["prepack"] = std::move(prepack);
    out["kernels"] = std::move(kernels);
    files_.push_back(text_file(options_.name + ".vulkan.json", out.dump(2) + "\n"));
    return std::move(files_);
  }

private:
  std::string fresh_stem(const std::string &launch);
  Result<Json> kernel(const Launch &launch);
  Json bindings(const Launch &launch) const;
  bool is_described(TensorId id) const;
  Json tensors() const;
  Json push_constants() const;
  int64_t push_bytes() const { return static_cast<int64_t>(4 * artifact_.uniforms.size()) + 4; }
  Json needs() const;

  const Artifact &artifact_;
  const ShaderFilesOptions &options_;
  std::vector<OutputFile> files_;
  std::set<std::string> stems_;
  std::set<std::string> features_;
  int64_t workers_ = 1, shared_bytes_ = 0, buffers_ = 0;
};

/// Launches may share a name, and the only one of a run has none; letters, digits, `_`, `-` and `.` stay as they are.
std::string Describer::fresh_stem(const std::string &launch) {
  std::string stem = options_.name + (launch.empty() ? "" : "." + launch);
  for (char &c : stem)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '-' && c != '.') c = '_';
  std::string unique = stem;
  for (int i = 2; !stems_.insert(unique).second; ++i) unique = stem + "_" + std::to_string(i);
  return unique;
}

Result<Json> Describer::kernel(const Launch &launch) {
  const auto *code = std::get_if<ShaderCode>(&launch.code);
  SPARKLE_CHECK(code, "launch " + launch.name + " has no shader");
  const int64_t groups = constant_tasks(launch);
  std::array<uint32_t, 3> counts{0, 1, 1};
  if (groups > 0) {
    constexpr int64_t kMost = kGroupsInEachDirection;
    SPARKLE_TRY(counts, vulkan::spread_groups(groups, {kMost, kMost, kMost}));
  }
  SPARKLE_TRY(const std::vector<std::string> features, required_features(code->words));
  features_.insert(features.begin(), features.end());
  workers_ = std::max<int64_t>(workers_, code->local_size);
  shared_bytes_ = std::max(shared_bytes_, launch.near_bytes);
  buffers_ = std::max(buffers_, static_cast<int64_t>(launch.buffers.size()));

  const bool is_only_one = artifact_.launches.size() == 1 && &launch == &artifact_.launches.front();
  const std::string stem = fresh_stem(is_only_one ? "" : launch.name);
  std::vector<uint8_t> module = bytes_of(code->words);
  Json out;
  out["name"] = launch.name;
  out["glsl"] = stem + ".comp";
  out["spirv"] = stem + ".spv";
  out["sha256"] = sha256(module);
  out["entry_point"] = "main";
  out["workgroup_size"] = {code->local_size, 1, 1};
  out["groups"] = groups;
  out["group_counts"] = counts;
  out["shared_memory_bytes"] = launch.near_bytes;
  if (code->required_team > 0) out["subgroup_size"] = code->required_team;
  out["bindings"] = bindings(launch);
  files_.push_back(text_file(stem + ".comp", launch.source_text));
  files_.push_back({stem + ".spv", std::move(module)});
  return out;
}

Json Describer::bindings(const Launch &launch) const {
  Json out = Json::array();
  for (size_t i = 0; i < launch.buffers.size(); ++i)
    out.push_back({{"set", 0},
                   {"binding", i},
                   {"tensor", artifact_.tensors[launch.buffers[i]].name},
                   {"access", launch.writes[i] ? "write" : "read"}});
  return out;
}

/// All arguments, and what launches keep in between; what was computed in place has no memory.
bool Describer::is_described(TensorId id) const {
  const Role role = artifact_.tensors[id].role;
  if (role != Role::kWorkspace && role != Role::kPacked) return true;
  const auto binds = [&](const Launch &launch) { return std::ranges::count(launch.buffers, id) > 0; };
  return std::ranges::any_of(artifact_.prepack, binds) || std::ranges::any_of(artifact_.launches, binds);
}

/// Tensors of the workspace and packed ones lie in blocks; all others have a buffer each.
Json Describer::tensors() const {
  Json out = Json::array();
  for (uint32_t i = 0; i < artifact_.tensors.size(); ++i) {
    if (!is_described(static_cast<TensorId>(i))) continue;
    const Tensor &tensor = artifact_.tensors[static_cast<TensorId>(i)];
    Json one;
    one["name"] = tensor.name;
    one["role"] = name_of(tensor.role);
    one["element"] = name_of(tensor.element);
    one["shape"] = shape_of(tensor);
    one["strides"] = strides_of(tensor);
    one["bytes"] = span_bytes(tensor);
    one["binding_bytes"] = bound_bytes(tensor);
    if (tensor.role == Role::kWorkspace || tensor.role == Role::kPacked) one["offset"] = artifact_.offsets[i];
    out.push_back(std::move(one));
  }
  return out;
}

Json Describer::push_constants() const {
  Json fields = Json::array();
  int64_t offset = 0;
  for (const Uniform &uniform : artifact_.uniforms) {
    fields.push_back(
        {{"name", uniform.name}, {"offset", offset}, {"type", name_of(uniform.type)}, {"value", "argument"}});
    offset += 4;
  }
  fields.push_back({{"name", "total_groups"}, {"offset", offset}, {"type", "u32"}, {"value", "groups"}});
  return {{"bytes", push_bytes()}, {"fields", std::move(fields)}};
}

Json Describer::needs() const {
  int64_t range = 0;
  for (uint32_t i = 0; i < artifact_.tensors.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    if (is_described(id)) range = std::max(range, bound_bytes(artifact_.tensors[id]));
  }
  return {{"vulkan", "1.1"},
          {"features", features_},
          {"maxComputeWorkGroupInvocations", workers_},
          {"maxComputeSharedMemorySize", shared_bytes_},
          {"maxPerStageDescriptorStorageBuffers", buffers_},
          {"maxPushConstantsSize", push_bytes()},
          {"maxStorageBufferRange", range},
          {"minStorageBufferOffsetAlignment", kBlockAlignment}};
}

} // namespace

Result<std::vector<OutputFile>> shader_files(const Artifact &artifact, const ShaderFilesOptions &options) {
  if (artifact.symbols.size() > 0)
    return Error{ErrorCode::kUnsupported, "dimension `" + artifact.symbols[static_cast<SymbolId>(0)].name +
                                              "` is open; shaders are described for given sizes"};
  return Describer(artifact, options).run();
}

} // namespace sparkle::aot
