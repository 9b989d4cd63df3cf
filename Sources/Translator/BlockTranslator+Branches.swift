// What writes the PC. A direct branch is one word, which leaves the cache the first time and is then replaced by a
// branch to the block. An indirect one looks its target up in the table.

extension BlockTranslator {
  /// - Returns: whether it ends the block, when its condition is "always".
  mutating func rewrite(_ operation: Operation, _ condition: UInt32) -> Bool {
    switch operation {
    case .branch(let target):
      link(target, condition, ifThen: 0)
      return true
    case .nothing, .copy, .ifThen, .compareAndBranch: return false
    case .system, .readState, .writeState, .readSavedStatus:
      single(operation, condition &<< 28)
      return false
    default: break
    }
    let start = writer.begin(condition)
    let ends = sequence(operation)
    writer.end(start, condition)
    return ends
  }

  /// What needs more than one word.
  private mutating func sequence(_ operation: Operation) -> Bool {
    switch operation {
    case .constant(let register, let value): constant(register, value)
    case .substitute(let word, let value): substitute(A32Word(word), value)
    case .loadPair(let first, let second, let address): loadPair(first, second, address)
    case .readStatus(let register): readStatus(register)
    case .writeStatus(let word): writeStatus(A32Word(word))
    case .writeSavedStatus(let word): writeSavedStatus(A32Word(word))
    case .maskInterrupts(let mask, let disable): maskInterrupts(mask, disable)
    case .changeState(let register, let slot, let effect):
      writer.store(register, slot)
      writer.emit(A32.exit(ExitCode.system(effect, register)))
    case .emulate(let word, let isReturn):
      isReturn ? returnFromException(A32Word(word)) : emulate(A32Word(word))
      return isReturn
    case .leave(let departure): return leave(departure)
    default:
      jump(operation)
      return true
    }
    return false
  }

  private mutating func jump(_ operation: Operation) {
    switch operation {
    case .synchronize:
      writer.emit(A32.instructionBarrier)
      writer.state.place = .behind
      link(writer.state.next, 14, ifThen: writer.state.nextIfThen)
    case .call(let target):
      setLink()
      writer.state.place = .at(target)
      link(target, 14, ifThen: 0)
    case .computedBranch(let word, let value, let calls): computedBranch(A32Word(word), value, calls)
    case .loadedBranch(let word, let value): loadedBranch(A32Word(word), value)
    case .multipleLoadBranch(let word): multipleLoadBranch(A32Word(word))
    case .tableBranch(let base, let index, let halfwords): tableBranch(base, index, halfwords)
    default: break
    }
  }

  // MARK: Direct

  /// A branch to a block, not yet connected with it.
  mutating func link(_ target: UInt32, _ condition: UInt32, ifThen: UInt32) {
    writer.state.isLink = true
    writer.state.link = target
    writer.state.linkIfThen = ifThen
    writer.emit(A32.exit(ExitCode.link) & 0x0FFF_FFFF | condition &<< 28)
  }

  /// LR gets the address behind the call. From its first half on, the rest is certain.
  /// - Parameter place: where the guest is from then on.
  private mutating func setLink(_ place: Recovery.Place = .here) {
    let value = writer.state.next
    writer.emit(A32.moveWord(14, value))
    writer.state.place = place
    writer.state.unfinished = .constant(register: 14, value: value)
    writer.emit(A32.moveTop(14, value))
    writer.state.unfinished = .nothing
  }

  /// CBZ and CBNZ: their inverse skips a way out to A32 code.
  mutating func compareAndBranch(_ register: UInt32, _ ifZero: Bool, _ target: UInt32) {
    writer.enterT32()
    if writer.position & 2 == 0 { writer.emitHalfword(T32.nothing) }
    writer.emitHalfword((ifZero ? 0xB900 : 0xB100) | 3 &<< 3 | register)
    writer.enterA32()
    link(target, 14, ifThen: 0)
    writer.isT32 = true
  }

