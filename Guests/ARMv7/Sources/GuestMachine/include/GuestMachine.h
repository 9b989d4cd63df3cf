// What Swift cannot say: the routines in assembly, and one instruction each.
#pragma once
#include <stdint.h>

extern uint8_t image_start[], constant_end[], image_end[], machine_vectors[], translation_table[], second_tables[];
extern uint32_t attempt[2];

// Under Pocketvisor as on `virt` the device tree is at the start of memory.
static inline uint64_t device_tree_address(void) { return 0x40000000; }
static inline uint32_t image_address(void) { return (uint32_t)image_start; }
static inline uint32_t constant_end_address(void) { return (uint32_t)constant_end; }
static inline uint32_t image_end_address(void) { return (uint32_t)image_end; }
// A page.
static inline uint32_t vectors_address(void) { return (uint32_t)machine_vectors; }
static inline uint32_t translation_table_address(void) { return (uint32_t)translation_table; }
// 64 tables of 1 KiB.
static inline uint32_t second_tables_address(void) { return (uint32_t)second_tables; }

// Runs the code at an address, bit 0 set for T32, with r0 to r7 from eight words, which get what they are afterwards.
// - Returns: 0, or the number of the exception that ended it.
uint32_t guest_attempt(uint32_t code, uint32_t *registers);
void guest_attempt_end(void);
static inline uint32_t attempt_end_address(void) { return (uint32_t)guest_attempt_end; }
// SP of the attempt that is under way, or 0.
static inline uint32_t attempt_stack(void) { return attempt[0]; }
void guest_call(uint32_t *registers);

// Runs User mode with r0 to r12, SP, LR, PC and CPSR from 17 words until `guest_user_end`; with RFE or SUBS PC, LR.
void guest_run_user(uint32_t *context, uint32_t uses_rfe);
void guest_user_end(void);
static inline uint32_t user_end_address(void) { return (uint32_t)guest_user_end; }
// User mode's SP and LR into two words.
void guest_read_user_bank(uint32_t *bank);

void guest_turn_on(uint32_t table, uint32_t domains, uint32_t control);

#define REGISTER(name, opc1, crn, crm, opc2) \
  static inline uint32_t read_##name(void) { \
    uint32_t value; \
    __asm__ volatile("mrc p15, " #opc1 ", %0, " #crn ", " #crm ", " #opc2 : "=r"(value) : : "memory"); \
    return value; \
  } \
  static inline void write_##name(uint32_t value) { \
    __asm__ volatile("mcr p15, " #opc1 ", %0, " #crn ", " #crm ", " #opc2 "\n isb" : : "r"(value) : "memory"); \
  }
REGISTER(control, 0, c1, c0, 0)
REGISTER(coprocessor_access, 0, c1, c0, 2)
REGISTER(table0, 0, c2, c0, 0)
REGISTER(table1, 0, c2, c0, 1)
REGISTER(table_control, 0, c2, c0, 2)
REGISTER(domains, 0, c3, c0, 0)
REGISTER(data_fault_status, 0, c5, c0, 0)
REGISTER(instruction_fault_status, 0, c5, c0, 1)
REGISTER(data_fault_address, 0, c6, c0, 0)
REGISTER(instruction_fault_address, 0, c6, c0, 2)
REGISTER(physical_address, 0, c7, c4, 0)
REGISTER(vectors, 0, c12, c0, 0)
REGISTER(context, 0, c13, c0, 1)
REGISTER(thread_read_write, 0, c13, c0, 2)
REGISTER(thread_read_only, 0, c13, c0, 3)
REGISTER(thread_privileged, 0, c13, c0, 4)
// The virtual timer of a CPU that has one.
REGISTER(timer_control, 0, c14, c3, 1)
#undef REGISTER

static inline uint32_t main_identity(void) {
  uint32_t value;
  __asm__ volatile("mrc p15, 0, %0, c0, c0, 0" : "=r"(value));
  return value;
}

// CNTVCT and CNTV_CVAL.
static inline uint64_t read_counter(void) {
  uint32_t low, high;
  __asm__ volatile("mrrc p15, 1, %0, %1, c14" : "=r"(low), "=r"(high) : : "memory");
  return (uint64_t)high << 32 | low;
}
static inline void write_alarm(uint64_t value) {
  __asm__ volatile("mcrr p15, 3, %0, %1, c14" : : "r"((uint32_t)value), "r"((uint32_t)(value >> 32)) : "memory");
}

static inline uint32_t read32(uint32_t address) { return *(volatile uint32_t *)address; }
static inline uint16_t read16(uint32_t address) { return *(volatile uint16_t *)address; }
static inline uint8_t read8(uint32_t address) { return *(volatile uint8_t *)address; }
static inline void write32(uint32_t address, uint32_t value) { *(volatile uint32_t *)address = value; }
static inline void write16(uint32_t address, uint16_t value) { *(volatile uint16_t *)address = value; }
static inline void write8(uint32_t address, uint8_t value) { *(volatile uint8_t *)address = value; }

static inline void data_barrier(void) { __asm__ volatile("dsb" : : : "memory"); }
static inline void instruction_barrier(void) { __asm__ volatile("isb" : : : "memory"); }
static inline void wait_for_interrupt(void) { __asm__ volatile("dsb\n wfi" : : : "memory"); }
static inline void open_interrupts(void) { __asm__ volatile("cpsie i" : : : "memory"); }
static inline void mask_interrupts(void) { __asm__ volatile("cpsid i" : : : "memory"); }

// DCCMVAU, ICIMVAU, ICIALLU, ICIALLUIS, BPIALL, TLBIALL, TLBIMVA, TLBIASID, TLBIMVAA, TLBIALLIS, TLBIMVAIS, TLBIMVAAIS (ARM
// DDI 0406C, B4.2).
#define MAINTENANCE(name, crm, opc2, crn) \
  static inline void name(uint32_t value) { \
    __asm__ volatile("mcr p15, 0, %0, " #crn ", " #crm ", " #opc2 : : "r"(value) : "memory"); \
  }
MAINTENANCE(clean_line, c11, 1, c7)
MAINTENANCE(invalidate_instruction_line, c5, 1, c7)
MAINTENANCE(invalidate_instructions, c5, 0, c7)
MAINTENANCE(invalidate_instructions_everywhere, c1, 0, c7)
MAINTENANCE(invalidate_branches, c5, 6, c7)
MAINTENANCE(invalidate_translations, c7, 0, c8)
MAINTENANCE(invalidate_translation, c7, 1, c8)
MAINTENANCE(invalidate_space, c7, 2, c8)
MAINTENANCE(invalidate_translation_of_all, c7, 3, c8)
MAINTENANCE(invalidate_translations_everywhere, c3, 0, c8)
MAINTENANCE(invalidate_translation_everywhere, c3, 1, c8)
MAINTENANCE(invalidate_translation_of_all_everywhere, c3, 3, c8)
#undef MAINTENANCE
