/// Translates one block: from an address of the guest's kernel to where it surely branches away, to the end of the
/// guest's page, or as far as there is room.
///
/// It is a function of the guest's bytes, of the start and of the place in the cache alone. So walking through it again
/// without writing tells for every address of the cache what the guest's state is there; nothing is recorded.
struct BlockTranslator<Space: AddressSpace> {
  var writer: CodeWriter<Space>
  let table: UInt32
  /// Of the guest, bit 0 set in T32.
  private(set) var programCounter: UInt32
  private(set) var ifThen: UInt32
  /// How many instructions from here are covered by an IT instruction that was copied.
  private var covered: UInt32 = 0

  /// The longest block, in guest instructions.
  static var limit: UInt32 { 32 }
  /// The room that any one instruction, the end of a block and an entry to it need, in bytes.
  static var reserve: UInt32 { 48 &* 4 }

  init(writer: CodeWriter<Space>, table: UInt32, programCounter: UInt32, ifThen: UInt32) {
    self.writer = writer
    self.table = table
    self.programCounter = programCounter
    self.ifThen = ifThen
  }

  @inline(never) mutating func translate() {
    let start = programCounter
    let end = CodePage.start(writer.position) &+ 4096 &- BlockTranslator.reserve
    var count: UInt32 = 0
    while true {
      // An instruction that ends in the next page is a block of its own: that page need not be there before.
      if programCounter != start, isSplit(programCounter) { break }
      let instruction = Instruction.fetch(writer.space, programCounter)
      if translate(instruction) || writer.found != nil { return }
      count = count &+ 1
      let isRoom = (count < BlockTranslator.limit && writer.position < end) || covered != 0
      if (programCounter ^ start) & ~4095 != 0 || !isRoom { break }
    }
    goOn()
  }

  private func isSplit(_ address: UInt32) -> Bool {
    address & 4095 == 4095 && T32Decoder.isWide(UInt16(truncatingIfNeeded: writer.space.halfword(address & ~1)))
  }

  /// - Returns: whether it ends the block.
  private mutating func translate(_ instruction: Instruction) -> Bool {
    let condition = ifThen != 0 ? ifThen &>> 4 : instruction.condition
    writer.state = Recovery()
    writer.state.instruction = programCounter
    writer.state.ifThen = ifThen
    programCounter = programCounter &+ instruction.size
    ifThen = ITState.advanced(ifThen)
    writer.state.next = programCounter
    writer.state.nextIfThen = ifThen
    switch instruction.operation {
    case .copy: copy(instruction, condition)
    case .ifThen(let state): beginIfThen(state)
    case .compareAndBranch(let register, let ifZero, let target): compareAndBranch(register, ifZero, target)
    case let operation:
      writer.enterA32()
      return rewrite(operation, condition) && condition == 14
    }
    return false
  }

  private mutating func copy(_ instruction: Instruction, _ condition: UInt32) {
    let source = writer.state.instruction
    guard source & 1 != 0 else { return writer.emit(writer.space.word(source)) }
    writer.enterT32()
    if covered != 0 {
      covered = covered &- 1
    } else if writer.state.ifThen != 0 {
      writer.emitHalfword(T32.ifThen(condition))
    }
    writer.emitHalfword(writer.space.halfword(source &- 1))
    if instruction.size == 4 { writer.emitHalfword(writer.space.halfword(source &+ 1)) }
  }

  /// An IT block is copied as a whole, if all of it can be, or its instructions one by one.
  private mutating func beginIfThen(_ state: UInt32) {
    ifThen = state
    let count = ITState.count(state)
    var address = programCounter
    for _ in 0..<count {
      guard (address ^ writer.state.instruction) & ~4095 == 0, !isSplit(address) else { return }
      let instruction = Instruction.fetch(writer.space, address)
      guard case .copy = instruction.operation else { return }
      address = address &+ instruction.size
    }
    writer.enterT32()
    writer.emitHalfword(writer.space.halfword(writer.state.instruction &- 1))
    covered = count
  }

  /// The block ends, the guest goes on.
  private mutating func goOn() {
    writer.state = Recovery()
    writer.state.instruction = programCounter
    writer.state.ifThen = ifThen
    writer.enterA32()
    link(programCounter, 14, ifThen: ifThen)
  }
}

/// ITSTATE (Arm ARM A2.5.2): a condition in bits 7:4, and what is left of the block in 3:0 below.
public enum ITState {
  public static func advanced(_ state: UInt32) -> UInt32 {
    state & 7 == 0 ? 0 : state & 0xE0 | state &<< 1 & 0x1F
  }

  /// How many instructions are covered.
  static func count(_ state: UInt32) -> UInt32 {
    4 &- UInt32(truncatingIfNeeded: (state & 0xF).trailingZeroBitCount)
  }
}

extension Instruction {
  /// The guest's instruction at an address, bit 0 set in T32.
  static func fetch<Space: AddressSpace>(_ space: Space, _ address: UInt32) -> Instruction {
    guard address & 1 != 0 else { return A32Decoder.decode(space.word(address), at: address) }
    let address = address & ~1
    let first = UInt16(truncatingIfNeeded: space.halfword(address))
    let second = T32Decoder.isWide(first) ? space.halfword(address &+ 2) : 0
    return T32Decoder.decode(first, UInt16(truncatingIfNeeded: second), at: address)
  }
}
