// The translator's own calls, and its loads and stores.
#pragma once
#include <stdint.h>

static inline __attribute__((always_inline)) void call_hypervisor(uint32_t call, uint32_t address, uint32_t count) {
  register uint32_t r0 __asm__("r0") = call;
  register uint32_t r1 __asm__("r1") = address;
  register uint32_t r2 __asm__("r2") = count;
  __asm__ volatile("svc #0" : "+r"(r0), "+r"(r1), "+r"(r2)::"memory");
}
#define LOAD(bits, instruction)                                                                               \
  static inline __attribute__((always_inline)) uint32_t load##bits(uintptr_t address) {                       \
    uint32_t value;                                                                                           \
    __asm__ volatile(instruction " %0, [%1]" : "=r"(value) : "r"(address) : "memory");                        \
    return value;                                                                                             \
  }
#define STORE(bits, instruction)                                                                              \
  static inline __attribute__((always_inline)) void store##bits(uintptr_t address, uint32_t value) {          \
    __asm__ volatile(instruction " %0, [%1]" ::"r"(value), "r"(address) : "memory");                          \
  }
LOAD(32, "ldr")
LOAD(16, "ldrh")
LOAD(8, "ldrb")
STORE(32, "str")
STORE(16, "strh")
STORE(8, "strb")
