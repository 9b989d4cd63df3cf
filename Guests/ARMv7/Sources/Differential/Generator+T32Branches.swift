// T32 branches, IT blocks and what changes the processor's state.

import Machine

extension Generator {
  mutating func branchT32() {
    switch dice.below(13) {
    case 0..<3: skip()
    case 3: loop()
    case 4..<6: call()
    case 6: computedJumpT32()
    case 7: loadedJumpT32()
    case 8: compareAndBranch()
    case 9: tableBranch()
    case 10: if plan.hasA32 { changeState() } else { computedJumpT32() }
    default: exceptionReturn()
    }
  }

  // MARK: Direct ones

  /// B with 8 or 11 bits; nothing where that is too near or too far.
  mutating func narrowBranch(to target: UInt32, condition: UInt32) {
    let distance = target &- address &- 4
    let limit: UInt32 = condition == 14 ? 2048 : 256
    guard distance &+ limit < 2 &* limit else { return halfword(0xbf00) }
    if condition == 14 {
      halfword(0xe000 | distance &>> 1 & 0x7ff)
    } else {
      halfword(0xd000 | condition &<< 8 | distance &>> 1 & 0xff)
    }
  }

  /// B.W. The distances here are less than 1 MiB.
  mutating func wideBranch(to target: UInt32, condition: UInt32) {
    let distance = target &- address &- 4
    let sign = distance &>> 31
    if condition == 14 {
      wide(0xf000 | sign &<< 10 | distance &>> 12 & 0x3ff, 0xb800 | distance &>> 1 & 0x7ff)
    } else {
      wide(
        0xf000 | sign &<< 10 | condition &<< 6 | distance &>> 12 & 0x3f,
        0x8000 | sign &<< 13 | sign &<< 11 | distance &>> 1 & 0x7ff)
    }
  }

  /// BL, BLX.
  mutating func callT32(_ target: UInt32, changes: Bool) {
    let base = changes ? (address &+ 4) & ~3 : address &+ 4
    let distance = target &- base
    let sign = distance &>> 31
    wide(
      0xf000 | sign &<< 10 | distance &>> 12 & 0x3ff, (changes ? 0xe800 : 0xf800) | distance &>> 1 & 0x7ff)
  }

  /// CBZ, CBNZ.
  private mutating func compareAndBranch() {
    let place = address
    halfword(0xbf00)
    nested(1)
    let distance = address &- place &- 4
    // It cannot lead to the next instruction but one before, nor far.
    guard distance < 128 else { return }
    write16(
      place,
      UInt16(
        truncatingIfNeeded: 0xb100 | dice.below(2) &<< 11 | (distance &>> 6 & 1) &<< 9
          | (distance &>> 1 & 31) &<< 3 | dice.below(8)))
  }

  // MARK: Indirect ones

  /// BX, BLX, MOV and ADD to the PC.
  private mutating func computedJumpT32() {
    let register = target()
    let place = address
    constant(register, 0)
    let form = dice.below(4)
    let t32 = form < 2 ? nextState() : true
    let jump = address
    switch form {
    case 0: halfword(0x4700 | register &<< 3)
    case 1: halfword((isFunction ? 0x4700 : 0x4780) | register &<< 3)
    case 2: halfword(0x4687 | register &<< 3)
    default: halfword(0x4487 | register &<< 3)
    }
    if dice.oneIn(3) { nested(1) }
    beginState(t32)
    rewrite(place, t32: true, register, form == 3 ? address &- jump &- 4 : here)
  }

  /// POP and LDR of the PC.
  private mutating func loadedJumpT32() {
    guard !resumesAborts else { return computedJumpT32() }
    let t32 = nextState()
    let register = target()
    let place = address
    constant(register, 0)
    let list = loadedList(0x1fff)
    let base = pointer()
    switch dice.below(6) {
    case 0:
      wide(0xf84d, register &<< 12 | 0xd04)
      halfword(0xbd00)
    case 4, 5: loadStoredT32(register)
    case 1:
      wide(0xf84d, register &<< 12 | 0xd04)
      pushT32(list)
      popT32(list | 0x8000)
    case 2:
      wide(0xf8c0 | base, register &<< 12 | UInt32(truncatingIfNeeded: list.nonzeroBitCount) &* 4)
      wide(0xe890 | base, 0x8000 | list)
    default:
      wide(0xf8c0 | base, register &<< 12 | 8)
      wide(0xf8d0 | base, 0xf008)
    }
    if dice.oneIn(3) { nested(1) }
    beginState(t32)
    rewrite(place, t32: true, register, here)
  }

