// Copying and clearing, 16 bytes a round where both ends are on words, and what the compiler calls for numbers of 64 bits
// (Run-time ABI for the Arm Architecture).

  .syntax unified
  .thumb

  .macro routine name
  .section .text.\name, "ax"
  .type \name, %function
  .thumb_func
  .global \name
\name:
  .endm

  .macro also name
  .type \name, %function
  .thumb_func
  .global \name
\name:
  .endm

  routine __aeabi_memmove
  also __aeabi_memmove4
  also __aeabi_memmove8
  also memmove
  subs r3, r0, r1
  cmp r3, r2
  bhs copy
  adds r1, r1, r2                   // the destination lies behind the source and overlaps: from the end
  adds r3, r0, r2
1: cbz r2, 2f
  ldrb r12, [r1, #-1]!
  strb r12, [r3, #-1]!
  subs r2, r2, #1
  b 1b
2: bx lr

  also __aeabi_memcpy
  also __aeabi_memcpy4
  also __aeabi_memcpy8
  also memcpy
copy:
  push {r0, r4, r5, r6, lr}
  orrs r3, r0, r1
  lsls r3, r3, #30
  bne 2f
1: subs r2, r2, #16
  blo 3f
  ldm r1!, {r3, r4, r5, r6}
  stm r0!, {r3, r4, r5, r6}
  b 1b
3: adds r2, r2, #16
5: subs r2, r2, #4
  ittt hs
  ldrhs r3, [r1], #4
  strhs r3, [r0], #4
  bhs 5b
  adds r2, r2, #4
2: cbz r2, 4f
  ldrb r3, [r1], #1
  strb r3, [r0], #1
  subs r2, r2, #1
  b 2b
4: pop {r0, r4, r5, r6, pc}

  routine __aeabi_memclr
  also __aeabi_memclr4
  also __aeabi_memclr8
  movs r2, #0
  also __aeabi_memset
  also __aeabi_memset4
  also __aeabi_memset8
  mov r3, r1
  mov r1, r2
  mov r2, r3
  also memset
  push {r0, r4, r5, lr}
  uxtb r1, r1
  orr r1, r1, r1, lsl #8
  orr r1, r1, r1, lsl #16
  mov r3, r1
  mov r4, r1
  mov r5, r1
  lsls r12, r0, #30
  bne 2f
1: subs r2, r2, #16
  blo 3f
  stm r0!, {r1, r3, r4, r5}
  b 1b
3: adds r2, r2, #16
2: cbz r2, 4f
  strb r1, [r0], #1
  subs r2, r2, #1
  b 2b
4: pop {r0, r4, r5, pc}

// Shifts of r1:r0 by r2, less than 64. A shift by a register takes its lowest byte: from 32 on nothing is left.
  routine __aeabi_llsl
  lsls r1, r2
  subs r3, r2, #32
  lsl r12, r0, r3
  orr r1, r1, r12
  rsb r3, r2, #32
  lsr r12, r0, r3
  orr r1, r1, r12
  lsls r0, r2
  bx lr

  routine __aeabi_llsr
  lsrs r0, r2
  subs r3, r2, #32
  lsr r12, r1, r3
  orr r0, r0, r12
  rsb r3, r2, #32
  lsl r12, r1, r3
  orr r0, r0, r12
  lsrs r1, r2
  bx lr

// Likewise, with the sign.
  routine __aeabi_lasr
  subs r3, r2, #32
  bpl 1f
  rsb r3, r2, #32
  lsrs r0, r2
  lsl r3, r1, r3
  orrs r0, r3
  asrs r1, r2
  bx lr
1: asr r0, r1, r3
  asrs r1, r1, #31
  bx lr

// r1:r0 divided by r3:r2, which is less than 2^63: the quotient, and the rest in r3:r2.
  routine __aeabi_uldivmod
  push {r4, r5, r6, r7, lr}
  movs r4, #0
  movs r5, #0
  movs r6, #64
1: lsls r0, r0, #1
  adcs r1, r1
  adcs r4, r4
  adcs r5, r5
  subs r7, r4, r2
  sbcs r12, r5, r3
  bcc 2f
  mov r4, r7
  mov r5, r12
  adds r0, r0, #1
2: subs r6, r6, #1
  bne 1b
  mov r2, r4
  mov r3, r5
  pop {r4, r5, r6, r7, pc}
