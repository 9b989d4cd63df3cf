// The architecture's numbers, and those that assembly has in common with image.ld (Arm ARM, ARMv7-A edition: DDI 0406).
#define STACK_SIZE 0x2000
// From the tables of the boot CPU to those of the second one.
#define TABLES_STRIDE 0x8000
#define MODE_SUPERVISOR 19

// Small pages (B3.5.1), normal memory, write-back, shared: for the hypervisor alone.
#define PAGE_EXECUTED 0x65E
#define PAGE_WRITTEN 0x45F
// A section likewise, executed and written.
#define SECTION_EXECUTED 0x1140E

// SCTLR (B4.1.130): TE 30, AFE 29, TRE 28, EE 25, V 13, A 1; I 12, Z 11, C 2, M 0.
#define SCTLR_CLEARED 0x72002002
#define SCTLR_SET 0x1805

// r0 to r14, PC, CPSR of User mode.
#define FRAME_SIZE 68
