// The exceptions (Arm ARM B1.8). A guest, and the translator that serves it, run in User mode, and SP is the end of the
// `Frame` where all of its registers go: the guest's is in its state page, the translator's at the top of this CPU's stack.
// What comes from another mode is the hypervisor's own fault: it goes on in Supervisor mode, on this CPU's stack from its
// beginning, for the fault may be the stack's.

#include "Layout.h"

  .syntax unified
  .arm

// distance: from where the exception was taken to what its mode has in LR.
  .macro exception name, number, distance
  .section .text.\name, "ax"
  .global \name
\name:
  .if \distance
  sub lr, lr, #\distance
  .endif
  srsdb sp!, #MODE_SUPERVISOR
  .ifc \name, supervisor_call
  .else
  cps #MODE_SUPERVISOR
  .endif
  sub sp, sp, #60
  stmia sp, {r0-r14}^
  mov r0, #\number
  b leave_guest
  .endm

  exception undefined, 0, 0
  exception supervisor_call, 1, 0
  exception prefetch_abort, 2, 4
  exception data_abort, 3, 8
  exception interrupt, 4, 4

  .section .text.leave_guest, "ax"
leave_guest:
  ldr r1, [sp, #64]                 // SPSR: bits 3:0 are zero for User mode alone
  tst r1, #0xF
  bne own_fault
  ldr sp, =stack + STACK_SIZE - FRAME_SIZE - 4
  bl handle_exit
enter_guest:                        // r0: the frame
  mov sp, r0
  ldr r1, [sp, #64]                 // a guest's kernel writes its state page: whatever it says, User mode it is
  bic r1, r1, #0xDF                 // and interrupts are taken
  orr r1, r1, #0x10
  str r1, [sp, #64]
  clrex
  ldmia sp, {r0-r14}^
  add sp, sp, #60
  rfeia sp!

// r0: the number. On the stack: the registers, which are not of use here, PC and SPSR.
own_fault:
  cmp r0, #2
  mrcls p15, 0, r2, c5, c0, 1       // IFSR and IFAR, to DFSR and DFAR: there they are looked for
  mrcls p15, 0, r3, c6, c0, 2
  mcrls p15, 0, r2, c5, c0, 0
  mcrls p15, 0, r3, c6, c0, 0
  ldr r0, [sp, #60]
  ldr sp, =stack + STACK_SIZE - FRAME_SIZE - 4
  bl handle_own_fault
  .ltorg

// r0: the frame of a CPU's first guest.
  .section .text.start_guest, "ax"
  .type start_guest, %function
  .global start_guest
start_guest:
  b enter_guest

// d0 to d31 and FPSCR.
  .fpu neon
  .section .text.vectors, "ax"
  .type save_vectors, %function
  .global save_vectors
save_vectors:
  vstmia r0!, {d0-d15}
  vstmia r0!, {d16-d31}
  vmrs r1, fpscr
  str r1, [r0]
  bx lr
  .type load_vectors, %function
  .global load_vectors
load_vectors:
  vldmia r0!, {d0-d15}
  vldmia r0!, {d16-d31}
  ldr r1, [r0]
  vmsr fpscr, r1
  bx lr

// What runs in the guest's address space, but is not the guest's: the translator, a flat image of its own (TranslatorImage).
  .section .translator, "a"
  .global translator_image
  .balign 4096
translator_image:
  .incbin "translator.img"
  .global translator_image_end
translator_image_end:
