// Coprocessors, the status, the ends of exceptions, floating point, calls.

import GuestMachine
import GuestSupport

extension Attacker {
  // MARK: Coprocessors

  /// Every encoding in turn, of coprocessor 15 mostly: what it reads or writes is R1.
  mutating func attackCoprocessor() {
    Battle.warm()
    for turn in 0..<8 as Range<UInt32> {
      var word = 0xEE00_0010 | coprocessorName(index &* 8 &+ turn) | 1 &<< 12
      switch dice.below(12) {
      case 0: word = 0xEC40_1000 | dice.word() & 0x001F_0FFF  // MCRR, MRRC
      case 1: word = 0xEE00_0000 | dice.word() & 0x00FF_FFFF  // CDP, MCR, MRC
      case 2: word = 0xEC00_0000 | dice.word() & 0x01FF_FFFF  // LDC, STC
      default: break
      }
      if dice.oneIn(32) { word |= 0xF000_0000 }
      perform(word, at: turn)
    }
  }

  private mutating func perform(_ word: UInt32, at turn: UInt32) {
    let isUser = dice.oneIn(4)
    var program = Program(at: codePlace() | (dice.oneIn(2) ? 1 : 0))
    program.isT32 || word &>> 28 == 15 ? program.add(word) : program.add(both: word)
    program.end()
    dice.registers()
    Battle.state[1] = dice.oneIn(2) ? dice.value() : dice.word()
    // VBAR and the state of the vectors, which would end this VM.
    if isMild || !dice.oneIn(16), word & 0x0010_0F10 == 0x0000_0F10 { spare(word) }
    let start = isUser ? program.start &- Battle.code &+ Battle.userCode : program.start
    Battle.run(start, status: (isUser ? Mode.user : Mode.supervisor) | flags())
  }

  /// CRn, opc1, CRm and opc2 in their places; coprocessor 15 or, one time in eight, 14; loads and stores.
  private func coprocessorName(_ number: UInt32) -> UInt32 {
    let isDebug = number & 7 == 0
    // All 2^15 are reached, for the factor is odd.
    let name = number &>> 3 &* 0x5B5D
    return name & 15 &<< 16 | name &>> 4 & 7 &<< 21 | name &>> 7 & 15 | name &>> 11 & 7 &<< 5
      | name &>> 14 & 1 &<< 20 | (isDebug ? 0xE00 : 0xF00)
  }

  /// Values with which the vectors are found again.
  private func spare(_ word: UInt32) {
    switch word & 0x00EF_00EF {
    // SCTLR: T32 vectors, where VBAR says.
    case 0x0001_0000: Battle.state[1] = Battle.state[1] & ~(1 << 13) | 1 << 30
    case 0x000C_0000: Battle.state[1] = read_vectors()
    default: break
    }
  }

  /// SCTLR, TTBR0, TTBR1, TTBCR, DACR, CONTEXTIDR or CPACR with anything in it, then an access. More than that may lead to
  /// where this guest finds its own vectors no more.
  mutating func attackControl() {
    Battle.warm()
    let isFatal = !isMild && dice.oneIn(16)
    var program = Program(at: codePlace())
    for register in 0..<(isFatal ? 3 : 1) as Range<UInt32> {
      program.add(
        register &<< 12
          | dice.pick([
            0xEE01_0F10, 0xEE02_0F10, 0xEE02_0F30, 0xEE02_0F50, 0xEE03_0F10, 0xEE0D_0F30, 0xEE01_0F50,
            0xEE02_0F10,
          ]))
    }
    if dice.oneIn(2) { program.add(0xF57F_F06F) }
    if isFatal { program.add(0xEE08_0F17) }  // TLBIALL
    program.add(dice.pick([0xE596_7000, 0xE586_7000, 0xE12F_FF16, 0xE896_0780, 0xE1A0_0000]))
    program.end()
    dice.registers()
    // Vectors in T32, where VBAR says.
    for register in 0..<3 {
      Battle.state[register] = (dice.oneIn(2) ? dice.value() : dice.word()) & ~(1 << 13) | 1 << 30
    }
    if dice.oneIn(2) { Battle.state[0] = Battle.tables | dice.word() & 0x7F }
    Battle.run(program.start, status: Mode.supervisor)
  }

  // MARK: Status

  /// MSR, MRS, CPS, SETEND with anything, in both states and both modes.
  mutating func attackStatus() {
    for _ in 0..<4 {
      let isT32 = dice.oneIn(2)
      var program = Program(at: codePlace() | (isT32 ? 1 : 0))
      for _ in 0..<1 &+ dice.below(4) { isT32 ? addT32Status(to: &program) : addA32Status(to: &program) }
      program.end()
      dice.registers()
      // Interrupts stay open in most of them.
      for register in 0..<8 where !dice.oneIn(8) { Battle.state[register] &= ~0xC0 }
      let isUser = dice.oneIn(4)
      let start = isUser ? program.start &- Battle.code &+ Battle.userCode : program.start
      Battle.run(start, status: (isUser ? Mode.user : kernelMode()) | flags())
    }
  }

  private mutating func addA32Status(to program: inout Program) {
    switch dice.below(6) {
    case 0: program.add(0xE120_F000 | dice.word() & 0x004F_0007)  // MSR
    case 1: program.add(0xE320_F000 | dice.word() & 0x004F_0F1F)  // MSR of an immediate
    case 2: program.add(0xE10F_0000 | dice.word() & 0x0040_7000)  // MRS
    case 3: program.add(0xF100_0000 | dice.word() & 0x000F_01DF)  // CPS
    case 4: program.add(0xF101_0000 | dice.word() & 0x200)  // SETEND
    default: program.add(0xE100_0000 | dice.word() & 0x006F_FFFF)  // banked registers, and all around them
    }
  }

