// What Swift cannot say: the routines in assembly, and one instruction each.
#pragma once
#include <stdint.h>

extern uint32_t machine_tags;
extern uint8_t machine_memory[], run_page[];

// The list of tags that a kernel gets in r2.
static inline uint32_t tags_address(void) { return machine_tags; }
// 1 MiB for tables and pages.
static inline uint32_t memory_address(void) { return (uint32_t)machine_memory; }
// Page of machine_run, which is mapped at Layout.run once more.
static inline uint32_t run_page_address(void) { return (uint32_t)run_page; }

void machine_turn_on(uint32_t table, uint32_t domains);
// Runs tested code by the context until its next exception.
void machine_run(void);

// Calls differential_step (TranslatedRun.swift).
uint32_t machine_attempt(uint32_t kind, uint32_t argument);
// Ends an attempt; what it was about is in fault_address.
_Noreturn void machine_abort(void);

// DFAR.
static inline uint32_t fault_address(void) {
  uint32_t value;
  __asm__ volatile("mrc p15, 0, %0, c6, c0, 0" : "=r"(value));
  return value;
}
static inline void set_fault_address(uint32_t value) { __asm__ volatile("mcr p15, 0, %0, c6, c0, 0" : : "r"(value)); }
// MIDR.
static inline uint32_t main_identity(void) {
  uint32_t value;
  __asm__ volatile("mrc p15, 0, %0, c0, c0, 0" : "=r"(value));
  return value;
}

static inline uint32_t read32(uint32_t address) { return *(volatile uint32_t *)address; }
static inline uint16_t read16(uint32_t address) { return *(volatile uint16_t *)address; }
static inline void write32(uint32_t address, uint32_t value) { *(volatile uint32_t *)address = value; }
static inline void write16(uint32_t address, uint16_t value) { *(volatile uint16_t *)address = value; }

// DCCMVAU and ICIMVAU (ARM DDI 0406C, B4.2.1) for one address.
static inline void publish_line(uint32_t address) {
  __asm__ volatile("mcr p15, 0, %0, c7, c11, 1\n dsb\n mcr p15, 0, %0, c7, c5, 1" : : "r"(address) : "memory");
}
// BPIALL, and what was published is seen.
static inline void publish_end(void) {
  __asm__ volatile("mcr p15, 0, %0, c7, c5, 6\n dsb\n isb" : : "r"(0) : "memory");
}

// Hardware breakpoints (ARM DDI 0406C, C11.11): DBGDSCR's bit 15, and pairs of DBGBVR and DBGBCR.
static inline void enable_breakpoints(void) {
  uint32_t value;
  __asm__ volatile("mrc p14, 0, %0, c0, c2, 2\n orr %0, %0, #1 << 15\n mcr p14, 0, %0, c0, c2, 2" : "=r"(value));
}
#define BREAKPOINT(number) \
  case number: \
    __asm__ volatile("mcr p14, 0, %0, c0, c" #number ", 4\n mcr p14, 0, %1, c0, c" #number ", 5\n isb" \
                     : : "r"(address), "r"(control)); \
    break;
static inline void set_breakpoint(uint32_t number, uint32_t address, uint32_t control) {
  switch (number) {
    BREAKPOINT(0) BREAKPOINT(1) BREAKPOINT(2) BREAKPOINT(3) BREAKPOINT(4) BREAKPOINT(5)
  }
}
#undef BREAKPOINT

// Fills words with zeros.
static inline void clear_words(uint32_t address, uint32_t count) {
  for (uint32_t *word = (uint32_t *)address; count--;) *word++ = 0;
}
// Fills words with a pattern that is the same each time.
static inline void fill_words(uint32_t address, uint32_t count, uint32_t seed) {
  for (uint32_t *word = (uint32_t *)address; count--;) *word++ = seed = seed * 1664525 + 1013904223;
}
// A checksum in which the place of each word counts.
static inline uint32_t sum_of_words(uint32_t address, uint32_t count) {
  uint32_t sum = 0;
  for (const uint32_t *word = (const uint32_t *)address; count--;) sum = (sum << 5 | sum >> 27) + *word++;
  return sum;
}
