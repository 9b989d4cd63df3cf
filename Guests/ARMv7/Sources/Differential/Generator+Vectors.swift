// The tested kernel's vectors and what handles the exceptions that do not end the sequence. All of it is A32.

extension Generator {
  /// Eight vectors; those that end the sequence go to the program natively.
  mutating func writeVectors() {
    for vector in 0..<8 as Range<UInt32> {
      address = Layout.vectors &+ vector &* 4
      let handler = Layout.vectors &+ 0x100 &+ vector &* 0x40
      if plan.resumed &>> vector & 1 == 0 {
        word(0xe59f_f018)
        address = address &+ 0x1c
        word(Layout.run &+ vector &* 4)
      } else {
        branch(to: handler, condition: 14)
        address = handler
        writeHandler(vector)
      }
    }
  }

  private mutating func writeHandler(_ vector: UInt32) {
    switch vector {
    case 4: word(0xe25e_f004)  // SUBS pc, lr, #4: behind what aborted
    case 3: word(0xe25e_f000)
    default: writeCallHandler(vector)
    }
    // For an access of the handler itself that was skipped.
    word(0xe1b0_f00e)
  }

  /// The ways of kernels to save and to return.
  private mutating func writeCallHandler(_ vector: UInt32) {
    switch dice.below(4) {
    case 0: word(0xe1b0_f00e)
    case 1:
      word(0xe92d_500f)  // STMDB sp!, {r0-r3, r12, lr}
      word(0xe3e0_0005)
      word(0xe090_1002)
      word(0xe8fd_900f)
    case 2:
      word(0xf96d_0500 | State.mode(of: vector))  // SRSDB sp!, #mode
      word(0xf8bd_0a00)
    default:
      word(0xe52d_c004)  // STR r12, [sp, #-4]!
      word(0xe14f_c000)  // MRS r12, SPSR
      word(0xe16f_f00c)
      word(0xe49d_c004)
      word(0xe1b0_f00e)
    }
  }
}
