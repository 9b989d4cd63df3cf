// What a virtual CPU owns of EL1 and EL0, stored and loaded in the order of `SystemSlot`.

#include "Layout.h"

// From the vector registers back to the system registers.
#define SYSTEM_FROM_VECTORS (VIRTUAL_CPU_SYSTEM - VIRTUAL_CPU_VECTORS)

  .macro each_pair operation
  \operation sctlr_el1, elr_el2, 0
  \operation spsr_el2, vmpidr_el2, 16
  \operation vttbr_el2, cntv_ctl_el0, 32
  \operation cntv_cval_el0, cntp_ctl_el0, 48
  \operation cntp_cval_el0, cpacr_el1, 64
  \operation ttbr0_el1, ttbr1_el1, 80
  \operation tcr_el1, mair_el1, 96
  \operation amair_el1, esr_el1, 112
  \operation far_el1, vbar_el1, 128
  \operation afsr0_el1, afsr1_el1, 144
  \operation contextidr_el1, tpidr_el0, 160
  \operation tpidrro_el0, tpidr_el1, 176
  \operation cntkctl_el1, par_el1, 192
  \operation sp_el0, sp_el1, 208
  \operation elr_el1, spsr_el1, 224
  \operation csselr_el1, mdscr_el1, 240
  .endm

// What more there is in AArch32; FPEXC, the last, goes with the vector registers.
  .macro each_narrow_pair operation
  \operation spsr_abt, spsr_und, SYSTEM_NARROW
  \operation spsr_irq, spsr_fiq, SYSTEM_NARROW + 16
  \operation dacr32_el2, ifsr32_el2, SYSTEM_NARROW + 32
  .endm

  .macro store_pair first, second, offset
  mrs x1, \first
  mrs x2, \second
  stp x1, x2, [x0, #\offset]
  .endm

  .macro load_pair first, second, offset
  ldp x1, x2, [x0, #\offset]
  msr \first, x1
  msr \second, x2
  .endm

  .section .text.save_system_registers, "ax"
  .global save_system_registers
save_system_registers:
  each_pair store_pair
  ldr x1, [x0, #SYSTEM_EXECUTION_STATE]
  cbz x1, 1f
  each_narrow_pair store_pair
1:ret

  .section .text.load_system_registers, "ax"
  .global load_system_registers
load_system_registers:
  each_pair load_pair
  ldr x1, [x0, #SYSTEM_EXECUTION_STATE]
  cbz x1, 1f
  each_narrow_pair load_pair
1:ret

  .macro each_vector_pair operation
  .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  vector_pair \operation, \number
  .endr
  .endm

  .altmacro
  .macro vector_pair operation, number
  vector_pair_at \operation, %(2 * \number), %(2 * \number + 1), %(32 * \number)
  .endm
  .macro vector_pair_at operation, first, second, offset
  \operation q\first, q\second, [x0, #\offset]
  .endm

  .arch_extension fp
  .arch_extension simd
  .section .text.save_vectors, "ax"
  .global save_vectors
save_vectors:
  each_vector_pair stp
  mrs x1, fpcr
  mrs x2, fpsr
  str x1, [x0, #512]
  str x2, [x0, #520]
  ldur x1, [x0, #SYSTEM_FROM_VECTORS + SYSTEM_EXECUTION_STATE]
  cbz x1, 1f
  mrs x1, fpexc32_el2
  stur x1, [x0, #SYSTEM_FROM_VECTORS + SYSTEM_NARROW + 48]
1:ret

  .section .text.load_vectors, "ax"
  .global load_vectors
load_vectors:
  each_vector_pair ldp
  ldr x1, [x0, #512]
  ldr x2, [x0, #520]
  msr fpcr, x1
  msr fpsr, x2
  ldur x1, [x0, #SYSTEM_FROM_VECTORS + SYSTEM_EXECUTION_STATE]
  cbz x1, 1f
  ldur x1, [x0, #SYSTEM_FROM_VECTORS + SYSTEM_NARROW + 48]
  msr fpexc32_el2, x1
1:ret

// x0: CRm:op2 of an identification register; only x0 and x1 change. Of the AArch32 ones those from 1:0 to 3:2 are
// here, of the AArch64 ones (CRm 4 to 7) op2 0 to 2. `IdentificationRule` asks for no other.
  .section .text.read_identification, "ax"
  .global read_identification
read_identification:
  subs x1, x0, #24
  b.lo 1f
  lsr x1, x1, #3                    // from CRm 3 on five places fewer for each
  add x1, x1, x1, lsl #2
  sub x0, x0, x1
1: adr x1, 2f - 64
  add x1, x1, x0, lsl #3
  br x1
2:
  .irp cm, 1, 2
  .irp op, 0, 1, 2, 3, 4, 5, 6, 7
  mrs x0, S3_0_C0_C\cm\()_\op
  ret
  .endr
  .endr
  .irp cm, 3, 4, 5, 6, 7
  .irp op, 0, 1, 2
  mrs x0, S3_0_C0_C\cm\()_\op
  ret
  .endr
  .endr
