// The hypervisor starts the translator here with a request and its argument, and a stack; SVC ends it.

  .syntax unified
  .thumb
  .section .text.entry, "ax"
  .type TranslatorImage_main, %function
  .thumb_func
  .global TranslatorImage_main
TranslatorImage_main:
  bl serve
  svc #0
