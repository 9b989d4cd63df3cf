#include "ScriptedEscape.h"
#include <setjmp.h>
#include <stdlib.h>

static _Thread_local jmp_buf *innermost;

bool escape_call(void (*body)(void *), void *context) {
  jmp_buf here;
  jmp_buf *outer = innermost;
  innermost = &here;
  bool returned = false;
  if (_setjmp(here) == 0) {
    body(context);
    returned = true;
  }
  innermost = outer;
  return returned;
}

_Noreturn void escape_leave(void) {
  if (!innermost) abort();
  _longjmp(*innermost, 1);
}
