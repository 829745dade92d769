#include "targets/x86/emit.h"

#include <memory>
#include <new>
#include <optional>

#include "targets/x86/emitter.h"
#include "targets/x86/text.h"

namespace sparkle::x86 {
namespace {

constexpr std::align_val_t kCodeAlignment{64};
/// More than most functions take for an instruction; a function that needs more starts again with twice as many.
constexpr size_t kBytesPerInstruction = 16, kBytesAround = 1024;
constexpr size_t kMostBytes = size_t{1} << 30;

struct FreeBuffer {
  void operator()(uint8_t *buffer) const { ::operator delete[](buffer, kCodeAlignment); }
};
using Buffer = std::unique_ptr<uint8_t[], FreeBuffer>;

std::unique_ptr<Emitter> make_emitter(const Function &function, const Allocation &allocation,
                                      const EmitterOptions &options) {
  if (function.isa.family == Family::kAvx512) return std::make_unique<Avx512Emitter>(function, allocation, options);
  return std::make_unique<Avx2Emitter>(function, allocation, options);
}

/// The last error of one try: what another try with other options cures, and what none does.
struct Attempt {
  Result<MachineCode> code = Error{ErrorCode::kInternal, "nothing was emitted"};
  bool is_full = false, is_jump_too_far = false;
};

Attempt attempt(const Function &function, const Allocation &allocation, const EmitterOptions &options) {
  std::unique_ptr<Emitter> emitter = make_emitter(function, allocation, options);
  Attempt out;
  try {
    out.code = emitter->run();
  } catch (const Xbyak::Error &failure) {
    const int code = failure;
    out.is_full = code == Xbyak::ERR_CODE_IS_TOO_BIG;
    out.is_jump_too_far = code == Xbyak::ERR_LABEL_IS_TOO_FAR;
    const std::string what = emitter->current() ? "cannot encode `" + to_text(*emitter->current(), function) + "`: "
                                                : std::string("cannot encode: ");
    out.code = Error{ErrorCode::kUnsupported, what + failure.what()};
  }
  return out;
}

Result<MachineCode> emit_here(const Function &function, const Allocation &allocation) {
  EmitterOptions options;
  options.capacity = function.code.size() * kBytesPerInstruction + function.pool.size() + kBytesAround;
  while (true) {
    const Buffer buffer(static_cast<uint8_t *>(::operator new[](options.capacity, kCodeAlignment)));
    options.buffer = buffer.get();
    Attempt tried = attempt(function, allocation, options);
    if (tried.is_full && options.capacity < kMostBytes)
      options.capacity *= 2;
    else if (tried.is_jump_too_far && options.short_jumps)
      options.short_jumps = false;
    else
      return std::move(tried.code);
  }
}

} // namespace

Result<MachineCode> emit(const Function &function, const Allocation &allocation) {
  try {
    return emit_here(function, allocation);
  } catch (const std::bad_alloc &) {
    return Error{ErrorCode::kOutOfMemory, "no memory for machine code"};
  } catch (const std::exception &failure) {
    return Error{ErrorCode::kInternal, failure.what()};
  }
}

} // namespace sparkle::x86
