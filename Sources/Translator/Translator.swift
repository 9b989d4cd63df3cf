/// Runs a guest's kernel in User mode: it hands out translated code, connects it, and tells for every place in it what
/// the guest's state is. It owns nothing but its guest's memory, and runs unprivileged itself.
public struct Translator<Space: AddressSpace> {
  public let space: Space
  public let layout: CacheLayout

  public init(space: Space, layout: CacheLayout) {
    self.space = space
    self.layout = layout
  }

  /// What follows an exit.
  public enum Outcome: Equatable, Sendable {
    /// The guest goes on at the frame's position.
    case resume
    /// The guest is in User mode: it goes on at its own PC, with the frame's registers, until an exception.
    case user
    /// The frame is as it was at the exit, its position behind the instruction. `recover` gives the guest's PC.
    case departure(Departure)
    /// A `SystemEffect`, by its exit code, likewise.
    case system(UInt32)
    /// The cache was damaged: by the guest, whose it is.
    case lost
  }

  /// Answers an SVC of cached code.
  /// - Parameter exit: its immediate. The frame's position is behind it.
  public func handle(_ exit: UInt32) -> Outcome {
    if ExitCode.isSystem(exit) { return .system(exit) }
    let address = self[.position] &- 4
    switch exit {
    case ExitCode.link: return link(at: address)
    case ExitCode.miss: return findTarget()
    case ExitCode.stale: return renew(at: address)
    case ExitCode.exceptionReturn: return returnFromException(to: self[.target], status: self[.savedStatus])
    case ExitCode.emulate, ExitCode.emulate | ExitCode.known:
      return recover(at: address, exit) ? perform() : .lost
    default:
      guard let departure = ExitCode.departure(exit & ~ExitCode.known) else { return .lost }
      return depart(departure, at: address, exit)
    }
  }

  /// A store of the status found no page: the mode changes, or an interrupt waits for being unmasked.
  public func handleStatusStore() -> Outcome { recover() ? perform() : .lost }

  private func depart(_ departure: Departure, at address: UInt32, _ exit: UInt32) -> Outcome {
    let exception: GuestException
    switch departure {
    case .undefined: exception = .undefined
    case .supervisorCall: exception = .supervisorCall
    case .breakpoint:
      exception = .prefetchAbort
      self[.instructionFaultStatus] = Translator.debugEvent
    case .unprivilegedAccess: return recover(at: address, exit) ? performUnprivileged() : .lost
    default: return .departure(departure)
    }
    guard recover(at: address, exit) else { return .lost }
    // A call returns behind the instruction (B1.9.4, TakeSVCException).
    if departure == .supervisorCall { self[.ifThen] = ITState.advanced(self[.ifThen]) }
    take(exception)
    return .resume
  }

  /// The guest goes on at this PC (bit 0 set in T32), in the mode that it is in, with the frame's registers.
  public func enter(_ programCounter: UInt32, ifThen: UInt32 = 0) {
    self[.programCounter] = programCounter
    self[.ifThen] = ifThen
    self[.position] = body(of: block(for: programCounter, ifThen))
    self[.flags] = self[.flags] & Status.userBits | Mode.user
  }

  // MARK: Connections

  private func link(at address: UInt32) -> Outcome {
    guard let found = recovery(at: address), found.isLink else { return .lost }
    // Everything is thrown away when there is no room: then the branch is no longer there.
    let generation = self.generation
    enter(found.link, ifThen: found.linkIfThen)
    guard generation == self.generation else { return .resume }
    connect(address, to: self[.position])
    return .resume
  }

  /// Replaces an exit by a branch, under the same condition.
  private func connect(_ address: UInt32, to target: UInt32) {
    let branch = A32.branch(from: address, to: target) & 0x0FFF_FFFF
    space.setWord(address, space.word(address) & 0xF000_0000 | branch)
    space.publish(address, count: 4)
  }

