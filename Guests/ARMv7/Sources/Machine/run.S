// machine_run: tested code with all its registers, until an exception. This page and the next, the context, are the only
// ones of the program that are open while it runs (Layout.swift); it is executed where Layout.run says.

  .syntax unified
  .arch_extension sec
  .arm

// Words of the context (Context.swift).
  .equ user, 13 * 4
  .equ banks, 15 * 4
  .equ threads, 35 * 4
  .equ status, 38 * 4
  .equ counter, 39 * 4
  .equ vector, 40 * 4
  .equ vectors, 41 * 4
  .equ domains, 42 * 4
  .equ stack, 43 * 4
  .equ faults, 44 * 4

  .equ run_address, 0xb5d39000
  .equ context_address, 0xb5d3a000

  .section .run, "ax"
run_vectors:
  b .
  b vector_1
  b vector_2
  b vector_3
  b vector_4
  b .
  b vector_6
  b vector_7

.macro vector number
vector_\number:
  cps #22
  stm sp, {r0-r12}
  mov r0, #\number
  b save
.endm
vector 1
vector 2
vector 3
vector 4
vector 6
vector 7

// r1: its place in the context, which moves on; uses r2.
.macro save_bank mode
  cps #\mode
  str sp, [r1], #4
  str lr, [r1], #4
  mrs r2, spsr
  str r2, [r1], #4
.endm
.macro load_bank mode
  cps #\mode
  ldr sp, [r1], #4
  ldr lr, [r1], #4
  ldr r2, [r1], #4
  msr spsr_fsxc, r2
.endm

// DACR, unless it is the same: QEMU would empty its TLB.
.macro set_domains value, scratch
  mrc p15, 0, \scratch, c3, c0, 0
  cmp \scratch, \value
  mcrne p15, 0, \value, c3, c0, 0
.endm

save:
  str r0, [sp, #vector]
  mrs r0, cpsr
  str r0, [sp, #status]
  mov r0, sp
  add r1, r0, #user
  stm r1, {sp, lr}^
  add r1, r0, #banks
  cps #17
  stm r1!, {r8-r12}
  save_bank 17
  save_bank 18
  save_bank 19
  save_bank 23
  save_bank 27
  cps #22
  mrc p15, 0, r2, c13, c0, 2
  mrc p15, 0, r3, c13, c0, 3
  mrc p15, 0, r4, c13, c0, 4
  stm r1, {r2-r4}
  mrc p15, 0, r2, c5, c0, 0   // DFSR
  mrc p15, 0, r3, c6, c0, 0   // DFAR
  mrc p15, 0, r4, c5, c0, 1   // IFSR
  mrc p15, 0, r5, c6, c0, 2   // IFAR
  add r1, r0, #faults
  stm r1, {r2-r5}
  ldr r1, own_domains
  set_domains r1, r2
  ldr r1, own_vectors
  mcr p15, 0, r1, c12, c0, 0
  isb
  ldr sp, [r0, #stack]
  pop {r4-r11, pc}

own_domains: .word 0x55
own_vectors: .word machine_vectors

run:
  push {r4-r11, lr}
  ldr r0, context
  str sp, [r0, #stack]
  add r1, r0, #user
  ldm r1, {sp, lr}^
  add r1, r0, #banks
  cps #17
  ldm r1!, {r8-r12}
  load_bank 17
  load_bank 18
  load_bank 19
  load_bank 23
  load_bank 27
  cps #22
  ldm r1, {r2-r4}
  mcr p15, 0, r2, c13, c0, 2
  mcr p15, 0, r3, c13, c0, 3
  mcr p15, 0, r4, c13, c0, 4
  mov sp, r0
  ldr r1, [sp, #vectors]
  mcr p15, 0, r1, c12, c0, 0
  ldr r1, [sp, #domains]
  set_domains r1, r2
  isb
  ldr r1, [sp, #status]
  msr spsr_fsxc, r1
  ldr lr, [sp, #counter]
  ldm sp, {r0-r12}
  movs pc, lr

context: .word context_address

// machine_run()
  .section .text.machine_run, "ax"
  .globl machine_run
machine_run:
  ldr pc, 1f
1:.word run_address + (run - run_vectors)
