// Kernels from text, with memory by buffer name, for tests of the interpreter.
#pragma once

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "compiler/ir/parser.h"
#include "compiler/ir/verifier.h"
#include "targets/reference/interpreter.h"

namespace sparkle::reference {

class KernelRun {
public:
  explicit KernelRun(const std::string &text) {
    Diagnostics diagnostics;
    const Source source("test", text);
    auto parsed = parse_kernel(source, diagnostics);
    EXPECT_TRUE(parsed) << render_text(diagnostics, source);
    if (parsed) kernel = std::move(*parsed);
    const Status valid = verify(kernel);
    EXPECT_TRUE(valid) << (valid ? "" : valid.error().text);
  }

  template <class T> KernelRun &set(const std::string &buffer, std::vector<T> values) {
    std::vector<std::byte> bytes(values.size() * sizeof(T));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    memory[buffer] = std::move(bytes);
    return *this;
  }

  template <class T> std::vector<T> get(const std::string &buffer) const {
    const std::vector<std::byte> &bytes = memory.at(buffer);
    std::vector<T> values(bytes.size() / sizeof(T));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }

  KernelArguments arguments() {
    KernelArguments out;
    out.values = values;
    for (size_t i = 0; i < kernel.buffer_count(); ++i) {
      const auto id = static_cast<BufferId>(i);
      const auto found = memory.find(kernel.buffer(id).name);
      if (found != memory.end()) out.buffers[id] = {found->second.data(), static_cast<int64_t>(found->second.size())};
    }
    return out;
  }

  Status run() { return interpret(kernel, arguments()); }
  /// The text of the error; empty when there is none.
  std::string error() {
    const Status status = run();
    return status ? "" : status.error().text;
  }

  Kernel kernel;
  RunValues values;
  std::map<std::string, std::vector<std::byte>> memory;
};

inline std::vector<float> counting(size_t n, float first = 0) {
  std::vector<float> out;
  for (size_t i = 0; i < n; ++i) out.push_back(first + static_cast<float>(i));
  return out;
}

} // namespace sparkle::reference
