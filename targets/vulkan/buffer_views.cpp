#include "targets/vulkan/buffer_views.h"

#include <algorithm>

#include "compiler/analysis/walk.h"

namespace sparkle::vulkan {
namespace {

void note(BufferUse &use, const Access &access, bool is_load) {
  if (access.aligned) {
    use.aligned_widths.insert(access.lanes);
    if (is_load) use.loaded_widths.insert(access.lanes);
  } else {
    use.has_narrow = true;
  }
}

Access describe(const Kernel &kernel, const Divisors &divisors, Access access, ExprId mask) {
  LinearForm form = to_linear(kernel, access.index);
  int lanes = access.lanes;
  access.contiguous = lanes > 1 && form.lanes == lanes && form.lane_stride == 1;
  for (const LinearTerm &term : form.terms) access.contiguous &= !kernel.type_of(term.atom).is_vector();
  bool is_split = is_valid(mask) && !uniform_lane(kernel, mask);
  bool fits = access.contiguous && !is_split && (lanes == 2 || lanes == 4);
  access.aligned = fits && divisors.divides(kernel, form, lanes);
  return access;
}

} // namespace

Access access_of(const Kernel &kernel, const Divisors &divisors, const Load &load) {
  return describe(kernel, divisors, {load.buffer, load.indices[0], kernel.var(load.var).type.lanes}, load.mask);
}

Access access_of(const Kernel &kernel, const Divisors &divisors, const Store &store) {
  int lanes = std::max(kernel.type_of(store.value).lanes, kernel.type_of(store.indices[0]).lanes);
  return describe(kernel, divisors, {store.buffer, store.indices[0], lanes}, store.mask);
}

std::map<BufferId, BufferUse> buffer_uses(const Kernel &kernel, const Divisors &divisors) {
  std::map<BufferId, BufferUse> uses;
  for_each_stmt(kernel, kernel.body, [&](StmtId id) {
    const Stmt &stmt = kernel.stmt(id);
    if (auto *load = std::get_if<Load>(&stmt)) {
      BufferUse &use = uses[load->buffer];
      use.is_read = true;
      note(use, access_of(kernel, divisors, *load), true);
    } else if (auto *store = std::get_if<Store>(&stmt)) {
      BufferUse &use = uses[store->buffer];
      use.is_written = true;
      note(use, access_of(kernel, divisors, *store), false);
    } else if (auto *alloc = std::get_if<Alloc>(&stmt)) {
      uses[alloc->buffer];
    }
  });
  return uses;
}

std::set<int> array_widths(const BufferUse &use, MemoryLevel level) {
  std::set<int> widths = use.aligned_widths;
  switch (level) {
  case MemoryLevel::kFar:
    if (use.has_narrow || widths.empty()) widths.insert(1);
    return widths;
  case MemoryLevel::kNear:
    // Pairs in a buffer of quads are `.xy` and `.zw`; there is one array only.
    if (use.loaded_widths.empty()) return {1};
    return {*use.loaded_widths.rbegin()};
  case MemoryLevel::kRegister: break;
  }
  bool all_fit = !use.has_narrow && widths.size() == 1;
  return all_fit ? widths : std::set<int>{1};
}

} // namespace sparkle::vulkan
