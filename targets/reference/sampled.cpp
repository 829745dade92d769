#include "targets/reference/sampled.h"

#include <map>
#include <optional>

#include "targets/reference/machine.h"

namespace sparkle::reference {
namespace {

/// A definition, ready to be evaluated at points.
struct Producer {
  const Kernel *kernel = nullptr;
  std::unique_ptr<CompiledKernel> code;
  std::unique_ptr<Machine> machine;
  const Store *store = nullptr;
  std::map<std::vector<int64_t>, Sample> known;
};

const Store *only_store(const Kernel &kernel) {
  StmtId id = kernel.body;
  while (is_valid(id)) {
    if (const auto *store = std::get_if<Store>(&kernel.stmt(id))) return store;
    const auto *block = std::get_if<Block>(&kernel.stmt(id));
    const auto *loop = std::get_if<For>(&kernel.stmt(id));
    if (block && block->stmts.size() != 1) return nullptr;
    if (!block && !loop) return nullptr;
    id = block ? block->stmts.front() : loop->body;
  }
  return nullptr;
}

/// What a subscript adds to `var`: 2 in `y + 2` (a `let` that starts at -2); nothing when it is not of that form.
std::optional<int64_t> shift_of(const Kernel &kernel, ExprId subscript, VarId var) {
  const Expr &expr = kernel.expr(subscript);
  if (const auto *ref = std::get_if<VarRef>(&expr)) return ref->var == var ? std::optional<int64_t>(0) : std::nullopt;
  const auto *sum = std::get_if<Binary>(&expr);
  if (!sum || (sum->op != BinaryOp::kAdd && sum->op != BinaryOp::kSub)) return std::nullopt;
  const std::optional<int64_t> constant = kernel.constant(sum->b), inner = shift_of(kernel, sum->a, var);
  if (constant && inner) return sum->op == BinaryOp::kAdd ? *inner + *constant : *inner - *constant;
  const std::optional<int64_t> first = kernel.constant(sum->a), second = shift_of(kernel, sum->b, var);
  if (first && second && sum->op == BinaryOp::kAdd) return *first + *second;
  return std::nullopt;
}

} // namespace

struct Sampler::State {
  const Program &program;
  std::unordered_map<TensorId, FarMemory> inputs;
  KernelArguments arguments; ///< Values alone: memory is reached through `read`.
  std::unordered_map<TensorId, Producer> producers;

