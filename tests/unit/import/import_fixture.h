// Shared by the tests of the importer: a text to a program, and a run of it by the interpreter.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "compiler/import/import.h"
#include "compiler/ir/printer.h"
#include "compiler/ir/verifier.h"
#include "targets/reference/interpreter.h"

namespace sparkle {

inline ImportRequest sizes(std::map<std::string, int64_t> values) { return {"", std::move(values), {}, {}, false}; }

/// The program of a text that has one; it verifies.
inline Program imported(const std::string &text, const ImportRequest &request) {
  const Source source("t.spk", text);
  Diagnostics diagnostics;
  auto program = import_source(source, request, diagnostics);
  EXPECT_TRUE(program) << render_text(diagnostics, source) << (program ? "" : program.error().text);
  if (!program) return {};
  const Status verified = verify(*program);
  EXPECT_TRUE(verified) << verified.error().text;
  return std::move(*program);
}

/// Memory for the arguments of a program by name, every element as its own bytes.
class Arguments {
public:
  explicit Arguments(const Program &program) : program_(program), uniforms_(program.uniforms.size(), 0) {
    symbols_.resize(program.symbols.size(), 0);
  }
  void symbol(const std::string &name, int64_t value) {
    for (size_t i = 0; i < program_.symbols.size(); ++i)
      if (program_.symbols[static_cast<SymbolId>(i)].name == name) symbols_[i] = value;
  }
  template <class T> void uniform(const std::string &name, T value) {
    for (size_t i = 0; i < program_.uniforms.size(); ++i)
      if (program_.uniforms[static_cast<UniformId>(i)].name == name) std::memcpy(&uniforms_[i], &value, sizeof value);
  }
  template <class T> void set(const std::string &name, const std::vector<T> &values) {
    std::vector<uint8_t> &bytes = memory_[name];
    bytes.resize(values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  }
  template <class T> std::vector<T> get(const std::string &name) const {
    const std::vector<uint8_t> &bytes = memory_.at(name);
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }

  /// Allocates what was not set, filled with bytes 0x5A.
  Status run() {
    std::unordered_map<TensorId, reference::FarMemory> far;
    for (size_t i = 0; i < program_.tensors.size(); ++i) {
      const auto id = static_cast<TensorId>(i);
      const Tensor &tensor = program_.tensors[id];
      if (tensor.role == Role::kWorkspace || tensor.role == Role::kPacked) continue;
      SPARKLE_TRY(const int64_t size, reference::bytes_of(tensor, symbols_));
      std::vector<uint8_t> &bytes = memory_[tensor.name];
      if (bytes.empty()) bytes.assign(static_cast<size_t>(size), 0x5A);
      EXPECT_EQ(bytes.size(), static_cast<size_t>(size)) << tensor.name;
      far[id] = {bytes.data(), static_cast<int64_t>(bytes.size())};
    }
    return reference::interpret(program_, far, {symbols_, uniforms_});
  }

private:
  const Program &program_;
  std::map<std::string, std::vector<uint8_t>> memory_;
  std::vector<int64_t> symbols_;
  std::vector<uint64_t> uniforms_;
};

/// Small whole numbers, so that sums are exact in any order.
template <class T = float> std::vector<T> pattern(int64_t count, int seed, int least = -4, int greatest = 4) {
  std::vector<T> values(static_cast<size_t>(count));
  uint32_t state = 2463534242u + static_cast<uint32_t>(seed) * 7919u;
  for (T &value : values) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    value = static_cast<T>(least + static_cast<int>(state % static_cast<uint32_t>(greatest - least + 1)));
  }
  return values;
}

} // namespace sparkle
