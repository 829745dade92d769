#include "tools/peers/onednn_peer.h"

#include <omp.h>
#include <oneapi/dnnl/dnnl.hpp>

static_assert(DNNL_VERSION_MAJOR == 2, "later versions have no operation descriptors");

namespace sparkle::bench {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

memory::data_type type_of(const std::string &element) {
  if (element == "u8") return memory::data_type::u8;
  return element == "i8" ? memory::data_type::s8 : memory::data_type::f32;
}

/// Of each spatial axis that the shape has, the outermost first.
memory::dims each(const ConvolutionShape &shape, int64_t (*value)(const SpatialShape &)) {
  memory::dims values;
  for (size_t at = 3 - static_cast<size_t>(shape.rank); at < 3; ++at) values.push_back(value(shape.spatial[at]));
  return values;
}

memory::dims with_pixels(memory::dims first, const ConvolutionShape &shape, int64_t (*value)(const SpatialShape &)) {
  for (const int64_t extent : each(shape, value)) first.push_back(extent);
  return first;
}

Tag plain_tag(const BenchCase &bench) {
  const Tag last[] = {Tag::nwc, Tag::nhwc, Tag::ndhwc}, first[] = {Tag::ncw, Tag::nchw, Tag::ncdhw};
  const auto at = static_cast<size_t>(bench.shape.rank - 1);
  return bench.layout == ImageLayout::kChannelsLast ? last[at] : first[at];
}

memory::dims padding_behind(const ConvolutionShape &shape) {
  return each(shape, [](const SpatialShape &s) {
    return (s.out - 1) * s.stride + (s.kernel - 1) * s.dilation + 1 - s.in - s.pad;
  });
}

class OnednnPeer : public Peer {
public:
  OnednnPeer(const BenchCase &bench, const PeerInputs &inputs, bool plain_images)
      : bench_(bench), inputs_(inputs), plain_images_(plain_images), plain_(plain_tag(bench)) {
    const ConvolutionShape &s = bench.shape;
    const int64_t outputs = bench.op == Op::kConv ? s.oc : s.ic;
    src_dims_ = with_pixels({s.batch, s.ic}, s, [](const SpatialShape &x) { return x.in; });
    dst_dims_ = with_pixels({s.batch, outputs}, s, [](const SpatialShape &x) { return x.out; });
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
    const auto image = [&](const memory::dims &dims) {
      return memory::desc(dims, memory::data_type::f32, plain_images_ ? plain_ : Tag::any);
    };
    const memory::dims wei = weight_dims();
    const dnnl::convolution_forward::desc desc(dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_auto,
                                               image(src_dims_), memory::desc(wei, memory::data_type::f32, Tag::any),
                                               memory::desc({s.oc}, memory::data_type::f32, Tag::a), image(dst_dims_),
                                               each(s, [](const SpatialShape &x) { return x.stride; }),
                                               each(s, [](const SpatialShape &x) { return x.dilation - 1; }),
                                               each(s, [](const SpatialShape &x) { return x.pad; }), padding_behind(s));
    dnnl::post_ops relu;
    relu.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(relu);
    const dnnl::convolution_forward::primitive_desc primitive(desc, attributes, engine_);
    implementation_ = primitive.impl_info_str();
    formats_ = plain_images_ ? std::string(name_of(bench_.layout)) + " images" : "formats of its choice";
    dst_ = memory(primitive.dst_desc(), engine_);
    const memory::desc weights(wei, memory::data_type::f32, weight_strides());
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

  /// In the order (g,) o, i, pixels.
  memory::dims weight_dims() const {
    const ConvolutionShape &s = bench_.shape;
    memory::dims dims = {s.oc / s.groups, s.ic / s.groups};
    if (s.groups > 1) dims.insert(dims.begin(), s.groups);
    return with_pixels(dims, s, [](const SpatialShape &x) { return x.kernel; });
  }

  /// Of ours: [pixels, (G,) I, O]; where a group has one input [pixels, G * O], the same memory.
  memory::dims weight_strides() const {
    const ConvolutionShape &s = bench_.shape;
    const int64_t o = s.oc / s.groups, i = s.ic / s.groups;
    memory::dims pixels;
    int64_t stride = s.groups * i * o;
    for (size_t at = 3; at-- > 3 - static_cast<size_t>(s.rank);) {
      pixels.insert(pixels.begin(), stride);
      stride *= s.spatial[at].kernel;
    }
    memory::dims strides = {1, o};
    if (s.groups > 1) strides.insert(strides.begin(), i * o);
    strides.insert(strides.end(), pixels.begin(), pixels.end());
    return strides;
  }

  void make_pool() {
    const ConvolutionShape &s = bench_.shape;
    const memory::data_type type = type_of(bench_.element);
    const auto algorithm =
        bench_.op == Op::kMaxPool ? dnnl::algorithm::pooling_max : dnnl::algorithm::pooling_avg_exclude_padding;
    const dnnl::pooling_v2_forward::desc desc(
        dnnl::prop_kind::forward_inference, algorithm, memory::desc(src_dims_, type, plain_),
        memory::desc(dst_dims_, type, Tag::any), each(s, [](const SpatialShape &x) { return x.stride; }),
        each(s, [](const SpatialShape &x) { return x.kernel; }),
        each(s, [](const SpatialShape &x) { return x.dilation - 1; }),
        each(s, [](const SpatialShape &x) { return x.pad; }), padding_behind(s));
    const dnnl::pooling_v2_forward::primitive_desc primitive(desc, engine_);
    implementation_ = primitive.impl_info_str();
    formats_ = name_of(bench_.layout);
    dst_ = memory(primitive.dst_desc(), engine_);
    arguments_ = {{DNNL_ARG_SRC, brought(inputs_.src->data(), src_dims_, plain_, primitive.src_desc(), type)},
                  {DNNL_ARG_DST, dst_}};
    primitive_ = dnnl::pooling_v2_forward(primitive);
  }

  const BenchCase bench_;
  const PeerInputs inputs_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  const bool plain_images_;
  const Tag plain_;
  memory::dims src_dims_, dst_dims_;
  memory dst_;
  dnnl::primitive primitive_;
  std::unordered_map<int, memory> arguments_;
  std::string implementation_, formats_;
};

} // namespace

Result<std::unique_ptr<Peer>> make_onednn_peer(const BenchCase &bench, const PeerInputs &inputs,
                                               const PeerConditions &options) {
  omp_set_num_threads(options.threads);
  try {
    return std::unique_ptr<Peer>(std::make_unique<OnednnPeer>(bench, inputs, options.plain_images));
  } catch (const dnnl::error &error) {
    return Error{ErrorCode::kUnsupported, std::string("oneDNN: ") + error.what()};
  }
}

} // namespace sparkle::bench
