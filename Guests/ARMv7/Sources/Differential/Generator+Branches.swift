// Branches of both states: their targets are where the generator comes along next, but for loops and functions.

extension Generator {
  // MARK: Over something, and around

  /// A forward branch.
  mutating func skip() {
    let place = address
    let wasT32 = isT32
    let isWide = dice.oneIn(3)
    let condition = dice.oneIn(5) ? 14 : dice.below(14)
    placeBranch(isWide)
    nested(1 &+ dice.below(2))
    patchBranch(place, t32: wasT32, isWide, condition: condition)
  }

  private mutating func placeBranch(_ isWide: Bool) {
    if isT32, !isWide { halfword(0xbf00) } else if isT32 { wide(0xf3af, 0x8000) } else { word(0xe320_f000) }
  }

  /// Writes the branch from a place to here; it stays a NOP where that is too far.
  private mutating func patchBranch(_ place: UInt32, t32: Bool, _ isWide: Bool, condition: UInt32) {
    let end = address
    address = place
    if !t32 {
      branch(to: end, condition: condition)
    } else if isWide {
      wideBranch(to: end, condition: condition)
    } else {
      narrowBranch(to: end, condition: condition)
    }
    address = end
  }

  /// A counted loop of a few rounds.
  mutating func loop() {
    guard !isFunction, free & plan.counters != 0 else { return skip() }
    let counter = dice.bit(of: free & plan.counters)
    let rounds = 1 &+ dice.below(3)
    if isT32 { halfword(0x2000 | counter &<< 8 | rounds) } else { word(0xe3a0_0000 | counter &<< 12 | rounds) }
    let start = address
    nested(1 &+ dice.below(2), keeping: 1 &<< counter)
    if isT32 {
      halfword(0x3801 | counter &<< 8)
      if address &- start < 200, dice.oneIn(2) {
        narrowBranch(to: start, condition: 1)
      } else {
        wideBranch(to: start, condition: 1)
      }
    } else {
      word(0xe250_0001 | counter &<< 16 | counter &<< 12)
      branch(to: start, condition: 1)
    }
  }

  // MARK: To the other state

  /// Goes on in the other state.
  mutating func changeState() {
    let register = target()
    let place = address
    let wasT32 = isT32
    constant(register, 0)
    if isT32 { halfword(0x4700 | register &<< 3) } else { word(0xe12f_ff10 | register) }
    beginState(!isT32)
    rewrite(place, t32: wasT32, register, here)
  }

  /// What is written next is in this state.
  mutating func beginState(_ t32: Bool) {
    if !t32 { address = (address &+ 3) & ~3 }
    isT32 = t32
  }

  /// A state that the sequence may be in.
  mutating func nextState() -> Bool {
    guard plan.hasA32, plan.hasT32 else { return plan.hasT32 }
    return dice.oneIn(2)
  }

  // MARK: Functions

  mutating func call() {
    guard !isFunction else { return skip() }
    let t32 = nextState()
    let function = t32 ? functionT32 : functionA32
    guard dice.oneIn(3) else { return directCall(function, changes: t32 != isT32) }
    let register = target()
    constant(register, function)
    if isT32 { halfword(0x4780 | register &<< 3) } else { a32(0x012f_ff30 | register) }
  }

  private mutating func directCall(_ function: UInt32, changes: Bool) {
    if isT32 { return callT32(function & ~1, changes: changes) }
    let distance = function & ~1 &- address &- 8
    if changes {
      word(0xfa00_0000 | (distance &>> 1 & 1) &<< 24 | (distance &>> 2) & 0x00ff_ffff)
    } else {
      a32(0x0b00_0000 | (distance &>> 2) & 0x00ff_ffff)
    }
  }

  /// BX LR or MOV PC, LR; the latter keeps the state in T32, so a function that was called from A32 has BX.
  mutating func returnByLink() {
    if isT32 { return halfword(0x4770) }
    word(dice.oneIn(2) ? 0xe12f_ff1e : 0xe1a0_f00e)
  }

  // MARK: Exception returns

  /// Goes on in another mode, in either state.
  mutating func exceptionReturn() {
    guard hasSavedStatus, !isFunction else { return skip() }
    let t32 = nextState()
    let next = depth == 0 && dice.oneIn(6) ? Mode.user : nextMode()
    let then: UInt32 = t32 && dice.oneIn(3) ? ifThenState() : 0
    var status = status(next) | (t32 ? 0x20 : 0)
    status |= (then &>> 2) &<< 10 | (then & 3) &<< 25
    returnTo(t32, status, byMemory: !resumesAborts && dice.oneIn(2))
    mode = next
    if then != 0 { conditionalBody(then) }
  }

  private mutating func returnTo(_ t32: Bool, _ status: UInt32, byMemory: Bool) {
    let wasT32 = isT32
    let place: (address: UInt32, register: UInt32, difference: UInt32)
    if byMemory {
      place = isT32 || dice.oneIn(2) ? returnByStack(status) : returnByListA32(status)
    } else {
      place = isT32 ? returnByLinkT32(status) : returnByRegisterA32(status)
    }
    beginState(t32)
    rewrite(place.address, t32: wasT32, place.register, address &+ place.difference)
  }

  /// RFE.
  private mutating func returnByStack(_ status: UInt32) -> (UInt32, UInt32, UInt32) {
    let (one, other) = twoTargets()
    let (first, second) = one < other ? (one, other) : (other, one)
    let place = address
    constant(first, 0)
    constant(second, status)
    if isT32 { returnFromT32(first, second) } else { returnFromA32(first, second) }
    return (place, first, 0)
  }

  /// STM and RFE in the same mode.
  private mutating func returnFromA32(_ first: UInt32, _ second: UInt32) {
    let fields = dice.below(4) &<< 23 | pointer() &<< 16
    word(0xe880_0000 & ~0x0180_0000 | fields | 1 &<< first | 1 &<< second)
    word(0xf810_0a00 | fields | dice.below(2) &<< 21)
  }

  /// MOVS pc, lr and SUBS pc, lr, #4 with any register. QEMU has no others.
  private mutating func returnByRegisterA32(_ status: UInt32) -> (UInt32, UInt32, UInt32) {
    let register = dice.oneIn(2) ? 14 : target()
    let other = dice.bit(of: free & ~(1 &<< register))
    constant(other, status)
    word(0xe16f_f000 | other)
    let place = address
    constant(register, 0)
    let difference = dice.below(3) &* 4
    if difference == 0 {
      word(0xe1b0_f000 | register)
    } else {
      word(0xe250_f000 | register &<< 16 | difference)
    }
    return (place, register, difference)
  }

  /// LDM with the PC and the S bit.
  private mutating func returnByListA32(_ status: UInt32) -> (UInt32, UInt32, UInt32) {
    let (register, other) = twoTargets()
    constant(other, status)
    word(0xe16f_f000 | other)
    let place = address
    constant(register, 0)
    word(0xe52d_0004 | register &<< 12)
    let list = loadedList(0x1fff)
    if dice.oneIn(2) {
      word(0xe92d_0000 | list)
      word(0xe8fd_8000 | list)
    } else {
      word(0xe8fd_8000)
    }
    return (place, register, 0)
  }
}
