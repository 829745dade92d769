// Kernels compiled by the x86 target and run beside the interpreter, on memory between pages that may not be touched.
#pragma once

#include <cmath>
#include <cstring>
#include <map>
#include <optional>

#include <sys/mman.h>
#include <unistd.h>

#include "compiler/target/target.h"
#include "targets/reference/interpreter.h"
#include "targets/x86/optimize.h"
#include "targets/x86/select.h"
#include "targets/x86/text.h"
#include "targets/x86/verify.h"
#include "tests/unit/targets/kernel_maker.h"
#include "tests/unit/targets/x86/run_code.h"

namespace sparkle::test {

/// Memory that ends (or begins) where a page begins (or ends) that may not be touched.
class Guarded {
public:
  Guarded(size_t bytes, bool at_end) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t inner = (bytes + page - 1) / page * page;
    mapped_ = inner + 2 * page;
    base_ =
        static_cast<std::byte *>(mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_, page, PROT_NONE);
    mprotect(base_ + page + inner, page, PROT_NONE);
    data_ = base_ + page + (at_end ? inner - bytes : 0);
  }
  ~Guarded() { munmap(base_, mapped_); }
  Guarded(const Guarded &) = delete;
  Guarded &operator=(const Guarded &) = delete;
  std::byte *data() { return data_; }

private:
  std::byte *base_, *data_;
  size_t mapped_;
};

inline const std::vector<x86::Isa> &families() {
  static const std::vector<x86::Isa> all = [] {
    std::vector<x86::Isa> out;
    for (const char *name : {"avx2", "avx512"})
      if (const auto isa = x86::host_isa(name)) out.push_back(*isa);
    return out;
  }();
  return all;
}

struct X86Code {
  x86::Runnable code;
  std::string text; ///< Selected and optimized.
  int64_t scratch_bytes = 0;
};

inline std::optional<X86Code> compile_x86(const Program &program, const x86::Isa &isa) {
  const auto fail = [&](const char *what, const Error &error) {
    ADD_FAILURE() << what << ", " << x86::name_of(isa.family) << ": " << error.text;
    return std::nullopt;
  };
  auto plan = plan_artifact(program, "x86");
  if (!plan) return fail("plan", plan.error());
  auto selected = x86::select(program.kernels[0], plan->launches[0], isa);
  if (!selected) return fail("select", selected.error());
  x86::Function &function = selected->function;
  if (const Status valid = x86::verify(function); !valid) return fail("verify selected", valid.error());
  x86::optimize(function);
  if (const Status valid = x86::verify(function); !valid) return fail("verify optimized", valid.error());
  X86Code out;
  out.text = x86::to_text(function);
  out.scratch_bytes = selected->scratch_bytes;
  auto allocation = x86::allocate(function);
  if (!allocation) return fail("allocate", allocation.error());
  out.code = x86::make_runnable(function, *allocation);
  if (!out.code.entry) return std::nullopt;
  return out;
}

/// Where two elements differ; what is no number is alike.
inline bool is_same(Scalar scalar, const std::byte *a, const std::byte *b) {
  if (std::memcmp(a, b, static_cast<size_t>(bytes_of(scalar))) == 0) return true;
  if (!is_float(scalar)) return false;
  uint32_t x = 0, y = 0;
  std::memcpy(&x, a, static_cast<size_t>(bytes_of(scalar)));
  std::memcpy(&y, b, static_cast<size_t>(bytes_of(scalar)));
  const uint32_t infinity = scalar == Scalar::kF32 ? 0x7F800000 : scalar == Scalar::kF16 ? 0x7C00 : 0x7F80;
  const uint32_t magnitude = scalar == Scalar::kF32 ? 0x7FFFFFFF : 0x7FFF;
  return (x & magnitude) > infinity && (y & magnitude) > infinity;
}

using Memory = std::map<uint32_t, std::vector<std::byte>>; ///< By tensor.

/// Runs `program` on copies of `before` with the interpreter and with every family, with memory that ends and that
/// begins at a forbidden page; all must agree on every byte.
inline void expect_as_interpreted(const Program &program, const Memory &before, const std::string &what,
                                  int64_t tasks = 1) {
  Memory want = before;
  std::unordered_map<TensorId, reference::FarMemory> memory;
  for (auto &[id, bytes] : want) memory[TensorId{id}] = {bytes.data(), static_cast<int64_t>(bytes.size())};
  const Status done = reference::interpret(program, memory);
  ASSERT_TRUE(done) << what << ": " << done.error().text;
  for (const x86::Isa &isa : families()) {
    const std::optional<X86Code> compiled = compile_x86(program, isa);
    ASSERT_TRUE(compiled) << what;
    for (bool at_end : {true, false}) {
      std::vector<std::unique_ptr<Guarded>> copies;
      std::vector<void *> buffers;
      for (const auto &[id, bytes] : before) {
        copies.push_back(std::make_unique<Guarded>(bytes.size(), at_end));
        std::memcpy(copies.back()->data(), bytes.data(), bytes.size());
        buffers.push_back(copies.back()->data());
      }
      const Aligned<std::byte> scratch(static_cast<size_t>(compiled->scratch_bytes) + 64);
      const SparkleArguments arguments{buffers.data(), nullptr, nullptr};
      compiled->code.entry(&arguments, 0, tasks, const_cast<Aligned<std::byte> &>(scratch).data());
      size_t at = 0;
      for (const auto &[id, bytes] : want) {
        const Scalar scalar = program.tensors[TensorId{id}].element;
        const std::byte *got = copies[at++]->data();
        for (size_t i = 0; i < bytes.size(); i += static_cast<size_t>(bytes_of(scalar)))
          ASSERT_TRUE(is_same(scalar, got + i, bytes.data() + i))
              << what << ", " << x86::name_of(isa.family) << ", " << program.tensors[TensorId{id}].name << "["
              << i / static_cast<size_t>(bytes_of(scalar)) << "]\n"
              << compiled->text;
      }
    }
  }
}

template <class T> std::vector<std::byte> bytes_from(const std::vector<T> &values) {
  std::vector<std::byte> out(values.size() * sizeof(T));
  std::memcpy(out.data(), values.data(), out.size());
  return out;
}

} // namespace sparkle::test
