// System calls of 32-bit ARM, and a clock without a generic timer: the kernel's, which an SP804 of 1 MHz drives. It
// says nanoseconds, each an instruction under `-icount shift=0`.

#pragma once

enum { INSTRUCTIONS_PER_TICK = 1 };

enum SystemCall {
  CALL_EXIT = 1, CALL_READ = 3, CALL_WRITE = 4, CALL_CLOSE = 6, CALL_EXECUTE = 11, CALL_MOUNT = 21, CALL_IOCTL = 54,
  CALL_PARENT = 64, CALL_REBOOT = 88, CALL_UNMAP = 91, CALL_WAIT = 114, CALL_CLONE = 120, CALL_MAP = 192,
  CALL_SET_AFFINITY = 241, CALL_CLOCK = 263, CALL_OPEN = 322, CALL_MKDIR = 323, CALL_DUP3 = 358, CALL_PIPE = 359,
};

static inline Word call(enum SystemCall number, Word a, Word b, Word c, Word d, Word e, Word f) {
  register Word r7 __asm__("r7") = number;
  register Word r0 __asm__("r0") = a;
  register Word r1 __asm__("r1") = b;
  register Word r2 __asm__("r2") = c;
  register Word r3 __asm__("r3") = d;
  register Word r4 __asm__("r4") = e;
  register Word r5 __asm__("r5") = f;
  __asm__ volatile("svc #0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5) : "memory");
  return r0;
}

static inline uint64_t ticks(void) {
  enum { MONOTONIC = 1 };
  uint32_t time[2];
  call(CALL_CLOCK, MONOTONIC, (Word)time, 0, 0, 0, 0);
  return time[0] * 1000000000ull + time[1];
}

void start_here(Word *stack, uint64_t first);

__attribute__((used)) static void start_with_clock(Word *stack) { start_here(stack, ticks()); }

__asm__(
    ".globl _start\n"
    "_start:\n"
    "  mov r0, sp\n"
    "  bic sp, sp, #7\n"
    "  b start_with_clock\n");
