// A32 branches through registers, memory and tables.

import Machine

extension Generator {
  mutating func branchA32() {
    switch dice.below(12) {
    case 0..<3: skip()
    case 3: loop()
    case 4..<6: call()
    case 6: computedJumpA32()
    case 7: loadedJumpA32()
    case 8: poppedJumpA32()
    case 9: dice.oneIn(2) ? loadedTableA32() : addedTableA32()
    case 10: if plan.hasT32 { changeState() } else { computedJumpA32() }
    default: exceptionReturn()
    }
  }

  /// Something that is skipped, most often nothing.
  private mutating func filler() {
    if dice.oneIn(3) { nested(1) }
  }

  // MARK: Registers

  /// A branch to what a register holds, more or less.
  private mutating func computedJumpA32() {
    let register = target()
    let place = address
    constant(register, 0)
    let t32 = nextState()
    // A branch that may not be taken cannot lead to the other state.
    let condition = t32 ? 14 : condition()
    let difference = computedJump(condition, register)
    filler()
    beginState(t32)
    rewrite(place, t32: false, register, here &+ difference)
  }

  /// - Returns: by how much the register has to be more than the target.
  private mutating func computedJump(_ condition: UInt32, _ register: UInt32) -> UInt32 {
    switch dice.below(7) {
    case 0 where !isFunction: word(condition &<< 28 | 0x012f_ff30 | register)
    case 1: word(condition &<< 28 | 0x01a0_f000 | register)
    case 2:
      word(condition &<< 28 | 0x008f_f000 | register)
      return 0 &- address &- 4
    case 3:
      word(condition &<< 28 | 0x0280_f010 | register &<< 16)
      return 0 &- 16
    case 4:
      word(condition &<< 28 | 0x0240_f00c | register &<< 16)
      return 12
    case 5: word(condition &<< 28 | 0x0380_f000 | register &<< 16)
    default: word(condition &<< 28 | 0x012f_ff10 | register)
    }
    return 0
  }

  // MARK: Memory

  /// LDR of the PC from a word behind it.
  private mutating func loadedJumpA32() {
    let t32 = nextState()
    let condition = t32 ? 14 : condition()
    let register = target()
    let place = address
    let form = dice.below(3)
    if form > 0 { constant(register, 0) }
    let jump = address
    switch form {
    case 0: word(condition &<< 28 | 0x059f_f000)
    case 1: word(condition &<< 28 | 0x0590_f004 | register &<< 16)
    default: word(condition &<< 28 | 0x079f_f000 | register)
    }
    branch(to: jump &+ 12, condition: 14)
    let literal = address
    word(0)
    beginState(t32)
    write32(literal, here)
    if form == 1 { rewrite(place, t32: false, register, literal &- 4) }
    if form == 2 { rewrite(place, t32: false, register, 0) }
  }

  /// LDM and LDR of the PC from where it was stored.
  private mutating func poppedJumpA32() {
    guard !resumesAborts else { return computedJumpA32() }
    let t32 = nextState()
    let condition = t32 || isFunction ? 14 : condition()
    let register = target()
    let place = address
    constant(register, 0)
    popStored(register, condition)
    filler()
    beginState(t32)
    rewrite(place, t32: false, register, here)
  }

  private mutating func popStored(_ register: UInt32, _ condition: UInt32) {
    let list = loadedList(0x1fff)
    let base = pointer()
    switch dice.below(4) {
    case 0:
      word(0xe52d_0004 | register &<< 12)
      word(condition &<< 28 | 0x049d_f004)
    case 1:
      word(0xe580_0000 | base &<< 16 | register &<< 12 | UInt32(truncatingIfNeeded: list.nonzeroBitCount) &* 4)
      word(condition &<< 28 | 0x0890_8000 | base &<< 16 | list)
    case 2:
      word(0xe500_0004 | base &<< 16 | register &<< 12)
      word(condition &<< 28 | 0x0910_8000 | base &<< 16 | list)
    default:
      word(0xe52d_0004 | register &<< 12)
      word(0xe92d_0000 | list)
      word(condition &<< 28 | 0x08bd_8000 | list)
    }
  }

  // MARK: Tables

  /// A table of addresses behind `LDR pc, [pc, rX, LSL #2]`.
  private mutating func loadedTableA32() {
    let index = target()
    word(0xe200_0003 | source() &<< 16 | index &<< 12)
    let isConditional = dice.oneIn(2)
    if isConditional { word(0xe350_0002 | index &<< 16) }
    let jump = address
    word((isConditional ? 0x9000_0000 : 0xe000_0000) | 0x079f_f100 | index)
    word(0)
    let table = address
    address = address &+ 16
    for entry in 0..<4 as Range<UInt32> {
      write32(table &+ entry &* 4, address)
      dataProcessingA32()
    }
    let end = address
    address = jump &+ 4
    branch(to: end, condition: 14)
    address = end
  }

  /// `ADD pc, pc, rX, LSL #2` into a row of instructions.
  private mutating func addedTableA32() {
    let index = target()
    word(0xe200_0003 | source() &<< 16 | index &<< 12)
    word(0xe08f_f100 | index)
    for _ in 0..<5 { dataProcessingA32() }
  }
}
