// From the boot loader to Swift: a zImage, entered at its first byte with the MMU and the data cache off, anywhere in memory
// on a 4 KiB boundary (Linux: Documentation/arm/booting.rst). The same bytes are the exception vectors.
//
// The image is linked at the last MiB of the address space, in front of what a guest has at 0xFFFF0000; every address space
// has that MiB in common. The MMU goes on in a page that is mapped twice, at its physical address too, until Swift is entered.

#include "Layout.h"

  .syntax unified
  .arm

  .section .vector.header, "ax"
  .global image_header, ARMv7_main
ARMv7_main:                         // what SwiftPM calls the start of an executable
image_header:
  b boot_entry
  b undefined
  b supervisor_call
  b prefetch_abort
  b data_abort
  .long 0
  b interrupt
  b interrupt
  .long 0
  .long 0x016F2818                  // a zImage's magic number
  .long 0                           // from its first byte
  .long loaded_size                 // to its last; what follows, up to image_size, has to be free too
  .long 0x04030201                  // little-endian

// r2: the board's device tree.
  .section .text.entry, "ax"
boot_entry:
  cpsid aif, #MODE_SUPERVISOR
  mov r8, r2
  ldr r11, =boot
  bl find_tables
  add r1, r0, #0x4400
  mov r2, #0
  mov r3, r0
1: str r2, [r3], #4
  cmp r3, r1
  bne 1b
  add r3, r0, #0x4000
  orr r2, r3, #1                    // the last MiB, in domain 0
  str r2, [r3, #-4]
  // What is executed and constants, read-only; from the tables on, data that never executes.
  ldr r2, =PAGE_EXECUTED
  orr r2, r2, r9
  ldr r4, =tables_offset
  add r4, r4, r9
  ldr r5, =image_size
  add r5, r5, r9
  mov r6, r9
2: cmp r6, r4
  biceq r2, r2, #PAGE_EXECUTED & 0xF00
  orreq r2, r2, #PAGE_WRITTEN & 0xF00
  orreq r2, r2, #1
  str r2, [r3], #4
  add r2, r2, #0x1000
  add r6, r6, #0x1000
  cmp r6, r5
  blo 2b
  mov r2, #0                        // below the stack, a page that is not there
  ldr r3, =stack_entry
  str r2, [r0, r3]

// r0: the level-1 table, r8 and r9: what Swift gets, r11: where it is entered.
map_twice:
  lsr r1, pc, #20                   // this MiB, at its physical address
  ldr r2, =SECTION_EXECUTED
  orr r2, r2, r1, lsl #20
  add r10, r0, r1, lsl #2
  str r2, [r10]
  add r1, r0, #0x4400
  mov r2, r0
3: mcr p15, 0, r2, c7, c6, 1        // the loader may have left stale lines of these tables in the caches
  add r2, r2, #32
  cmp r2, r1
  bne 3b

  // The MMU. r0: the level-1 table, r10: the entry that goes away.
  mrc p15, 0, r1, c0, c0, 0         // MIDR
  ubfx r1, r1, #4, #12
  ldr r2, =0xC09
  cmp r1, r2
  bne 4f
  mrc p15, 4, r1, c15, c0, 0        // CBAR: of a Cortex-A9 with others, where its snoop control unit is
  cmp r1, #0
  ldrne r2, [r1]
  orrne r2, r2, #1
  strne r2, [r1]
  mrc p15, 0, r1, c1, c0, 1         // ACTLR.SMP of a Cortex-A9: shared memory is cached
  tst r1, #1 << 6
  orreq r1, r1, #1 << 6
  mcreq p15, 0, r1, c1, c0, 1
4:
  orr r1, r0, #0x4A                 // TTBR0: walks are write-back and shared
  mcr p15, 0, r1, c2, c0, 0
  mov r1, #0
  mcr p15, 0, r1, c2, c0, 2         // TTBCR
  mcr p15, 0, r1, c13, c0, 1        // CONTEXTIDR
  mcr p15, 0, r1, c8, c7, 0         // TLBIALL
  mcr p15, 0, r1, c7, c5, 0         // ICIALLU
  mcr p15, 0, r1, c7, c5, 6         // BPIALL
  mov r1, #1
  mcr p15, 0, r1, c3, c0, 0         // DACR: domain 0 is checked, no other may be used
  ldr r1, =image_start
  mcr p15, 0, r1, c12, c0, 0        // VBAR
  mov r1, #0xF00000
  mcr p15, 0, r1, c1, c0, 2         // CPACR: the floating-point unit may be used
  mrc p15, 0, r1, c1, c0, 0         // SCTLR
  ldr r2, =SCTLR_CLEARED
  bic r1, r1, r2
  ldr r2, =SCTLR_SET
  orr r1, r1, r2
  dsb
  isb
  mcr p15, 0, r1, c1, c0, 0
  isb
  ldr pc, =entered

// At its own address. r10: the entry of the MiB that is mapped twice.
entered:
  ldr r1, =image_start
  sub r1, r1, r9
  add r1, r1, r10
  mov r2, #0
  str r2, [r1]
  mcr p15, 0, r1, c7, c11, 1        // DCCMVAU
  dsb
  mcr p15, 0, r2, c8, c7, 0         // TLBIALL
  dsb
  isb
  ldr r0, =variables
  ldr r1, =variables_end
5: cmp r0, r1
  strlo r2, [r0], #4
  blo 5b
  ldr sp, =stack + STACK_SIZE - FRAME_SIZE - 4
  mov r0, r8
  mov r1, r9
  blx r11
6: wfi
  b 6b

// The second CPU, with nothing in its cache that may be used. The first word of its tables is for Swift (Machine+Memory).
  .global second_entry
second_entry:
  cpsid aif, #MODE_SUPERVISOR
  mov r1, #0
7: mcr p15, 0, r1, c7, c6, 2        // DCISW: a Cortex-A9 has four ways of 256 lines
  adds r1, r1, #1 << 30
  bcc 7b
  add r1, r1, #32
  cmp r1, #0x2000
  blo 7b
  ldr r11, =start_second
  bl find_tables
  add r0, r0, #TABLES_STRIDE
  ldr r8, [r0]
  b map_twice

// r0: the boot CPU's level-1 table, on its 16 KiB; behind it the level-2 table. r9: where the image lies.
find_tables:
  bic r9, pc, #0xFF0                // this is its first page
  bic r9, r9, #0xF
  ldr r0, =tables_offset + 0x3FFF
  add r0, r0, r9
  bfc r0, #0, #14
  bx lr
  .ltorg
