// What the benchmarks' programs need of Linux, free of any library. What depends on the CPU, a system call and the
// clock, is in Processor.h of AArch64 and ARMv7.

#pragma once

#include <stddef.h>
#include <stdint.h>

typedef long Word;

#include "Processor.h"

enum { AT_WORKING_DIRECTORY = -100, WRITE_ONLY = 1, READ_WRITE = 2, CREATE = 0100, DIRECT = 0200000 };
enum { PROTECT_READ_WRITE = 3, MAP_SHARED = 1, MAP_PRIVATE_ANONYMOUS = 0x22, MAP_SHARED_ANONYMOUS = 0x21 };
enum { CHILD_SIGNAL = 17, DRAIN = 0x5409, POWER_OFF = 0x4321FEDC, PAGE = 4096 };

#define call3(number, a, b, c) call(number, (Word)(a), (Word)(b), (Word)(c), 0, 0, 0)

static inline void print(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  call3(CALL_WRITE, 1, text, length);
}

// Without a division, which 32-bit ARM leaves to a library.
static inline void print_number(uint64_t value) {
  static const uint64_t powers[] = {
    1000000000000000, 100000000000000, 10000000000000, 1000000000000, 100000000000, 10000000000, 1000000000,
    100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1,
  };
  char digits[sizeof powers / sizeof *powers + 1];
  size_t length = 0;
  for (size_t index = 0; index < sizeof powers / sizeof *powers; index++) {
    char digit = '0';
    for (; value >= powers[index]; digit++) value -= powers[index];
    if (digit != '0' || length > 0 || powers[index] == 1) digits[length++] = digit;
  }
  digits[length] = 0;
  print(digits);
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
