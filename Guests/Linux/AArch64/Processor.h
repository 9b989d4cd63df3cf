// System calls of arm64, and its clock: CNTVCT_EL0 steps once for 16 instructions under `-icount shift=0`.

#pragma once

enum { INSTRUCTIONS_PER_TICK = 16 };

enum SystemCall {
  CALL_DUP3 = 24, CALL_IOCTL = 29, CALL_MKDIR = 34, CALL_MOUNT = 40, CALL_OPEN = 56, CALL_CLOSE = 57, CALL_PIPE = 59,
  CALL_READ = 63, CALL_WRITE = 64, CALL_READ_AT = 67, CALL_WRITE_AT = 68, CALL_EXIT = 93, CALL_SLEEP = 101,
  CALL_SET_SCHEDULER = 119, CALL_SET_AFFINITY = 122, CALL_REBOOT = 142, CALL_PARENT = 173, CALL_SOCKET = 198,
  CALL_CONNECT = 203, CALL_UNMAP = 215, CALL_CLONE = 220, CALL_EXECUTE = 221, CALL_MAP = 222, CALL_ADVISE = 233,
  CALL_WAIT = 260, CALL_LOAD_MODULE = 273,
};

static inline Word call(enum SystemCall number, Word a, Word b, Word c, Word d, Word e, Word f) {
  register Word x8 __asm__("x8") = number;
  register Word x0 __asm__("x0") = a;
  register Word x1 __asm__("x1") = b;
  register Word x2 __asm__("x2") = c;
  register Word x3 __asm__("x3") = d;
  register Word x4 __asm__("x4") = e;
  register Word x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}

static inline uint64_t ticks(void) {
  uint64_t value;
  __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value)::"memory");
  return value;
}

__asm__(
    ".globl _start\n"
    "_start:\n"
    "  mrs x1, cntvct_el0\n"
    "  mov x0, sp\n"
    "  and sp, x0, #-16\n"
    "  b start_here\n");
