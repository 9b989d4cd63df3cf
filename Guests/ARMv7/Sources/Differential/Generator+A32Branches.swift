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
    let jump = address
    let form = dice.below(isFunction ? 9 : 10)
    computedJump(form, condition &<< 28, register)
    filler()
    beginState(t32)
    rewrite(place, t32: false, register, operand(form, jump))
  }

  private mutating func computedJump(_ form: UInt32, _ condition: UInt32, _ register: UInt32) {
    switch form {
    case 0: word(condition | 0x01a0_f000 | register)
    case 1: word(condition | 0x008f_f000 | register)
    case 2: word(condition | 0x0280_f010 | register &<< 16)
    case 3: word(condition | 0x0240_f00c | register &<< 16)
    case 4: word(condition | 0x0380_f000 | register &<< 16)
    case 5: word(condition | 0x01a0_f260 | register)  // ROR #4
    case 6: word(condition | 0x01e0_f000 | register)  // MVN
    case 7: word(condition | 0x006f_f000 | register)  // RSB pc, pc, register
    case 8: word(condition | 0x012f_ff10 | register)
    default: word(condition | 0x012f_ff30 | register)
    }
  }

  /// What the register has to be so that the branch at `jump` leads here.
  private func operand(_ form: UInt32, _ jump: UInt32) -> UInt32 {
    switch form {
    case 1: here &- jump &- 8
    case 2: here &- 16
    case 3: here &+ 12
    case 5: here &<< 4 | here &>> 28
    case 6: ~here
    case 7: here &+ jump &+ 8
    default: here
    }
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
    switch dice.below(5) {
    case 0:
      word(0xe52d_0004 | register &<< 12)
      word(condition &<< 28 | 0x049d_f004)
    case 1: loadListStored(register, condition, list)
    case 2: loadStored(register, condition)
    default:
      word(0xe52d_0004 | register &<< 12)
      word(0xe92d_0000 | list)
      word(condition &<< 28 | 0x08bd_8000 | list)
    }
  }

  /// LDM in all modes; the PC is the highest word.
  private mutating func loadListStored(_ register: UInt32, _ condition: UInt32, _ list: UInt32) {
    let base = pointer()
    let list = dice.oneIn(4) ? 0 : list
    let mode = dice.below(4)  // DA, IA, DB, IB
    let below = UInt32(truncatingIfNeeded: list.nonzeroBitCount) &* 4
    let offset = mode == 0 ? 0 : mode == 1 ? below : mode == 2 ? 0 &- 4 : below &+ 4
    storeTarget(register, base, offset)
    let writes = isFunction ? 0 : dice.below(2)
    word(condition &<< 28 | 0x0810_8000 | mode &<< 23 | writes &<< 21 | base &<< 16 | list)
  }

  private mutating func storeTarget(_ register: UInt32, _ base: UInt32, _ offset: UInt32) {
    if offset &>> 31 != 0 {
      word(0xe500_0000 | base &<< 16 | register &<< 12 | (0 &- offset) & 0xfff)
    } else {
      word(0xe580_0000 | base &<< 16 | register &<< 12 | offset)
    }
  }

  /// LDR with an offset or an index, before or after; the base may change.
  private mutating func loadStored(_ register: UInt32, _ condition: UInt32) {
    let pointer = pointer()
    storeTarget(register, pointer, 0)
    let base = target()
    let offset = dice.below(dice.oneIn(2) ? 256 : 4096)
    let form = dice.below(4)
    // The base is the pointer, or further by the offset.
    word((form == 1 ? 0xe1a0_0000 | pointer : 0xe280_0000 | pointer &<< 16 | offset & 0xff) | base &<< 12)
    let load = condition &<< 28 | 0x0410_f000 | base &<< 16
    switch form {
    case 0: word(load | 1 &<< 24 | dice.below(2) &<< 21 | offset & 0xff)
    case 1: word(load | dice.below(2) &<< 23 | offset)
    default:
      let index = dice.bit(of: free & ~(1 &<< base) & 0x1fff)
      word(0xe3a0_0000 | index &<< 12 | offset & 0xff)
      word(load | 1 &<< 25 | 1 &<< 24 | dice.below(2) &<< 21 | index)
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
