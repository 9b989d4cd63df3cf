// One instruction each, which Swift cannot write itself.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Never a call: a call would cost more than the instruction.
#define INSTRUCTION static inline __attribute__((always_inline))

// Coprocessor 15: CRn, opc1, CRm, opc2.
#define READ(name, cn, opc1, cm, opc2)                                                                        \
  INSTRUCTION uint32_t read_##name(void) { return __builtin_arm_mrc(15, opc1, cn, cm, opc2); }

#define WRITE(name, cn, opc1, cm, opc2)                                                                       \
  INSTRUCTION void write_##name(uint32_t value) { __builtin_arm_mcr(15, opc1, value, cn, cm, opc2); }

READ(mpidr, 0, 0, 0, 5)
READ(ttbr0, 2, 0, 0, 0)
WRITE(ttbr0, 2, 0, 0, 0)
WRITE(dacr, 3, 0, 0, 0)
READ(dfsr, 5, 0, 0, 0)
READ(ifsr, 5, 0, 0, 1)
READ(dfar, 6, 0, 0, 0)
READ(ifar, 6, 0, 0, 2)
WRITE(iciallu, 7, 0, 5, 0)
WRITE(dccmvau, 7, 0, 11, 1)
WRITE(tlbiall, 8, 0, 7, 0)
WRITE(tlbimva, 8, 0, 7, 1)
WRITE(tlbiasid, 8, 0, 7, 2)
WRITE(contextidr, 13, 0, 0, 1)
READ(tpidrurw, 13, 0, 0, 2)
WRITE(tpidrurw, 13, 0, 0, 2)
WRITE(tpidruro, 13, 0, 0, 3)

INSTRUCTION void data_barrier(void) { __asm__ volatile("dsb" ::: "memory"); }
INSTRUCTION void instruction_barrier(void) { __asm__ volatile("isb" ::: "memory"); }

INSTRUCTION void wait_for_interrupt(void) { __asm__ volatile("dsb\n wfi" ::: "memory"); }

/// A table entry was written: the walk sees it, and what the TLB has of its page (MVA) is gone (DCCMVAU, TLBIMVA).
INSTRUCTION void entry_changed(const void *_Nonnull entry, uint32_t address) {
  __asm__ volatile("mcr p15, 0, %0, c7, c11, 1\n dsb\n mcr p15, 0, %1, c8, c7, 1\n dsb\n isb" ::"r"(entry),
                   "r"(address)
                   : "memory");
}

// One access of exactly this size.
INSTRUCTION uint32_t load32(uintptr_t address) { return *(const volatile uint32_t *)address; }
INSTRUCTION void store32(uintptr_t address, uint32_t value) { *(volatile uint32_t *)address = value; }
INSTRUCTION uint32_t load16(uintptr_t address) { return *(const volatile uint16_t *)address; }

/// An address that the compiler does not look through: what is accessed by it has an offset from one register, instead of an
/// address of its own.
INSTRUCTION uintptr_t base_register(uintptr_t address) {
  __asm__("" : "+r"(address));
  return address;
}

// FPEXC (B4.1.57), by its encoding: the compiler knows no such unit.
INSTRUCTION void write_fpexc(uint32_t value) {
  register uint32_t r0 __asm__("r0") = value;
  __asm__ volatile(".inst.w 0xEEE80A10" ::"r"(r0));
}

// Exceptions.S
void save_vectors(void *_Nullable state);
void load_vectors(const void *_Nullable state);
_Noreturn void start_guest(void *frame);

// image.ld
#define SYMBOL(name)                                                                                          \
  extern char name[];                                                                                         \
  INSTRUCTION void *_Nonnull address_of_##name(void) { return name; }

SYMBOL(image_start)
SYMBOL(image_end)
SYMBOL(second_entry)
SYMBOL(stack)
SYMBOL(arena)
SYMBOL(translator_image)
SYMBOL(translator_image_end)
