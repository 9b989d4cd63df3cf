// What the benchmarks' programs need of Linux and of the CPU. Free of any library; arm64 system calls only.
// CNTVCT_EL0 steps once for 16 instructions under `-icount shift=0`.

#pragma once

#include <stddef.h>
#include <stdint.h>

typedef long Word;

enum SystemCall {
  CALL_DUP3 = 24, CALL_IOCTL = 29, CALL_MKDIR = 34, CALL_MOUNT = 40, CALL_OPEN = 56, CALL_CLOSE = 57, CALL_PIPE = 59,
  CALL_READ = 63, CALL_WRITE = 64, CALL_READ_AT = 67, CALL_WRITE_AT = 68, CALL_EXIT = 93, CALL_SLEEP = 101,
  CALL_SET_SCHEDULER = 119, CALL_SET_AFFINITY = 122, CALL_REBOOT = 142, CALL_PARENT = 173, CALL_SOCKET = 198,
  CALL_CONNECT = 203, CALL_UNMAP = 215, CALL_CLONE = 220, CALL_EXECUTE = 221, CALL_MAP = 222, CALL_ADVISE = 233,
  CALL_WAIT = 260, CALL_LOAD_MODULE = 273,
};

enum { AT_WORKING_DIRECTORY = -100, WRITE_ONLY = 1, READ_WRITE = 2, CREATE = 0100, DIRECT = 0200000 };
enum { PROTECT_READ_WRITE = 3, MAP_SHARED = 1, MAP_PRIVATE_ANONYMOUS = 0x22, MAP_SHARED_ANONYMOUS = 0x21 };
enum { CHILD_SIGNAL = 17, DRAIN = 0x5409, POWER_OFF = 0x4321FEDC, PAGE = 4096, INSTRUCTIONS_PER_TICK = 16 };

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
#define call3(number, a, b, c) call(number, (Word)(a), (Word)(b), (Word)(c), 0, 0, 0)

static inline uint64_t ticks(void) {
  uint64_t value;
  __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value)::"memory");
  return value;
}

static inline void print(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  call3(CALL_WRITE, 1, text, length);
}

static inline void print_number(uint64_t value) {
  char digits[24];
  size_t position = sizeof digits - 1;
  digits[position] = 0;
  do digits[--position] = '0' + value % 10;
  while (value /= 10);
  print(digits + position);
}

// Prints `workload <prefix><key> <count> <instructions>`.
static inline void report_as(const char *prefix, const char *key, uint64_t count, uint64_t instructions) {
  print("workload ");
  print(prefix);
  print(key);
  print(" ");
  print_number(count);
  print(" ");
  print_number(instructions);
  print("\n");
}

static inline void report(const char *key, uint64_t count, uint64_t instructions) {
  report_as("", key, count, instructions);
}

static inline int is_word(const char *left, const char *right) {
  while (*left && *left == *right) left++, right++;
  return *left == *right;
}

static inline Word open_file(const char *path, int flags) {
  return call(CALL_OPEN, AT_WORKING_DIRECTORY, (Word)path, flags, 0644, 0, 0);
}

static inline Word fork_process(void) { return call(CALL_CLONE, CHILD_SIGNAL, 0, 0, 0, 0, 0); }
static inline void wait_child(Word child) { call(CALL_WAIT, child, 0, 0, 0, 0, 0); }
static inline void leave(int status) {
  for (;;) call3(CALL_EXIT, status, 0, 0);
}

static inline void mount_devices(void) {
  call3(CALL_MKDIR, AT_WORKING_DIRECTORY, "/dev", 0755);
  call(CALL_MOUNT, (Word) "devtmpfs", (Word) "/dev", (Word) "devtmpfs", 0, 0, 0);
}

static inline void power_off(void) { call(CALL_REBOOT, (int)0xFEE1DEAD, 672274793, POWER_OFF, 0, 0, 0); }

// Where a program begins: its arguments, and the clock at its first instruction.
__attribute__((used)) void start_here(Word *stack, uint64_t first);

__asm__(
    ".globl _start\n"
    "_start:\n"
    "  mrs x1, cntvct_el0\n"
    "  mov x0, sp\n"
    "  and sp, x0, #-16\n"
    "  b start_here\n");
