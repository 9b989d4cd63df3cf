// The translator's own calls, and its loads and stores.
#pragma once
#include <stdint.h>

static inline __attribute__((always_inline)) void call_hypervisor(uint32_t call, uint32_t address, uint32_t count) {
  register uint32_t r0 __asm__("r0") = call;
  register uint32_t r1 __asm__("r1") = address;
  register uint32_t r2 __asm__("r2") = count;
  __asm__ volatile("svc #0" : "+r"(r0), "+r"(r1), "+r"(r2)::"memory");
}
// One access of exactly this size.
#define LOAD(bits)                                                                                            \
  static inline __attribute__((always_inline)) uint32_t load##bits(uintptr_t address) {                       \
    return *(const volatile uint##bits##_t *)address;                                                         \
  }
#define STORE(bits)                                                                                           \
  static inline __attribute__((always_inline)) void store##bits(uintptr_t address, uint32_t value) {          \
    *(volatile uint##bits##_t *)address = value;                                                              \
  }
LOAD(32)
LOAD(16)
LOAD(8)
STORE(32)
STORE(16)
STORE(8)
