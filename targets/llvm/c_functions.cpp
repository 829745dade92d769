#include "targets/llvm/c_functions.h"

#include <algorithm>

#include "compiler/support/string_builder.h"

namespace sparkle::llvm_target {
namespace {

constexpr int64_t kBlockMask = 63; ///< Workspace, scratch and packed memory start at 64 bytes.

std::string number(int64_t value) { return std::to_string(value); }

std::string uniform_type(const Uniform &uniform) { return uniform.type == Scalar::kF32 ? "float" : "i32"; }

std::string status(CStatus value) { return number(static_cast<int>(value)); }

/// The struct of arguments: addresses of tensors, of packed memory when there is such, run-time scalars.
class ArgumentStruct {
public:
  explicit ArgumentStruct(const Artifact &plan) : plan_(plan), signature_(c_signature(plan)) {}

  const CSignature &signature() const { return signature_; }
  size_t packed_field() const { return signature_.tensors.size(); }
  size_t uniform_field(size_t i) const { return packed_field() + (signature_.is_packing() ? 1 : 0) + i; }
  size_t field_of(TensorId tensor) const {
    return static_cast<size_t>(std::ranges::find(signature_.tensors, tensor) - signature_.tensors.begin());
  }
  std::vector<std::string> types() const {
    std::vector<std::string> types(packed_field() + (signature_.is_packing() ? 1 : 0), "ptr");
    for (const Uniform &uniform : plan_.uniforms) types.push_back(uniform_type(uniform));
    return types;
  }

private:
  const Artifact &plan_;
  CSignature signature_;
};

class Writer {
public:
  Writer(const Artifact &plan, std::string prefix, const std::vector<std::string> &entries)
      : plan_(plan), prefix_(std::move(prefix)), entries_(entries), struct_(plan), scratch_(scratch_bytes(plan)) {}

  std::string run() {
    std::string fields;
    for (const std::string &type : struct_.types()) fields += (fields.empty() ? "" : ", ") + type;
    out_.line("%Arguments = type { ", fields, " }");
    out_.line("%Call = type { ptr, ptr, ptr }");
    for (const std::string &entry : entries_) out_.line("declare void @", entry, "(ptr, i64, i64, ptr)");
    size_t number_of_launch = 0;
    for (const auto *launches : {&plan_.prepack, &plan_.launches})
      for (const Launch &launch : *launches) write_launch(launch, number_of_launch++);
    write_sizes();
    write_tasks();
    write_run_tasks();
    write_whole();
    if (struct_.signature().is_packing()) write_pack();
    return out_.take();
  }

private:
  std::string launch_name(size_t number_of_launch) const {
    return "@" + prefix_ + "_launch" + number(static_cast<int64_t>(number_of_launch));
  }
  std::string fresh(const char *stem) { return "%" + std::string(stem) + number(next_++); }
  /// The address of a field of the arguments.
  std::string field(size_t index) {
    const std::string name = fresh("field");
    out_.line(name, " = getelementptr inbounds %Arguments, ptr %arguments, i32 0, i32 ", index);
    return name;
  }
  std::string load_field(size_t index, const std::string &type = "ptr") {
    const std::string at = field(index), name = fresh("value");
    out_.line(name, " = load ", type, ", ptr ", at);
    return name;
  }
  std::string offset(const std::string &base, int64_t bytes) {
    const std::string name = fresh("at");
    out_.line(name, " = getelementptr inbounds i8, ptr ", base, ", i64 ", bytes);
    return name;
  }
  /// An i1 that says whether `bits` of the address are set.
  std::string has_bits(const std::string &address, int64_t bits) {
    const std::string whole = fresh("bits"), masked = fresh("bits"), name = fresh("bad");
    out_.line(whole, " = ptrtoint ptr ", address, " to i64");
    out_.line(masked, " = and i64 ", whole, ", ", bits);
    out_.line(name, " = icmp ne i64 ", masked, ", 0");
    return name;
  }
  std::string is_null(const std::string &address) {
    const std::string name = fresh("bad");
    out_.line(name, " = icmp eq ptr ", address, ", null");
    return name;
  }
  std::string either(const std::string &a, const std::string &b) {
    if (a.empty() || b.empty()) return a + b;
    const std::string name = fresh("bad");
    out_.line(name, " = or i1 ", a, ", ", b);
    return name;
  }