  // MARK: Indirect

  /// Goes where r0 says; r0 and r1 are spilled.
  private mutating func probe() {
    // UXTH r1, r0; then the table's upper half; BFC r1, #0, #2; LDR pc, [r1]
    writer.emit(0xE6FF_1070)
    writer.emit(A32.moveTop(1, table))
    writer.emit(0xE7C1_101F)
    writer.emit(0xE591_F000)
  }

  private mutating func spillTwo() {
    writer.spill(0, 0)
    writer.spill(1, 1)
  }

  /// The register of r0 and r1, both spilled, that does not hold this operand.
  private func other(than operand: UInt32) -> UInt32 { operand == 0 ? 1 : 0 }

  /// BX, BLX and data processing to the PC. Nothing changes that could not be done again, but LR.
  private mutating func computedBranch(_ word: A32Word, _ value: UInt32, _ calls: Bool) {
    spillTwo()
    let isExchange = word.rawValue & 0x0FFF_FFD0 == 0x012F_FF10
    if isExchange, word.rm == 15 {
      writer.constant(0, value)
    } else {
      let operation = isExchange ? A32Word(A32.move(0, word.rm)) : word
      let constant = other(than: operation.rn == 15 || operation.isMove ? operation.rm : operation.rn)
      let substituted = replacing(operation, with: constant) & ~0xF000
      if substituted != operation.rawValue & ~0xF000 { writer.constant(constant, value) }
      writer.emit(substituted & 0x0FFF_FFFF | 14 &<< 28)
      // Only BX leaves T32.
      if !isExchange, writer.state.instruction & 1 != 0 { writer.emit(0xE380_0001) }
    }
    if calls { setLink(.inRegister(0)) }
    probe()
  }

  /// LDR to the PC.
  private mutating func loadedBranch(_ word: A32Word, _ value: UInt32) {
    if let target = constantTarget(word, value) { return link(target, 14, ifThen: 0) }
    spillTwo()
    if word.writesBack {
      loadWithWriteBack(word)
    } else {
      let constant = other(than: word[25] ? word.rm : 15)
      if word.rn == 15 { writer.constant(constant, value) }
      writer.emit(replacing(word, with: constant) & 0x0FFF_0FFF | 14 &<< 28)
    }
    probe()
  }

  /// What is loaded from beside the instruction, as exception vectors do it: who stores there changes code. So it has to be
  /// in the same pair of pages, which are dropped together.
  private func constantTarget(_ word: A32Word, _ value: UInt32) -> UInt32? {
    guard word.rn == 15, word.field(24, 2) == 1, !word[21] else { return nil }
    let address = word[23] ? value &+ word.field(0, 12) : value &- word.field(0, 12)
    guard address & 3 == 0, (address ^ writer.state.instruction) & ~8191 == 0 else { return nil }
    if writer.writes { writer.space.protect(address, count: 4) }
    return writer.space.word(address)
  }

  /// The base changes only after the load. It may be r0 or r1, whose guest's values are in the spill slots.
  private mutating func loadWithWriteBack(_ word: A32Word) {
    addOffset(word)
    if word[24] {
      writer.emit(A32.load(0, 1))
    } else if word.rn == 1 {
      writer.load(0, .spill1)
      writer.emit(A32.load(0, 0))
    } else {
      writer.emit(A32.load(0, word.rn))
    }
    switch word.rn {
    case 0: writer.store(1, .spill0)
    case 1: writer.store(1, .spill1)
    default: writer.emit(A32.move(word.rn, 1))
    }
    writer.state.place = .inRegister(0)
  }

  /// r1 := base and offset of a load.
  private mutating func addOffset(_ word: A32Word) {
    let operation: UInt32 = word[23] ? 0xE080_1000 : 0xE040_1000
    guard !word[25] else { return writer.emit(operation | word.rawValue & 0xF_0FFF) }
    // Twelve bits are two constants: the lower eight, and the upper four rotated right by 24.
    writer.emit(operation | 0x0200_0000 | word.rn &<< 16 | word.field(0, 8))
    if word.field(8, 4) != 0 { writer.emit(operation | 0x0201_0C00 | word.field(8, 4)) }
  }

