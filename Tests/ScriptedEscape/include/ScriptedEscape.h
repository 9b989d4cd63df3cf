// The hypervisor never returns from a halt and sleeps in the middle of its scheduler. A test that reaches
// such a point leaves it by a long jump; the hypervisor keeps everything it has in its arena.
#pragma once
#include <stdbool.h>

/// Calls `body(context)`. Returns true when it returned, false when it left by `escape_leave`.
bool escape_call(void (*body)(void *), void *context);

/// Leaves the innermost `escape_call` of this thread.
_Noreturn void escape_leave(void);