  /// An indirect branch whose target is in r0.
  private func findTarget() -> Outcome {
    let target = register(0)
    setRegister(0, self[.spill0])
    setRegister(1, self[.spill1])
    reserve()
    enter(target)
    openEntry(to: self[.position] &- BlockHeader.bytes)
    return .resume
  }

  /// A block that was dropped is translated anew; what was connected with it finds the new one.
  private func renew(at address: UInt32) -> Outcome {
    let block = address &- BlockHeader.bytes
    guard start(of: address) == block else { return .lost }
    let header = BlockHeader(space, block)
    let generation = self.generation
    enter(header.programCounter, ifThen: header.ifThen)
    if generation == self.generation { connect(address, to: self[.position]) }
    return .resume
  }

  // MARK: The guest's state

  /// The same as `recover` at an exit, which may know it.
  private func recover(at address: UInt32, _ exit: UInt32) -> Bool {
    guard ExitCode.isKnown(exit) else {
      self[.position] = address
      return recover()
    }
    self[.programCounter] = space.word(address &+ 4)
    self[.ifThen] = 0
    return true
  }

  /// FSR of BKPT.
  private static var debugEvent: UInt32 { 2 }

  /// Makes the frame's registers those of the guest, whose cached code stopped at the frame's position: `.programCounter`
  /// and `.ifThen` say where it is.
  /// - Returns: false if there is no code of ours.
  public func recover() -> Bool {
    let position = self[.position]
    guard let found = recovery(at: position) else { return false }
    var programCounter = found.instruction
    var ifThen = found.ifThen
    switch found.place {
    case .here: break
    case .behind: (programCounter, ifThen) = (found.next, found.nextIfThen)
    case .at(let address): (programCounter, ifThen) = (address, 0)
    case .inRegister(let register): (programCounter, ifThen) = (self.register(register), 0)
    case .inTarget: (programCounter, ifThen) = (self[.target], 0)
    }
    for slot: UInt32 in 0..<4 {
      let register = found.spilled &>> (8 &* slot) & 0xFF
      if register < 15 { setRegister(register, space.word(layout.state &+ 4 &* slot)) }
    }
    self[.programCounter] = programCounter
    self[.ifThen] = ifThen
    if found.isExact, ifThen == 0 {
      self[.recovery(at: position)] = position
      self[.recovery(at: position) + 4] = programCounter
    }
    finish(found.unfinished)
    return true
  }

  private func finish(_ unfinished: Recovery.Unfinished) {
    switch unfinished {
    case .nothing: break
    case .constant(let register, let value): setRegister(register, value)
    case .status(let register):
      setRegister(register, self.register(register) & 0xFFFF_0000 | self[.status] & 0xFFFF)
    case .flags(let register, let mask): writeStatus(self.register(register), mask: mask)
    case .exceptionReturn: leaveException(to: self[.target], status: self[.savedStatus])
    }
  }

  func recovery(at address: UInt32) -> Recovery? {
    if address == missExit { return branchRecovery }
    guard let start = start(of: address) else { return nil }
    let header = BlockHeader(space, start)
    if header.isEntry { return entryRecovery(at: address, start, header) }
    var translator = BlockTranslator(
      writer: CodeWriter(space: space, position: body(of: start), writes: false, wanted: address),
      table: layout.table, programCounter: header.programCounter, ifThen: header.ifThen)
    translator.translate()
    return translator.writer.found
  }

  // MARK: The state page

  public subscript(_ slot: StateSlot) -> UInt32 {
    get { space.word(layout.state &+ slot.rawValue) }
    nonmutating set { space.setWord(layout.state &+ slot.rawValue, newValue) }
  }

  /// A register of the current mode, 0…14.
  public func register(_ number: UInt32) -> UInt32 { space.word(registerAddress(number)) }

  public func setRegister(_ number: UInt32, _ value: UInt32) {
    space.setWord(registerAddress(number), value)
  }

  func registerAddress(_ number: UInt32) -> UInt32 {
    layout.state &+ StateSlot.registers.rawValue &+ 4 &* number
  }
}