  /// LDR with an offset or an index, before or after; the base may change.
  private mutating func loadStoredT32(_ register: UInt32) {
    let pointer = pointer()
    wide(0xf8c0 | pointer, register &<< 12)
    let base = target()
    let offset = dice.below(256)
    let form = dice.below(3)
    // ADD.W
    wide(0xf100 | pointer, base &<< 8 | (form == 1 ? 0 : offset))
    switch form {
    case 0: wide(0xf850 | base, 0xfc00 | dice.below(2) &<< 8 | offset)
    case 1: wide(0xf850 | base, 0xf900 | dice.below(2) &<< 9 | offset)
    default:
      let index = dice.bit(of: free & ~(1 &<< base))
      // MVN.W of so much less one: the index is negative.
      wide(0xf06f, index &<< 8 | offset)
      wide(0xf100 | base, base &<< 8 | 1)
      wide(0xf850 | base, 0xf000 | index)
    }
  }

  /// TBB and TBH with four entries behind them.
  private mutating func tableBranch() {
    let index = target()
    wide(0xf000 | source(), index &<< 8 | 3)
    let size = 1 &+ dice.below(2)
    wide(0xe8df, 0xf000 | (size &- 1) &<< 4 | index)
    let table = address
    address = address &+ 4 &* size
    for entry in 0..<4 as Range<UInt32> {
      let distance = UInt16(truncatingIfNeeded: (address &- table) &>> 1)
      let place = table &+ entry &* size
      let other = read16(place & ~1) & 0xff
      write16(place & ~1, size == 2 ? distance : place & 1 == 0 ? distance : other | distance &<< 8)
      singleT32()
    }
  }

  // MARK: IT blocks

  /// A random ITSTATE, as it is in front of the first instruction: the condition, then one to four bits.
  mutating func ifThenState() -> UInt32 {
    let condition = dice.below(14)
    let count = 1 &+ dice.below(4)
    let rest = dice.below(16) & ~(0xf &>> (count &- 1)) | 8 &>> (count &- 1)
    return condition &<< 4 | rest
  }

  /// IT and its instructions; a branch at the end now and then.
  mutating func ifThen() {
    let state = ifThenState()
    // An SVC among them may change LR.
    let register = dice.bit(of: free & 0x1fff)
    let place = address
    let jumps = dice.oneIn(4)
    if jumps { constant(register, 0) }
    let pops = jumps && !isFunction && !resumesAborts && dice.oneIn(4)
    if pops { pushT32(1 &<< register) }
    // The field is ITSTATE as it is in front of the first instruction.
    halfword(0xbf00 | state)
    let saved = (free, isFunction)
    if jumps { free &= ~(1 &<< register) }
    // What is on the stack is left alone.
    isFunction = isFunction || pops
    conditionalBody(state, last: pops ? 15 : jumps ? register : nil)
    (free, isFunction) = saved
    if jumps { rewrite(place, t32: true, register, here) }
  }

  /// The instructions of an IT block, as many as the state says.
  /// - Parameter register: holds a target for the last one; 15: it is on the stack.
  mutating func conditionalBody(_ state: UInt32, last register: UInt32? = nil) {
    var rest = state & 15
    while rest != 0 {
      let isLast = rest & 7 == 0
      rest = rest &<< 1 & 15
      if isLast, let register { return lastOfBlock(register) }
      conditionalT32()
    }
  }

  /// What may stand in an IT block.
  private mutating func conditionalT32() {
    switch dice.below(12) {
    case 0: wide(0xf3ef, 0x8000 | target() &<< 8)
    case 1: wide(0xf380 | source(), 0x8000 | (1 &+ dice.below(3)) &<< 10)
    case 2: threadRegister()
    case 3 where !isFunction && (plan.resumed & 4 != 0 || dice.oneIn(8)): supervisorCall()
    case 4 where plan.resumed & 2 == 0 && dice.oneIn(8): undefined()
    default: singleT32()
    }
  }

