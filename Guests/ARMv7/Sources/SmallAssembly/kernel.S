// What compilers and people write in T32, checked against the same done in another way.

#include "Routine.h"

  .syntax unified
  .thumb
  .arch_extension sec

// r4: the seed; r5: the number of the check. r0 to r3 and r12 are free.
  .macro check condition
  add.w r5, r5, #1
  b\condition\().w failed
  .endm

  routine small_check_kernel
  push {r4-r8, lr}
  mov r4, r0
  movs r5, #0
  bl check_conditions
  bl check_branches
  bl check_tables
  bl check_calls
  bl check_literals
  bl check_exclusives
  bl check_status
  bl check_modes
  bl check_exceptions
  movs r0, #0
  pop {r4-r8, pc}
// Out of any of them: their frames are left behind.
failed:
  mov r0, r5
  ldr r1, =failed_stack
  ldr.w sp, [r1]
  pop {r4-r8, pc}

  .macro routine_of_checks name
  .thumb_func
\name:
  .endm

// IT blocks of all lengths, against branches.
  routine_of_checks check_conditions
  ldr r1, =failed_stack
  str.w sp, [r1]
  push {lr}
  cmp r4, #0
  it mi
  rsbmi r0, r4, #0
  it pl
  movpl r0, r4
  asrs r1, r4, #31
  eor.w r2, r4, r1
  subs r2, r2, r1
  cmp r0, r2
  check ne                          // 1: the absolute value
  lsrs r1, r4, #16
  uxth r2, r4
  cmp r1, r2
  ittee hs
  movhs r0, r1
  movhs r3, r2
  movlo r0, r2
  movlo r3, r1
  cmp r0, r3
  check lo                          // 2: the larger of two halves
  adds r0, r0, r3
  adds r1, r1, r2
  cmp r0, r1
  check ne                          // 3: none was lost
  movs r0, #0
  tst r4, #1
  itete eq
  addeq r0, #1
  addne r0, #2
  addeq r0, #4
  addne r0, #8
  ands r1, r4, #1
  adds r1, r1, #1
  movs r2, #5
  muls r1, r2
  cmp r0, r1
  check ne                          // 4: five for an even one, ten for an odd one
  mov r0, r4
  cmp r4, r4
  itttt ne
  movne r0, #1
  ldrne r0, [r0]
  strne r0, [r0]
  blne failed
  cmp r0, r4
  check ne                          // 5: nothing of a block whose condition fails
  movs r0, #0
  cmp r4, #0
  ite ne
  addne r0, #1
  beq.w 1f
  b 2f
1:movs r0, #1
2:cmp r0, #1
  check ne                          // 6: a branch at the end of a block
  pop {pc}

// CBZ, CBNZ and loops: how many bits are set, in two ways.
  routine_of_checks check_branches
  mov r0, r4
  movs r1, #0
1:cbz r0, 2f
  subs r2, r0, #1
  ands r0, r2
  adds r1, #1
  b 1b
2:mov r0, r4
  movs r2, #0
3:lsls r0, r0, #1
  adc r2, r2, #0
  cmp r0, #0
  bne 3b
  cmp r1, r2
  check ne                          // 7
  movs r0, #16
4:subs r0, #1
  cbnz r0, 5f
  b 6f
5:b 4b
6:cmp r0, #0
  check ne                          // 8
  bx lr

// TBB and TBH, with a table behind the instruction and with one elsewhere.
  routine_of_checks check_tables
  and r0, r4, #7
  tbb [pc, r0]
1:.byte (2f - 1b) / 2, (3f - 1b) / 2, (4f - 1b) / 2, (5f - 1b) / 2, (2f - 1b) / 2, (3f - 1b) / 2, (4f - 1b) / 2, (5f - 1b) / 2
2:movs r1, #0
  b 6f
3:movs r1, #1
  b 6f
4:movs r1, #2
  b 6f
