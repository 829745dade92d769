// Small kernels at Stage::kLowerable for the tests of CPU targets, and what runs them.
#pragma once

#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "compiler/ir/builder.h"
#include "compiler/target/artifact.h"

namespace sparkle::test {

/// A program of one kernel and its tensors, under construction.
class KernelMaker {
public:
  KernelMaker() {
    kernel.name = "k";
    kernel.stage = Stage::kLowerable;
  }

  BufferId tensor(const std::string &name, Scalar element, int64_t extent, Role role, int alignment = 4) {
    const TensorId id = program.tensors.add({name, element, {{extent}}, {}, role, alignment});
    Buffer buffer;
    buffer.name = name;
    buffer.element = element;
    buffer.extents = {b.index(extent)};
    buffer.strides = {b.index(1)};
    buffer.role = role;
    buffer.tensor = id;
    buffer.alignment = alignment;
    return kernel.add_buffer(buffer);
  }
  BufferId registers(const std::string &name, Scalar element, int64_t count) {
    return b.local(name, element, std::array{count}, MemoryLevel::kRegister);
  }
  StmtId load(VarId var, BufferId buffer, ExprId index, ExprId mask = kNoId<ExprId>, ExprId other = kNoId<ExprId>) {
    return kernel.add_stmt(Load{var, buffer, {index}, mask, other});
  }
  StmtId alloc(BufferId buffer) { return kernel.add_stmt(Alloc{buffer}); }

  Program finish(StmtId body) {
    kernel.body = body;
    program.name = "p";
    program.kernels.push_back(kernel);
    return program;
  }

  Program program;
  Kernel kernel;
  Builder b{kernel};
};

/// Runs tasks [first, last) of the only launch.
inline void run(const Artifact &artifact, std::vector<void *> buffers, int64_t last = 1, int64_t first = 0,
                const std::vector<int64_t> &symbols = {}, const std::vector<uint64_t> &uniforms = {}) {
  ASSERT_EQ(artifact.launches.size(), 1u);
  const Launch &launch = artifact.launches[0];
  const SparkleArguments arguments{buffers.data(), symbols.data(), uniforms.data()};
  const size_t bytes = static_cast<size_t>(launch.scratch_bytes) + 64;
  std::unique_ptr<void, decltype(&std::free)> scratch(std::aligned_alloc(64, bytes / 64 * 64), std::free);
  std::get<CpuCode>(launch.code).entry(&arguments, first, last, scratch.get());
}

/// 64-byte aligned elements.
template <class T> class Aligned {
public:
  explicit Aligned(size_t count, T value = {})
      : count_(count), data_(static_cast<T *>(std::aligned_alloc(64, (count * sizeof(T) + 63) / 64 * 64)), std::free) {
    std::fill_n(data_.get(), count, value);
  }
  T *data() { return data_.get(); }
  T &operator[](size_t i) { return data_.get()[i]; }
  size_t size() const { return count_; }

private:
  size_t count_;
  std::unique_ptr<T, decltype(&std::free)> data_;
};

} // namespace sparkle::test
