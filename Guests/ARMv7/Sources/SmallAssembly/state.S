// State that only this guest may change: registers of modes that nothing uses, and the floating-point unit's.

#include "Routine.h"

  .syntax unified
  .thumb
  .fpu neon

// The next number of r0's sequence, in r1; uses r2.
  .macro next
  movw r2, #0x660d
  movt r2, #0x19
  mul r0, r0, r2
  add r0, r0, #0x3c00
  bic r1, r0, #3
  .endm

// Supervisor mode, interrupts masked. FIQ: r8 to r12, SP, LR, SPSR; Undefined: the last three; Abort and Interrupt: SP,
// as those modes are not used otherwise; System: SP, LR.
  .macro each_bank register, status
  cps #17
  \register r8
  \register r9
  \register r10
  \register r11
  \register r12
  \register sp
  \register lr
  \status
  cps #27
  \register sp
  \register lr
  \status
  cps #23
  \register sp
  cps #18
  \register sp
  cps #31
  \register sp
  \register lr
  cps #19
  .endm

  .macro fill register
  next
  mov \register, r1
  .endm
// A status: mode, masks and flags.
  .macro fill_status
  next
  and r1, r1, #0xf0000000
  orr r1, r1, #0x1d0
  msr spsr_fsxc, r1
  .endm
  routine small_fill_banks
  mrs r3, cpsr
  cpsid aif
  each_bank fill, fill_status
  msr cpsr_fsxc, r3
  bx lr

  .macro compare register
  next
  add r4, r4, #1
  cmp \register, r1
  it ne
  orrne r5, r5, r4
  .endm
  .macro compare_status
  next
  and r1, r1, #0xf0000000
  orr r1, r1, #0x1d0
  mrs r6, spsr
  add r4, r4, #1
  cmp r6, r1
  it ne
  orrne r5, r5, r4
  .endm
// The numbers of all that have changed, joined.
  routine small_check_banks
  push {r4-r6, lr}
  mrs r3, cpsr
  cpsid aif
  movs r4, #0
  movs r5, #0
  each_bank compare, compare_status
  msr cpsr_fsxc, r3
  mov r0, r5
  pop {r4-r6, pc}

  routine small_open_vectors
  mrc p15, 0, r0, c1, c0, 2
  orr r0, r0, #0xf00000
  mcr p15, 0, r0, c1, c0, 2
  isb
  mov.w r0, #0x40000000
  vmsr fpexc, r0
  bx lr

// d0 to d31 from memory, and what is in memory of them.
  routine small_fill_vectors
  push {r4, lr}
  bl make_pattern
  vldm r3!, {d0-d15}
  vldm r3, {d16-d31}
  lsls r0, r0, #28
  vmsr fpscr, r0
  pop {r4, pc}

  routine small_check_vectors
  push {r4-r6, lr}
  bl make_pattern
  ldr r4, =found
  vstm r4!, {d0-d15}
  vstm r4, {d16-d31}
  ldr r4, =found
  movs r5, #0
1:ldr r1, [r3], #4
  ldr r2, [r4], #4
  adds r5, #1
  cmp r1, r2
  bne 2f
  cmp r5, #64
  bne 1b
  adds r5, #1
  vmrs r1, fpscr
  cmp.w r1, r0, lsl #28
  bne 2f
  movs r5, #0
2:mov r0, r5
  pop {r4-r6, pc}

// r3: 64 words of the sequence of r0.
  .thumb_func
make_pattern:
  ldr r3, =pattern
  movs r4, #64
1:next
  str r1, [r3], #4
  subs r4, #1
  bne 1b
  sub.w r3, r3, #256
  bx lr
  .ltorg

  .section .bss.small_vectors, "aw", %nobits
  .balign 8
pattern: .skip 256
found: .skip 256
