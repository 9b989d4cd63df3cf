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

// The two generations of interrupt controllers: 3 has system registers for the CPU, 2 a frame, whose address
// x24 holds, and an SGI register at the distributor, whose address x23 holds.
.macro send generation
  .if \generation == 3
  msr s3_0_c12_c11_5, x21     // ICC_SGI1R_EL1
  .else
  str w21, [x23, #0xf00]      // GICD_SGIR
  .endif
.endm
.macro acknowledge generation
  .if \generation == 3
  mrs x0, s3_0_c12_c12_0      // ICC_IAR1_EL1
  .else
  ldr w0, [x24, #0xc]         // GICC_IAR
  .endif
.endm
.macro finish generation
  .if \generation == 3
  msr s3_0_c12_c12_1, x0      // ICC_EOIR1_EL1
  .else
  str w0, [x24, #0x10]        // GICC_EOIR
  .endif
.endm
// x1: the number in x0, which has a sender above it.
.macro number generation
  .if \generation == 3
  and x1, x0, #0xffffff
  .else
  and x1, x0, #0x3ff
  .endif
.endm

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

// Puts the measurement's own vectors in place; x10 is the round's flag.
.macro begin name, generation
  function measure_\name\()_\generation
  stp x19, x20, [sp, #-64]!
  stp x21, x22, [sp, #16]
  stp x30, x23, [sp, #32]
  str x24, [sp, #48]
  mov x19, x0
  mov x21, x1
  mrs x22, vbar_el1
  mov x23, #0x08000000
  mov x24, #0x08010000
  address x2, \name\()_\generation\()_vectors
  msr vbar_el1, x2
  isb
.endm
.macro end
  msr daifset, #3
  msr vbar_el1, x22
  isb
  ldr x24, [sp, #48]
  ldp x30, x23, [sp, #32]
  ldp x21, x22, [sp, #16]
  ldp x19, x20, [sp], #64
  ret
.endm
// An interrupt is taken between the two.
.macro let_in
  msr daifclr, #3
  isb
  msr daifset, #3
.endm

.macro measurements generation
// measure_self_interrupt(rounds, request)
begin self_interrupt, \generation
  msr daifclr, #3
  mrs x20, cntvct_el0
1:mov x10, #0
  send \generation
  isb
2:cbz x10, 2b
  subs x19, x19, #1
  b.ne 1b
  mrs x0, cntvct_el0
  sub x0, x0, x20
  end
  vectors_for self_interrupt_\generation
self_interrupt_\generation\()_handler:
  save
  acknowledge \generation
  dsb sy
  number \generation
  cmp x1, #1020
  b.hs 3f
  finish \generation
  dsb sy
  isb
  mov x10, #1
3:restore

// measure_timer_due(rounds)
begin timer_due, \generation
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
  vectors_for timer_due_\generation
timer_due_\generation\()_handler:
  save
  acknowledge \generation
  dsb sy
  number \generation
  cmp x1, #27
  b.ne 3f
  msr cntv_ctl_el0, xzr
  finish \generation
  isb
  mov x10, #1
3:restore

// measure_timer_wait(rounds, delay in ticks). The handler reads the clock after 0…15 more instructions in
// turn: averaged over whole turns, that makes up for the clock's step of 16 instructions.
begin timer_wait, \generation
  mov x23, #0                 // sum of ticks
  msr daifclr, #3
1:and x2, x19, #15
  address x3, delays_\generation
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
  vectors_for timer_wait_\generation
timer_wait_\generation\()_handler:
  save
  br x11
  .rept 16
  nop
  .endr
delays_\generation\():
  mrs x1, cntvct_el0
  acknowledge \generation
  cmp x0, #27
  b.ne 3f
  msr cntv_ctl_el0, xzr
  sub x1, x1, x20
  add x23, x23, x1
  mov x10, #1
  finish \generation
  isb
3:restore

// measure_ping(rounds, request for the partner), measure_partner(rounds, request for the first).
// WFI wakes with interrupts masked, so none can slip in between the check and the wait.
begin ping, \generation
  mrs x20, cntvct_el0
1:send \generation
  isb
  dsb sy
  wfi
  let_in
  subs x19, x19, #1
  b.ne 1b
  mrs x0, cntvct_el0
  sub x0, x0, x20
  end
begin partner, \generation
1:dsb sy
  wfi
  let_in
  send \generation
  isb
  subs x19, x19, #1
  b.ne 1b
  end
  vectors_for ping_\generation
  .equ partner_\generation\()_vectors, ping_\generation\()_vectors
ping_\generation\()_handler:
  save
  acknowledge \generation
  dsb sy
  number \generation
  cmp x1, #1020
  b.hs 3f
  finish \generation
  isb
  mov x10, #1
3:restore
.endm

measurements 2
measurements 3

// function(address): counts there for ever, three instructions a round.
function count_for_ever
  mov x1, #0
1:add x1, x1, #1
  str x1, [x0]
  b 1b
