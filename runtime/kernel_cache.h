// Compiled kernels by what they were compiled from: programs that ask for the same kernel again compile nothing.
//
//   auto cache = std::make_shared<KernelCache>();
//   Result<JitKernel> first = sparkle::jit(source, request, {.cache = cache});   // compiles
//   Result<JitKernel> again = sparkle::jit(source, request, {.cache = cache});   // shares the code of the first
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "runtime/jit.h"

namespace sparkle {

/// In memory, for as long as it lives, with the machines its kernels run on. May be used by several threads at a time.
class KernelCache {
public:
  /// Beyond `capacity` kernels the one that was not asked for the longest goes.
  explicit KernelCache(size_t capacity = 256) : capacity_(capacity) {}
  KernelCache(const KernelCache &) = delete;
  KernelCache &operator=(const KernelCache &) = delete;

  struct Counts {
    int64_t hits = 0, misses = 0;
    size_t kernels = 0;
  };
  Counts counts() const;

  /// The kernel that was kept under the key.
  std::optional<JitKernel> find(const std::string &key);
  void keep(const std::string &key, const JitKernel &kernel);

private:
  struct Entry {
    std::string key;
    JitKernel kernel;
  };

  size_t capacity_;
  mutable std::mutex mutex_;                                                ///< Guards all below.
  std::list<Entry> entries_;                                                ///< The latest first.
  std::unordered_map<std::string_view, std::list<Entry>::iterator> places_; ///< Keys are those of the entries.
  Counts counts_;
};

/// All that decides what `jit` makes of a source text; nothing for requests that want to watch the compilation.
std::optional<std::string> cache_key(const Source &source, const ImportRequest &request, const JitOptions &options);

} // namespace sparkle
