#include "runtime/fill.h"

#include "runtime/element.h"

namespace sparkle {

namespace {

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) at position `number` of the stream of `seed`: no state, any order.
uint64_t random_bits(uint64_t seed, uint64_t number) {
  // the seed is mixed first, or streams of neighbouring seeds would be shifted copies of each other
  uint64_t z = seed + 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z ^= (number + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// In [0, 1), a multiple of 2^-53.
double unit(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

/// Stores value(number) at every element, walking dense tensors without the division of offset_of.
template <class Value> void fill_each(HostTensor &tensor, const Value &value) {
  const int64_t bytes = bytes_of(tensor.element());
  auto *base = static_cast<std::byte *>(tensor.data());
  const bool dense = tensor.is_dense();
  if (dense && tensor.element() == Scalar::kF32) { // Most are: a plain loop.
    float *reals = tensor.as<float>();
    for (int64_t i = 0; i < tensor.element_count(); ++i) reals[i] = static_cast<float>(value(i));
    return;
  }
  for (int64_t i = 0; i < tensor.element_count(); ++i) {
    store_element(base + (dense ? i : tensor.offset_of(i)) * bytes, tensor.element(), value(i));
  }
}

} // namespace

void fill_constant(HostTensor &tensor, double value) {
  fill_each(tensor, [=](int64_t) { return value; });
}

void fill_uniform(HostTensor &tensor, uint64_t seed, double low, double high) {
  fill_each(tensor, [=](int64_t i) { return low + (high - low) * unit(random_bits(seed, static_cast<uint64_t>(i))); });
}

void fill_integers(HostTensor &tensor, uint64_t seed, int64_t low, int64_t high) {
  SPARKLE_CHECK(low <= high, "an empty range of integers");
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
  fill_each(tensor, [=](int64_t i) {
    // multiply-shift instead of modulo: no bias towards small values worth mentioning, and cheaper
    const auto bits = static_cast<unsigned __int128>(random_bits(seed, static_cast<uint64_t>(i)));
    return static_cast<double>(low + static_cast<int64_t>(static_cast<uint64_t>((bits * range) >> 64)));
  });
}

void fill_ramp(HostTensor &tensor, int64_t period) {
  SPARKLE_CHECK(period > 0, "a ramp needs a period");
  fill_each(tensor, [=](int64_t i) { return static_cast<double>(i % period); });
}

void fill_checkerboard(HostTensor &tensor) {
  fill_each(tensor, [&](int64_t i) {
    int64_t sum = 0;
    for (size_t d = tensor.shape().size(); d-- > 0;) {
      sum += i % tensor.shape()[d];
      i /= tensor.shape()[d];
    }
    return sum % 2 == 0 ? 1.0 : 0.0;
  });
}

} // namespace sparkle
