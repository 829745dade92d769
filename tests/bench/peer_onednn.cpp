// oneDNN 2.x as a peer.
#include <cstring>

#include "tests/bench/peer.h"

#ifdef SPARKLE_HAS_ONEDNN
#include <omp.h>
#include <oneapi/dnnl/dnnl.hpp>
#if DNNL_VERSION_MAJOR != 2 // Later ones have no operation descriptors.
#undef SPARKLE_HAS_ONEDNN
#endif
#endif

namespace sparkle::bench {

#ifdef SPARKLE_HAS_ONEDNN
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

memory::data_type type_of(const std::string &element) {
  if (element == "u8") return memory::data_type::u8;
  return element == "i8" ? memory::data_type::s8 : memory::data_type::f32;
}

/// Two extents of the shape, rows first.
memory::dims both(const ConvolutionShape &shape, int64_t (*value)(const SpatialShape &)) {
  return {value(shape.h()), value(shape.w())};
}

memory::dims padding_behind(const ConvolutionShape &shape) {
  return both(shape, [](const SpatialShape &s) {
    return (s.out - 1) * s.stride + (s.kernel - 1) * s.dilation + 1 - s.in - s.pad;
  });
}

class OnednnPeer : public Peer {
public:
  OnednnPeer(const BenchCase &bench, const PeerInputs &inputs) : bench_(bench), inputs_(inputs) {
    const ConvolutionShape &s = bench.shape;
    plain_ = bench.layout == test::ImageLayout::kChannelsLast ? Tag::nhwc : Tag::nchw;
    const int64_t outputs = bench.op == Op::kConv ? s.oc : s.ic;
    src_dims_ = {s.batch, s.ic, s.h().in, s.w().in};
    dst_dims_ = {s.batch, outputs, s.h().out, s.w().out};
    bench.op == Op::kConv ? make_conv() : make_pool();
  }

  Status run() override {
    primitive_.execute(stream_, arguments_);
    stream_.wait();
    return ok();
  }

  Status fetch(HostTensor &dst) override {
    memory plain({dst_dims_, type_of(bench_.element), plain_}, engine_, dst.data());
    reorder(dst_, plain);
    return ok();
  }

  std::string description() const override { return implementation_ + ", " + formats_; }

private:
  void reorder(memory from, memory to) {
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
  }

  /// `data`, which has the dimensions and format given, in the format that the primitive wants.
  memory brought(const void *data, const memory::dims &dims, Tag format, const memory::desc &wanted,
                 memory::data_type type) {
    memory plain({dims, type, format}, engine_, const_cast<void *>(data));
    memory result(wanted, engine_);
    reorder(plain, result);
    return result;
  }

  void make_conv() {
    const ConvolutionShape &s = bench_.shape;
    const auto any = [](const memory::dims &dims) { return memory::desc(dims, memory::data_type::f32, Tag::any); };
    const memory::dims taps = both(s, [](const SpatialShape &x) { return x.kernel; });
    const int64_t inputs = s.ic / s.groups, outputs = s.oc / s.groups;
    memory::dims wei = {outputs, inputs, taps[0], taps[1]};
    if (s.groups > 1) wei.insert(wei.begin(), s.groups);
    const dnnl::convolution_forward::desc desc(dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_auto,
                                               any(src_dims_), any(wei),
                                               memory::desc({s.oc}, memory::data_type::f32, Tag::a), any(dst_dims_),
                                               both(s, [](const SpatialShape &x) { return x.stride; }),
                                               both(s, [](const SpatialShape &x) { return x.dilation - 1; }),
                                               both(s, [](const SpatialShape &x) { return x.pad; }), padding_behind(s));
    dnnl::post_ops relu;
    relu.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(relu);
    const dnnl::convolution_forward::primitive_desc primitive(desc, attributes, engine_);
    implementation_ = primitive.impl_info_str();
    formats_ = "formats of its choice";
    dst_ = memory(primitive.dst_desc(), engine_);
    // Ours are [KH, KW, (G,) I, O], and [KH, KW, O] where a group has one input.
    const Tag ours = s.groups > 1 ? Tag::hwigo : Tag::hwio;
    memory::desc weights(wei, memory::data_type::f32, ours);
    if (s.groups > 1) weights = memory::desc(wei, memory::data_type::f32, group_strides(wei));
    memory plain(weights, engine_, const_cast<void *>(inputs_.wei->data()));
    memory packed(primitive.weights_desc(), engine_);
    reorder(plain, packed);
    arguments_ = {
        {DNNL_ARG_SRC, brought(inputs_.src->data(), src_dims_, plain_, primitive.src_desc(), memory::data_type::f32)},
        {DNNL_ARG_WEIGHTS, packed},
        {DNNL_ARG_BIAS, memory(primitive.bias_desc(), engine_, const_cast<void *>(inputs_.bias->data()))},
        {DNNL_ARG_DST, dst_}};
    primitive_ = dnnl::convolution_forward(primitive);
  }

