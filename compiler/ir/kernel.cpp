#include "compiler/ir/kernel.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <functional>
#include <string_view>

#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

constexpr size_t kLeastNames = 32;
/// Set for buffers among the names.
constexpr uint32_t kBufferFlag = uint32_t{1} << 31;

/// `oc_12` without `_12`.
std::string_view without_suffix(std::string_view name) {
  const size_t at = name.find_last_not_of("0123456789");
  const bool has_suffix = at != std::string_view::npos && at > 0 && at + 1 < name.size() && name[at] == '_';
  return has_suffix ? name.substr(0, at) : name;
}

std::optional<int64_t> constant_at(const Kernel &kernel, const std::vector<ExprId> &list, int at) {
  if (at < 0 || static_cast<size_t>(at) >= list.size()) return std::nullopt;
  return kernel.constant(list[static_cast<size_t>(at)]);
}

/// `dim.split`, perhaps with a suffix, as it is written for these two.
bool is_named_by(const Variable &variable) {
  const std::string_view name = without_suffix(variable.name);
  if (name.size() <= variable.dim.size() + 1 || !name.starts_with(variable.dim) || name[variable.dim.size()] != '.')
    return false;
  char digits[16];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, variable.split);
  return name.substr(variable.dim.size() + 1) == std::string_view(digits, end.ptr);
}

} // namespace

StmtId Kernel::add_stmt(Stmt stmt, SourceRange range) {
  ranges_.add(range);
  return stmts_.emplace(std::move(stmt));
}

const std::string &Kernel::name_of(NameId id) const {
  const uint32_t at = index_of(id) & ~kBufferFlag;
  return (index_of(id) & kBufferFlag) != 0 ? buffers_[BufferId{at}].name : vars_[VarId{at}].name;
}

/// Of the one with this name, or a free one.
size_t Kernel::name_slot(std::string_view name) const {
  size_t at = std::hash<std::string_view>()(name) & (names_.size() - 1);
  while (is_valid(names_[at]) && name_of(names_[at]) != name) at = (at + 1) & (names_.size() - 1);
  return at;
}

/// Enters what was just added to its table.
void Kernel::claim_name(NameId id) {
  if (2 * (vars_.size() + buffers_.size()) <= names_.size()) {
    names_[name_slot(name_of(id))] = id;
    return;
  }
  names_.assign(std::max(kLeastNames, std::bit_ceil(4 * (vars_.size() + buffers_.size()))), kNoId<NameId>);
  for (uint32_t i = 0; i < vars_.size(); ++i) names_[name_slot(vars_[VarId{i}].name)] = NameId{i};
  for (uint32_t i = 0; i < buffers_.size(); ++i)
    names_[name_slot(buffers_[BufferId{i}].name)] = NameId{i | kBufferFlag};
}

std::string Kernel::unique_name(std::string name) {
  if (name.empty()) name = "v";
  const auto is_free = [&] { return names_.empty() || !is_valid(names_[name_slot(name)]); };
  if (is_free()) return name;
  const std::string base(without_suffix(name));
  int &next = next_suffix_.try_emplace(base, 2).first->second;
  do name = base + "_" + std::to_string(next++);
  while (!is_free());
  return name;
}

VarId Kernel::add_var(Variable variable) {
  if (variable.dim.empty())
    std::replace(variable.name.begin(), variable.name.end(), '.', '_');
  else if (!is_named_by(variable))
    variable.name = variable.dim + "." + std::to_string(variable.split);
  if (names_.empty() || is_valid(names_[name_slot(variable.name)]) || variable.name.empty())
    variable.name = unique_name(std::move(variable.name));
  const VarId id = vars_.emplace(std::move(variable));
  claim_name(NameId{index_of(id)});
  return id;
}

BufferId Kernel::add_buffer(Buffer buffer) {
  std::replace(buffer.name.begin(), buffer.name.end(), '.', '_');
  buffer.name = unique_name(std::move(buffer.name));
  const BufferId id = buffers_.emplace(std::move(buffer));
  claim_name(NameId{index_of(id) | kBufferFlag});
  return id;
}

void Kernel::reserve_like(const Kernel &other) {
  exprs_.reserve(other.exprs_.size());
  facts_.reserve(other.exprs_.size());
  stmts_.reserve(other.stmts_.size());
  ranges_.reserve(other.stmts_.size());
  vars_.reserve(other.vars_.size());
  if (names_.size() < other.names_.size() && vars_.empty() && buffers_.empty())
    names_.assign(other.names_.size(), kNoId<NameId>);
  grow_slots(other.exprs_.size());
}

std::optional<int64_t> Kernel::extent(BufferId id, int dim) const {
  return constant_at(*this, buffers_[id].extents, dim);
}

std::optional<int64_t> Kernel::stride(BufferId id, int dim) const {
  return constant_at(*this, buffers_[id].strides, dim);
}

std::vector<int64_t> dense_strides(const std::vector<int64_t> &extents) {
  std::vector<int64_t> strides(extents.size(), 1);
  for (size_t i = extents.size(); i-- > 1;) {
    const auto product = checked_mul(strides[i], extents[i]);
    SPARKLE_CHECK(product.has_value(), "tensor size overflows 64 bits");
    strides[i - 1] = *product;
  }
  return strides;
}

} // namespace sparkle
