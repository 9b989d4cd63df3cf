// What of `Hostile32` is in assembly.
#pragma once
#include <stdint.h>

// Runs code with r0 to r12, SP, LR, PC and CPSR from 17 words, until an exception.
// - Returns: the number of its vector.
uint32_t hostile_run(const uint32_t *state);
// A page of vectors that end the run, and make all system registers what this guest needs.
extern uint8_t hostile_vectors[];
static inline uint32_t hostile_vectors_address(void) { return (uint32_t)hostile_vectors; }
