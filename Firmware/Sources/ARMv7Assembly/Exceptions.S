// The exceptions (Arm ARM B1.8). No guest runs yet: whatever comes here is the hypervisor's own fault. It goes on in
// Supervisor mode, on this CPU's stack from its beginning, for the fault may be the stack's.

#include "Layout.h"

  .syntax unified
  .arm

// r0: where the exception was taken, from what its mode has in LR, which counts on from the next instruction, or from this one
// (B1.8.3); r1: SPSR; r2, r3: status and address of a fault.
  .macro own_exception name, distance
  .section .text.\name, "ax"
  .global \name
\name:
  sub r0, lr, #\distance
  b own_fault
  .endm

  own_exception undefined, 2
  own_exception supervisor_call, 2
  own_exception interrupt, 4

  .section .text.prefetch_abort, "ax"
  .global prefetch_abort
prefetch_abort:
  sub r0, lr, #4
  mrs r1, spsr
  mrc p15, 0, r2, c5, c0, 1         // IFSR
  mrc p15, 0, r3, c6, c0, 2         // IFAR
  b report

  .section .text.data_abort, "ax"
  .global data_abort
data_abort:
  sub r0, lr, #8
  mrs r1, spsr
  mrc p15, 0, r2, c5, c0, 0         // DFSR
  mrc p15, 0, r3, c6, c0, 0         // DFAR
  b report

  .section .text.own_fault, "ax"
own_fault:
  mrs r1, spsr
  tst r1, #0x20
  biceq r0, r0, #2                  // an instruction of A32 has two bytes more
  mov r2, #0
  mov r3, #0
report:
  cpsid aif, #MODE_SUPERVISOR
  mrc p15, 0, r4, c13, c0, 4        // TPIDRPRW
  ldr r5, =stacks + STACK_STRIDE
  add sp, r5, r4, lsl #13
  bl handle_own_fault
  .ltorg
