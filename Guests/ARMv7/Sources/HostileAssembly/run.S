// hostile_run: code with all its registers, until an exception. Whatever it has done to the system registers, the vectors
// undo it before they touch any memory.

  .syntax unified
  .thumb

  .equ supervisor, 19
  .equ abort, 23
  .equ system, 31

  .section .text.hostile_run, "ax"
  .type hostile_run, %function
  .thumb_func
  .globl hostile_run
hostile_run:
  push.w {r4-r11, lr}
  ldr r1, =kernel_stack
  str.w sp, [r1]
  movs r2, #0
  mcr p15, 0, r2, c13, c0, 4
  ldrd r2, r3, [r0, #60]            // PC, CPSR
  strd r2, r3, [r1, #4]
  and r3, r3, #0x1f
  cmp r3, #16
  it eq
  moveq r3, #system                 // it has the same registers
  orr r3, r3, #0x1c0
  msr cpsr_c, r3
  ldr.w sp, [r0, #52]
  ldr.w lr, [r0, #56]
  cpsid aif, #abort
  add r1, #4
  mov sp, r1
  ldm.w r0, {r0-r12}
  rfeia sp

  .ltorg

  .section .bss.kernel_stack, "aw", %nobits
  .balign 4
// SP of the caller; where a run begins.
kernel_stack: .skip 12

  .macro constant register, value
  movw \register, #:lower16:\value
  movt \register, #:upper16:\value
  .endm

  .section .pages.hostile_vectors, "ax"
  .balign 4096
  .globl hostile_vectors
hostile_vectors:
  b.w vector_0
  b.w vector_1
  b.w vector_2
  b.w vector_3
  b.w vector_4
  b.w vector_5
  b.w vector_6
  b.w vector_7

  .macro vector number
vector_\number:
  movs r0, #\number
  b.w recover
  .endm
  vector 0
  vector 1
  vector 2
  vector 3
  vector 4
  vector 5
  vector 6
  vector 7

// In whatever mode. CPS needs memory under the translator, so it waits.
recover:
  movs r1, #0
  mcr p15, 0, r1, c2, c0, 2         // TTBCR
  mcr p15, 0, r1, c13, c0, 1        // CONTEXTIDR
  constant r1, translation_table
  mcr p15, 0, r1, c2, c0, 0         // TTBR0
  movs r1, #1
  mcr p15, 0, r1, c3, c0, 0         // DACR
  constant r1, 0x40c5187d
  mcr p15, 0, r1, c1, c0, 0         // SCTLR
  constant r1, hostile_vectors
  mcr p15, 0, r1, c12, c0, 0        // VBAR
  movs r1, #0
  mcr p15, 0, r1, c8, c7, 0         // TLBIALL
  isb
  cpsid aif, #supervisor
  mrc p15, 0, r2, c13, c0, 4        // TPIDRPRW: whether a run has ended already
  constant r1, 0x5afe5afe
  mcr p15, 0, r1, c13, c0, 4
  cmp r1, r2
  beq 1f
  constant r1, kernel_stack
  ldr.w sp, [r1]
  pop.w {r4-r11, pc}
// An exception of this guest's own: its memory has been overwritten. SYSTEM_RESET.
1:constant r0, 0x84000009
  hvc #0
  b 1b
  .balign 4096
