// The measured loops of Measure.S. Each takes a number of passes of its unrolled body and returns
// CNTVCT_EL0 ticks.
#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>

enum { measure_unrolled = 20 };  // operations in one pass of an unrolled loop

typedef uint64_t (*Measurement)(uint64_t passes, uint64_t address, uint64_t value);
uint64_t measure_empty(uint64_t passes, uint64_t address, uint64_t value);
uint64_t measure_move(uint64_t passes, uint64_t address, uint64_t value);
uint64_t measure_hypercall(uint64_t passes, uint64_t function, uint64_t value);
uint64_t measure_load(uint64_t passes, uint64_t address, uint64_t value);
uint64_t measure_store(uint64_t passes, uint64_t address, uint64_t value);
uint64_t measure_identification(uint64_t passes, uint64_t address, uint64_t value);
uint64_t measure_auxiliary(uint64_t passes, uint64_t address, uint64_t value);

// Counts at an address for ever, three instructions a round.
void count_for_ever(uint64_t address);

// Whole passes of an interrupt, one for each round, by vectors of their own; each for GICv2 and for GICv3.
// A request is what sends an SGI: the value of GICD_SGIR or of ICC_SGI1R_EL1.
#define INTERRUPT_MEASUREMENTS(generation)                                            \
  uint64_t measure_self_interrupt_##generation(uint64_t rounds, uint64_t request);    \
  uint64_t measure_timer_due_##generation(uint64_t rounds, uint64_t unused);          \
  /* Sum over `rounds` of CNTVCT - CVAL in the handler, the read put off by 0…15 instructions in turn. */ \
  uint64_t measure_timer_wait_##generation(uint64_t rounds, uint64_t delay);          \
  /* Two CPUs in WFI interrupt each other in turn; the partner must be in measure_partner. */ \
  uint64_t measure_ping_##generation(uint64_t rounds, uint64_t request);              \
  void measure_partner_##generation(uint64_t rounds, uint64_t request);
INTERRUPT_MEASUREMENTS(2)
INTERRUPT_MEASUREMENTS(3)

#endif
