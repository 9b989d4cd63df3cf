// What Swift has no words for: one instruction each, and the routines of entry.S.
#ifndef GUEST_MACHINE_H
#define GUEST_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

// What one CPU knows about itself; TPIDR_EL1 points at it. entry.S knows these offsets.
struct Processor {
  uint64_t index;              // 0: position among this guest's CPUs
  uint64_t attempt_stack;      // 8: stack of a running guest_attempt, or 0
  uint64_t syndrome;           // 16: ESR_EL1 of the last failed attempt
  uint64_t fault_address;      // 24: FAR_EL1 of it
  uint64_t fault_instruction;  // 32: ELR_EL1 of it
  void (*_Nullable interrupt)(void);           // 40: called in interrupt context
  void (*_Nullable start)(uint64_t argument);  // 48: what a secondary CPU runs
  uint64_t argument;           // 56: what it gets
  uint64_t entry_mask;         // 64: DAIF at the entry of a secondary CPU
  uint64_t entry_control;      // 72: SCTLR_EL1 there
  uint64_t entry_level;        // 80: CurrentEL there
  uint64_t entry_stack;        // 88: SPSel there
  uint64_t reserved[4];
};

enum { guest_processor_limit = 8 };
extern struct Processor guest_processors[guest_processor_limit];
extern uint64_t guest_device_tree;            // x0 at entry
extern uint64_t guest_first_virtual_count;    // CNTVCT_EL0 read by the very first instruction
extern uint64_t guest_translation_table[512]; // level 1, 4 KiB granule, 39-bit addresses
extern char image_start[], relocations_start[], image_end[], bss_start[];
extern uint64_t guest_shared[64];             // words that CPUs of this guest talk by
// For each CPU: instructions made up at run time, in a page of their own. Where two CPUs write instructions to the same
// page, QEMU 7.2 (a thread for each CPU) now and then goes on to run the old ones for good, whatever is published:
// `notdirty_write` takes a page's write protection away after another CPU has just put it back.
extern uint32_t guest_code[8][1024];
extern uint32_t guest_gate;                   // 1 while one CPU of this guest keeps the others out
static inline uint64_t shared_address(uint64_t index) { return (uint64_t)&guest_shared[index & 63]; }
static inline uint64_t code_address(uint64_t index) { return (uint64_t)guest_code[index & 7]; }
static inline uint64_t translation_table_address(void) { return (uint64_t)guest_translation_table; }
static inline uint64_t device_tree_address(void) { return guest_device_tree; }
static inline uint64_t first_virtual_count(void) { return guest_first_virtual_count; }
static inline uint64_t image_address(void) { return (uint64_t)image_start; }
// Where code and constants end, which nothing changes.
static inline uint64_t constant_end_address(void) { return (uint64_t)relocations_start; }
static inline uint64_t image_end_address(void) { return (uint64_t)image_end; }
static inline struct Processor *_Nonnull processor_state(uint64_t index) { return &guest_processors[index & 7]; }

// Where PSCI CPU_ON starts a CPU; its context ID is the address of its Processor.
void guest_secondary_entry(void);
static inline uint64_t secondary_entry(void) { return (uint64_t)guest_secondary_entry; }
// Calls `code` with x0…x7 from `arguments` and writes them back. Returns 0, or the syndrome of the
// synchronous exception or SError that ended it (bit 63 set for an SError).
uint64_t guest_attempt(uint64_t code, uint64_t *_Nonnull arguments);
// Goes to EL0, for guest_attempt: address and SPSR in x0 and x1, its first two registers in x2 and x3. An
// exception or an interrupt brings back.
void guest_enter_user(void);
// Where CPU_ON may start a CPU that goes off at once.
void guest_leave_at_once(void);
static inline uint64_t leave_entry(void) { return (uint64_t)guest_leave_at_once; }
// The gate: taken by one CPU at a time, never waited for.
static inline bool take_gate(void) { return __atomic_exchange_n(&guest_gate, 1, __ATOMIC_ACQUIRE) == 0; }
static inline void leave_gate(void) { __atomic_store_n(&guest_gate, 0, __ATOMIC_RELEASE); }
// The MMU of this CPU; without it no access may be unaligned.
void guest_translation_off(void), guest_translation_on(void);
// Single accesses for guest_attempt: address in x0, value in x1.
void guest_load8(void), guest_load16(void), guest_load32(void), guest_load64(void);
void guest_store8(void), guest_store16(void), guest_store32(void), guest_store64(void);
void guest_load_pair(void), guest_load_writeback(void), guest_store_pair(void), guest_store_writeback(void);
// SMCCC calls for guest_attempt: x0…x7 in and out.
void guest_hypercall(void), guest_secure_call(void);
// SMCCC call by HVC; results in `registers` (x0…x7).
void guest_call(uint64_t *_Nonnull registers);
uint64_t guest_preserves(uint64_t function);
// Fills v0…v31, FPCR and FPSR with a pattern made from `seed`; the check returns how many differ.
void guest_fill_vectors(uint64_t seed);
uint64_t guest_check_vectors(uint64_t seed);

