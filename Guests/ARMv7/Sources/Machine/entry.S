// Entry and the machine's own vectors. All of the program runs in Monitor mode of the Secure state: that has SP, LR and
// SPSR of its own, so every other mode's registers are the tested code's.

  .syntax unified
  .arch_extension sec
  .arm

  .section .text.head, "ax"
  .globl head
head:
  cpsid aif
  ldr sp, =stack_end
  mrc p15, 0, r0, c1, c0, 0
  bic r0, r0, #1 << 13        // SCTLR.V: the vectors are where VBAR says
  mcr p15, 0, r0, c1, c0, 0
  ldr r0, =machine_vectors
  mcr p15, 0, r0, c12, c0, 0
  isb
  cps #22
  ldr sp, =stack_end
  ldr r0, =bss_start
  ldr r1, =bss_end
  mov r3, #0
1:str r3, [r0], #4
  cmp r0, r1
  blo 1b
  ldr r0, =machine_tags
  str r2, [r0]
  bl main
2:wfi
  b 2b
  .ltorg

// What goes wrong in the program itself. sp: the stack is not needed any more.
.macro unexpected number, correction
unexpected_\number:
  sub r1, lr, #\correction
  mov r0, #\number
  ldr sp, =stack_end
  b differential_unexpected
.endm

// machine_attempt(kind, argument): what differential_step returns, or ~0 if it aborted.
  .section .text.machine_attempt, "ax"
  .globl machine_attempt
machine_attempt:
  push {r4-r11, lr}
  ldr r4, =attempt
  str sp, [r4]
  bl differential_step
end_attempt:
  ldr r4, =attempt
  mov r1, #0
  str r1, [r4]
  pop {r4-r11, pc}

// In Abort mode.
aborted:
  ldr r0, =attempt
  ldr r0, [r0]
  cmp r0, #0
  beq unexpected_4
  cps #22
  mov sp, r0
  mvn r0, #0
  b end_attempt

// machine_abort(): as an abort of an access.
  .globl machine_abort
machine_abort:
  ldr r0, =attempt
  ldr sp, [r0]
  mvn r0, #0
  b end_attempt
  .ltorg

  .section .text.vectors, "ax"
  .balign 32
  .globl machine_vectors
machine_vectors:
  b .
  b unexpected_1
  b unexpected_2
  b unexpected_3
  b aborted
  b .
  b unexpected_6
  b unexpected_7
unexpected 1, 4
unexpected 2, 4
unexpected 3, 4
unexpected 4, 8
unexpected 6, 4
unexpected 7, 4
  .ltorg

// machine_turn_on(table, domains): MMU and caches. Addresses stay what they are.
  .section .text.machine_turn_on, "ax"
  .globl machine_turn_on
machine_turn_on:
  mov r2, #0
  mcr p15, 0, r2, c8, c7, 0   // TLBIALL
  mcr p15, 0, r2, c7, c5, 0   // ICIALLU
  mcr p15, 0, r2, c2, c0, 2   // TTBCR: only TTBR0
  orr r0, r0, #0x09           // walks are write-back
  mcr p15, 0, r0, c2, c0, 0
  mcr p15, 0, r1, c3, c0, 0
  dsb
  isb
  mrc p15, 0, r0, c1, c0, 0
  ldr r1, =0x1805             // M, C, Z, I
  orr r0, r0, r1
  bic r0, r0, #2              // A: unaligned accesses are no faults
  mcr p15, 0, r0, c1, c0, 0
  isb
  bx lr
  .ltorg

  .bss
  .globl machine_tags
  .balign 4
machine_tags: .skip 4
attempt: .skip 4

// What has to be aligned. The linker places it first.
  .section .bss.aligned, "aw", %nobits
  .globl machine_memory
  .balign 65536
machine_memory: .skip 0x100000
