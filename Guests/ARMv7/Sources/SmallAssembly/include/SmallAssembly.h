// What of `Small` is in assembly.
#pragma once
#include <stdint.h>

// T32 as kernels have it, with numbers from a seed. The number of the first check that fails, or 0.
uint32_t small_check_kernel(uint32_t seed);
// LDRT and STRT. The routines return by LR.
uint32_t small_load_as_user(uint32_t address);
uint32_t small_store_as_user(uint32_t address, uint32_t value);
static inline uint32_t load_as_user_address(void) { return (uint32_t)small_load_as_user; }
static inline uint32_t store_as_user_address(void) { return (uint32_t)small_store_as_user; }

// Registers of modes that nothing uses meanwhile: filled, and the number of the first that has changed, or 0.
void small_fill_banks(uint32_t seed);
uint32_t small_check_banks(uint32_t seed);
// d0 to d31 and FPSCR likewise, and the unit switched on.
void small_open_vectors(void);
void small_fill_vectors(uint32_t seed);
uint32_t small_check_vectors(uint32_t seed);

// Two pages of User mode's code.
extern uint8_t small_user_code[];
static inline uint32_t user_code_address(void) { return (uint32_t)small_user_code; }
