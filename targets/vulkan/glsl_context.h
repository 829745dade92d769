// What the parts of the GLSL emitter share while one kernel is written.
#pragma once

#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "compiler/analysis/interval.h"
#include "compiler/ir/builder.h"
#include "compiler/support/string_builder.h"
#include "targets/vulkan/buffer_views.h"
#include "targets/vulkan/glsl_text.h"
#include "targets/vulkan/index_math.h"
#include "targets/vulkan/launch_shape.h"

namespace sparkle::vulkan {

/// Functions that GLSL lacks; written above main where something calls them. Ordered as they are written.
enum class HelperKind : uint8_t {
  kFloorDiv,
  kFloorMod,
  kMin,
  kMax,
  kToInt,
  kHalfToFloat,
  kFloatToHalf,
  kFloatToBfloat,
  kIntToBfloat,
  kSqrt
};
struct Helper {
  HelperKind kind;
  Type type; ///< Of the first parameter.
  auto operator<=>(const Helper &other) const {
    return std::tuple(kind, type.scalar, type.lanes) <=> std::tuple(other.kind, other.type.scalar, other.type.lanes);
  }
  bool operator==(const Helper &) const = default;
};

struct GlslContext {
  explicit GlslContext(const Kernel &in) : kernel(in), divisors(in) {}
  GlslContext(const GlslContext &) = delete;
  GlslContext &operator=(const GlslContext &) = delete;

  Kernel kernel; ///< A copy, to which folded subscripts are added.
  Builder build{kernel};
  Ranges ranges;
  Divisors divisors;
  LaunchShape shape;
  Names names;
  std::unordered_map<VarId, std::string> vars;
  std::unordered_map<BufferId, BufferView> views;
  std::set<Helper> helpers;
  /// Common subexpressions that have a name, and single-use loads whose element stands in for the variable.
  std::unordered_map<ExprId, Text> named;
  StringBuilder out;

  /// Until the end of the scope that is open, `id` is written as `text`.
  void name_expr(ExprId id, Text text) {
    if (named.emplace(id, std::move(text)).second) naming_order_.push_back(id);
  }

  /// A scope of GLSL: what is declared and learned in it ends with it.
  class Scope {
  public:
    explicit Scope(GlslContext &c) : c_(c), ranges_(c.ranges), named_(c.naming_order_.size()), names_(c.names.mark()) {}
    ~Scope() {
      for (auto &order = c_.naming_order_; order.size() > named_; order.pop_back()) c_.named.erase(order.back());
      c_.names.release(names_);
    }
    Scope(const Scope &) = delete;
    Scope &operator=(const Scope &) = delete;

  private:
    GlslContext &c_;
    RangesScope ranges_;
    size_t named_, names_;
  };

  std::string type_name(Type type) const { return glsl_type(type, kernel.index_bits); }
  const std::string &name_of_var(VarId var) {
    std::string &name = vars[var];
    if (name.empty()) name = names.fresh(plain_name(kernel.var(var).name));
    return name;
  }

private:
  /// Without the `_2` that made the name unique in the kernel: in GLSL, scopes do that.
  static std::string plain_name(const std::string &name) {
    size_t at = name.rfind('_');
    bool numbered = at != std::string::npos && at > 0 && at + 1 < name.size() && name[at + 1] != '0' &&
                    name.find_first_not_of("0123456789", at + 1) == std::string::npos;
    return numbered ? name.substr(0, at) : name;
  }
  std::vector<ExprId> naming_order_;
};

} // namespace sparkle::vulkan
