#include "compiler/import/strides.h"

#include <algorithm>
#include <optional>

#include "compiler/ir/builder.h"
#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

bool is_bound(Role role) {
  return role == Role::kInput || role == Role::kConst || role == Role::kOutput || role == Role::kInout;
}

Error wrong(const std::string &tensor, const std::string &what) {
  return {ErrorCode::kInvalidInput, "strides of `" + tensor + "`: " + what};
}

std::optional<TensorId> find_argument(const Program &program, const std::string &name) {
  for (size_t i = 0; i < program.tensors.size(); ++i) {
    const TensorId id = static_cast<TensorId>(i);
    if (program.tensors[id].name == name && is_bound(program.tensors[id].role)) return id;
  }
  return {};
}

std::string arguments_of(const Program &program) {
  std::string names;
  for (const Tensor &tensor : program.tensors)
    if (is_bound(tensor.role)) names += (names.empty() ? "" : ", ") + tensor.name;
  return names;
}

/// An open extent counts as one that never ends: nothing may be laid beyond it.
constexpr int64_t kEndless = -1;

struct Step {
  int64_t extent;
  int64_t stride;
};

/// From the nearest dimension to the farthest: each must step over all that the nearer ones reach.
Status check_apart(const Tensor &tensor, std::vector<Step> steps) {
  std::ranges::sort(steps, {}, &Step::stride);
  int64_t reach = 0;
  bool ended = true;
  for (const Step &step : steps) {
    if (!ended) return wrong(tensor.name, "a dimension lies beyond one whose extent is open");
    if (step.stride <= reach)
      return wrong(tensor.name, "two elements of a result would share memory (stride " + std::to_string(step.stride) +
                                    " is not above " + std::to_string(reach) + ")");
    if (step.extent == kEndless) ended = false;
    if (ended) reach += (step.extent - 1) * step.stride;
  }
  return ok();
}

Status check_strides(const Tensor &tensor, const std::vector<int64_t> &strides) {
  if (strides.size() != tensor.extents.size())
    return wrong(tensor.name, std::to_string(strides.size()) + " given, it has " +
                                  std::to_string(tensor.extents.size()) + " dimensions");
  std::vector<Step> steps;
  int64_t last = 0;
  for (size_t d = 0; d < strides.size(); ++d) {
    if (strides[d] < 0) return wrong(tensor.name, "a stride is negative (" + std::to_string(strides[d]) + ")");
    const Extent &extent = tensor.extents[d];
    if (extent.is_constant() && extent.value <= 1) continue;
    steps.push_back({extent.is_constant() ? extent.value : kEndless, strides[d]});
    if (!extent.is_constant()) continue;
    const auto reach = checked_mul(extent.value - 1, strides[d]);
    const auto sum = reach ? checked_add(last, *reach) : std::nullopt;
    const auto bytes = sum ? checked_mul(*sum, bytes_of(tensor.element)) : std::nullopt;
    if (!bytes)
      return Error{ErrorCode::kShapeOverflow, "strides of `" + tensor.name + "`: its farthest element leaves 64 bits"};
    last = *sum;
  }
  if (tensor.role == Role::kInput || tensor.role == Role::kConst) return ok();
  return check_apart(tensor, std::move(steps));
}

void apply(Kernel &kernel, TensorId tensor, const std::vector<int64_t> &strides) {
  Builder builder(kernel);
  for (size_t i = 0; i < kernel.buffer_count(); ++i) {
    const BufferId id = static_cast<BufferId>(i);
    if (kernel.buffer(id).tensor != tensor) continue;
    std::vector<ExprId> made;
    for (const int64_t stride : strides) made.push_back(builder.index(stride));
    kernel.buffer(id).strides = std::move(made);
  }
}

} // namespace

Status set_strides(Program &imported, const StridesByName &strides) {
  for (const auto &[name, given] : strides) {
    const auto id = find_argument(imported, name);
    if (!id) return wrong(name, "no such argument; there are " + arguments_of(imported));
    SPARKLE_TRY_STATUS(check_strides(imported.tensors[*id], given));
  }
  for (const auto &[name, given] : strides) {
    const TensorId id = *find_argument(imported, name);
    imported.tensors[id].strides = given;
    for (Kernel &kernel : imported.kernels) apply(kernel, id, given);
  }
  return ok();
}

} // namespace sparkle
