#include "tools/peers/openblas_peer.h"

#include <algorithm>
#include <cblas.h>
#include <cstring>
#include <limits>
#include <vector>

namespace sparkle::bench {
namespace {

/// Places of one axis that windows touch.
struct Axis {
  explicit Axis(const SpatialShape &shape) : shape(shape) {}
  /// Of tap `tap` of output `out`; negative: outside.
  int64_t place(int64_t out, int64_t tap) const {
    const int64_t at = out * shape.stride + tap * shape.dilation - shape.pad;
    return at < shape.in ? at : -1;
  }
  SpatialShape shape;
};

int64_t product(const ConvolutionShape &shape, int64_t SpatialShape::*value) {
  int64_t result = 1;
  for (const SpatialShape &axis : shape.spatial) result *= axis.*value;
  return result;
}

/// Its windows are its pixels, in their order.
bool is_pointwise(const ConvolutionShape &shape) {
  return std::all_of(shape.spatial.begin(), shape.spatial.end(), [](const SpatialShape &axis) {
    return axis.kernel == 1 && axis.stride == 1 && axis.pad == 0 && axis.in == axis.out;
  });
}

class OpenblasPeer : public Peer {
public:
  OpenblasPeer(const BenchCase &bench, const PeerInputs &inputs, int threads)
      : bench_(bench), inputs_(inputs), threads_(threads), d_(bench.shape.d()), h_(bench.shape.h()),
        w_(bench.shape.w()), i_(bench.shape.ic / bench.shape.groups), o_(bench.shape.oc / bench.shape.groups),
        taps_(product(bench.shape, &SpatialShape::kernel)), pixels_in_(product(bench.shape, &SpatialShape::in)),
        pixels_(product(bench.shape, &SpatialShape::out)), is_pointwise_(is_pointwise(bench.shape)) {
    pack_weights();
    if (!is_pointwise_) windows_.resize(static_cast<size_t>(pixels_ * taps_ * i_));
    dst_.resize(static_cast<size_t>(bench.shape.batch * bench.shape.oc * pixels_));
  }

  Status run() override {
    const ConvolutionShape &s = bench_.shape;
    for (int64_t n = 0; n < s.batch; ++n) {
      const float *src = inputs_.src->as<float>() + n * s.ic * pixels_in_;
      float *dst = dst_.data() + n * s.oc * pixels_;
      for (int64_t g = 0; g < s.groups; ++g) has_channels_last() ? last(src, dst, g) : first(src, dst, g);
      finish(dst);
    }
    return ok();
  }

  Status fetch(HostTensor &dst) override {
    std::copy(dst_.begin(), dst_.end(), dst.as<float>());
    return ok();
  }

  std::string description() const override {
    return std::string(is_pointwise_ ? "sgemm" : "im2col and sgemm") + " (" + openblas_get_corename() + "), " +
           std::string(name_of(bench_.layout)) + " images";
  }

private:
  bool has_channels_last() const { return bench_.layout == ImageLayout::kChannelsLast; }

  /// Ours are [taps, group, in, out]; those of a group's matrix [taps, in, out].
  void pack_weights() {
    const ConvolutionShape &s = bench_.shape;
    const float *ours = inputs_.wei->as<float>();
    weights_.resize(static_cast<size_t>(taps_ * s.ic * o_));
    for (int64_t g = 0; g < s.groups; ++g)
      for (int64_t tap = 0; tap < taps_; ++tap)
        std::copy_n(ours + (tap * s.groups + g) * i_ * o_, i_ * o_, weights_.data() + (g * taps_ + tap) * i_ * o_);
  }

  /// The pixel that tap `tap` of output pixel `pixel` reads; negative: outside.
  int64_t pixel_of(int64_t pixel, int64_t tap) const {
    const int64_t kw = w_.shape.kernel, kh = h_.shape.kernel, ow = w_.shape.out, oh = h_.shape.out;
    const int64_t d = d_.place(pixel / ow / oh, tap / kw / kh), h = h_.place(pixel / ow % oh, tap / kw % kh);
    const int64_t w = w_.place(pixel % ow, tap % kw);
    return d < 0 || h < 0 || w < 0 ? -1 : (d * h_.shape.in + h) * w_.shape.in + w;
  }