static inline uint32_t read32(uint64_t address) { return *(volatile uint32_t *)address; }
static inline void write32(uint64_t address, uint32_t value) { *(volatile uint32_t *)address = value; }
static inline uint64_t read64(uint64_t address) { return *(volatile uint64_t *)address; }
static inline void write64(uint64_t address, uint64_t value) { *(volatile uint64_t *)address = value; }
static inline uint8_t read8(uint64_t address) { return *(volatile uint8_t *)address; }
static inline void write8(uint64_t address, uint8_t value) { *(volatile uint8_t *)address = value; }

static inline void wait_for_interrupt(void) { __asm__ volatile("dsb sy; wfi" ::: "memory"); }
static inline void hint_yield(void) { __asm__ volatile("yield" ::: "memory"); }
static inline void synchronize(void) { __asm__ volatile("dsb sy; isb" ::: "memory"); }
static inline void mask_interrupts(void) { __asm__ volatile("msr daifset, #3" ::: "memory"); }
static inline void unmask_interrupts(void) { __asm__ volatile("msr daifclr, #3; isb" ::: "memory"); }
static inline void invalidate_translations(void) {
  __asm__ volatile("dsb ishst; tlbi vmalle1is; dsb ish; isb" ::: "memory");
}
// Makes the instructions written at `address` visible to fetches.
static inline void publish_instructions(uint64_t address, uint64_t size) {
  for (uint64_t line = address & ~63ull; line < address + size; line += 64)
    __asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0" ::"r"(line) : "memory");
  __asm__ volatile("dsb ish; isb" ::: "memory");
}

// Reads of a clock or an acknowledge register must not be moved or merged: all are volatile.
#define SYSTEM_REGISTER(name, encoding)                                                       \
  static inline uint64_t read_##name(void) {                                                  \
    uint64_t value;                                                                           \
    __asm__ volatile("mrs %0, " encoding : "=r"(value)::"memory");                            \
    return value;                                                                             \
  }                                                                                           \
  static inline void write_##name(uint64_t value) {                                           \
    __asm__ volatile("msr " encoding ", %0; isb" ::"r"(value) : "memory");                    \
  }
#define IDENTIFICATION_REGISTER(name, encoding)                                               \
  static inline uint64_t read_##name(void) {                                                  \
    uint64_t value;                                                                           \
    __asm__ volatile("mrs %0, " encoding : "=r"(value));                                      \
    return value;                                                                             \
  }

