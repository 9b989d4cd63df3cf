// A32 loads and stores (ARM DDI 0406C, A5.3, A5.5 and A5.2.8).

extension Generator {
  /// How an address is formed: P, U and W, bits 24, 23 and 21. With neither P nor W the base is written too.
  private mutating func indexing() -> UInt32 {
    let up = dice.below(2) &<< 23
    switch dice.below(6) {
    case 0: return up
    case 1: return up | 1 &<< 24 | 1 &<< 21
    default: return up | 1 &<< 24
    }
  }
  private func writesBase(_ indexing: UInt32) -> Bool { indexing & 1 &<< 24 == 0 || indexing & 1 &<< 21 != 0 }

  // MARK: One register or two

  mutating func transferA32() {
    switch dice.below(5) {
    case 0: narrowTransferA32()
    case 1: dualTransferA32()
    case 2: indexedTransferA32()
    default: wordTransferA32()
    }
  }

  /// LDR, STR, LDRB, STRB with an offset.
  private mutating func wordTransferA32() {
    let indexing = indexing()
    let writes = writesBase(indexing)
    let base = pointer()
    let operation = 0x0400_0000 | dice.below(2) &<< 22 | indexing | base &<< 16
    let offset = writes ? step() : offset(4096)
    if dice.oneIn(2) { return a32(operation | 1 &<< 20 | target() &<< 12 | offset) }
    a32(operation | storedOne(base, writes) &<< 12 | offset)
  }

  /// A register to store that is not a base that changes.
  mutating func storedOne(_ base: UInt32, _ writes: Bool) -> UInt32 {
    dice.bit(of: 0x7fff & ~(writes ? 1 &<< base : 0))
  }

  /// LDRH, LDRSB, LDRSH, STRH.
  private mutating func narrowTransferA32() {
    let indexing = indexing()
    let writes = writesBase(indexing)
    let base = pointer()
    let offset = writes ? step() : offset(256)
    let operation = 1 &<< 22 | indexing | base &<< 16 | (offset & 0xf0) &<< 4 | offset & 0xf
    if dice.oneIn(3) { return a32(0x0000_00b0 | operation | storedOne(base, writes) &<< 12) }
    a32(0x0010_0090 | (1 &+ dice.below(3)) &<< 5 | operation | target() &<< 12)
  }

  /// LDRD, STRD.
  private mutating func dualTransferA32() {
    guard let (first, _) = targetPair() else { return wordTransferA32() }
    let indexing = indexing()
    let writes = writesBase(indexing)
    let base = pointer()
    let offset = writes ? step() : offset(256)
    let operation = 1 &<< 22 | indexing | base &<< 16 | first &<< 12 | (offset & 0xf0) &<< 4 | offset & 0xf
    a32(0x0000_00d0 | dice.below(2) &<< 5 | operation)
  }

  /// An index in a register, which is made small before, but for now and then.
  private mutating func indexedTransferA32() {
    let index = target()
    if !dice.oneIn(12) { word(0xe200_0000 | source() &<< 16 | index &<< 12 | dice.below(256)) }
    let base = pointer()
    let indexing = 1 &<< 24 | dice.below(2) &<< 23 | base &<< 16 | index
    if dice.oneIn(3) {
      a32(0x0010_0090 | (1 &+ dice.below(3)) &<< 5 | indexing | target() &<< 12)
    } else if dice.oneIn(2) {
      a32(0x0600_0000 | 1 &<< 20 | dice.below(2) &<< 22 | indexing | smallShift() | target() &<< 12)
    } else {
      a32(0x0600_0000 | dice.below(2) &<< 22 | indexing | smallShift() | dice.bit(of: 0x7fff) &<< 12)
    }
  }

  /// LSL #0…2, or LSR, ASR of a few bits.
  private mutating func smallShift() -> UInt32 {
    dice.oneIn(2) ? dice.below(3) &<< 7 : (1 &+ dice.below(7)) &<< 7 | (1 &+ dice.below(2)) &<< 5
  }

  // MARK: Several registers

  /// LDM and STM in all four modes.
  mutating func multipleTransferA32() {
    let writes = dice.oneIn(2)
    let base = pointer()
    let operation = 0x0800_0000 | dice.below(4) &<< 23 | (writes ? 1 &<< 21 : 0) | base &<< 16
    if dice.oneIn(2) { return a32(operation | 1 &<< 20 | loadedList()) }
    a32(operation | storedList(0x7fff & ~(writes ? 1 &<< base : 0)))
  }

  /// STMDB SP! and LDMIA SP!, or STR and LDR of one register.
  mutating func push(_ list: UInt32) {
    if isT32 { pushT32(list) } else { word(0xe92d_0000 | list) }
  }
  mutating func pop(_ list: UInt32) {
    if isT32 { popT32(list) } else { word(0xe8bd_0000 | list) }
  }

  /// The counter, stored: STR and STM.
  mutating func storesOfCounterA32() {
    let base = pointer()
    if dice.oneIn(2) { return a32(0x0580_f000 | base &<< 16 | offset(1024) & ~3) }
    a32(0x0880_8000 | base &<< 16 | storedList() & 0x7fff)
  }

  // MARK: From the code itself

  /// Loads relative to the counter: of what was written before.
  mutating func literalA32() {
    let back = dice.below(256) & ~3
    switch dice.below(5) {
    case 0:
      a32(0x0010_00b0 | 1 &<< 24 | 1 &<< 22 | 15 &<< 16 | target() &<< 12 | (back & 0xf0) &<< 4 | back & 0xf)
    case 1:
      guard let (first, _) = targetPair() else { return }
      a32(0x0000_00d0 | 1 &<< 24 | 1 &<< 22 | 15 &<< 16 | first &<< 12 | (back & 0xf0) &<< 4 | back & 0xf)
    case 2:
      let index = target()
      word(0xe200_0000 | source() &<< 16 | index &<< 12 | 0xfc)
      a32(0x0710_0000 | 15 &<< 16 | target() &<< 12 | index)
    case 3: a32(0x0410_0000 | 1 &<< 24 | 1 &<< 22 | 15 &<< 16 | target() &<< 12 | back)
    default: a32(0x0410_0000 | 1 &<< 24 | 15 &<< 16 | target() &<< 12 | back)
    }
  }

  // MARK: Exclusive accesses

  /// A loop that ends once it has stored; A32 or T32. Were an abort skipped, it would never store.
  mutating func exclusive() {
    guard !resumesAborts else { return dataProcessing() }
    guard !isT32 else { return exclusiveT32() }
    let (status, value) = twoTargets()
    let base = pointer()
    let size = dice.below(3) == 0 ? 0 : 2 &+ dice.below(2)  // word, byte, halfword
    let start = address
    word(0xe190_0f9f | size &<< 21 | base &<< 16 | value &<< 12)
    word(0xe280_0001 | value &<< 16 | value &<< 12)
    word(0xe180_0f90 | size &<< 21 | base &<< 16 | status &<< 12 | value)
    word(0xe350_0000 | status &<< 16)
    branch(to: start, condition: 1)
  }

  /// A branch back or forth in A32.
  mutating func branch(to target: UInt32, condition: UInt32) {
    word(condition &<< 28 | 0x0a00_0000 | ((target &- address &- 8) &>> 2) & 0x00ff_ffff)
  }
}
