// What operations cost on a CPU without virtualization extensions, in instructions: the same image natively
// on QEMU's vexpress-a9 (`-kernel`) and as a VM (`kernel-format: raw`, `architecture: arm`, 16 MiB). It has
// vectors, tables and a User mode as a kernel has. For each operation it prints
// `bench: <name> <instructions>`, then `bench: done`, and turns off.
//
// Its clock is the second timer of an SP804: 1 MHz, so 1,000 instructions a tick where one instruction is a
// nanosecond. An operation is repeated until that is precise; the same loop without it is subtracted.

  .syntax unified
  .arch_extension virt
  .arm

// Virtual addresses. RAM begins at 0x60000000 or 0x40000000; the image is 2 MiB behind.
  .equ ram, 0xc0000000
  .equ tables, ram + 0x300000         // two of level 1, then four of level 2
  .equ second_table, 0x4000
  .equ level2, 0x8000
  .equ supervisor_stack, ram + 0x320000
  .equ interrupt_stack, ram + 0x330000
  .equ data, 0x800000                 // in RAM: what user_data shows
  .equ user_text, 0x10000
  .equ absent, 0x20000                // in the same level-2 table, without a page
  .equ user_data, 0x400000            // 2 MiB
  .equ uart, 0xf8000000
  .equ timer, 0xf8001000              // timer 1 ticks
  .equ distributor, 0xf8002000
  .equ controls, 0xf8004000           // vexpress' system registers

// Registers: PL011 (DDI 0183), SP804 (DDI 0271), GIC (IHI 0048).
  .equ UARTFR, 0x18
  .equ UARTCR, 0x30
  .equ TimerControl, 0x08
  .equ TimerIntClr, 0x0c
  .equ Timer2Load, 0x20
  .equ Timer2Value, 0x24
  .equ Timer2Control, 0x28
  .equ GICD_TYPER, 0x04
  .equ GICD_ISENABLER1, 0x104
  .equ GICD_ITARGETSR, 0x800
  .equ GICC_PMR, 0x04
  .equ GICC_IAR, 0x0c
  .equ GICC_EOIR, 0x10

// Descriptors (DDI 0406C, B3.5): write-back memory of the kernel's; of User mode's, not global; a device.
  .equ kernel_section, 0x140e
  .equ user_code_page, 0x86e
  .equ user_data_page, 0x87f
  .equ device_page, 0x17

  .equ tick_period, 50                // microseconds

  .text
  .globl head
head:
  cpsid aif
  sub r0, pc, #12
  lsr r10, r0, #28
  lsl r10, r10, #28                   // r10: where RAM is
  add r1, r10, #0x200000
  cmp r0, r1
  beq 2f
  mov r2, r1
  ldr r3, =image_end - head
1:ldr r4, [r0], #4
  str r4, [r2], #4
  subs r3, r3, #4
  bne 1b
  bx r1
2:cmp r10, #0x60000000
  adreq r11, vexpress                 // r11: the board
  adrne r11, virtual
  b make_tables

// Pages: UART, timer, distributor, CPU interface, system registers. Then where the CPU interface is, and the
// number of the timer's interrupt.
vexpress: .word 0x10009000, 0x10011000, 0x1e001000, 0x1e000000, 0x10000000, 0xf8003100, 34
virtual: .word 0x09000000, 0x09040000, 0x08000000, 0x08010000, 0x09000000, 0xf8003000, 42

// Writes a row of descriptors, whose pages follow each other. Uses r3.
.macro map place, descriptor, count, step
  mov r3, \count
1:str \descriptor, [\place], #4
  add \descriptor, \descriptor, \step
  subs r3, r3, #1
  bne 1b
.endm

