// Copying and clearing, 64 bytes a round; for a guest also cleaned to the point of coherency, a cache line
// (64 bytes or more) a round. DC CVAC: Arm ARM D7.5.9.

  .section .text.memmove, "ax"
  .global memcpy, memmove
memmove:
  sub x3, x0, x1
  cmp x3, x2
  b.hs memcpy
  add x1, x1, x2                    // the destination lies behind the source and overlaps: from the end
  add x3, x0, x2
1: cbz x2, 2f
  ldrb w4, [x1, #-1]!
  strb w4, [x3, #-1]!
  sub x2, x2, #1
  b 1b
2: ret

memcpy:
  mov x3, x0
1: subs x2, x2, #16
  b.lo 2f
  ldp x4, x5, [x1], #16
  stp x4, x5, [x3], #16
  b 1b
2: adds x2, x2, #16
  b.eq 4f
3: ldrb w4, [x1], #1
  strb w4, [x3], #1
  subs x2, x2, #1
  b.ne 3b
4: ret

  .section .text.memset, "ax"
  .global memset
memset:
  mov x3, x0
  and x1, x1, #0xFF
  mov x4, #0x0101010101010101
  mul x1, x1, x4
1: subs x2, x2, #16
  b.lo 2f
  stp x1, x1, [x3], #16
  b 1b
2: adds x2, x2, #16
  b.eq 4f
3: strb w1, [x3], #1
  subs x2, x2, #1
  b.ne 3b
4: ret

  .section .text.copy_for_guest, "ax"
  .global copy_for_guest
copy_for_guest:
  mov x9, x0
1: subs x2, x2, #64
  b.lo 2f
  ldp x3, x4, [x1]
  ldp x5, x6, [x1, #16]
  ldp x7, x8, [x1, #32]
  ldp x10, x11, [x1, #48]
  add x1, x1, #64
  stp x3, x4, [x9]
  stp x5, x6, [x9, #16]
  stp x7, x8, [x9, #32]
  stp x10, x11, [x9, #48]
  dc cvac, x9
  add x9, x9, #64
  b 1b
2: adds x2, x2, #64
  b.eq 4f
3: ldrb w3, [x1], #1
  strb w3, [x9]
  dc cvac, x9
  add x9, x9, #1
  subs x2, x2, #1
  b.ne 3b
4: ret

// The count is a multiple of 64.
  .section .text.clear_for_guest, "ax"
  .global clear_for_guest
clear_for_guest:
  stp xzr, xzr, [x0]
  stp xzr, xzr, [x0, #16]
  stp xzr, xzr, [x0, #32]
  stp xzr, xzr, [x0, #48]
  dc cvac, x0
  add x0, x0, #64
  subs x1, x1, #64
  b.ne clear_for_guest
  ret
