// Whether this process may write code and then run it: some systems forbid the switch (SELinux, PR_SET_MDWE, seccomp).
#pragma once

#include "compiler/support/result.h"

namespace sparkle {

/// Tries with one page. kUnsupported: it is forbidden; kOutOfMemory.
Status check_code_pages();

} // namespace sparkle