  std::string address_of(TensorId id);
  void write_launch(const Launch &launch, size_t number_of_launch);
  void write_uniforms();
  void write_sizes();
  void write_tasks();
  void write_run_tasks();
  void write_whole();
  void write_pack();
  std::string bad_tensor(const Tensor &tensor, const std::string &address);
  std::string bad_memory();

  const Artifact &plan_;
  std::string prefix_;
  const std::vector<std::string> &entries_;
  ArgumentStruct struct_;
  int64_t scratch_;
  StringBuilder out_;
  int next_ = 0;
};

std::string Writer::address_of(TensorId id) {
  const int64_t bytes = plan_.offsets[index_of(id)];
  switch (plan_.tensors[id].role) {
  case Role::kWorkspace: return offset("%workspace", bytes);
  case Role::kPacked: return offset(load_field(struct_.packed_field()), bytes);
  default: return load_field(struct_.field_of(id));
  }
}

/// The form in which SparkleArguments has them: 8 bytes each, the low ones used.
void Writer::write_uniforms() {
  for (size_t i = 0; i < plan_.uniforms.size(); ++i) {
    const std::string type = uniform_type(plan_.uniforms[static_cast<UniformId>(i)]);
    const std::string value = load_field(struct_.uniform_field(i), type);
    const std::string at = offset("%uniforms", static_cast<int64_t>(8 * i));
    out_.line("store i64 0, ptr ", at);
    out_.line("store ", type, " ", value, ", ptr ", at);
  }
}

/// Binds the launch's buffers and calls its entry.
void Writer::write_launch(const Launch &launch, size_t number_of_launch) {
  out_.line("define internal void ", launch_name(number_of_launch),
            "(ptr %arguments, i64 %first, i64 %last, ptr %workspace, ptr %scratch) {");
  out_.indent();
  const int64_t buffers = std::max<int64_t>(static_cast<int64_t>(launch.buffers.size()), 1);
  const int64_t uniforms = std::max<int64_t>(static_cast<int64_t>(plan_.uniforms.size()), 1);
  out_.line("%buffers = alloca [", buffers, " x ptr]");
  out_.line("%uniforms = alloca [", uniforms, " x i64]");
  out_.line("%call = alloca %Call");
  for (size_t i = 0; i < launch.buffers.size(); ++i) {
    const std::string address = address_of(launch.buffers[i]);
    out_.line("store ptr ", address, ", ptr ", offset("%buffers", static_cast<int64_t>(8 * i)));
  }
  write_uniforms();
  out_.line("store ptr %buffers, ptr %call");
  out_.line("store ptr null, ptr ", offset("%call", 8));
  out_.line("store ptr %uniforms, ptr ", offset("%call", 16));
  out_.line("call void @", entries_[number_of_launch], "(ptr %call, i64 %first, i64 %last, ptr %scratch)");
  out_.line("ret void");
  out_.dedent();
  out_.line("}");
}

void Writer::write_sizes() {
  const auto constant = [&](const char *suffix, const char *type, int64_t value) {
    out_.line("define ", type, " @", prefix_, suffix, "() {");
    out_.line("  ret ", type, " ", value);
    out_.line("}");
  };
  constant("_workspace_bytes", "i64", plan_.workspace_bytes + scratch_);
  constant("_scratch_bytes", "i64", scratch_);
  if (struct_.signature().is_packing()) constant("_packed_bytes", "i64", plan_.packed_bytes);
  constant("_stages", "i32", static_cast<int64_t>(plan_.launches.size()));
}

void Writer::write_tasks() {
  out_.line("define i64 @", prefix_, "_tasks(i32 %stage) {");
  out_.indent();
  std::string cases;
  for (size_t i = 0; i < plan_.launches.size(); ++i)
    cases += " i32 " + std::to_string(i) + ", label %s" + std::to_string(i);
  out_.line("switch i32 %stage, label %none [", cases, " ]");
  for (size_t i = 0; i < plan_.launches.size(); ++i) {
    out_.line("s", i, ":");
    out_.line("ret i64 ", constant_tasks(plan_.launches[i]));
  }
  out_.line("none:");
  out_.line("ret i64 0");
  out_.dedent();
  out_.line("}");
}

/// Tensors without elements may have no address.
std::string Writer::bad_tensor(const Tensor &tensor, const std::string &address) {
  const bool is_empty = std::ranges::any_of(tensor.extents, [](const Extent &extent) { return extent.value == 0; });
  if (is_empty) return "";
  const std::string null = is_null(address);
  if (tensor.alignment <= 1) return null;
  return either(null, has_bits(address, tensor.alignment - 1));
}

/// Checks of %workspace and %scratch. %scratch may be null: then the end of the workspace serves.
std::string Writer::bad_memory() {
  std::string bad = has_bits("%workspace", kBlockMask);
  bad = either(bad, has_bits("%scratch", kBlockMask));
  const std::string no_workspace = is_null("%workspace"), no_scratch = is_null("%scratch");
  if (plan_.workspace_bytes > 0) bad = either(bad, no_workspace);
  if (scratch_ == 0) return bad;
  const std::string neither = fresh("bad");
  out_.line(neither, " = and i1 ", no_workspace, ", ", no_scratch);
  return either(bad, neither);
}

void Writer::write_run_tasks() {
  out_.line("define i32 @", prefix_,
            "_run_tasks(ptr %arguments, i32 %stage, i64 %first, i64 %last, ptr %workspace, ptr %scratch) {");
  out_.indent();
  const std::string missing = is_null("%arguments");
  out_.line("br i1 ", missing, ", label %bad, label %check");
  out_.line("check:");
  std::string bad = bad_memory();
  for (const TensorId id : struct_.signature().tensors)
    if (is_used_by_runs(plan_, id)) bad = either(bad, bad_tensor(plan_.tensors[id], load_field(struct_.field_of(id))));
  if (plan_.packed_bytes > 0) {
    const std::string packed = load_field(struct_.packed_field());
    bad = either(bad, is_null(packed));
    bad = either(bad, has_bits(packed, kBlockMask));
  }
  out_.line("%tasks = call i64 @", prefix_, "_tasks(i32 %stage)");
  out_.line("%early = icmp slt i64 %first, 0");
  out_.line("%late = icmp sgt i64 %last, %tasks");
  bad = either(bad, either("%early", "%late"));
  out_.line("br i1 ", bad, ", label %bad, label %start");
  out_.line("start:");
  const std::string own = offset("%workspace", plan_.workspace_bytes);
  const std::string shared = is_null("%scratch");
  out_.line("%near = select i1 ", shared, ", ptr ", own, ", ptr %scratch");
  std::string cases;
  for (size_t i = 0; i < plan_.launches.size(); ++i)
    cases += " i32 " + std::to_string(i) + ", label %s" + std::to_string(i);
  out_.line("switch i32 %stage, label %bad [", cases, " ]");
  for (size_t i = 0; i < plan_.launches.size(); ++i) {
    out_.line("s", i, ":");
    out_.line("call void ", launch_name(plan_.prepack.size() + i),
              "(ptr %arguments, i64 %first, i64 %last, ptr %workspace, ptr %near)");
    out_.line("ret i32 ", status(CStatus::kOk));
  }
  out_.line("bad:");
  out_.line("ret i32 ", status(CStatus::kBadArgument));
  out_.dedent();
  out_.line("}");
}

/// All stages with all their tasks, one after another.
void Writer::write_whole() {
  const CFunction whole = c_functions(plan_).front();
  out_.line("define i32 @", prefix_, "(", parameter_list(whole), ") {");
  out_.indent();
  out_.line("%arguments = alloca %Arguments");
  const std::vector<std::string> types = struct_.types();
  for (size_t i = 0; i < types.size(); ++i) out_.line("store ", types[i], " %a", i, ", ptr ", field(i));
  for (size_t i = 0; i < plan_.launches.size(); ++i) {
    out_.line("%status", i, " = call i32 @", prefix_, "_run_tasks(ptr %arguments, i32 ", i, ", i64 0, i64 ",
              constant_tasks(plan_.launches[i]), ", ptr %a", types.size(), ", ptr null)");
    out_.line("%failed", i, " = icmp ne i32 %status", i, ", 0");
    out_.line("br i1 %failed", i, ", label %bad, label %next", i);
    out_.line("next", i, ":");
  }
  out_.line("ret i32 ", status(CStatus::kOk));
  out_.line("bad:");
  out_.line("ret i32 ", status(CStatus::kBadArgument));
  out_.dedent();
  out_.line("}");
}

void Writer::write_pack() {
  const std::vector<TensorId> &constants = struct_.signature().constants;
  out_.line("define i32 @", prefix_, "_pack(",
            parameter_list({"", "", std::vector<std::string>(constants.size() + 2, "ptr"), ""}), ") {");
  out_.indent();
  const std::string packed = "%a" + std::to_string(constants.size());
  out_.line("%arguments = alloca %Arguments");
  out_.line("store %Arguments zeroinitializer, ptr %arguments");
  out_.line("%workspace = getelementptr i8, ptr %a", constants.size() + 1, ", i64 0");
  out_.line("%scratch = getelementptr i8, ptr %workspace, i64 ", plan_.workspace_bytes);
  out_.line("store ptr ", packed, ", ptr ", field(struct_.packed_field()));
  std::string bad = has_bits("%workspace", kBlockMask);
  if (!plan_.prepack.empty() && plan_.workspace_bytes + scratch_ > 0) bad = either(bad, is_null("%workspace"));
  bad = either(bad, has_bits(packed, kBlockMask));
  if (plan_.packed_bytes > 0) bad = either(bad, is_null(packed));
  for (size_t i = 0; i < constants.size(); ++i) {
    const std::string given = "%a" + std::to_string(i);
    out_.line("store ptr ", given, ", ptr ", field(struct_.field_of(constants[i])));
    const bool is_packed = std::ranges::any_of(
        plan_.prepack, [&](const Launch &launch) { return std::ranges::count(launch.buffers, constants[i]) > 0; });
    if (is_packed) bad = either(bad, bad_tensor(plan_.tensors[constants[i]], given));
  }
  out_.line("br i1 ", bad, ", label %bad, label %start");
  out_.line("start:");
  for (size_t i = 0; i < plan_.prepack.size(); ++i)
    out_.line("call void ", launch_name(i), "(ptr %arguments, i64 0, i64 ", constant_tasks(plan_.prepack[i]),
              ", ptr %workspace, ptr %scratch)");
  out_.line("ret i32 ", status(CStatus::kOk));
  out_.line("bad:");
  out_.line("ret i32 ", status(CStatus::kBadArgument));
  out_.dedent();
  out_.line("}");
}

} // namespace

std::vector<CFunction> c_functions(const Artifact &plan) {
  const ArgumentStruct arguments(plan);
  const CSignature &signature = arguments.signature();
  const std::string none = status(CStatus::kNoMachine);
  std::vector<std::string> whole = arguments.types();
  whole.push_back("ptr");
  std::vector<CFunction> functions{{"", "i32", whole, none},
                                   {"_stages", "i32", {}, "0"},
                                   {"_tasks", "i64", {"i32"}, "0"},
                                   {"_run_tasks", "i32", {"ptr", "i32", "i64", "i64", "ptr", "ptr"}, none},
                                   {"_workspace_bytes", "i64", {}, "0"},
                                   {"_scratch_bytes", "i64", {}, "0"}};
  if (!signature.is_packing()) return functions;
  functions.push_back({"_packed_bytes", "i64", {}, "0"});
  functions.push_back({"_pack", "i32", std::vector<std::string>(signature.constants.size() + 2, "ptr"), none});
  return functions;
}

std::string parameter_list(const CFunction &function) {
  std::string list;
  for (size_t i = 0; i < function.parameters.size(); ++i)
    list += (i ? ", " : "") + function.parameters[i] + " %a" + std::to_string(i);
  return list;
}

std::string c_functions_text(const Artifact &plan, const std::string &prefix, const std::vector<std::string> &entries) {
  return Writer(plan, prefix, entries).run();
}

} // namespace sparkle::llvm_target
