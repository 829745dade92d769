// Names for machine code, for `perf` and gdb, which otherwise see addresses alone. Off unless asked for.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "compiler/support/result.h"

namespace sparkle::x86 {

struct ProfileKinds {
  bool perf_map = false; ///< `perf`: a line in /tmp/perf-PID.map for each function, where `perf report` looks.
  /// `jitdump`: names and code in $JITDUMPDIR or $HOME, .debug/jit/jit-PID.dump below, for `perf inject --jit` after
  /// `perf record -k 1`.
  bool jitdump = false;
  bool gdb = false; ///< `gdb`: an object with symbols for each function, through gdb's interface for such compilers.

  bool any() const { return perf_map || jitdump || gdb; }
};

/// `perf,jitdump,gdb`, any of them; empty: none. kInvalidInput: another word.
Result<ProfileKinds> parse_profile_kinds(std::string_view text);
/// What the environment variable SPARKLE_JIT_PROFILE says.
Result<ProfileKinds> requested_profile_kinds();

struct AnnouncedFunction {
  std::string name;
  const uint8_t *address = nullptr;
  size_t bytes = 0;
};

/// Gives the names away; `owner` keeps the code mapped. What comes back owns `owner` and takes back what can be (gdb's
/// part) when it goes. kIo: a file cannot be written.
Result<std::shared_ptr<void>> announce(std::span<const AnnouncedFunction> functions, const ProfileKinds &kinds,
                                       std::shared_ptr<void> owner);

} // namespace sparkle::x86