  private mutating func addT32Status(to program: inout Program) {
    switch dice.below(5) {
    case 0: program.add(0xF380_8000 | dice.word() & 0x001F_0F20 & ~0x18_0000)  // MSR
    case 1: program.add(0xF3EF_8000 | dice.word() & 0x0010_0700)  // MRS
    case 2: program.add(0xF3AF_8000 | dice.word() & 0x07FF)  // CPS and hints
    case 3: program.half(0xB650 | dice.word() & 0x3F)  // SETEND, CPS
    default: program.add(0xF380_8000 | dice.word() & 0x007F_2FFF)
    }
  }

  // MARK: Exceptions' ends

  /// To anywhere, in any state and mode.
  mutating func attackReturn() {
    for _ in 0..<4 {
      var program = Program(at: codePlace())
      // SPSR, from R1; LR; a place in memory for RFE and LDM.
      program.add(0xE16F_F001)
      program.add(dice.pick([0xE1B0_F00E, 0xE25E_F004, 0xE8D0_8000, 0xE8FD_9003, 0xF890_0A00, 0xF8BD_0A00]))
      program.end()
      dice.registers()
      let status = (dice.oneIn(2) ? Mode.user : dice.word() & 0x1F) | flags() | dice.word() & 0x0700_FE20
      Battle.state[0] = Battle.data
      Battle.state[13] = Battle.data
      Battle.state[1] = status & ~(dice.oneIn(8) ? 0 : 0xC0)
      Battle.state[14] = dice.oneIn(2) ? Battle.userCode &+ dice.below(Battle.codeBytes) : dice.address()
      write32(Battle.data, Battle.state[14])
      write32(Battle.data &+ 4, Battle.state[1])
      write32(Battle.data &+ 12, Battle.state[14])
      Battle.run(program.start, status: kernelMode())
    }
  }

  // MARK: Floating point

  /// With the unit on or off, CPACR open or not.
  mutating func attackFloatingPoint() {
    for _ in 0..<4 {
      let isT32 = dice.oneIn(2)
      var program = Program(at: codePlace() | (isT32 ? 1 : 0))
      for _ in 0..<1 &+ dice.below(6) {
        switch dice.below(6) {
        case 0: program.add(0xEEE8_0A10 | dice.below(4) &<< 12)  // VMSR FPEXC
        case 1: program.add(0xEEE0_0A10 | dice.word() & 0x001F_7000)  // VMSR, VMRS
        case 2: program.add(both: 0xEC00_0A00 | dice.word() & 0x01FF_F1FF)
        case 3:
          program.add((isT32 ? 0xEF00_0000 : 0xF200_0000) | dice.word() & (isT32 ? 0x10FF_FFFF : 0x01FF_FFFF))
        default: program.add(both: 0xEE00_0A00 | dice.word() & 0x00FF_F1FF)
        }
      }
      program.end()
      dice.registers()
      for register in 0..<4 { Battle.state[register] = dice.oneIn(2) ? 1 << 30 : dice.word() }
      if dice.oneIn(4) { write_coprocessor_access(dice.word()) }
      let isUser = dice.oneIn(3)
      let start = isUser ? program.start &- Battle.code &+ Battle.userCode : program.start
      Battle.run(start, status: (isUser ? Mode.user : Mode.supervisor) | flags())
    }
  }

  // MARK: Calls

  /// HVC, SMC, SVC and BKPT with function numbers of PSCI and SMCCC, and others.
  mutating func attackCalls() {
    for _ in 0..<4 {
      let isT32 = dice.oneIn(2)
      var program = Program(at: codePlace() | (isT32 ? 1 : 0))
      let number = dice.word()
      switch dice.below(5) {
      case 0, 1: program.add(isT32 ? 0xF7E0_8000 | number & 0xF_0FFF : 0xE140_0070 | number & 0xF_FF0F)
      case 2: program.add(isT32 ? 0xF7F0_8000 | number & 0xF_0000 : 0xE160_0070 | number & 0xF)
      case 3: program.add(isT32 ? 0xBE00_BF00 | number & 0xFF_0000 : 0xE120_0070 | number & 0xF_FF0F)
      default: program.add(isT32 ? 0xDF00_BF00 | number & 0xFF_0000 : 0xEF00_0000 | number & 0xFF_FFFF)
      }
      program.end()
      dice.registers()
      Battle.state[0] = functionNumber()
      let isUser = dice.oneIn(3)
      let start = isUser ? program.start &- Battle.code &+ Battle.userCode : program.start
      Battle.run(start, status: (isUser ? Mode.user : kernelMode()) | flags())
    }
  }

  /// Not what ends or stops this VM: CPU_OFF, SYSTEM_OFF, SYSTEM_RESET, SYSTEM_RESET2, and what suspends it.
  private mutating func functionNumber() -> UInt32 {
    let kind = dice.below(4)
    let number =
      kind == 0
      ? 0x8400_0000 | dice.below(32) : kind == 1 ? 0x8000_0000 | dice.word() & 0x7F00_FFFF : dice.value()
    let ends: InlineArray<8, UInt32> = [1, 2, 8, 9, 0xB, 0xC, 0xE, 0x12]
    for index in 0..<8 where number & ~0x4000_0000 == 0x8400_0000 | ends[index] { return 0x8400_0000 }
    return number
  }
}