  /// A row for each output pixel: all channels of its taps.
  void last(const float *src, float *dst, int64_t g) {
    const int64_t depth = taps_ * i_, ic = bench_.shape.ic, oc = bench_.shape.oc;
    const float *channels = src + g * i_;
    if (!is_pointwise_) {
#pragma omp parallel for num_threads(threads_)
      for (int64_t pixel = 0; pixel < pixels_; ++pixel)
        for (int64_t tap = 0; tap < taps_; ++tap) {
          const int64_t from = pixel_of(pixel, tap);
          float *to = windows_.data() + pixel * depth + tap * i_;
          if (from < 0) std::fill_n(to, i_, 0.0F);
          if (from >= 0) std::memcpy(to, channels + from * ic, static_cast<size_t>(i_) * sizeof(float));
        }
    }
    const float *rows = is_pointwise_ ? channels : windows_.data();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, narrow(pixels_), narrow(o_), narrow(depth), 1, rows,
                narrow(is_pointwise_ ? ic : depth), group_weights(g), narrow(o_), 0, dst + g * o_, narrow(oc));
  }

  /// A row for each channel of each tap: all output pixels.
  void first(const float *src, float *dst, int64_t g) {
    const int64_t depth = taps_ * i_;
    const float *planes = src + g * i_ * pixels_in_;
    if (!is_pointwise_) {
#pragma omp parallel for num_threads(threads_)
      for (int64_t row = 0; row < depth; ++row) plane_of(planes + row % i_ * pixels_in_, row / i_, row);
    }
    const float *rows = is_pointwise_ ? planes : windows_.data();
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, narrow(o_), narrow(pixels_), narrow(depth), 1,
                group_weights(g), narrow(o_), rows, narrow(pixels_), 0, dst + g * o_ * pixels_, narrow(pixels_));
  }

  /// One row: line by line, so that what is alike along a line is found out once.
  void plane_of(const float *plane, int64_t tap, int64_t row) {
    const int64_t width = w_.shape.out, last_tap = tap % w_.shape.kernel;
    float *to = windows_.data() + row * pixels_;
    for (int64_t line = 0; line < pixels_ / width; ++line, to += width) {
      const int64_t h = h_.place(line % h_.shape.out, tap / w_.shape.kernel % h_.shape.kernel);
      const int64_t d = d_.place(line / h_.shape.out, tap / w_.shape.kernel / h_.shape.kernel);
      const float *from = plane + (d * h_.shape.in + h) * w_.shape.in;
      for (int64_t x = 0; x < width; ++x) {
        const int64_t w = w_.place(x, last_tap);
        to[x] = d < 0 || h < 0 || w < 0 ? 0.0F : from[w];
      }
    }
  }

  /// Bias and ReLU.
  void finish(float *dst) const {
    const int64_t oc = bench_.shape.oc;
    const bool is_last = has_channels_last();
    const float *bias = inputs_.bias->as<float>();
    const int64_t rows = is_last ? pixels_ : oc, columns = is_last ? oc : pixels_;
#pragma omp parallel for num_threads(threads_)
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t x = 0; x < columns; ++x)
        dst[row * columns + x] = std::max(dst[row * columns + x] + bias[is_last ? x : row], 0.0F);
  }

  const float *group_weights(int64_t g) const { return weights_.data() + g * taps_ * i_ * o_; }
  static int narrow(int64_t extent) { return static_cast<int>(extent); }

  const BenchCase bench_;
  const PeerInputs inputs_;
  const int threads_;
  const Axis d_, h_, w_;
  const int64_t i_, o_; ///< Channels of a group.
  const int64_t taps_, pixels_in_, pixels_;
  const bool is_pointwise_;
  std::vector<float> weights_, windows_, dst_;
};

} // namespace

Result<std::unique_ptr<Peer>> make_openblas_peer(const BenchCase &bench, const PeerInputs &inputs,
                                                 const PeerConditions &conditions) {
  const ConvolutionShape &s = bench.shape;
  if (bench.op != Op::kConv) return Error{ErrorCode::kUnsupported, "OpenBLAS has no pooling"};
  if (bench.element != "f32") return Error{ErrorCode::kUnsupported, "OpenBLAS multiplies f32 alone"};
  if (s.groups > 1 && s.groups == s.ic)
    return Error{ErrorCode::kUnsupported, "a depthwise convolution is no product of matrices"};
  constexpr int64_t kMost = std::numeric_limits<int>::max();
  const int64_t depth = product(s, &SpatialShape::kernel) * s.ic / s.groups;
  const int64_t pixels = std::max(product(s, &SpatialShape::out), product(s, &SpatialShape::in));
  if (std::max({depth, pixels, s.ic, s.oc}) > kMost)
    return Error{ErrorCode::kUnsupported, "OpenBLAS counts rows and columns with 32 bits"};
  openblas_set_num_threads(conditions.threads);
  return std::unique_ptr<Peer>(std::make_unique<OpenblasPeer>(bench, inputs, conditions.threads));
}

} // namespace sparkle::bench
