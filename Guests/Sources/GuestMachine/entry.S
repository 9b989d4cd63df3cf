// Image header, entry, vectors, and the routines that cannot be written in Swift or C.

#include "macros.inc"

// A vector for everything that a table may hold: what it was is in x1.
.macro vector table, target
  .balign 128
  stp x0, x1, [sp, #-192]!
  mov x1, #((. - 4 - \table) & ~127)
  b \target
.endm

  .section .text.head, "ax"
  .globl guest_head
guest_head:
  mrs x20, cntvct_el0         // the first instruction, so the time of the entry itself is known
  b start
  .quad 0                     // text_offset: from the start of a 2 MiB block
  .quad image_size
  .quad 0xa                   // little-endian, 4 KiB pages, anywhere in memory
  .quad 0, 0, 0
  .ascii "ARM\x64"
  .long 0

start:
  mov x21, x0
  address x19, guest_processors
  mov x0, #0
  bl own_stack                // first, so that no exception goes astray
  bl relocate
  address x0, bss_start
  address x1, stacks_start
1:stp xzr, xzr, [x0], #16
  cmp x0, x1
  b.lo 1b
  address x0, guest_device_tree
  str x21, [x0]
  address x0, guest_first_virtual_count
  str x20, [x0]
  bl enable_translation_table
  bl enable
  bl main
  b halt

  .globl guest_secondary_entry
  .balign 4
guest_secondary_entry:
  mov x19, x0
  mrs x0, daif
  mrs x1, sctlr_el1
  stp x0, x1, [x19, #64]
  mrs x0, currentel
  mrs x1, spsel
  stp x0, x1, [x19, #80]
  ldr x0, [x19]
  bl own_stack
  bl enable
  ldr x1, [x19, #48]
  ldr x0, [x19, #56]
  blr x1
halt:
  wfi
  b halt

// x0: index of this CPU → stack and exception state. 32 KiB for each.
own_stack:
  address x1, stacks_start
  add x0, x0, #1
  add x1, x1, x0, lsl #15
  msr spsel, #1
  mov sp, x1
  msr tpidr_el1, x19
  address x0, exception_vectors
  msr vbar_el1, x0
  mov x0, #3 << 20            // CPACR_EL1.FPEN: vectors may be used
  msr cpacr_el1, x0
  isb
  ret

interrupt:
  stp x2, x3, [sp, #16]
  stp x4, x5, [sp, #32]
  stp x6, x7, [sp, #48]
  stp x8, x9, [sp, #64]
  stp x10, x11, [sp, #80]
  stp x12, x13, [sp, #96]
  stp x14, x15, [sp, #112]
  stp x16, x17, [sp, #128]
  stp x18, x30, [sp, #144]
  mrs x2, elr_el1
  mrs x3, spsr_el1
  stp x2, x3, [sp, #160]
  mrs x2, tpidr_el1
  ldr x2, [x2, #40]
  cbz x2, unexpected
  blr x2
  ldp x2, x3, [sp, #160]
  msr elr_el1, x2
  msr spsr_el1, x3
  ldp x18, x30, [sp, #144]
  ldp x16, x17, [sp, #128]
  ldp x14, x15, [sp, #112]
  ldp x12, x13, [sp, #96]
  ldp x10, x11, [sp, #80]
  ldp x8, x9, [sp, #64]
  ldp x6, x7, [sp, #48]
  ldp x4, x5, [sp, #32]
  ldp x2, x3, [sp, #16]
  ldp x0, x1, [sp], #192
  eret

  .globl guest_call
guest_call:
  mov x16, x0
  ldp x0, x1, [x16]
  ldp x2, x3, [x16, #16]
  ldp x4, x5, [x16, #32]
  ldp x6, x7, [x16, #48]
  hvc #0
  stp x0, x1, [x16]
  stp x2, x3, [x16, #16]
  stp x4, x5, [x16, #32]
  stp x6, x7, [x16, #48]
  ret

// The vectors of a guest that attempts nothing. The table begins with the image, as only these four are ever used
// at EL1 with SP_EL1; other routines of every guest lie before and between them.
  .org guest_head + 0x200
  vector guest_head, unexpected

// MMU and caches on.
enable:
  ldr x0, =0xff04             // attribute 0: Device-nGnRE, 1: normal write-back
  msr mair_el1, x0
  ldr x0, =0x00803519         // 39-bit TTBR0, 4 KiB, write-back inner shareable walks; no TTBR1
  mrs x1, id_aa64mmfr0_el1
  bfi x0, x1, #32, #3         // IPS: what the CPU has
  msr tcr_el1, x0
  address x0, guest_translation_table
  msr ttbr0_el1, x0
  tlbi vmalle1
  ic iallu
  dsb sy
  isb
  ldr x0, =0x30d01985         // SCTLR_EL1: RES1 bits, M, C, I; alignment unchecked
  msr sctlr_el1, x0
  isb
  ret

  .ltorg

  vector guest_head, interrupt

// Adds the load address to every pointer in the image (R_AARCH64_RELATIVE is the only kind there is).
relocate:
  address x0, image_start
  address x1, relocations_start
  address x2, relocations_end
1:cmp x1, x2
  b.hs 2f
  ldr x3, [x1]
  ldr x4, [x1, #16]
  add x4, x4, x0
  str x4, [x0, x3]
  add x1, x1, #24
  b 1b
2:ret

unexpected:
  mov x0, x1
  mrs x1, esr_el1
  mrs x2, elr_el1
  mrs x3, far_el1
  bl guest_unexpected
  b halt

  vector guest_head, interrupt

// Level 1: the first GiB is devices, the next fifteen are memory, all mapped one to one.
enable_translation_table:
  address x0, guest_translation_table
  mov x1, #0x401              // block, AF, attribute 0 (device)
  movk x1, #0x0060, lsl #48   // never executed
  str x1, [x0]
  mov x2, #1
1:lsl x1, x2, #30
  add x1, x1, #0x705          // block, AF, inner shareable, attribute 1 (normal)
  orr x1, x1, #1 << 54        // not executed at EL0
  str x1, [x0, x2, lsl #3]
  add x2, x2, #1
  cmp x2, #16
  b.lo 1b
  dmb ishst
  dc civac, x0
  dsb sy
  ret

  vector guest_head, unexpected

// All that belongs to attempts, and vectors for everything: guest.ld takes this table where the section is linked. A
// fault during an attempt ends the attempt; an interrupt calls the CPU's handler; all else is reported by
// guest_unexpected.
  .section .text.attempt, "ax"
  .balign 2048
vectors:
  .rept 2
  vector vectors, fault
  vector vectors, interrupt
  vector vectors, interrupt
  vector vectors, system_error
  .endr
  .rept 2                       // from EL0, in AArch64 and AArch32
  vector vectors, fault
  vector vectors, user_interrupt
  vector vectors, user_interrupt
  vector vectors, system_error
  .endr

// What runs at EL0 may never end by itself: an interrupt ends it, and the attempt.
user_interrupt:
  mrs x0, tpidr_el1
  ldr x0, [x0, #40]
  cbz x0, unexpected
  blr x0
  b fault

system_error:
  mrs x0, tpidr_el1
  ldr x0, [x0, #8]
  cbz x0, unexpected
  mov x1, #1 << 63
  b attempt_failed
  .globl guest_fault
guest_fault:
fault:
  mrs x0, tpidr_el1
  ldr x0, [x0, #8]
  cbz x0, unexpected
  mov x1, #0
attempt_failed:               // x0: stack of the attempt
  mov sp, x0
  mrs x2, tpidr_el1
  mrs x0, esr_el1
  orr x0, x0, x1
  mrs x3, far_el1
  stp x0, x3, [x2, #16]
  mrs x3, elr_el1
  str x3, [x2, #32]
  b attempt_end

// guest_attempt(code, arguments)
  .globl guest_attempt
guest_attempt:
  sub sp, sp, #112
  stp x19, x20, [sp]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  mrs x2, daif
  stp x1, x2, [sp, #96]
  mrs x3, tpidr_el1
  mov x2, sp
  str x2, [x3, #8]
  mov x16, x0
  ldp x2, x3, [x1, #16]
  ldp x4, x5, [x1, #32]
  ldp x6, x7, [x1, #48]
  ldp x0, x1, [x1]
  blr x16
  ldr x16, [sp, #96]
  stp x0, x1, [x16]
  stp x2, x3, [x16, #16]
  stp x4, x5, [x16, #32]
  stp x6, x7, [x16, #48]
  mov x0, #0
attempt_end:                  // sp: the frame above; x0: result
  mrs x3, tpidr_el1
  str xzr, [x3, #8]
  ldp x1, x2, [sp, #96]
  msr daif, x2
  ldp x19, x20, [sp]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  add sp, sp, #112
  ret

// guest_translation_off(), guest_translation_on(): what the image holds is cleaned and dropped from the
// caches first, as accesses bypass them without the MMU.
function guest_translation_off
  mov x9, x30
  bl drop_caches
  mrs x0, sctlr_el1
  bic x0, x0, #1
  msr sctlr_el1, x0
  isb
  ret x9
function guest_translation_on
  mov x9, x30
  bl drop_caches
  bl enable
  ret x9
drop_caches:
  address x0, image_start
  address x1, image_end
1:dc civac, x0
  add x0, x0, #64
  cmp x0, x1
  b.lo 1b
  dsb sy
  ret

.macro access name, instruction:vararg
function \name
  \instruction
  ret
.endm
access guest_load8, ldrb w1, [x0]
access guest_load16, ldrh w1, [x0]
access guest_load32, ldr w1, [x0]
access guest_load64, ldr x1, [x0]
access guest_store8, strb w1, [x0]
access guest_store16, strh w1, [x0]
access guest_store32, str w1, [x0]
access guest_store64, str x1, [x0]
access guest_load_pair, ldp x1, x2, [x0]
access guest_load_writeback, ldr x1, [x0], #8
access guest_store_pair, stp x1, x2, [x0]
access guest_store_writeback, str x1, [x0], #8
access guest_hypercall, hvc #0
access guest_secure_call, smc #0

// For guest_attempt: x0: where EL0 begins; x1: its SPSR; x2, x3: its x0, x1.
function guest_enter_user
  msr elr_el1, x0
  msr spsr_el1, x1
  mov x0, x2
  mov x1, x3
  isb
  eret

// An entry for CPU_ON that calls CPU_OFF at once.
function guest_leave_at_once
  mov w0, #2                  // CPU_OFF
  movk w0, #0x8400, lsl #16
  hvc #0
  b guest_leave_at_once

// guest_preserves(function): calls it by HVC with a pattern in x4…x29 and returns how many changed.
function guest_preserves
  sub sp, sp, #112
  stp x19, x20, [sp]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  .irp number, 4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
  mov x\number, #(\number * 257)
  movk x\number, #\number, lsl #48
  .endr
  hvc #0
  mov x0, #0
  .irp number, 4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
  mov x1, #(\number * 257)
  movk x1, #\number, lsl #48
  cmp x1, x\number
  cinc x0, x0, ne
  .endr
  ldp x19, x20, [sp]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  add sp, sp, #112
  ret

  .arch_extension fp
  .arch_extension simd
.macro pattern register, number
  add x1, x0, #\number
  eor x2, x0, x1, ror #13
  fmov d\number, x1
  mov v\number\().d[1], x2
.endm
.macro differs register, number
  add x1, x0, #\number
  eor x2, x0, x1, ror #13
  mov x3, v\number\().d[0]
  mov x4, v\number\().d[1]
  cmp x1, x3
  ccmp x2, x4, #0, eq
  cinc x5, x5, ne
.endm
function guest_fill_vectors
  .irp number, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  pattern v, \number
  .endr
  and x1, x0, #0x03c00000     // FPCR: rounding mode, flush to zero, default NaN
  msr fpcr, x1
  and x1, x0, #0x1f
  msr fpsr, x1
  ret
function guest_check_vectors
  mov x5, #0
  .irp number, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  differs v, \number
  .endr
  and x1, x0, #0x03c00000
  mrs x2, fpcr
  cmp x1, x2
  cinc x5, x5, ne
  and x1, x0, #0x1f
  mrs x2, fpsr
  cmp x1, x2
  cinc x5, x5, ne
  mov x0, x5
  ret

  .bss
  .balign 4096
  .globl guest_translation_table, guest_processors, guest_device_tree, guest_shared, guest_code, guest_gate
  .globl guest_first_virtual_count
guest_translation_table: .skip 4096
guest_processors: .skip 128 * 8
guest_shared: .skip 8 * 64
guest_gate: .skip 64
guest_device_tree: .skip 8
guest_first_virtual_count: .skip 8
  .balign 4096                  // a page for each CPU: see GuestMachine.h
guest_code: .skip 4096 * 8
