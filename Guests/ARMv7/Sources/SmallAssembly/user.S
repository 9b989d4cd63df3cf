// What runs in User mode.

  .syntax unified
  .thumb

// r0: the seed; r1: a page of its own; r2: a page that is not there yet. SVC #1 adds r0 to the process's sum, SVC #2
// gives what its TPIDRURO has to be, SVC #0 ends it with r0.
  .section .pages.user, "ax"
  .thumb
  .balign 4096
  .globl small_user_code
small_user_code:
  mov r4, r0
  mov r5, r1
  mov r6, r2
  movs r7, #64
  mov r8, r0
// The sequence of the seed goes into the page, in words, halfwords and bytes.
1:bl next_number
  and r1, r7, #3
  tbb [pc, r1]
2:.byte (3f - 2b) / 2, (4f - 2b) / 2, (5f - 2b) / 2, (6f - 2b) / 2
3:str.w r0, [r5, r7, lsl #2]
  b 7f
4:lsrs r2, r0, #16
  lsl.w r3, r7, #2
  add r3, r5
  strh r2, [r3, #2]
  strh r0, [r3]
  b 7f
5:lsl.w r3, r7, #2
  adds r3, r3, r5
8:ldrex r2, [r3]
  strex r2, r0, [r3]
  cmp r2, #0
  bne 8b
  b 7f
6:lsl.w r3, r7, #2
  add r3, r5
  movs r1, #4
9:strb r0, [r3], #1
  lsrs r0, r0, #8
  subs r1, #1
  bne 9b
7:subs r7, #1
  cmp r7, #0
  bne 1b
// Its sum, by IT blocks.
  movs r0, #0
  movs r7, #64
1:ldr.w r1, [r5, r7, lsl #2]
  lsrs r2, r1, #1
  itet cs
  addcs r0, r0, r1
  eorcc r0, r0, r1
  addcs r0, #1
  subs r7, #1
  bne 1b
  mov r7, r0
// A page that comes when it is touched.
  str.w r7, [r6, #4092]
  ldr.w r1, [r6, #4092]
  cmp r1, r7
  bne.w failed
  ldr r1, [r6]
  cmp r1, #0
  bne.w failed
// Calls, also out of an IT block.
  mov r0, r7
  svc #1
  cmp r0, r7
  ittet eq
  addeq r0, #1
  svceq #1
  movne r0, #0
  addeq r0, #1
  subs r0, r0, r7
  cmp r0, #2
  bne.w failed
  svc #2
  mrc p15, 0, r1, c13, c0, 3
  cmp r0, r1
  bne.w failed
  mcr p15, 0, r7, c13, c0, 2
// An instruction that the kernel does instead.
  movs r0, #0
  udf #7
  cmp r0, #7
  bne.w failed
// Code that comes when it is called.
  mov r0, r7
  bl second_page
  mrc p15, 0, r1, c13, c0, 2
  cmp r1, r7
  bne.w failed
  svc #0
  b failed
  .thumb_func
failed:
  mvns r0, r7
  svc #0
  b failed

// r8 = r8 * 1664525 + 1013904223
  .thumb_func
next_number:
  push {r1, lr}
  movw r0, #0x660d
  movt r0, #0x19
  mul r8, r8, r0
  movw r0, #0xf35f
  movt r0, #0x3c6e
  add r8, r0
  mov r0, r8
  pop {r1, pc}

  .balign 4096
  .thumb_func
second_page:
  ror.w r0, r0, #7
  bx lr
  .balign 4096
