// One instruction each, which Swift cannot write itself.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Never a call: a call would cost more than the instruction.
#define INSTRUCTION static inline __attribute__((always_inline))

// Coprocessor 15: CRn, opc1, CRm, opc2.
#define READ(name, cn, opc1, cm, opc2)                                                                        \
  INSTRUCTION uint32_t read_##name(void) { return __builtin_arm_mrc(15, opc1, cn, cm, opc2); }

READ(mpidr, 0, 0, 0, 5)
READ(ttbr0, 2, 0, 0, 0)
READ(tpidrprw, 13, 0, 0, 4)

INSTRUCTION void wait_for_interrupt(void) { __asm__ volatile("dsb\n wfi" ::: "memory"); }

/// A table entry was written: the walk sees it, and what the TLB has of its page (MVA) is gone (DCCMVAU, TLBIMVA).
INSTRUCTION void entry_changed(const void *_Nonnull entry, uint32_t address) {
  __asm__ volatile("mcr p15, 0, %0, c7, c11, 1\n dsb\n mcr p15, 0, %1, c8, c7, 1\n dsb\n isb" ::"r"(entry),
                   "r"(address)
                   : "memory");
}

INSTRUCTION uint32_t load32(uintptr_t address) {
  uint32_t value;
  __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
  return value;
}
INSTRUCTION void store32(uintptr_t address, uint32_t value) {
  __asm__ volatile("str %0, [%1]" ::"r"(value), "r"(address) : "memory");
}

// image.ld
#define SYMBOL(name)                                                                                          \
  extern char name[];                                                                                         \
  INSTRUCTION void *_Nonnull address_of_##name(void) { return name; }

SYMBOL(image_start)
SYMBOL(image_end)
SYMBOL(stacks)
SYMBOL(arena)
