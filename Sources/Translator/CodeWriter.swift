/// What the guest's state is at an address of the cache: the same guest's registers are in the frame, but for these.
struct Recovery {
  /// The guest's instruction, bit 0 set in T32, and ITSTATE for it.
  var instruction: UInt32 = 0
  var ifThen: UInt32 = 0
  /// The same of the instruction behind it.
  var next: UInt32 = 0
  var nextIfThen: UInt32 = 0

  /// Where the guest is.
  var place = Place.here
  /// What remains to be done to a register, when the guest is no longer before the instruction.
  var unfinished = Unfinished.nothing
  /// Four bytes: the register that spill slot n holds, or 255.
  var spilled: UInt32 = ~0
  /// Where a `link` goes from here, if it is one, and ITSTATE there.
  var isLink = false
  var link: UInt32 = 0
  var linkIfThen: UInt32 = 0

  enum Place {
    case here
    case behind
    case at(UInt32)
    case inRegister(UInt32)
    case inTarget
  }

  enum Unfinished {
    case nothing
    case constant(register: UInt32, value: UInt32)
    /// The lower half of the status is missing.
    case status(register: UInt32)
    /// These bytes of the CPSR are still to be written.
    case flags(register: UInt32, mask: UInt32)
    /// The mode is still the exception's; all else is that of where it returns to, which `StateSlot.target` says.
    case exceptionReturn
  }

  /// Whether the frame's registers are the guest's as they are, and its PC always is the same here.
  var isExact: Bool {
    guard spilled == ~0, case .nothing = unfinished else { return false }
    switch place {
    case .here, .behind, .at: return true
    case .inRegister, .inTarget: return false
    }
  }

  mutating func spill(_ register: UInt32, _ slot: UInt32) {
    restored(slot)
    spilled &= ~(0xFF &<< (8 &* slot)) | register &<< (8 &* slot)
  }

  mutating func restored(_ slot: UInt32) { spilled |= 0xFF &<< (8 &* slot) }
}

/// Writes code, or only walks through the places where it was written, to find what one of them means.
struct CodeWriter<Space: AddressSpace> {
  let space: Space
  var position: UInt32
  /// Whether it writes.
  let writes: Bool
  /// The address that is looked for.
  let wanted: UInt32
  /// The guest's state before the instruction that is written next.
  var state = Recovery()
  /// The same at `wanted`, when it was passed.
  var found: Recovery?
  /// Whether what is written next is T32 code.
  var isT32 = false

  init(space: Space, position: UInt32, writes: Bool, wanted: UInt32) {
    self.space = space
    self.position = position
    self.writes = writes
    self.wanted = wanted
  }

  /// Writes an A32 instruction.
  @inline(never) mutating func emit(_ word: UInt32) {
    if position == wanted { found = state }
    if writes { space.setWord(position, word) }
    position = position &+ 4
  }

  /// Writes half a word of T32 code.
  @inline(never) mutating func emitHalfword(_ halfword: UInt32) {
    if position == wanted { found = state }
    if writes {
      let word = position & ~3
      let shift = position & 2 &* 8
      space.setWord(word, space.word(word) & ~(0xFFFF &<< shift) | halfword &<< shift)
    }
    position = position &+ 2
  }

  mutating func enterT32() {
    guard !isT32 else { return }
    emit(A32.enterT32)
    isT32 = true
  }

  mutating func enterA32() {
    guard isT32 else { return }
    if position & 2 != 0 { emitHalfword(T32.nothing) }
    emitHalfword(T32.enterA32)
    emitHalfword(T32.nothing)
    isT32 = false
  }

  // MARK: Words of the state page

  private func offset(_ slot: StateSlot) -> UInt32 {
    let distance = CodePage.start(position) &+ 4096 &+ slot.rawValue &- position &- 8
    return Int32(bitPattern: distance) < 0 ? 0 &- distance : distance | 0x80_0000
  }

  mutating func load(_ register: UInt32, _ slot: StateSlot, _ condition: UInt32 = 14 &<< 28) {
    emit(0x051F_0000 | condition | register &<< 12 | offset(slot))
  }

  mutating func store(_ register: UInt32, _ slot: StateSlot, _ condition: UInt32 = 14 &<< 28) {
    emit(0x050F_0000 | condition | register &<< 12 | offset(slot))
  }

  /// Saves a register in spill slot 0…3.
  mutating func spill(_ register: UInt32, _ slot: UInt32) {
    emit(0xE50F_0000 | register &<< 12 | offset(CodeWriter.slot(slot)))
    state.spill(register, slot)
  }

  /// Gives it back.
  mutating func restore(_ register: UInt32, _ slot: UInt32) {
    emit(0xE51F_0000 | register &<< 12 | offset(CodeWriter.slot(slot)))
    state.restored(slot)
  }

  private static func slot(_ number: UInt32) -> StateSlot {
    switch number {
    case 0: return .spill0
    case 1: return .spill1
    case 2: return .spill2
    default: return .spill3
    }
  }

  // MARK: Small sequences

  mutating func constant(_ register: UInt32, _ value: UInt32) {
    emit(A32.moveWord(register, value))
    if value &>> 16 != 0 { emit(A32.moveTop(register, value)) }
  }

  /// Begins what is done under a condition.
  /// - Returns: what `end` needs.
  mutating func begin(_ condition: UInt32) -> UInt32 {
    if condition != 14 { emit(0) }
    return position
  }

  /// Ends it: where the condition fails, the guest goes on here.
  func end(_ start: UInt32, _ condition: UInt32) {
    guard writes, condition != 14 else { return }
    let branch = A32.branch(from: start &- 4, to: position)
    space.setWord(start &- 4, branch & 0x0FFF_FFFF | (condition ^ 1) &<< 28)
  }
}
