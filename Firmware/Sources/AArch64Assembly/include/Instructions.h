// One instruction each, which Swift cannot write itself; and the routines of the .S files.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Never a call: a call would cost more than the instruction.
#define INSTRUCTION static inline __attribute__((always_inline))

// By the compiler's own names for them: of inline assembly it does not know the length.
#define READ_ONLY(name, encoding)                                                                             \
  INSTRUCTION uint64_t read_##name(void) { return __builtin_arm_rsr64(encoding); }

#define WRITE_ONLY(name, encoding)                                                                            \
  INSTRUCTION void write_##name(uint64_t value) { __builtin_arm_wsr64(encoding, value); }

#define REGISTER(name, encoding)                                                                              \
  READ_ONLY(name, encoding)                                                                                   \
  WRITE_ONLY(name, encoding)

REGISTER(esr_el2, "esr_el2")
REGISTER(far_el2, "far_el2")
REGISTER(hpfar_el2, "hpfar_el2")
REGISTER(elr_el2, "elr_el2")
REGISTER(spsr_el2, "spsr_el2")
REGISTER(vbar_el1, "vbar_el1")
REGISTER(elr_el1, "elr_el1")
REGISTER(spsr_el1, "spsr_el1")
REGISTER(esr_el1, "esr_el1")
REGISTER(far_el1, "far_el1")
REGISTER(mdscr_el1, "mdscr_el1")
REGISTER(hcr_el2, "hcr_el2")
REGISTER(cptr_el2, "cptr_el2")
REGISTER(cntfrq_el0, "cntfrq_el0")
REGISTER(cntv_ctl_el0, "cntv_ctl_el0")
REGISTER(cntp_ctl_el0, "cntp_ctl_el0")
REGISTER(cnthp_cval_el2, "cnthp_cval_el2")
REGISTER(cnthp_ctl_el2, "cnthp_ctl_el2")
REGISTER(ich_hcr_el2, "3:4:12:11:0")
REGISTER(ich_lr0_el2, "3:4:12:12:0")
REGISTER(ich_lr1_el2, "3:4:12:12:1")
REGISTER(ich_lr2_el2, "3:4:12:12:2")
REGISTER(ich_lr3_el2, "3:4:12:12:3")
REGISTER(ich_vmcr_el2, "3:4:12:11:7")
REGISTER(ich_ap0r0_el2, "3:4:12:8:0")
REGISTER(ich_ap1r0_el2, "3:4:12:9:0")
REGISTER(tpidr_el2, "tpidr_el2")

READ_ONLY(ich_elrsr_el2, "3:4:12:11:5")
READ_ONLY(ich_vtr_el2, "3:4:12:11:1")
READ_ONLY(mpidr_el1, "mpidr_el1")
READ_ONLY(sctlr_el1, "sctlr_el1")
READ_ONLY(tcr_el1, "tcr_el1")

WRITE_ONLY(spsr_und, "3:4:4:3:2")
WRITE_ONLY(spsr_abt, "3:4:4:3:1")
WRITE_ONLY(ifsr32_el2, "3:4:5:0:1")

WRITE_ONLY(icc_eoir1_el1, "3:0:12:12:1")
WRITE_ONLY(icc_dir_el1, "3:0:12:11:1")
WRITE_ONLY(icc_sgi1r_el1, "3:0:12:11:5")

// What the sender of an interrupt wrote before it must be seen by what follows: no load may go ahead of the acknowledge.
INSTRUCTION uint64_t read_icc_iar1_el1(void) {
  uint64_t value;
  __asm__ volatile("mrs %0, S3_0_C12_C12_0\n dsb sy" : "=r"(value)::"memory");
  return value;
}

INSTRUCTION void instruction_barrier(void) { __asm__ volatile("isb" ::: "memory"); }
INSTRUCTION void data_barrier(void) { __asm__ volatile("dsb sy" ::: "memory"); }
INSTRUCTION void wait_for_interrupt(void) { __asm__ volatile("dsb sy\n wfi" ::: "memory"); }
INSTRUCTION void invalidate_guest_translations(void) {
  __asm__ volatile("isb\n tlbi vmalle1\n dsb nsh\n isb" ::: "memory");
}
INSTRUCTION void invalidate_own_translation(uint64_t page) {
  __asm__ volatile("dsb ishst\n tlbi vae2, %0\n dsb nsh\n isb" ::"r"(page) : "memory");
}
INSTRUCTION void invalidate_instruction_caches(void) {
  __asm__ volatile("dsb ish\n ic ialluis\n dsb ish\n isb" ::: "memory");
}
INSTRUCTION uint64_t read_cntpct_el0(void) {
  uint64_t value;
  __asm__ volatile("isb\n mrs %0, cntpct_el0" : "=r"(value)::"memory");
  return value;
}

INSTRUCTION uint32_t load32(uint64_t address) {
  uint32_t value;
  __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
  return value;
}
INSTRUCTION uint64_t load64(uint64_t address) {
  uint64_t value;
  __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
  return value;
}
INSTRUCTION void store32(uint64_t address, uint32_t value) {
  __asm__ volatile("str %w0, [%1]" ::"r"(value), "r"(address) : "memory");
}
INSTRUCTION void store64(uint64_t address, uint64_t value) {
  __asm__ volatile("str %0, [%1]" ::"r"(value), "r"(address) : "memory");
}

/// Calls the firmware by SMC (SMCCC: x0…x3 in, x0 out, x4…x17 lost).
INSTRUCTION int64_t secure_monitor_call(uint64_t function, uint64_t first, uint64_t second, uint64_t third) {
  register uint64_t x0 __asm__("x0") = function;
  register uint64_t x1 __asm__("x1") = first;
  register uint64_t x2 __asm__("x2") = second;
  register uint64_t x3 __asm__("x3") = third;
  __asm__ volatile("smc #0"
                   : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
                     "x13", "x14", "x15", "x16", "x17", "memory");
  return (int64_t)x0;
}

// Registers.S
void save_system_registers(void *state);
void load_system_registers(const void *state);
void save_vectors(void *state);
void load_vectors(const void *state);

// Memory.S
void copy_for_guest(void *destination, const void *source, size_t count);
void clear_for_guest(void *destination, size_t count);

/// `read_identification` of Registers.S, which uses no other register than these.
INSTRUCTION uint64_t identification_register(uint64_t index) {
  register uint64_t x0 __asm__("x0") = index;
  __asm__("bl read_identification" : "+r"(x0)::"x1", "x30", "cc");
  return x0;
}

// image.ld and Entry.S
#define SYMBOL(name)                                                                                          \
  INSTRUCTION void *_Nonnull address_of_##name(void) {                                                                 \
    void *address;                                                                                            \
    __asm__("adrp %0, " #name "\n add %0, %0, :lo12:" #name : "=r"(address));                                 \
    return address;                                                                                           \
  }

SYMBOL(image_start)
SYMBOL(image_end)
SYMBOL(translation_table)
SYMBOL(stacks)
SYMBOL(arena)
SYMBOL(secondary_entry)
