// User mode: the way in and out.

#include "Routine.h"

  .syntax unified
  .thumb

// guest_run_user(context, uses_rfe)
  routine guest_run_user
  push.w {r4-r11, lr}
  ldr r2, =kernel_stack
  str.w sp, [r2]
  ldrd r2, r3, [r0, #52]
  cps #31
  mov sp, r2
  mov lr, r3
  cps #19
  ldrd r2, r3, [r0, #60]            // PC, CPSR
  cbz r1, 1f
  push {r2, r3}
  ldm.w r0, {r0-r12}
  rfeia sp!
1:msr spsr_fsxc, r3
  mov lr, r2
  ldm.w r0, {r0-r12}
  subs pc, lr, #0
// In Supervisor mode, when it has ended.
  .thumb_func
  .globl guest_user_end
guest_user_end:
  ldr r2, =kernel_stack
  ldr.w sp, [r2]
  pop.w {r4-r11, pc}

  routine guest_read_user_bank
  cps #31
  mov r1, sp
  mov r2, lr
  cps #19
  strd r1, r2, [r0]
  bx lr
  .ltorg

  .section .bss.kernel_stack, "aw", %nobits
  .balign 4
kernel_stack: .skip 4