  private mutating func lastOfBlock(_ register: UInt32) {
    if register == 15 { return halfword(0xbd00) }
    switch dice.below(4) {
    case 0: halfword(0x4700 | register &<< 3)
    case 1: halfword((isFunction ? 0x4700 : 0x4780) | register &<< 3)
    case 2: halfword(0x4687 | register &<< 3)
    default:
      if isFunction { halfword(0x4687 | register &<< 3) } else { callT32(functionT32 & ~1, changes: false) }
    }
    if dice.oneIn(2) { singleT32() }
  }

  // MARK: The processor's state

  mutating func statusT32() {
    switch dice.below(isUser ? 3 : 9) {
    case 0..<2: wide(0xf3ef, 0x8000 | target() &<< 8)
    case 2: wide(0xf380 | source(), 0x8000 | (1 &+ dice.below(3)) &<< 10)
    case 3: writeModeT32()
    case 4..<6: changeStateT32()
    case 6: hintT32()
    case 7: savedStatusT32()
    default: storeReturnT32()
    }
  }

  private mutating func writeModeT32() {
    guard !isFunction else { return singleT32() }
    let next = nextMode()
    let register = target()
    constant(register, status(next))
    let fields: UInt32 = dice.oneIn(2) ? 0x1 : dice.oneIn(2) ? 0x9 : 0xf
    wide(0xf380 | register, 0x8000 | fields &<< 8)
    mode = next
  }

  private mutating func changeStateT32() {
    let masks = 1 &+ dice.below(7)
    switch dice.below(keepsMode ? 2 : 4) {
    case 0: halfword(0xb660 | dice.below(2) &<< 4 | masks)
    case 1: wide(0xf3af, 0x8400 | dice.below(2) &<< 9 | masks &<< 5)
    case 2:
      mode = nextMode()
      wide(0xf3af, 0x8100 | mode)
    default:
      mode = nextMode()
      wide(0xf3af, 0x8500 | dice.below(2) &<< 9 | masks &<< 5 | mode)
    }
  }

  private mutating func savedStatusT32() {
    guard hasSavedStatus else { return singleT32() }
    let register = target()
    guard dice.oneIn(3) else { return wide(0xf3ff, 0x8000 | register &<< 8) }
    wide(0xf420 | source(), 0x0070 | register &<< 8)
    wide(0xf390 | register, 0x8000 | (1 &+ dice.below(15)) &<< 8)
  }

  private mutating func storeReturnT32() {
    guard hasSavedStatus, !keepsMode else { return singleT32() }
    wide((dice.oneIn(2) ? 0xe80d : 0xe98d) | dice.below(2) &<< 5, 0xc000 | Mode.privileged(dice.below(6)))
  }

  private mutating func hintT32() {
    switch dice.below(5) {
    case 0: halfword(0xbf00 | hint() &<< 4)
    case 1: wide(0xf3af, 0x8000 | hint())
    case 2: wide(0xf3bf, 0x8f4f | dice.below(3) &<< 4)
    case 3: wide(0xf3bf, 0x8f2f)
    default: wide(0xf890 | pointer(), 0xf000 | dice.below(4096))
    }
  }

  /// SUBS pc, lr.
  mutating func returnByLinkT32(_ status: UInt32) -> (UInt32, UInt32, UInt32) {
    let other = dice.bit(of: free & ~(1 &<< 14))
    constant(other, status)
    wide(0xf390 | other, 0x8f00)
    let place = address
    constant(14, 0)
    let difference = dice.below(3) &* 4
    wide(0xf3de, 0x8f00 | difference)
    return (place, 14, difference)
  }

  /// STM and RFE in the same mode.
  mutating func returnFromT32(_ first: UInt32, _ second: UInt32) {
    let base = pointer()
    let writes = dice.below(2) &<< 5
    let increments = dice.oneIn(2)
    wide((increments ? 0xe880 : 0xe900) | base, 1 &<< first | 1 &<< second)
    wide((increments ? 0xe990 : 0xe810) | writes | base, 0xc000)
  }
}