  /// Of [KH, KW, G, I, O] in the order g, o, i, kh, kw; one input a group is [KH, KW, G * O], the same memory.
  static memory::dims group_strides(const memory::dims &wei) {
    const int64_t g = wei[0], o = wei[1], i = wei[2], kw = wei[4];
    return {i * o, 1, o, kw * g * i * o, g * i * o};
  }

  void make_pool() {
    const ConvolutionShape &s = bench_.shape;
    const memory::data_type type = type_of(bench_.element);
    const auto algorithm =
        bench_.op == Op::kMaxPool ? dnnl::algorithm::pooling_max : dnnl::algorithm::pooling_avg_exclude_padding;
    const dnnl::pooling_v2_forward::desc desc(
        dnnl::prop_kind::forward_inference, algorithm, memory::desc(src_dims_, type, plain_),
        memory::desc(dst_dims_, type, Tag::any), both(s, [](const SpatialShape &x) { return x.stride; }),
        both(s, [](const SpatialShape &x) { return x.kernel; }),
        both(s, [](const SpatialShape &x) { return x.dilation - 1; }),
        both(s, [](const SpatialShape &x) { return x.pad; }), padding_behind(s));
    const dnnl::pooling_v2_forward::primitive_desc primitive(desc, engine_);
    implementation_ = primitive.impl_info_str();
    formats_ = plain_ == Tag::nhwc ? "nhwc" : "nchw";
    dst_ = memory(primitive.dst_desc(), engine_);
    arguments_ = {{DNNL_ARG_SRC, brought(inputs_.src->data(), src_dims_, plain_, primitive.src_desc(), type)},
                  {DNNL_ARG_DST, dst_}};
    primitive_ = dnnl::pooling_v2_forward(primitive);
  }

  const BenchCase bench_;
  const PeerInputs inputs_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  Tag plain_ = Tag::nhwc;
  memory::dims src_dims_, dst_dims_;
  memory dst_;
  dnnl::primitive primitive_;
  std::unordered_map<int, memory> arguments_;
  std::string implementation_, formats_;
};

} // namespace

Result<std::unique_ptr<Peer>> make_onednn_peer(const BenchCase &bench, const PeerInputs &inputs) {
  omp_set_num_threads(1);
  try {
    return std::unique_ptr<Peer>(std::make_unique<OnednnPeer>(bench, inputs));
  } catch (const dnnl::error &error) {
    return Error{ErrorCode::kUnsupported, std::string("oneDNN: ") + error.what()};
  }
}

#else

Result<std::unique_ptr<Peer>> make_onednn_peer(const BenchCase &, const PeerInputs &) {
  return Error{ErrorCode::kUnsupported, "oneDNN 2 was not found when this was built"};
}

#endif

} // namespace sparkle::bench