5:movs r1, #3
6:and r0, r0, #3
  cmp r0, r1
  check ne                          // 9
  ubfx r0, r4, #3, #2
  tbh [pc, r0, lsl #1]
1:.hword (2f - 1b) / 2, (3f - 1b) / 2, (4f - 1b) / 2, (5f - 1b) / 2
2:movw r1, #1000
  b 6f
3:movw r1, #1001
  b 6f
4:movw r1, #1002
  b 6f
5:movw r1, #1003
6:sub.w r1, r1, #1000
  cmp r0, r1
  check ne                          // 10
  ldr r2, =far_table
  and r0, r4, #1
  tbb [r2, r0]
7:movs r1, #0
  b 9f
8:movs r1, #1
9:cmp r0, r1
  check ne                          // 11
  bx lr

  .section .rodata.far_table, "a"
far_table: .byte 0, (8b - 7b) / 2
  .section .text.small_check_kernel
  .thumb

// Every way to call and to return: r6 and r7 count.
  routine_of_checks check_calls
  push {lr}
  movs r6, #0
  bl returns_by_pop
  bl returns_by_link
  bl returns_by_load
  bl returns_by_multiple
  ldr r0, =returns_by_link
  blx r0
  ldr r0, =call_table
  ldr.w r0, [r0, #4]
  blx r0
  adr r0, 1f
  adds r0, #1
  ldr r1, =call_table
  mov lr, r0
  ldr.w pc, [r1]
  .balign 4
1:cmp r6, #7
  check ne                          // 12
  movs r0, #9
  bl fibonacci
  cmp r0, #34
  check ne                          // 13
  adr r0, 2f
  adds r0, #1
  mov lr, r0
  b.w returns_by_move
  .balign 4
2:cmp r6, #8
  check ne                          // 14
  pop {pc}

  .thumb_func
returns_by_pop:
  push {r4, r5, lr}
  movs r4, #1
  adds r6, r6, r4
  movs r5, #0
  pop {r4, r5, pc}
  .thumb_func
returns_by_link:
  adds r6, #1
  bx lr
  .thumb_func
returns_by_move:
  adds r6, #1
  mov pc, lr
  .thumb_func
returns_by_load:
  str lr, [sp, #-8]!
  adds r6, #1
  ldr pc, [sp], #8
  .thumb_func
returns_by_multiple:
  ldr r0, =saved
  stm.w r0, {r4, r8, lr}
  mov.w r8, #1
  add r6, r8
  ldm.w r0, {r4, r8, pc}
// The slow way.
  .thumb_func
fibonacci:
  cmp r0, #2
  it lo
  bxlo lr
  push {r4, lr}
  subs r4, r0, #2
  subs r0, #1
  bl fibonacci
  eor.w r0, r0, r4
  eor.w r4, r0, r4
  eor.w r0, r0, r4
  push {r4, r5}
  bl fibonacci
  pop {r4, r5}
  adds r0, r0, r4
  pop {r4, pc}
  .ltorg

  .section .rodata.call_table, "a"
  .balign 4
call_table: .word returns_by_pop, returns_by_link
  .section .text.small_check_kernel
  .thumb

// What lies beside the code.
  routine_of_checks check_literals
  ldr r0, literal
  movw r1, #0x1234
  movt r1, #0xfedc
  cmp r0, r1
  check ne                          // 15
  ldrd r2, r3, literal
  cmp r2, r1
  check ne                          // 16
  mvns r1, r1
  cmp r3, r1
  check ne                          // 17
  ldrh.w r0, literal + 2
  movw r1, #0xfedc
  cmp r0, r1
  check ne                          // 18
  ldrsb.w r0, literal + 3
  cmn r0, #2
  check ne                          // 19
  adr r0, literal
  ldm r0, {r1, r2}
  mvns r2, r2
  cmp r1, r2
  check ne                          // 20
  .balign 4
  mov r1, pc
  adr r2, 1f
1:cmp r1, r2
  check ne                          // 21
  bx lr
  .balign 4
literal: .word 0xfedc1234, 0x0123edcb

// LDREX and STREX of every size.
  routine_of_checks check_exclusives
  sub sp, #24
  str r4, [sp]
1:ldrex r0, [sp]
  adds r0, #1
  strex r1, r0, [sp]
  cmp r1, #0
  bne 1b
  ldr r0, [sp]
  subs r0, r0, r4
  cmp r0, #1
  check ne                          // 22
  add r2, sp, #4
1:ldrexb r0, [r2]
  strexb r1, r4, [r2]
  cbz r1, 2f
  b 1b
2:adds r2, #2
1:ldrexh r0, [r2]
  strexh r1, r4, [r2]
  cmp r1, #0
  bne 1b
  ldrb r0, [r2, #-2]
  uxtb r1, r4
  cmp r0, r1
  check ne                          // 23
  ldrh r0, [r2]
  uxth r1, r4
  cmp r0, r1
  check ne                          // 24
  add r2, sp, #15
  bic r2, r2, #7
  mvns r3, r4
1:ldrexd r0, r1, [r2]
  strexd r0, r4, r3, [r2]
  cmp r0, #0
  bne 1b
  ldrd r0, r1, [r2]
  mvns r1, r1
  cmp r0, r4
  check ne                          // 25
  cmp r0, r1
  check ne                          // 26
  clrex
  strex r1, r4, [sp]
  cmp r1, #1
  check ne                          // 27: nobody has loaded it
  add sp, #24
  bx lr

// CPSR: masks, flags, and what cannot be read of it.
  routine_of_checks check_status
  mrs r6, cpsr
  lsrs r0, r4, #28
  lsls r0, r0, #28
  msr cpsr_f, r0
  cpsid if
  mrs r1, cpsr
  cpsie f
  mrs r2, cpsr
  lsrs r3, r1, #28
  cmp.w r3, r4, lsr #28
  check ne                          // 28: the flags stay
  tst r1, #0x40
  check eq                          // 29
  tst r2, #0x40
  check ne                          // 30
  ldr r3, =0x0600fc20
  tst r1, r3
  check ne                          // 31: T and ITSTATE read as 0
  and r3, r1, #0x1f
  cmp r3, #19
  check ne                          // 32
  bic r0, r1, #0xc0
  orr r0, r0, #0x80
  msr cpsr_fc, r0
  mrs r1, cpsr
  eors r1, r0
  ldr r3, =0xf00000df
  tst r1, r3
  check ne                          // 33
  msr cpsr_fsxc, r6
  bx lr
  .ltorg

// Other modes' registers: each has its own, and the SPSR.
  routine_of_checks check_modes
  mrs r6, cpsr
  mov r7, sp
  mov r8, lr
  bic r12, r4, #3
  cpsid aif
  cps #27
  mov sp, r12
  mvn lr, r4
  msr spsr_fsxc, r6
  cps #31
  mov r0, sp
  cps #23
  lsl r0, r5, #2
  mov sp, r0
  cps #27
  mov r1, sp
  mov r2, lr
  mrs r3, spsr
  cps #19
  cmp sp, r7
  check ne                          // 34
  cmp lr, r8
  check ne                          // 35
  cmp r1, r12
  check ne                          // 36
  mvns r2, r2
  cmp r2, r4
  check ne                          // 37
  cmp r3, r6
  check ne                          // 38
  cps #23
  mov r1, sp
  cps #19
  lsrs r1, r1, #2
  adds r1, #5
  cmp r1, r5
  check ne                          // 39: five checks later
  msr cpsr_fsxc, r6
  bx lr

// Exceptions of the kernel's own, and their returns.
  routine_of_checks check_exceptions
  push {lr}
  mrs r6, cpsr
  mrs r7, spsr
  mov r0, r4
  movs r1, #0
  cmp r4, r4
  itett eq
  svceq #9
  movne r1, #1
  addeq r1, #2
  addeq r1, #4
  mvns r0, r0
  cmp r0, r4
  check ne                          // 40: SVC #9 inverts r0
  cmp r1, #6
  check ne                          // 41: and the IT block goes on
  movs r0, #0
  it ne
  svcne #9
  cmp r0, #0
  check ne                          // 42
// RFE to the next but one instruction, in a state that says so.
  adr r0, 1f
  mrs r1, cpsr
  orr r1, r1, #0x20
  orr r1, r1, #0x20000000
  push {r0, r1}
  rfeia sp!
  b.w failed
  .balign 4
1:ite cs
  movcs r0, #1
  movcc r0, #0
  cmp r0, #1
  check ne                          // 43: carry was set by it
// SUBS PC, LR: into an IT block.
  adr r0, 2f
  mov lr, r0
  movs r2, #0
  mrs r1, cpsr
  orr r1, r1, #0x20
  orr r1, r1, #0xc00                // two more: EQ, NE
  orr r1, r1, #0x40000000
  msr spsr_fsxc, r1
  subs pc, lr, #0
  .balign 4
2:.inst.n 0x3201                    // ADD r2, #1: of the block, so no flags change
  .inst.n 0x3202
  cmp r2, #1
  check ne                          // 44
  srsdb sp!, #19
  pop {r0, r1}
  cmp r0, lr
  check ne                          // 45
  msr spsr_fsxc, r7
  msr cpsr_fsxc, r6
  pop {pc}
  .ltorg

  routine small_load_as_user
  ldrt r0, [r0]
  bx lr
  routine small_store_as_user
  strt r1, [r0]
  bx lr

  .section .bss.failed_stack, "aw", %nobits
  .balign 4
failed_stack: .skip 4
saved: .skip 12
