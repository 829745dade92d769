// Fragment operations, done once per team.
#include <cstring>

#include "targets/reference/executor.h"

namespace sparkle::reference {
namespace {

NearMemory *memory_of(BufferId fragment, Worker &worker) {
  Machine &machine = *worker.machine;
  NearMemory *memory = *at<NearMemory *>(worker, machine.code().locals[index_of(fragment)].data);
  if (!memory)
    machine.fail("`" + machine.kernel().buffer(fragment).name + "` is used outside of the block that allocates it");
  return memory;
}

/// Fragments are dense, row after row.
struct Tile {
  NearMemory *memory = nullptr;
  Scalar element = Scalar::kF32;
  int64_t rows = 0, columns = 0, bytes = 4;

  bool open(BufferId fragment, Worker &worker) {
    const Shape &shape = worker.machine->shape(fragment);
    memory = memory_of(fragment, worker);
    if (!memory) return false;
    if (shape.extents.size() != 2) return worker.machine->fail("a fragment has two dimensions");
    element = worker.machine->kernel().buffer(fragment).element;
    rows = shape.extents[0];
    columns = shape.extents[1];
    bytes = shape.element_bytes;
    return static_cast<int64_t>(memory->written.size()) == rows * columns ||
           worker.machine->fail("a fragment is not dense");
  }
  std::byte *at(int64_t i) const { return memory->data.data() + i * bytes; }
  bool is_written() const {
    for (uint8_t w : memory->written)
      if (!w) return false;
    return true;
  }
  void set_written() { memory->written.assign(memory->written.size(), 1); }
};

template <class T> T as(const std::byte *data) {
  T value;
  std::memcpy(&value, data, sizeof value);
  return value;
}

float real_at(const Tile &tile, int64_t i) {
  if (tile.element == Scalar::kF32) return as<float>(tile.at(i));
  return tile.element == Scalar::kF16 ? as<Half>(tile.at(i)).wide() : as<BFloat>(tile.at(i)).wide();
}

int32_t whole_at(const Tile &tile, int64_t i) {
  if (tile.element == Scalar::kI32) return as<int32_t>(tile.at(i));
  return tile.element == Scalar::kI8 ? int32_t{as<int8_t>(tile.at(i))} : int32_t{as<uint8_t>(tile.at(i))};
}

void put(const Tile &tile, int64_t i, float value) {
  if (tile.element == Scalar::kF32) return void(std::memcpy(tile.at(i), &value, 4));
  const uint16_t bits = tile.element == Scalar::kF16 ? float_to_half(value) : float_to_bfloat(value);
  std::memcpy(tile.at(i), &bits, 2);
}
void put(const Tile &tile, int64_t i, int32_t value) { std::memcpy(tile.at(i), &value, 4); }

/// Sums in f32 or i32, from k = 0 up, rounded to the accumulator's type at the end.
template <class T, class Get> void multiply(const Tile &d, const Tile &a, const Tile &b, const Tile &c, Get get) {
  std::vector<T> sums;
  for (int64_t row = 0; row < d.rows; ++row) {
    for (int64_t column = 0; column < d.columns; ++column) {
      T sum = get(c, row * c.columns + column);
      for (int64_t k = 0; k < a.columns; ++k)
        sum = apply(BinaryOp::kAdd, sum,
                    apply(BinaryOp::kMul, T(get(a, row * a.columns + k)), T(get(b, k * b.columns + column))));
      sums.push_back(sum);
    }
  }
  for (size_t i = 0; i < sums.size(); ++i) put(d, static_cast<int64_t>(i), sums[i]); // d may be c.
}

} // namespace

bool fill_fragment(const Node &node, Worker &worker) {
  Tile tile;
  if (!tile.open(node.access.buffer, worker)) return false;
  for (int64_t i = 0; i < tile.rows * tile.columns; ++i)
    std::memcpy(tile.at(i), worker.frame + node.value, static_cast<size_t>(tile.bytes));
  tile.set_written();
  return true;
}

bool move_fragment(const Node &node, Worker &worker) {
  Machine &machine = *worker.machine;
  Tile tile;
  if (!tile.open(node.move.fragment, worker)) return false;
  if (node.move.is_store && !tile.is_written()) return machine.fail("a fragment is stored but was never written");
  for (int64_t i = 0; i < tile.rows * tile.columns; ++i) {
    int64_t row = i / tile.columns, column = i % tile.columns;
    if (node.move.transposed) std::swap(row, column);
    *at<int64_t>(worker, node.row) = *at<int64_t>(worker, node.begin) + row;
    *at<int64_t>(worker, node.column) = *at<int64_t>(worker, node.end) + column;
    const bool done = node.move.is_store ? machine.store(node.access, worker, 0, tile.at(i))
                                         : machine.load(node.access, worker, 0, tile.at(i));
    if (!done) return false;
  }
  if (!node.move.is_store) tile.set_written();
  return true;
}

bool multiply_fragments(const Node &node, Worker &worker) {
  Tile d, a, b, c;
  const FragmentMma &mma = node.mma;
  if (!d.open(mma.d, worker) || !a.open(mma.a, worker) || !b.open(mma.b, worker) || !c.open(mma.c, worker))
    return false;
  Machine &machine = *worker.machine;
  if (a.rows != d.rows || b.columns != d.columns || a.columns != b.rows || c.rows != d.rows || c.columns != d.columns)
    return machine.fail("the shapes of fragments do not fit");
  if (!a.is_written() || !b.is_written() || !c.is_written())
    return machine.fail("a fragment is read but was never written");
  if (is_float(d.element))
    multiply<float>(d, a, b, c, real_at);
  else
    multiply<int32_t>(d, a, b, c, whole_at);
  d.set_written();
  return true;
}

} // namespace sparkle::reference
