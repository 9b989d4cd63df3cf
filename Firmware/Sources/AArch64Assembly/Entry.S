// From the boot loader to Swift: an arm64 Linux `Image`, entered at its first byte with the MMU off, anywhere
// in memory on a 2 MiB boundary (Linux: Documentation/arch/arm64/booting.rst).
//
// The image is linked at 2 MiB of EL2's own 1 GiB address space, so its addresses rarely equal physical
// ones. There is no identity mapping: when the MMU goes on, the next fetch has no translation, and the
// exception that follows is taken to the vectors' virtual address. At that moment SP_EL0 is selected, so it
// arrives at the first vector, which nothing else uses and which is the image's first byte: the branch of the
// header comes by a second time, now with the MMU on.

#include "Layout.h"

  .section .vector.header, "ax"
  .global image_header, AArch64_main, AArch64GICv2_main
AArch64_main:                       // what SwiftPM calls the start of an executable
AArch64GICv2_main:
image_header:
  b boot_entry
  .long 0
  .quad 0                           // text_offset
  .quad image_size   // image_size: what the loader keeps free
  .quad 0xA                         // little-endian, 4 KiB pages, anywhere in memory
  .quad 0, 0, 0
  .ascii "ARM\x64"
  .long 0

// x0: the board's device tree.
  .section .text.entry, "ax"
boot_entry:
  msr daifset, #0xF
  mrs x1, CurrentEL
  cmp x1, #8
  b.ne wrong_exception_level
  mrs x2, sctlr_el2
  tbnz x2, #0, enter_swift
  mov x19, x0
  mov x20, #0
  adrp x21, image_start             // where the image lies
  adrp x0, translation_table        // two tables: level 2, level 3
  add x1, x0, #0x2000
  mov x2, x0
1: stp xzr, xzr, [x2], #16
  cmp x2, x1
  b.ne 1b
  add x2, x0, #0x1000
  orr x3, x2, #3                    // level 2 entry 1, the image's 2 MiB, names the level-3 table
  str x3, [x0, #8]
  // Level 3: what is executed and constants, read-only; from the tables on, data that never executes.
  mov x3, #0x7C3                    // page, normal memory, read-only, inner shareable, accessed
  orr x3, x3, x21
  adrp x4, translation_table
  adrp x5, image_end
  sub x4, x4, x21
  sub x5, x5, x21
  mov x6, #0
2: cmp x6, x4
  b.ne 3f
  bic x3, x3, #0x80                 // from here on written,
  orr x3, x3, #1 << 54              // and never executed
3: str x3, [x2], #8
  add x3, x3, #0x1000
  add x6, x6, #0x1000
  cmp x6, x5
  b.ne 2b
  adrp x4, stacks                   // below each stack, a page that is not there
  sub x4, x4, x21
  add x2, x0, #0x1000
  add x2, x2, x4, lsr #9
  mov x6, #8
4: str xzr, [x2], #16
  subs x6, x6, #1
  b.ne 4b
  dmb sy
  mov x2, x0                        // the loader may have left stale lines of these tables in the caches
5: dc ivac, x2
  add x2, x2, #64
  cmp x2, x1
  b.ne 5b
  b enable_mmu

// x0: the PhysicalCPU, from PSCI's CPU_ON.
  .global secondary_entry
secondary_entry:
  msr daifset, #0xF
  mov x20, x0
  adrp x21, image_start

enable_mmu:
  adr x0, control_registers
  ldp x1, x2, [x0]
  msr mair_el2, x1
  mrs x1, id_aa64mmfr0_el1          // the CPU's physical address size
  and x1, x1, #7
  orr x2, x2, x1, lsl #16
  msr tcr_el2, x2
  ldp x3, x4, [x0, #16]
  orr x4, x4, x1, lsl #16
  msr vtcr_el2, x4
  adrp x2, translation_table
  msr ttbr0_el2, x2
  ldp x1, x2, [x0, #32]
  msr vbar_el2, x1
  msr hcr_el2, x2
  ldp x4, x2, [x0, #48]
  msr cptr_el2, x2
  msr mdcr_el2, x4
  mov x1, #3
  msr cnthctl_el2, x1               // the guest may use both counters and the physical timer
  msr hstr_el2, xzr
  msr cntvoff_el2, xzr
  mrs x1, midr_el1
  msr vpidr_el2, x1
  mrs x1, id_aa64pfr0_el1
  ubfx x1, x1, #24, #4
  cbz x1, 1f                        // no GIC system registers: the boot will say so
  mov x1, #9                        // ICC_SRE_EL2: system registers, for EL1 too
  msr S3_4_C12_C9_5, x1
  isb
  mov x1, #1
  msr S3_0_C12_C12_5, x1            // ICC_SRE_EL1, the guest's
  mov x1, #2
  msr S3_0_C12_C12_4, x1            // ICC_CTLR_EL1: EOImode, so that guests end their timers' interrupts
  mov x1, #0xF0
  msr S3_0_C4_C6_0, x1              // ICC_PMR_EL1
  mov x1, #1
  msr S3_0_C12_C12_7, x1            // ICC_IGRPEN1_EL1
1:
  tlbi alle2
  tlbi alle1
  ic iallu
  dsb sy
  isb
  msr spsel, #0
  msr sctlr_el2, x3
  isb
  b enter_swift                     // not reached where the fetch after the barrier faults to the first vector

  .section .text.control_registers, "ax"
  .balign 8
control_registers:
  .quad 0x04FF                      // MAIR_EL2: 0 write-back, 1 device nGnRE
  .quad 0x80803522                  // TCR_EL2: 30-bit addresses, write-back walks, inner shareable
  .quad 0x30CD183D                  // SCTLR_EL2: MMU, caches, stack alignment, nothing both written and executed
  .quad 0x8000355C                  // VTCR_EL2: 36-bit guest addresses, walks from level 1
  .quad image_start                 // VBAR_EL2
  .quad 0x80000038                  // HCR_EL2 until a guest runs
  .quad 0x84E60                     // MDCR_EL2: debug, performance monitors, profiling and trace filters trap
  .quad 0x401037FF                  // CPTR_EL2

  .section .text.enter_swift, "ax"
// Continues at its virtual address, on a stack. x20: the PhysicalCPU, or 0 on the boot CPU.
enter_swift:
  cbnz x20, 1f
  adrp x0, stacks + 0x2000
  b 2f
1: ldr x0, [x20, #PHYSICAL_CPU_STACK_TOP]
2: mov sp, x0
  adrp x1, stacks
  sub x1, x0, x1
  sub x1, x1, #1
  lsr x1, x1, #STACK_STRIDE_SHIFT
  msr tpidr_el2, x1                 // the stack's number: which windows are this CPU's
  cbnz x20, 3f
  mov x0, x19
  mov x1, x21
  bl boot
  b return_to_guest
3: mov x0, x20
  bl start_secondary
  b return_to_guest

  .section .text.wrong_exception_level, "ax"
wrong_exception_level:
  adrp x2, stacks + 0x2000
  mov sp, x2
  bl report_exception_level
  b .
