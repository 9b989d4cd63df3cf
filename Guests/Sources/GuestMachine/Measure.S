// The measured loops. A body is unrolled 20 times, so that the loop around it costs a tenth of an
// instruction for each round; that and the moves that feed a hypercall are measured alone and subtracted.

#include "macros.inc"

// function(passes, address, value): CNTVCT_EL0 ticks. The body finds address and value in x21 and x22,
// and may clobber x0…x3.
.macro measured name, instruction:vararg
function \name
  stp x19, x20, [sp, #-48]!
  stp x21, x22, [sp, #16]
  str x30, [sp, #32]
  mov x19, x0
  mov x21, x1
  mov x22, x2
  isb
  mrs x20, cntvct_el0
1:.rept 20
  \instruction
  .endr
  subs x19, x19, #1
  b.ne 1b
  isb
  mrs x0, cntvct_el0
  sub x0, x0, x20
  ldr x30, [sp, #32]
  ldp x21, x22, [sp, #16]
  ldp x19, x20, [sp], #48
  ret
.endm

.macro hypercall
  mov x0, x21
  hvc #0
.endm

measured measure_empty
measured measure_move, mov x0, x21
measured measure_hypercall, hypercall
measured measure_load, ldr w0, [x21]
measured measure_store, str w22, [x21]
measured measure_identification, mrs x0, id_aa64mmfr0_el1
measured measure_auxiliary, mrs x0, actlr_el1

// A vector table for one measurement: only an interrupt is expected.
.macro vectors_for name
  .balign 2048
\name\()_vectors:
  .skip 0x200
  b guest_fault
  .balign 128
  b \name\()_handler
  .balign 128
.endm

// Every measured handler saves x0…x9 and the link register of the interrupted code.
.macro save
  sub sp, sp, #96
  stp x0, x1, [sp]
  stp x2, x3, [sp, #16]
  stp x4, x5, [sp, #32]
  stp x6, x7, [sp, #48]
  stp x8, x9, [sp, #64]
  stp x18, x30, [sp, #80]
.endm
.macro restore
  ldp x18, x30, [sp, #80]
  ldp x8, x9, [sp, #64]
  ldp x6, x7, [sp, #48]
  ldp x4, x5, [sp, #32]
  ldp x2, x3, [sp, #16]
  ldp x0, x1, [sp]
  add sp, sp, #96
  eret
.endm

// Puts the measurement's own vectors in place, interrupts unmasked; x10 is the round's flag.
.macro begin name
  function measure_\name
  stp x19, x20, [sp, #-48]!
  stp x21, x22, [sp, #16]
  stp x30, x23, [sp, #32]
  mov x19, x0
  mov x21, x1
  mrs x22, vbar_el1
  address x2, \name\()_vectors
  msr vbar_el1, x2
  isb
.endm
.macro end
  msr daifset, #3
  msr vbar_el1, x22
  isb
  ldp x30, x23, [sp, #32]
  ldp x21, x22, [sp, #16]
  ldp x19, x20, [sp], #48
  ret
.endm

// measure_self_interrupt(rounds, ICC_SGI1R value)
begin self_interrupt
  msr daifclr, #3
  mrs x20, cntvct_el0
1:mov x10, #0
  msr s3_0_c12_c11_5, x21     // ICC_SGI1R_EL1
  isb
2:cbz x10, 2b
  subs x19, x19, #1
  b.ne 1b
  mrs x0, cntvct_el0
  sub x0, x0, x20
  end
  vectors_for self_interrupt
self_interrupt_handler:
  save
  mrs x0, s3_0_c12_c12_0      // ICC_IAR1_EL1
  dsb sy
  and x1, x0, #0xffffff
  cmp x1, #1020
  b.hs 3f
  msr s3_0_c12_c12_1, x0      // ICC_EOIR1_EL1
  dsb sy
  isb
  mov x10, #1
3:restore

// measure_timer_due(rounds)
begin timer_due
  mov x21, #1
  msr daifclr, #3
  mrs x20, cntvct_el0
1:mov x10, #0
  msr cntv_cval_el0, xzr
  msr cntv_ctl_el0, x21
  isb
2:cbz x10, 2b
  subs x19, x19, #1
  b.ne 1b
  mrs x0, cntvct_el0
  sub x0, x0, x20
  end
  vectors_for timer_due
timer_due_handler:
  save
  mrs x0, s3_0_c12_c12_0      // ICC_IAR1_EL1
  dsb sy
  and x1, x0, #0xffffff
  cmp x1, #27
  b.ne 3f
  msr cntv_ctl_el0, xzr
  msr s3_0_c12_c12_1, x0      // ICC_EOIR1_EL1
  isb
  mov x10, #1
3:restore

// measure_timer_wait(rounds, delay in ticks). The handler reads the clock after 0…15 more instructions in
// turn: averaged over whole turns, that makes up for the clock's step of 16 instructions.
begin timer_wait
  mov x23, #0                 // sum of ticks
  msr daifclr, #3
1:and x2, x19, #15
  address x3, delays
  sub x11, x3, x2, lsl #2
  mov x10, #0
  mrs x20, cntvct_el0
  add x20, x20, x21
  msr cntv_cval_el0, x20
  mov x2, #1
  msr cntv_ctl_el0, x2
  isb
2:wfi
  cbz x10, 2b
  subs x19, x19, #1
  b.ne 1b
  mov x0, x23
  end
  vectors_for timer_wait
timer_wait_handler:
  save
  br x11
  .rept 16
  nop
  .endr
delays:
  mrs x1, cntvct_el0
  mrs x0, s3_0_c12_c12_0      // ICC_IAR1_EL1
  cmp x0, #27
  b.ne 3f
  msr cntv_ctl_el0, xzr
  sub x1, x1, x20
  add x23, x23, x1
  mov x10, #1
  msr s3_0_c12_c12_1, x0      // ICC_EOIR1_EL1
  isb
3:restore

// measure_ping(rounds, ICC_SGI1R value for the partner), measure_partner(rounds, … for the first).
// WFI wakes with interrupts masked, so none can slip in between the check and the wait.
begin ping
  mrs x20, cntvct_el0
1:msr s3_0_c12_c11_5, x21     // ICC_SGI1R_EL1
  isb
  dsb sy
  wfi
  msr daifclr, #3
  isb
  msr daifset, #3
  subs x19, x19, #1
  b.ne 1b
  mrs x0, cntvct_el0
  sub x0, x0, x20
  end
begin partner
1:dsb sy
  wfi
  msr daifclr, #3
  isb
  msr daifset, #3
  msr s3_0_c12_c11_5, x21     // ICC_SGI1R_EL1
  isb
  subs x19, x19, #1
  b.ne 1b
  end
  vectors_for ping
  .equ partner_vectors, ping_vectors
ping_handler:
  save
  mrs x0, s3_0_c12_c12_0      // ICC_IAR1_EL1
  dsb sy
  and x1, x0, #0xffffff
  cmp x1, #1020
  b.hs 3f
  msr s3_0_c12_c12_1, x0      // ICC_EOIR1_EL1
  isb
  mov x10, #1
3:restore
