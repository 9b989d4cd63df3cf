// Entry, vectors and attempts. All of it is T32 but the first two instructions: a kernel is entered in A32.

#include "Routine.h"

  .syntax unified

  .equ supervisor, 19

  .section .text.head, "ax"
  .arm
  .globl head
head:
  add r12, pc, #1
  bx r12
  .thumb
  cpsid aif
  ldr sp, =stack_end
  ldr r0, =bss_start
  ldr r1, =bss_end
  movs r3, #0
1:str r3, [r0], #4
  cmp r0, r1
  blo 1b
  bl main
2:wfi
  b 2b
  .ltorg

// The exceptions: a frame of r0 to r12, the Supervisor mode's LR, PC and CPSR on that mode's stack. The PC is the
// instruction that was not done, but of an SVC the one behind it; of an undefined one, where LR says.
  .section .pages.vectors, "ax"
  .thumb
  .balign 4096
  .globl machine_vectors
machine_vectors:
  b.w machine_vectors
  b.w vector_1
  b.w vector_2
  b.w vector_3
  b.w vector_4
  b.w machine_vectors
  b.w vector_6
  b.w vector_7

  .macro exception number, distance
vector_\number:
  .if \distance
  sub.w lr, lr, #\distance
  .endif
  srsdb sp!, #supervisor
  cps #supervisor
  push.w {r0-r12, lr}
  movs r0, #\number
  b.w common
  .endm
  exception 1, 0
  exception 2, 0
  exception 3, 4
  exception 4, 8
  exception 6, 4
  exception 7, 4
// This page may be mapped elsewhere than where it is linked.
common:
  mov r1, sp
  ldr r4, =guest_exception
  blx r4
  pop.w {r0-r12, lr}
  rfeia sp!
  .ltorg

// guest_attempt(code, registers): code with r0 to r7 from there, which get what they are when it returns.
  routine guest_attempt
  push.w {r4-r11, lr}
  mov r12, r0
  ldr r2, =attempt
  str r1, [r2, #4]
  str.w sp, [r2]
  ldm r1, {r0-r7}
  blx r12
  ldr.w r12, =attempt
  ldr.w r12, [r12, #4]
  stm.w r12, {r0-r7}
  movs r0, #0
// Where an exception ends it: r0 is its number.
  .thumb_func
  .globl guest_attempt_end
guest_attempt_end:
  ldr r2, =attempt
  movs r3, #0
  ldr.w sp, [r2]
  str r3, [r2]
  pop.w {r4-r11, pc}
  .ltorg

// guest_call(registers): HVC with r0 to r3 from there, r0 goes back.
  routine guest_call
  push {r4, lr}
  mov r4, r0
  ldm r4, {r0-r3}
  hvc #0
  str r0, [r4]
  pop {r4, pc}

// guest_turn_on(table, domains, control): translation. Addresses of what runs stay what they are.
  routine guest_turn_on
  movs r3, #0
  mcr p15, 0, r3, c8, c7, 0   // TLBIALL
  mcr p15, 0, r3, c7, c5, 0   // ICIALLU
  mcr p15, 0, r3, c7, c5, 6   // BPIALL
  mcr p15, 0, r3, c2, c0, 2   // TTBCR: only TTBR0
  mcr p15, 0, r0, c2, c0, 0
  mcr p15, 0, r1, c3, c0, 0
  dsb
  isb
  mcr p15, 0, r2, c1, c0, 0
  isb
  bx lr

  .bss
  .balign 4
  .globl attempt
// SP of the attempt that is under way and 0, and where its registers are.
attempt: .skip 8

// What has to be aligned. The linker places it first.
  .section .bss.aligned, "aw", %nobits
  .globl translation_table
  .balign 16384
translation_table: .skip 16384
  .globl second_tables
second_tables: .skip 64 * 1024
