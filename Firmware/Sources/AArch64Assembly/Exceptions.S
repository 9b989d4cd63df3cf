// The vectors (Arm ARM D1.3.1): sixteen places of 128 bytes. While a guest runs SP_EL2 points at its
// VirtualCPU, whose first member takes the registers; the stack of the CPU is the next member.

#include "Layout.h"

  .macro save_guest handler
  stp x0, x1, [sp]
  stp x2, x3, [sp, #16]
  stp x4, x5, [sp, #32]
  stp x6, x7, [sp, #48]
  stp x8, x9, [sp, #64]
  stp x10, x11, [sp, #80]
  stp x12, x13, [sp, #96]
  stp x14, x15, [sp, #112]
  stp x16, x17, [sp, #128]
  stp x18, x19, [sp, #144]
  stp x20, x21, [sp, #160]
  stp x22, x23, [sp, #176]
  stp x24, x25, [sp, #192]
  stp x26, x27, [sp, #208]
  stp x28, x29, [sp, #224]
  mov x0, sp
  ldr x1, [sp, #VIRTUAL_CPU_STACK_TOP]
  ldr x2, [sp, #VIRTUAL_CPU_EXITS]
  add x2, x2, #1
  str x2, [sp, #VIRTUAL_CPU_EXITS]
  str x30, [sp, #240]
  mov sp, x1
  bl \handler
  b return_to_guest
  .endm

// The first vector is the image's header (Entry.S). What lies between the vectors is up to image.ld.

  .macro own_exception section
  .section .vector.\section, "ax"
  b own_fault
  .endm

  own_exception own_synchronous
  own_exception own_system_error

  .section .vector.synchronous, "ax"
synchronous:
  save_guest handle_trap

  .section .vector.interrupt, "ax"
interrupt:
  save_guest handle_interrupt

  .section .vector.system_error, "ax"
system_error:
  save_guest handle_system_error

  .section .vector.narrow_synchronous, "ax"   // from AArch32
  save_guest handle_narrow_trap

  .section .vector.narrow_interrupt, "ax"
  b interrupt

  .section .vector.narrow_system_error, "ax"
  b system_error

// The hypervisor's own fault: on this CPU's stack from its beginning, for the fault may be the stack's.
  .section .text.own_fault, "ax"
own_fault:
  mrs x1, tpidr_el2
  adrp x0, stacks + 0x2000
  add x0, x0, x1, lsl #STACK_STRIDE_SHIFT
  mov sp, x0
  bl handle_own_fault
  b return_to_guest

// x0: the virtual CPU whose registers are loaded.
  .section .text.return_to_guest, "ax"
  .global return_to_guest
return_to_guest:
  mov sp, x0
  ldr x30, [sp, #240]
  ldp x28, x29, [sp, #224]
  ldp x26, x27, [sp, #208]
  ldp x24, x25, [sp, #192]
  ldp x22, x23, [sp, #176]
  ldp x20, x21, [sp, #160]
  ldp x18, x19, [sp, #144]
  ldp x16, x17, [sp, #128]
  ldp x14, x15, [sp, #112]
  ldp x12, x13, [sp, #96]
  ldp x10, x11, [sp, #80]
  ldp x8, x9, [sp, #64]
  ldp x6, x7, [sp, #48]
  ldp x4, x5, [sp, #32]
  ldp x2, x3, [sp, #16]
  ldp x0, x1, [sp]
  eret
