// Programs and schedules that several tests share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/builder.h"
#include "compiler/schedule/schedule.h"

namespace sparkle::test {

struct ConvShape {
  int64_t n, ih, iw, ic, oc, kh, kw, stride, pad;
  int64_t oh() const { return (ih + 2 * pad - kh) / stride + 1; }
  int64_t ow() const { return (iw + 2 * pad - kw) / stride + 1; }
};

inline BufferId add_argument(Program &program, Builder &b, std::string name, const std::vector<int64_t> &extents,
                             Role role) {
  Tensor tensor;
  tensor.name = name;
  tensor.role = role;
  for (const int64_t extent : extents) tensor.extents.push_back({extent, kNoId<SymbolId>});
  Buffer buffer;
  buffer.name = name;
  buffer.role = role;
  buffer.tensor = program.tensors.add(tensor);
  for (const int64_t extent : extents) buffer.extents.push_back(b.index(extent));
  for (const int64_t stride : dense_strides(extents)) buffer.strides.push_back(b.index(stride));
  return b.kernel().add_buffer(buffer);
}

inline ExprId inside(Builder &b, ExprId index, int64_t extent) {
  return b.both(b.less_equal(b.index(0), index), b.less(index, b.index(extent)));
}

/// dst = max(conv(src, wei) + bias, 0) in NHWC and HWIO.
inline Program conv_program(const ConvShape &s) {
  Program program;
  program.name = "conv2d";
  Kernel kernel;
  kernel.name = "dst";
  Builder b(kernel);
  const BufferId src = add_argument(program, b, "src", {s.n, s.ih, s.iw, s.ic}, Role::kInput);
  const BufferId wei = add_argument(program, b, "wei", {s.kh, s.kw, s.ic, s.oc}, Role::kConst);
  const BufferId bias = add_argument(program, b, "bias", {s.oc}, Role::kConst);
  const BufferId dst = add_argument(program, b, "dst", {s.n, s.oh(), s.ow(), s.oc}, Role::kOutput);
  const auto variable = [&](const char *name, VarKind kind) {
    return kernel.add_var({name, kIndexType, kind, name, 0});
  };
  const VarId n = variable("n", VarKind::kLoop), oh = variable("oh", VarKind::kLoop),
              ow = variable("ow", VarKind::kLoop);
  const VarId oc = variable("oc", VarKind::kLoop), kh = variable("kh", VarKind::kAxis),
              kw = variable("kw", VarKind::kAxis);
  const VarId ic = variable("ic", VarKind::kAxis);
  const auto position = [&](VarId out, VarId tap) {
    return b.add(b.mul(b.var(out), b.index(s.stride)), b.sub(b.var(tap), b.index(s.pad)));
  };
  const ExprId ih = position(oh, kh), iw = position(ow, kw), zero = b.real(kF32Type, 0);
  const ExprId guard = s.pad > 0 ? b.both(inside(b, ih, s.ih), inside(b, iw, s.iw)) : kNoId<ExprId>;
  const ExprId read = b.read(src, {b.var(n), ih, iw, b.var(ic)}, guard, s.pad > 0 ? zero : kNoId<ExprId>);
  const ExprId term = b.mul(read, b.read(wei, {b.var(kh), b.var(kw), b.var(ic), b.var(oc)}));
  const auto axis = [&](VarId var, int64_t extent) { return ReduceAxis{var, b.index(0), b.index(extent)}; };
  const ExprId sum = b.reduce(ReduceOp::kSum, {axis(kh, s.kh), axis(kw, s.kw), axis(ic, s.ic)}, term);
  const ExprId value = b.max(b.add(sum, b.read(bias, {b.var(oc)})), zero);
  StmtId body = b.store(dst, {b.var(n), b.var(oh), b.var(ow), b.var(oc)}, value);
  body = b.loop(oc, s.oc, LoopKind::kSerial, body);
  body = b.loop(ow, s.ow(), LoopKind::kSerial, body);
  body = b.loop(oh, s.oh(), LoopKind::kSerial, body);
  kernel.body = b.loop(n, s.n, LoopKind::kSerial, body);
  program.kernels.push_back(kernel);
  program.flops = 2 * s.n * s.oh() * s.ow() * s.oc * s.kh * s.kw * s.ic;
  program.flops_executed = program.flops;
  return program;
}

/// For a 3x3 convolution with ow a multiple of 14: a register tile of 14 x 32, weights packed.
inline constexpr std::string_view kCpuConvSchedule = R"(kernel dst {
  split oc: group, unrolled 2, lane 16
  split n: group
  split oh: group
  split ow: group, unrolled 14
  split ic: serial, unrolled 4
  order oc.0 n.0 oh.0 ow.0 kh.0 kw.0 ic.0 ic.1 ow.1 oc.1 oc.2
  stage wei far layout oc.0 kh.0 kw.0 ic.0 ic.1 oc.1 oc.2
  partition ow kw
}
)";

/// Fused, staged in near memory and registers, two buffers, one step ahead.
inline constexpr std::string_view kGpuConvSchedule = R"(kernel dst {
  fuse p = n oh ow
  fuse k = kh kw ic
  split p: group, unrolled 2, worker 16, unrolled 4
  split oc: group, unrolled 2, worker 16, lane 4
  split k: serial, unrolled 8
  order p.0 oc.0 p.2 oc.2 k.0 k.1 p.1 p.3 oc.1 oc.3
  stage wei far layout oc.0 k.0 k.1 oc.1 oc.2 oc.3
  stage src near at k.0 layout k.1 p.1 p.2 p.3 skew 4 walk p.1 p.2 p.3 k.1 lanes 4 buffers 2 ahead 1
  stage wei near at k.0 layout k.1 oc.1 oc.2 oc.3 lanes 4 buffers 2 ahead 1
  stage src register at k.1 layout p.1 p.3 lanes 4
  stage wei register at k.1 layout oc.1 oc.3 lanes 4
}
)";

inline Schedule schedule_of(std::string_view text) {
  Diagnostics diagnostics;
  Result<Schedule> schedule = parse_schedule(Source("test.schedule", std::string(text)), diagnostics);
  SPARKLE_CHECK(schedule.has_value(), "a schedule of a test does not parse");
  return *schedule;
}

} // namespace sparkle::test
