// For assembly: a function in T32, in a section of its own.

  .macro routine name
  .section .text.\name, "ax"
  .type \name, %function
  .thumb_func
  .globl \name
\name:
  .endm
