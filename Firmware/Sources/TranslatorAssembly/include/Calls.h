// The translator's own calls, and its loads and stores.
#pragma once
#include <stdint.h>

static inline __attribute__((always_inline)) void call_hypervisor(uint32_t call, uint32_t address, uint32_t count) {
  register uint32_t r0 __asm__("r0") = call;
  register uint32_t r1 __asm__("r1") = address;
  register uint32_t r2 __asm__("r2") = count;
  __asm__ volatile("svc #0" : "+r"(r0), "+r"(r1), "+r"(r2)::"memory");
}
static inline __attribute__((always_inline)) uint32_t load32(uintptr_t address) {
  uint32_t value;
  __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
  return value;
}
static inline __attribute__((always_inline)) uint32_t load16(uintptr_t address) {
  uint32_t value;
  __asm__ volatile("ldrh %0, [%1]" : "=r"(value) : "r"(address) : "memory");
  return value;
}
static inline __attribute__((always_inline)) void store32(uintptr_t address, uint32_t value) {
  __asm__ volatile("str %0, [%1]" ::"r"(value), "r"(address) : "memory");
}