  /// TBB and TBH.
  private mutating func tableBranch(_ base: UInt32, _ index: UInt32, _ halfwords: Bool) {
    let pc = writer.state.instruction &+ 4
    spillTwo()
    let constant = other(than: index)
    if base == 15 { writer.constant(constant, pc &- 1) }
    let base = base == 15 ? constant : base
    if halfwords {
      // ADD r1, base, index, LSL #1; LDRH r0, [r1]
      writer.emit(0xE080_1080 | base &<< 16 | index)
      writer.emit(0xE1D1_00B0)
    } else {
      // LDRB r0, [base, index]
      writer.emit(0xE7D0_0000 | base &<< 16 | index)
    }
    writer.constant(1, pc)
    // ADD r0, r1, r0, LSL #1
    writer.emit(0xE081_0080)
    probe()
  }

  // MARK: LDM

  /// LDM with the PC. A register that is loaded again changes nothing, so all is certain only when the base changes.
  private mutating func multipleLoadBranch(_ word: A32Word) {
    let list = word.field(0, 15)
    let isSimple = word[23] && word.rn > 1 && list &>> word.rn & 1 == 0
    guard isSimple else { return anyLoadBranch(word, list) }
    // LDMIA or LDMIB, without write-back.
    if list != 0 { writer.emit(0xE810_0000 | word.rawValue & 0x018F_0000 | list) }
    spillTwo()
    // The PC alone is loaded by an LDM too, which has to be aligned.
    writer.emit(
      list == 0
        ? 0xE810_0001 | word.rawValue & 0x018F_0000
        : A32.load(0, word.rn, word.lowest(0, word.listBytes) &+ word.listBytes &- 4))
    if word[21] {
      writer.emit(A32.add(word.rn, word.rn, encoded: word.listBytes))
      writer.state.place = .inRegister(0)
    }
    probe()
  }

  /// Any base, any direction, through another register. First both ends are read, so that nothing changes if there is
  /// no memory; the base may be in the list.
  private mutating func anyLoadBranch(_ word: A32Word, _ list: UInt32) {
    var free: UInt32 = 2
    while list &>> free & 1 != 0 || free == word.rn { free = free &+ 1 }
    guard free < 15 else { return emulate() }
    loadTarget(word, through: free)
    if list != 0 { writer.emit(A32.loadMultiple(free, list)) }
    if word[21] { move(word.rn, word.rn, plus: word.stepped(0, word.listBytes)) }
    writer.state.place = .inTarget
    writer.restore(free, 2)
    spillTwo()
    writer.load(0, .target)
    probe()
  }

  /// Reads both ends of an LDM with the PC, which goes to `StateSlot.target`; behind it a spilled register has the lowest
  /// address.
  mutating func loadTarget(_ word: A32Word, through free: UInt32) {
    let bytes = word.listBytes
    // From the base: IA 0, IB 4, DA 4 - bytes, DB -bytes.
    let start = word.lowest(0, bytes)
    writer.spill(free, 2)
    move(free, word.rn, plus: start)
    // LDM, which has to be aligned.
    writer.emit(A32.loadMultiple(free, 1 &<< free))
    move(free, word.rn, plus: start)
    writer.emit(A32.load(free, free, bytes &- 4))
    writer.store(free, .target)
    move(free, word.rn, plus: start)
  }

  /// `destination := source + offset`, up to 64 either way.
  mutating func move(_ destination: UInt32, _ source: UInt32, plus offset: UInt32) {
    if Int32(bitPattern: offset) < 0 {
      writer.emit(A32.subtract(destination, source, encoded: 0 &- offset))
    } else {
      writer.emit(A32.add(destination, source, encoded: offset))
    }
  }
}