SYSTEM_REGISTER(SCTLR_EL1, "sctlr_el1")
SYSTEM_REGISTER(TCR_EL1, "tcr_el1")
SYSTEM_REGISTER(MAIR_EL1, "mair_el1")
SYSTEM_REGISTER(TTBR0_EL1, "ttbr0_el1")
SYSTEM_REGISTER(TTBR1_EL1, "ttbr1_el1")
SYSTEM_REGISTER(VBAR_EL1, "vbar_el1")
SYSTEM_REGISTER(TPIDR_EL1, "tpidr_el1")
SYSTEM_REGISTER(PAR_EL1, "par_el1")
SYSTEM_REGISTER(CNTV_CTL_EL0, "cntv_ctl_el0")
SYSTEM_REGISTER(CNTV_CVAL_EL0, "cntv_cval_el0")
SYSTEM_REGISTER(CNTV_TVAL_EL0, "cntv_tval_el0")
SYSTEM_REGISTER(CNTP_CTL_EL0, "cntp_ctl_el0")
SYSTEM_REGISTER(CNTP_CVAL_EL0, "cntp_cval_el0")
SYSTEM_REGISTER(CNTP_TVAL_EL0, "cntp_tval_el0")
SYSTEM_REGISTER(CNTKCTL_EL1, "cntkctl_el1")
SYSTEM_REGISTER(ICC_SRE_EL1, "s3_0_c12_c12_5")
SYSTEM_REGISTER(ICC_PMR_EL1, "s3_0_c4_c6_0")
SYSTEM_REGISTER(ICC_BPR0_EL1, "s3_0_c12_c8_3")
SYSTEM_REGISTER(ICC_BPR1_EL1, "s3_0_c12_c12_3")
SYSTEM_REGISTER(ICC_CTLR_EL1, "s3_0_c12_c12_4")
SYSTEM_REGISTER(ICC_IGRPEN0_EL1, "s3_0_c12_c12_6")
SYSTEM_REGISTER(ICC_IGRPEN1_EL1, "s3_0_c12_c12_7")
SYSTEM_REGISTER(ICC_IAR1_EL1, "s3_0_c12_c12_0")
SYSTEM_REGISTER(ICC_EOIR1_EL1, "s3_0_c12_c12_1")
SYSTEM_REGISTER(ICC_HPPIR1_EL1, "s3_0_c12_c12_2")
SYSTEM_REGISTER(ICC_DIR_EL1, "s3_0_c12_c11_1")
SYSTEM_REGISTER(ICC_RPR_EL1, "s3_0_c12_c11_3")
SYSTEM_REGISTER(ICC_SGI1R_EL1, "s3_0_c12_c11_5")
SYSTEM_REGISTER(ICC_AP0R0_EL1, "s3_0_c12_c8_4")
SYSTEM_REGISTER(ICC_AP1R0_EL1, "s3_0_c12_c9_0")
SYSTEM_REGISTER(CPACR_EL1, "cpacr_el1")
SYSTEM_REGISTER(CONTEXTIDR_EL1, "contextidr_el1")
SYSTEM_REGISTER(ICC_IAR0_EL1, "s3_0_c12_c8_0")
SYSTEM_REGISTER(ICC_EOIR0_EL1, "s3_0_c12_c8_1")
SYSTEM_REGISTER(DAIF, "daif")
SYSTEM_REGISTER(CNTVCT_EL0, "cntvct_el0")
SYSTEM_REGISTER(CNTPCT_EL0, "cntpct_el0")
IDENTIFICATION_REGISTER(CNTFRQ_EL0, "cntfrq_el0")
IDENTIFICATION_REGISTER(ISR_EL1, "isr_el1")
IDENTIFICATION_REGISTER(CurrentEL, "currentel")
IDENTIFICATION_REGISTER(MPIDR_EL1, "mpidr_el1")
IDENTIFICATION_REGISTER(MIDR_EL1, "midr_el1")
IDENTIFICATION_REGISTER(CTR_EL0, "ctr_el0")
IDENTIFICATION_REGISTER(ID_AA64PFR0_EL1, "id_aa64pfr0_el1")
IDENTIFICATION_REGISTER(ID_AA64PFR1_EL1, "id_aa64pfr1_el1")
IDENTIFICATION_REGISTER(ID_AA64DFR0_EL1, "id_aa64dfr0_el1")
IDENTIFICATION_REGISTER(ID_AA64ISAR0_EL1, "id_aa64isar0_el1")
IDENTIFICATION_REGISTER(ID_AA64ISAR1_EL1, "id_aa64isar1_el1")
IDENTIFICATION_REGISTER(ID_AA64MMFR0_EL1, "id_aa64mmfr0_el1")
IDENTIFICATION_REGISTER(ID_AA64MMFR1_EL1, "id_aa64mmfr1_el1")
IDENTIFICATION_REGISTER(ID_AA64MMFR2_EL1, "s3_0_c0_c7_2")
IDENTIFICATION_REGISTER(ID_AA64ZFR0_EL1, "s3_0_c0_c4_4")

#include "Measure.h"

#endif