make_tables:
  add r4, r10, #tables - ram          // r4: level 1
  add r5, r4, #level2
  mov r0, #0
  mov r1, r4
  map r1, r0, #0x9000 / 4, #0
  ldr r0, =kernel_section
  orr r1, r0, r10
  add r2, r4, #ram >> 18
  map r2, r1, #16, #0x100000
  add r1, r10, #0x200000              // where this is now
  orr r0, r0, r1
  str r0, [r4, r1, lsr #18]
  orr r1, r5, #0x21                   // domain 1
  str r1, [r4]
  add r2, r4, #user_data >> 18
  add r1, r1, #0x400
  map r2, r1, #2, #0x400
  add r1, r5, #0xc00
  orr r1, r1, #1
  add r2, r4, #(uart >> 18) & 0x3f00
  str r1, [r2]
  ldr r1, =user_page - ram + user_code_page
  add r1, r1, r10
  str r1, [r5, #user_text >> 10]
  ldr r1, =data + user_data_page
  add r1, r1, r10
  add r2, r5, #0x400
  map r2, r1, #512, #0x1000
  add r2, r5, #0xc00
  mov r3, #5
1:ldr r1, [r11], #4
  orr r1, r1, #device_page
  str r1, [r2], #4
  subs r3, r3, #1
  bne 1b
  mov r1, r4                          // the second space is as the first
  add r2, r4, #second_table
  mov r3, #0x1000
1:ldr r0, [r1], #4
  str r0, [r2], #4
  subs r3, r3, #1
  bne 1b
  mov r0, #0
  mcr p15, 0, r0, c8, c7, 0           // TLBIALL
  mcr p15, 0, r0, c7, c5, 0           // ICIALLU
  mcr p15, 0, r0, c2, c0, 2           // TTBCR
  mcr p15, 0, r4, c2, c0, 0           // TTBR0
  mov r0, #1
  mcr p15, 0, r0, c13, c0, 1          // CONTEXTIDR
  mov r0, #5
  mcr p15, 0, r0, c3, c0, 0           // DACR: domains 0 and 1
  dsb
  isb
  mrc p15, 0, r0, c1, c0, 0           // SCTLR: M, C, Z, I; vectors where VBAR says
  ldr r1, =0x1805
  orr r0, r0, r1
  bic r0, r0, #0x2000
  mcr p15, 0, r0, c1, c0, 0
  isb
  sub r11, r11, r10
  add r11, r11, #ram
  ldr pc, =main
  .ltorg

main:
  ldr r0, =vectors
  mcr p15, 0, r0, c12, c0, 0          // VBAR
  cps #18
  ldr sp, =interrupt_stack
  cps #19
  ldr sp, =supervisor_stack
  ldr r0, =level1
  str r4, [r0]
  ldm r11, {r6, r7}                   // CPU interface, interrupt
  ldr r0, =interface
  str r6, [r0]
  bl start_devices
  cpsie i
  ldr r4, =operations
1:ldr r0, [r4]
  cmp r0, #0
  beq 2f
  bl measure
  add r4, r4, #20
  b 1b
2:ldr r0, =end
  bl write
  ldr r0, =interface                  // PSCI, or vexpress' own way: SYS_CFGCTRL, shut down
  ldr r1, [r0]
  ldr r2, =0xf8003000
  cmp r1, r2
  ldr r0, =0x84000008
  bne 1f
  hvc #0
1:ldr r1, =controls
  ldr r0, =0xc0800000
  str r0, [r1, #0xa4]
1:wfi
  b 1b

start_devices:
  ldr r0, =0x301
  ldr r1, =uart
  str r0, [r1, #UARTCR]
  ldr r1, =timer
  mvn r0, #0
  str r0, [r1, #Timer2Load]
  mov r0, #0x82
  str r0, [r1, #Timer2Control]
  mov r0, #tick_period
  str r0, [r1]
  ldr r1, =distributor
  mov r0, #1
  add r2, r1, #GICD_ITARGETSR
  strb r0, [r2, r7]
  sub r2, r7, #32
  lsl r2, r0, r2
  str r2, [r1, #GICD_ISENABLER1]
  str r0, [r1]
  mov r2, #0xf0
  str r2, [r6, #GICC_PMR]
  str r0, [r6]
  bx lr
  .ltorg

// Measures an operation of the table at r4 and prints it.
measure:
  push {r4-r9, lr}
  ldm r4, {r4-r8}                     // as the macro `operation` says
  mov r0, r7
  mov r1, r5
  bl time
  mov r5, r0
  cmp r8, #0
  mulne r8, r8, r7
  ldreq r0, =ticks
  ldreq r8, [r0]
  mov r0, r7
  mov r1, r6
  bl time
  subs r5, r5, r0
  movmi r5, #0
  ldr r0, =start
  bl write
  mov r0, r4
  bl write
  mov r0, #' '
  bl put
  ldr r0, =100000                     // in hundredths
  umull r0, r1, r0, r5
  mov r2, r8
  bl divide
  bl write_hundredths
  mov r0, #'\n'
  bl put
  pop {r4-r9, pc}

// Time of r0 passes of the routine r1, which has run for a while before. Returns microseconds.
time:
  push {r4-r7, lr}
  mov r6, r0
  mov r7, r1
  lsr r0, r6, #4
  add r0, r0, #1
  blx r7
  ldr r4, =excluded
  mov r0, #0
  mov r1, #0
  stm r4, {r0, r1}                    // ticks, too
  ldr r4, =timer
  ldr r5, [r4, #Timer2Value]
  mov r0, r6
  blx r7
  ldr r0, [r4, #Timer2Value]
  ldr r1, =excluded
  ldr r1, [r1]
  sub r0, r5, r0
  sub r0, r0, r1
  pop {r4-r7, pc}

// r1:r0 by r2. The quotient in r0, the rest in r1.
divide:
  push {r4, lr}
  mov r3, #0
  mov r4, #0
  mov r12, #64
1:adds r0, r0, r0
  adcs r1, r1, r1
  adc r4, r4, r4
  lsl r3, r3, #1
  cmp r4, r2
  subhs r4, r4, r2
  orrhs r3, r3, #1
  subs r12, r12, #1
  bne 1b
  mov r0, r3
  mov r1, r4
  pop {r4, pc}

// Prints a hundredth of r0.
write_hundredths:
  push {r4-r6, lr}
  ldr r4, =digits_end
  mov r6, #0
1:cmp r6, #2
  moveq r5, #'.'
  strbeq r5, [r4, #-1]!
  mov r1, #0
  mov r2, #10
  bl divide
  add r1, r1, #'0'
  strb r1, [r4, #-1]!
  add r6, r6, #1
  cmp r0, #0
  bne 1b
  cmp r6, #3
  blo 1b
  mov r0, r4
  pop {r4-r6, lr}
  b write

// Prints the text at r0.
write:
  mov r3, r0
  mov r12, lr
1:ldrb r0, [r3], #1
  cmp r0, #0
  bxeq r12
  bl put
  b 1b

put:
  ldr r1, =uart
1:ldr r2, [r1, #UARTFR]
  tst r2, #0x20
  bne 1b
  str r0, [r1]
  bx lr
  .ltorg

// Exceptions.

.macro vectors_for name, supervisor_call
  .balign 32
\name:
  b unexpected
  b leave_user
  b \supervisor_call
  b unexpected
  b skip
  b unexpected
  b tick
  b unexpected
.endm
vectors_for vectors, system_call
vectors_for saving_vectors, saving_system_call

// SVC of User mode.
system_call:
  movs pc, lr

// The same as kernels do it: all of User mode's registers are saved, and come back.
saving_system_call:
  sub sp, sp, #72
  stm sp, {r0-r12}
  add r8, sp, #60
  stmdb r8, {sp, lr}^
  mrs r9, spsr
  str lr, [sp, #60]
  str r9, [sp, #64]
  cpsie i
  cpsid i
  ldr r1, [sp, #64]
  ldr lr, [sp, #60]
  msr spsr_cxsf, r1
  ldm sp, {r0-lr}^
  nop
  add sp, sp, #72
  movs pc, lr

// A load that aborted is left out.
skip:
  subs pc, lr, #4

// UDF of User mode: back to who called run_user.
leave_user:
  mrs r1, spsr
  tst r1, #15
  bne unexpected
  cps #19
  cpsie i
  pop {r4, pc}

tick:
  sub lr, lr, #4
  push {r0-r3, lr}
  ldr r0, =interface
  ldr r0, [r0]
  ldr r1, [r0, #GICC_IAR]
  ldr r2, =timer
  str r1, [r2, #TimerIntClr]
  ldr r3, =ticks
  ldr r2, [r3]
  add r2, r2, #1
  str r2, [r3]
  str r1, [r0, #GICC_EOIR]
  ldm sp!, {r0-r3, pc}^

unexpected:
  mov r4, lr
  ldr sp, =supervisor_stack
  ldr r0, =failure
  bl write
  mov r0, r4
  bl write_hundredths
1:b 1b
  .ltorg

// Routines for r0 passes, of 20 operations each.

.macro rounds instructions:vararg
1:.rept 20
  \instructions
  .endr
  subs r0, r0, #1
  bne 1b
  bx r3
.endm

.macro measured name, operand, instructions:vararg
\name:
  ldr r1, =\operand
  mov r3, lr
  rounds \instructions
.endm

.macro save_and_restore
  mrs r2, cpsr
  cpsid i
  msr cpsr_c, r2
.endm
.macro touch_and_forget
  ldr r2, [r1]
  mcr p15, 0, r1, c8, c7, 1
.endm
.macro close_and_open
  mcr p15, 0, r2, c3, c0, 0
  mcr p15, 0, r1, c3, c0, 0
.endm
.macro save_and_load_user
  stm r1, {sp, lr}^
  ldm r1, {sp, lr}^
.endm
.macro load_and_store
  ldrex r2, [r1]
  strex r12, r2, [r1]
.endm

measured empty, 0
measured read_status, 0, mrs r2, cpsr
measured mask_interrupts, 0, save_and_restore
measured call, 0, bl return_by_link
measured call_saving, 0, bl return_by_stack
measured write_context, 1, mcr p15, 0, r1, c13, c0, 1
measured access_exclusively, exclusive, load_and_store
measured change_user_bank, user_bank, save_and_load_user
measured write_status, 0x10, msr spsr_cxsf, r1
measured write_thread, 0, mcr p15, 0, r1, c13, c0, 3
measured forget_page, user_data, mcr p15, 0, r1, c8, c7, 1
measured touch_forgotten_page, user_data, touch_and_forget
measured touch_forgotten_section, ram + 0x500000, touch_and_forget
measured touch_forgotten_alias, ram + 0x600000, touch_and_forget
measured forget_space, 1, mcr p15, 0, r1, c8, c7, 2
measured forget_all, 0, mcr p15, 0, r1, c8, c7, 0
measured read_distributor, distributor, ldr r2, [r1, #GICD_TYPER]
measured read_timer, timer, ldr r2, [r1, #Timer2Value]
measured load_as_user, user_text, ldrt r2, [r1], #0
measured abort, absent, ldr r2, [r1]

return_by_link:
  bx lr
return_by_stack:
  push {r2, lr}
  pop {r2, pc}

change_domains:
  mov r1, #5
  mov r2, #1
  mov r3, lr
  rounds close_and_open

write_table:
  ldr r1, =level1
  ldr r1, [r1]
  mov r3, lr
  rounds mcr p15, 0, r1, c2, c0, 0

read_priority_mask:
  ldr r1, =interface
  ldr r1, [r1]
  mov r3, lr
  rounds ldr r2, [r1, #GICC_PMR]

// To the other address space and one load of User mode's memory there, then back likewise.
change_spaces:
  push {r4, r5, lr}
  ldr r1, =level1
  ldr r1, [r1]
  add r2, r1, #second_table
  mov r4, #1
  mov r5, #2
  ldr r12, =user_data
1:.rept 10
  mcr p15, 0, r5, c13, c0, 1
  isb
  mcr p15, 0, r2, c2, c0, 0
  isb
  ldr r3, [r12]
  mcr p15, 0, r4, c13, c0, 1
  isb
  mcr p15, 0, r1, c2, c0, 0
  isb
  ldr r3, [r12]
  .endr
  subs r0, r0, #1
  bne 1b
  pop {r4, r5, pc}
  .ltorg

// User mode at r2, until UDF.
run_user:
  push {r4, lr}
  mov r3, #0x10
  msr spsr_cxsf, r3
  mov lr, r2
  movs pc, lr

.macro in_user name, operand, code
\name:
  ldr r1, =\operand
  ldr r2, =user_text + (\code - user_page)
  b run_user
.endm

in_user empty_user, 0, user_empty
in_user call_system, 0, user_call
.macro with_vectors table
  ldr r1, =\table
  mcr p15, 0, r1, c12, c0, 0
.endm

call_system_saving:
  push {r4, lr}
  with_vectors saving_vectors
  bl call_system
  with_vectors vectors
  pop {r4, pc}

in_user abort_user, absent, user_abort
in_user compute, 0, user_compute

// TLBIALL, whose time does not count, then User mode touches pages from r1 on.
.macro filling name, pages, code
\name:
  push {r4-r6, lr}
  ldr r5, =\pages
  ldr r6, =user_text + (\code - user_page)
  b fill
.endm

filling fill_half, 128, user_read
filling fill_half_written, 128, user_write
filling fill_all, 512, user_read
filling fill_nothing, 0, user_end

fill:
  mov r4, r0
1:ldr r2, =timer
  ldr r0, [r2, #Timer2Value]
  mcr p15, 0, r0, c8, c7, 0
  dsb
  isb
  ldr r1, [r2, #Timer2Value]
  sub r0, r0, r1
  ldr r2, =excluded
  ldr r1, [r2]
  add r1, r1, r0
  str r1, [r2]
  mov r0, r5
  ldr r1, =user_data
  mov r2, r6
  bl run_user
  subs r4, r4, #1
  bne 1b
  pop {r4-r6, pc}

// A busy loop while the first timer ticks, or does not.
.macro ticking name, control, code
\name:
  push {r4, r5, lr}
  ldr r4, =timer
  mov r5, #\control
  str r5, [r4, #TimerControl]
  bl \code
  mov r5, #0x42
  str r5, [r4, #TimerControl]
  str r5, [r4, #TimerIntClr]
  pop {r4, r5, pc}
.endm

ticking tick_kernel, 0xe2, empty
ticking tick_kernel_not, 0x42, empty
ticking tick_user, 0xe2, empty_user
ticking tick_user_not, 0x42, empty_user
  .ltorg

.macro operation name, routine, base, passes, count=20
  .section .rodata, "a"
1:.asciz "\name"
  .text
  .word 1b, \routine, \base, \passes, \count
.endm

  .balign 4
operations:
  operation status-read, read_status, empty, 10000
  operation interrupts-off-on, mask_interrupts, empty, 10000
  operation call-return, call, empty, 10000
  operation call-push-pop, call_saving, empty, 10000
  operation exclusive-access, access_exclusively, empty, 10000
  operation user-bank, change_user_bank, empty, 1000
  operation saved-status-write, write_status, empty, 1000
  operation table-write, write_table, empty, 1000
  operation context-write, write_context, empty, 1000
  operation domains-close-open, change_domains, empty, 1000
  operation thread-write, write_thread, empty, 1000
  operation space-change, change_spaces, empty, 1000
  operation tlb-page, forget_page, empty, 1000
  operation tlb-page-touch, touch_forgotten_page, empty, 1000
  operation tlb-section-touch, touch_forgotten_section, empty, 1000
  operation tlb-4m-from-code, touch_forgotten_alias, empty, 100
  operation tlb-space, forget_space, empty, 400
  operation tlb-all, forget_all, empty, 400
  operation distributor-type-read, read_distributor, empty, 1000
  operation priority-mask-read, read_priority_mask, empty, 1000
  operation timer-read, read_timer, empty, 1000
  operation user-load, load_as_user, empty, 1000
  operation system-call, call_system, empty_user, 1000
  operation system-call-saving, call_system_saving, empty_user, 1000
  operation kernel-abort, abort, empty, 1000
  operation user-abort, abort_user, empty_user, 1000
  operation fill-512k, fill_half, fill_nothing, 80, 128
  operation fill-512k-write, fill_half_written, fill_nothing, 80, 128
  operation fill-2m, fill_all, fill_nothing, 40, 512
  operation tick-kernel, tick_kernel, tick_kernel_not, 25000000, 0
  operation tick-user, tick_user, tick_user_not, 25000000, 0
  operation user-code, compute, empty_user, 50000
  .word 0

  .section .rodata, "a"
start: .asciz "bench: "
end: .asciz "bench: done\n"
failure: .asciz "bench: unexpected exception at a hundred times "

  .data
  .balign 4
level1: .word 0
interface: .word 0
exclusive: .word 0
user_bank: .word 0, 0
excluded: .word 0
ticks: .word 0
  .skip 16
digits_end: .byte 0

// User mode's code, in a page of its own: r0 rounds, or pages. Its address is user_text.
  .section .user, "ax"
  .balign 4096
user_page:

.macro user name, instructions:vararg
\name:
1:.rept 20
  \instructions
  .endr
  subs r0, r0, #1
  bne 1b
  udf #0
.endm

user user_empty
user user_call, svc #0
user user_abort, ldr r2, [r1]
user user_compute, add r2, r2, #1

.macro user_touch name, instruction
\name:
1:\instruction r2, [r1]
  add r1, r1, #4096
  subs r0, r0, #1
  bne 1b
  udf #0
.endm

user_touch user_read, ldr
user_touch user_write, str
user_end:
  udf #0
  .balign 4096
