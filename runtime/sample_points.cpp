#include "runtime/sample_points.h"

#include <algorithm>
#include <random>

namespace sparkle {
namespace {

/// Tiles end where the code changes: within this of the end of a dimension, and around multiples of small powers of
/// two.
constexpr int64_t kTail = 16;
constexpr int kPointsPerBorder = 32;

using Point = std::vector<int64_t>;

class Sampling {
public:
  Sampling(const std::vector<int64_t> &shape, uint64_t seed) : shape_(shape), random_(seed) {}

  void add_corners() {
    for (size_t corner = 0; corner < (size_t{1} << shape_.size()); ++corner) {
      Point point;
      for (size_t d = 0; d < shape_.size(); ++d) point.push_back((corner >> d & 1) != 0 ? shape_[d] - 1 : 0);
      points_.push_back(std::move(point));
    }
  }

  /// Dimension `d` in [first, last], the others anywhere.
  void add_slab(size_t d, int64_t first, int64_t last) {
    for (int i = 0; i < kPointsPerBorder; ++i) {
      Point point = anywhere();
      point[d] = std::uniform_int_distribution<int64_t>(first, last)(random_);
      points_.push_back(std::move(point));
    }
  }

  void add_anywhere(int64_t count) {
    for (int64_t i = 0; i < count; ++i) points_.push_back(anywhere());
  }

  std::vector<Point> take() {
    std::ranges::sort(points_);
    points_.erase(std::unique(points_.begin(), points_.end()), points_.end());
    return std::move(points_);
  }

private:
  Point anywhere() {
    Point point;
    for (const int64_t extent : shape_) point.push_back(std::uniform_int_distribution<int64_t>(0, extent - 1)(random_));
    return point;
  }

  const std::vector<int64_t> &shape_;
  std::mt19937_64 random_;
  std::vector<Point> points_;
};

} // namespace

std::vector<std::vector<int64_t>> sample_points(const std::vector<int64_t> &shape, int64_t random, uint64_t seed) {
  if (std::ranges::any_of(shape, [](int64_t extent) { return extent <= 0; })) return {};
  Sampling sampling(shape, seed);
  sampling.add_corners();
  for (size_t d = 0; d < shape.size(); ++d) {
    sampling.add_slab(d, 0, 0);
    sampling.add_slab(d, shape[d] - 1, shape[d] - 1);
    sampling.add_slab(d, std::max<int64_t>(shape[d] - kTail, 0), shape[d] - 1);
  }
  sampling.add_anywhere(random);
  return sampling.take();
}

} // namespace sparkle
