#include "runtime/kernel_cache.h"

#include "compiler/schedule/schedule.h"

namespace sparkle {
namespace {

/// Parts of any content, told apart by their lengths.
class KeyWriter {
public:
  KeyWriter &add(std::string_view text) {
    key_ += std::to_string(text.size());
    key_ += ':';
    key_ += text;
    return *this;
  }
  KeyWriter &add(int64_t number) {
    key_ += std::to_string(number);
    key_ += ';';
    return *this;
  }
  std::string take() { return std::move(key_); }

private:
  std::string key_;
};

void add_request(KeyWriter &key, const ImportRequest &request) {
  key.add(request.kernel).add(int64_t{request.strict});
  for (const auto &[name, value] : request.values) key.add(name).add(value);
  key.add("shapes");
  for (const auto &[name, shape] : request.shapes) {
    key.add(name).add(static_cast<int64_t>(shape.size()));
    for (const int64_t extent : shape) key.add(extent);
  }
  key.add("open");
  for (const std::string &name : request.open) key.add(name);
  key.add("strides");
  for (const auto &[name, strides] : request.strides) {
    key.add(name).add(static_cast<int64_t>(strides.size()));
    for (const int64_t stride : strides) key.add(stride);
  }
}

void add_options(KeyWriter &key, const CompileOptions &options) {
  key.add(to_text(options.schedule)).add(int64_t{options.automatic}).add(options.target).add(options.isa);
  key.add(options.target_info ? to_text(*options.target_info) : std::string());
  key.add(int64_t{options.strict}).add(int64_t{options.keep_text}).add(int64_t{options.assembly});
  key.add(static_cast<int64_t>(options.verify_ir));
}

} // namespace

std::optional<std::string> cache_key(const Source &source, const ImportRequest &request, const JitOptions &options) {
  if (options.compile.after_pass) return std::nullopt;
  KeyWriter key;
  key.add(source.text());
  add_request(key, request);
  add_options(key, options.compile);
  key.add(options.device);
  // A machine that is opened for one kernel is like any other that is opened so; a shared one is itself alone.
  key.add(options.machine ? int64_t{0} : int64_t{options.threads} + 1);
  key.add(static_cast<int64_t>(reinterpret_cast<intptr_t>(options.machine.get())));
  return key.take();
}

KernelCache::Counts KernelCache::counts() const {
  const std::lock_guard lock(mutex_);
  Counts counts = counts_;
  counts.kernels = entries_.size();
  return counts;
}

std::optional<JitKernel> KernelCache::find(const std::string &key) {
  const std::lock_guard lock(mutex_);
  const auto place = places_.find(key);
  ++(place == places_.end() ? counts_.misses : counts_.hits);
  if (place == places_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, place->second);
  return place->second->kernel;
}

void KernelCache::keep(const std::string &key, const JitKernel &kernel) {
  const std::lock_guard lock(mutex_);
  if (capacity_ == 0 || places_.contains(key)) return; // Another thread was first.
  if (entries_.size() >= capacity_) {
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front({key, kernel});
  places_.emplace(entries_.front().key, entries_.begin());
}

} // namespace sparkle
