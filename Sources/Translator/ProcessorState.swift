// The guest's processor: its modes, banked registers and exceptions (Arm ARM B1.3, B1.8). All of it is the guest's own.

/// Fields of a program status register.
public enum Status {
  /// N, Z, C, V, Q and GE: what User mode has.
  static var userBits: UInt32 { 0xF80F_0000 }
  static var interrupts: UInt32 { 0x80 }
  public static var thumb: UInt32 { 0x20 }
  public static var mode: UInt32 { 0x1F }

  /// ITSTATE is in bits 26:25 and 15:10.
  public static func ifThen(_ state: UInt32) -> UInt32 { (state & 3) &<< 25 | (state & 0xFC) &<< 8 }
  public static func ifThen(in status: UInt32) -> UInt32 { status &>> 25 & 3 | status &>> 8 & 0xFC }
}

public enum Mode {
  public static var user: UInt32 { 0x10 }
  public static var fastInterrupt: UInt32 { 0x11 }
  public static var interrupt: UInt32 { 0x12 }
  public static var supervisor: UInt32 { 0x13 }
  public static var abort: UInt32 { 0x17 }
  public static var undefined: UInt32 { 0x1B }
  public static var system: UInt32 { 0x1F }

  /// Which of the six banks holds R13, R14 and SPSR of a mode: 0 that of User and System; nil for no mode of a
  /// processor without Security and Virtualization Extensions.
  @inline(__always) public static func bank(_ mode: UInt32) -> UInt32? {
    let bank = banks[Int(bitPattern: UInt(mode & Status.mode))]
    return bank == none ? nil : UInt32(bank)
  }

  private static var none: UInt8 { 7 }
  /// By mode.
  private static let banks: InlineArray<32, UInt8> = [
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 1, 2, 3, 7, 7, 7, 4, 7, 7, 7, 5, 7, 7, 7, 0,
  ]
}

/// What a guest takes an exception for.
public enum GuestException: UInt32, Sendable {
  // The vector's offset.
  case undefined = 0x04
  case supervisorCall = 0x08
  case prefetchAbort = 0x0C
  case dataAbort = 0x10
  case interrupt = 0x18
  case fastInterrupt = 0x1C

  // Tables with four bits for each word of the vectors, from the lowest: none, undefined, supervisor call, prefetch abort,
  // data abort, none, interrupt, fast interrupt.

  public var mode: UInt32 { 0x10 | entry(0x1207_73B0) }
  /// That mode's `Mode.bank`.
  public var bank: UInt32 { entry(0x1204_4350) }
  /// A, I and F, as far as it sets them.
  public var masks: UInt32 { entry(0x7606_6220) &<< 6 }
  /// How far behind the instruction that it was taken at it returns to (B1.8.3, table B1-7).
  public func returnOffset(isT32: Bool) -> UInt32 { entry(isT32 ? 0x4408_4220 : 0x4408_4440) }

  private func entry(_ table: UInt32) -> UInt32 { table &>> rawValue & 15 }
}

extension Translator {
  /// A processor out of reset: Supervisor mode, everything masked, an empty cache.
  public func reset() {
    self[.status] = Mode.supervisor | 0x1C0
    self[.ifThen] = 0
    identify()
    flush()
  }

  /// The guest's CPSR, when the frame's registers and `.programCounter` are its own.
  public var currentStatus: UInt32 {
    let thumb = self[.programCounter] & 1 != 0 ? Status.thumb : 0
    return self[.flags] & Status.userBits | Status.ifThen(self[.ifThen]) | thumb | self[.status] & 0x1DF
  }

  /// The guest takes an exception where `recover` found it, or out of User mode. `.ifThen` is what its SPSR gets.
  public func take(_ exception: GuestException) {
    let instruction = self[.programCounter]
    let saved = currentStatus
    changeMode(exception.mode)
    self[.savedStatus] = saved
    setRegister(14, instruction & ~1 &+ exception.returnOffset(isT32: instruction & 1 != 0))
    self[.status] = self[.status] | exception.masks
    enter(vectors &+ exception.rawValue)
    self[.entry(exception)] = self[.position]
  }

  /// Where exceptions go on is to be found anew.
  func forgetEntries() { fill(layout.state &+ StateSlot.entries.rawValue, 32, 0) }

  /// Another mode's R13, R14, SPSR, and in FIQ mode R8 to R12, become the current ones. What is no mode changes nothing.
  func changeMode(_ mode: UInt32) {
    let old = self[.status] & Status.mode
    guard let from = Mode.bank(old), let to = Mode.bank(mode) else { return }
    self[.status] = self[.status] & ~Status.mode | mode & Status.mode
    guard from != to else { return }
    setBanked(from, 0, register(13))
    setBanked(from, 1, register(14))
    setBanked(from, 2, self[.savedStatus])
    setRegister(13, banked(to, 0))
    setRegister(14, banked(to, 1))
    self[.savedStatus] = banked(to, 2)
    guard from == 1 || to == 1 else { return }
    exchangeFastRegisters()
    // LDM and STM of User mode's registers are other code.
    flush()
  }

  private func exchangeFastRegisters() {
    for index: UInt32 in 0..<5 {
      let address = layout.state &+ StateSlot.fastRegisters.rawValue &+ 4 &* index
      let other = space.word(address)
      space.setWord(address, register(8 &+ index))
      setRegister(8 &+ index, other)
    }
  }

  /// R13 (0), R14 (1) or SPSR (2) of a bank that is not the current one.
  public func banked(_ bank: UInt32, _ index: UInt32) -> UInt32 { space.word(bankAddress(bank, index)) }

  public func setBanked(_ bank: UInt32, _ index: UInt32, _ value: UInt32) {
    space.setWord(bankAddress(bank, index), value)
  }

  func bankAddress(_ bank: UInt32, _ index: UInt32) -> UInt32 {
    layout.state &+ (StateSlot.bank(bank) + 4 &* index).rawValue
  }

  /// Writes bytes of the CPSR (B1.3.3, CPSRWriteByInstr): `mask` has a bit for each, from the lowest. T and ITSTATE only
  /// change when an exception returns.
  func writeStatus(_ value: UInt32, mask: UInt32) {
    if mask & 8 != 0 { self[.flags] = self[.flags] & ~0xF800_0000 | value & 0xF800_0000 }
    if mask & 4 != 0 { self[.flags] = self[.flags] & ~0xF_0000 | value & 0xF_0000 }
    if mask & 2 != 0 { self[.status] = self[.status] & ~0x100 | value & 0x100 }
    if mask & 1 != 0 {
      self[.status] = self[.status] & ~0xC0 | value & 0xC0
      changeMode(value)
    }
  }

  /// The end of an exception: the guest is at this address with this status.
  func leaveException(to address: UInt32, status: UInt32) {
    writeStatus(status, mask: 15)
    let isT32 = status & Status.thumb != 0
    self[.programCounter] = isT32 ? address | 1 : address & ~3
    self[.ifThen] = isT32 ? Status.ifThen(in: status) : 0
  }

  /// The same, and it goes on there.
  func returnFromException(to address: UInt32, status: UInt32) -> Outcome {
    leaveException(to: address, status: status)
    return goOn()
  }

  /// The guest goes on where it is (`.programCounter`, `.ifThen`), in the mode that it is in.
  public func goOn() -> Outcome {
    guard !isInUserMode else { return .user }
    enter(self[.programCounter], ifThen: self[.ifThen])
    return .resume
  }

  var isInUserMode: Bool { self[.status] & Status.mode == Mode.user }
}
