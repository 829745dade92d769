#include "targets/x86/vreg.h"

namespace sparkle::x86 {
namespace {

constexpr OpInfo make(std::string_view name, Operand dst, std::array<Operand, 3> src, OpInfo::Memory memory,
                      OpInfo::Immediate immediate, OpInfo::Needs needs) {
  return {name, dst, src, memory, immediate, needs};
}

constexpr OpInfo kInfos[] = {
#define SPARKLE_X86_OP(id, name, result, sources, memory, immediate, needs)                                            \
  make(name, Operand::result, sources, OpInfo::Memory::memory, OpInfo::Immediate::immediate, OpInfo::Needs::needs),
#include "targets/x86/ops.def"
#undef SPARKLE_X86_OP
};

} // namespace

const OpInfo &info_of(Op op) { return kInfos[static_cast<size_t>(op)]; }

} // namespace sparkle::x86