  Status prepare(Producer &producer);
  Result<Sample> at(TensorId tensor, const std::vector<int64_t> &point);
  Result<Sample> evaluate(Producer &producer, const std::vector<int64_t> &point);
  bool run(Producer &producer, const Node &node, const std::vector<int64_t> &point, Sample &out);
  bool read(Producer &producer, const Access &access, Worker &worker, int64_t offset, Estimate &out);
  std::optional<int64_t> position(const Producer &producer, VarId var, const std::vector<int64_t> &point) const;
};

Status Sampler::State::prepare(Producer &producer) {
  if (producer.machine) return ok();
  const std::shared_ptr<const Kernel> borrowed(std::shared_ptr<void>(), producer.kernel);
  SPARKLE_TRY(CompiledKernel code, compile(borrowed, Precision::kEstimate));
  producer.code = std::make_unique<CompiledKernel>(std::move(code));
  auto machine = std::make_unique<Machine>(*producer.code, arguments);
  SPARKLE_TRY_STATUS(machine->start());
  machine->estimate_read = [this, &producer](const Access &access, Worker &worker, int64_t offset, Estimate &out) {
    return read(producer, access, worker, offset, out);
  };
  producer.machine = std::move(machine);
  return ok();
}

bool Sampler::State::read(Producer &producer, const Access &access, Worker &worker, int64_t offset, Estimate &out) {
  Machine &machine = *worker.machine;
  const Buffer &buffer = producer.kernel->buffer(access.buffer);
  // What a kernel reads of its own result is what was there before.
  const auto source = producers.find(buffer.tensor);
  if (source == producers.end() || &source->second == &producer) {
    const auto memory = inputs.find(buffer.tensor);
    const int64_t bytes = sparkle::bytes_of(buffer.element);
    if (memory == inputs.end()) return machine.fail("no memory is given for `" + buffer.name + "`");
    if (offset < 0 || (offset + 1) * bytes > memory->second.bytes)
      return machine.fail("`" + buffer.name + "` is read outside the memory bound to it");
    out = estimate_of(buffer.element, static_cast<const std::byte *>(memory->second.data) + offset * bytes);
    return true;
  }
  std::vector<int64_t> point;
  for (const Access::Index &index : access.indices) point.push_back(*reference::at<int64_t>(worker, index.slot));
  const Result<Sample> sample = at(buffer.tensor, point);
  if (!sample) return machine.fail(sample.error().text);
  out = {sample->value, sample->magnitude};
  return true;
}

/// The value that a loop variable has when the store reaches `point`; nothing when the point leaves it open.
std::optional<int64_t> Sampler::State::position(const Producer &producer, VarId var,
                                                const std::vector<int64_t> &point) const {
  for (size_t d = 0; d < producer.store->indices.size(); ++d) {
    if (const auto shift = shift_of(*producer.kernel, producer.store->indices[d], var)) return point[d] - *shift;
  }
  return std::nullopt;
}

bool Sampler::State::run(Producer &producer, const Node &node, const std::vector<int64_t> &point, Sample &out) {
  Machine &machine = *producer.machine;
  Worker &worker = machine.root();
  if (!run_code(node.before, worker)) return false;
  if (node.kind == Node::Kind::kBlock) return run(producer, *node.children[0], point, out);
  if (node.kind == Node::Kind::kFor) {
    const auto &loop = std::get<For>(producer.kernel->stmt(node.stmt));
    int64_t value = *reference::at<int64_t>(worker, node.begin);
    const int64_t end = *reference::at<int64_t>(worker, node.end);
    if (const auto wanted = position(producer, loop.var, point)) {
      if (*wanted < value || *wanted >= end) return machine.fail("the point is not written");
      value = *wanted;
    } else if (end - value != 1) {
      return machine.fail("loop `" + producer.kernel->var(loop.var).name +
                          "` does not follow from the indices of the store");
    }
    *reference::at<int64_t>(worker, node.var) = value;
    return run_code(node.each, worker) && run(producer, *node.children[0], point, out);
  }
  for (size_t d = 0; d < point.size(); ++d)
    if (*reference::at<int64_t>(worker, node.access.indices[d].slot) != point[d])
      return machine.fail("the point is not written");
  const Scalar type = producer.kernel->type_of(producer.store->value).scalar;
  const Estimate value =
      is_float(type) ? *reference::at<Estimate>(worker, node.value) : estimate_of(type, worker.frame + node.value);
  out = {value.value, value.magnitude};
  return true;
}

Result<Sample> Sampler::State::evaluate(Producer &producer, const std::vector<int64_t> &point) {
  if (!producer.store || producer.store->indices.size() != point.size())
    return Error{ErrorCode::kUnsupported,
                 "kernel `" + producer.kernel->name + "` is no single store of a point of that rank"};
  SPARKLE_TRY_STATUS(prepare(producer));
  Sample out;
  if (!run(producer, *producer.code->body, point, out)) return producer.machine->error();
  return out;
}

Result<Sample> Sampler::State::at(TensorId tensor, const std::vector<int64_t> &point) {
  const auto found = producers.find(tensor);
  if (found == producers.end()) return Error{ErrorCode::kUnsupported, "no kernel writes the tensor"};
  Producer &producer = found->second;
  if (const auto known = producer.known.find(point); known != producer.known.end()) return known->second;
  SPARKLE_TRY(const Sample sample, evaluate(producer, point));
  producer.known[point] = sample;
  return sample;
}

Sampler::Sampler(const Program &program, const std::unordered_map<TensorId, FarMemory> &inputs, const RunValues &values)
    : state_(new State{program, inputs, {}, {}}) {
  state_->arguments.values = values;
  for (const auto *kernels : {&program.prepack, &program.kernels}) {
    for (const Kernel &kernel : *kernels) {
      Producer producer;
      producer.kernel = &kernel;
      producer.store = only_store(kernel);
      if (producer.store) state_->producers[kernel.buffer(producer.store->buffer).tensor] = std::move(producer);
    }
  }
}

Sampler::~Sampler() = default;

Result<Sample> Sampler::at(TensorId output, const std::vector<int64_t> &point) { return state_->at(output, point); }

Result<Sample> evaluate_at(const Program &imported, TensorId output, const std::vector<int64_t> &point,
                           const std::unordered_map<TensorId, FarMemory> &inputs, const RunValues &values) {
  return Sampler(imported, inputs, values).at(output, point);
}

} // namespace sparkle::reference
