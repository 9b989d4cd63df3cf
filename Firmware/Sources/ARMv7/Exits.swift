// Where guests leave User mode, and how they go on: decode by what runs, then one verb a case. What a guest does to its own
// processor is done here, in its address space; everything else becomes a trap of the core's, as EL2 would see it.

import ARMv7Assembly
import Hypervisor
import SoftwareVirtualization
import Translator
import VirtualDevices

/// What assembly says of an exception.
enum Exit {
  static var undefined: UInt32 { 0 }
  static var supervisorCall: UInt32 { 1 }
  static var prefetchAbort: UInt32 { 2 }
  static var dataAbort: UInt32 { 3 }
  static var interrupt: UInt32 { 4 }
}

/// The guest that has the CPU.
struct Exits {
  let guest: VirtualCPUReference
  let context: ContextReference

  nonisolated(unsafe) private static var loaded: Exits?

  static var current: Exits {
    // Nothing asks before a guest is loaded.
    @inline(__always) get { unsafe loaded.unsafelyUnwrapped }
  }

  /// What assembly saved, and gives back.
  static var frame: Frame {
    @inline(__always) unsafeAddress { unsafe UnsafePointer(activeFrame.unsafelyUnwrapped) }
    @inline(__always) unsafeMutableAddress { unsafe activeFrame.unsafelyUnwrapped }
  }

  /// The guest's or the translator's, by what runs.
  nonisolated(unsafe) private static var activeFrame: UnsafeMutablePointer<Frame>?

  /// What runs from now on.
  @inline(__always) func run(_ running: Running) {
    context.value.running = running
    unsafe Self.activeFrame = running == .translator ? Self.translatorFrame : Self.guestFrame
    write_dacr(running == .user ? DomainAccess.user : DomainAccess.kernel)
    instruction_barrier()
  }

  /// In the state page, so the translator has it.
  private static var guestFrame: UnsafeMutablePointer<Frame>? {
    unsafe UnsafeMutablePointer(bitPattern: UInt(Pool.view &+ Pool.state &+ StateSlot.registers.rawValue))
  }

  private static var translatorFrame: UnsafeMutablePointer<Frame> {
    unsafe (address_of_stack() + 0x2000 - MemoryLayout<Frame>.size).assumingMemoryBound(to: Frame.self)
  }

  /// Where an exception of the hypervisor's own was taken; nothing goes on.
  static func showFault(_ programCounter: UInt32, _ state: UInt32) {
    unsafe activeFrame = translatorFrame
    frame.programCounter = programCounter
    frame.state = state
  }

  // MARK: Changing guests, for the scheduler

  static func save(_ guest: VirtualCPUReference) {
    collectRegisters(guest)
    guest.value[.programCounter] = UInt64(frame.programCounter)
    guest.value[.processorState] = UInt64(frame.state)
    if current.context.value.running == .user { current.context[.threadUserReadWrite] = read_tpidrurw() }
  }

  static func load(_ guest: VirtualCPUReference) {
    unsafe areCollected = true
    let context = Machine().context(of: guest.value.machine)
    unsafe loaded = Exits(guest: guest, context: context)
    Machine().leaveGuestSpace()
    Machine().view(pool: context.value.pool)
    // Another guest's cache and state are at the same addresses, and its spaces have the same numbers.
    context.memory.forgetTranslations()
    // `Core.start` leaves zeros.
    context.value.isFresh = guest.value.system[started] == 0
    guest.value.system[started] = 1
    if context.value.isFresh { current.reset() }
    current.run(context.value.running)
    frame.programCounter = UInt32(truncatingIfNeeded: guest.value[.programCounter])
    frame.state = UInt32(truncatingIfNeeded: guest.value[.processorState])
    current.loadThreadRegisters()
  }

  /// User mode's thread registers. The guest's kernel has them in the state page.
  func loadThreadRegisters() {
    write_tpidrurw(context[.threadUserReadWrite])
    write_tpidruro(context[.threadUserReadOnly])
  }

  /// A place in `VirtualCPU.system` that nothing else uses.
  private static var started: Int { 9 }

  func reset() {
    context.value.running = .kernel
    context.value.timer = VirtualDualTimer()
    context.value.step.isActive = false
    context.value.step.changed = 0
    context.forgetDevices()
    context.makeSpaces()
  }

  // MARK: To the core and back

  /// The scheduler's choice goes on, in its own address space.
  static func go(on guest: VirtualCPUReference) {
    let exits = current
    if unsafe areCollected {
      unsafe areCollected = false
      unsafe withRegisters(of: guest) { registers, core in
        unsafe registers.copyMemory(from: core, byteCount: registersBytes)
      }
    }
    exits.context.loadSpace()
    if exits.context.value.isFresh {
      exits.context.value.isFresh = false
      exits.ask(TranslatorRequest.start, frame.programCounter | (frame.state &>> 5 & 1))
    }
  }

  /// Whether the loaded guest's R0…R14 are where the core has them, and not in the frame. Most exits change one at most.
  nonisolated(unsafe) private static var areCollected = false

  /// Moves them there.
  @inline(never) static func collectRegisters(_ guest: VirtualCPUReference) {
    guard unsafe !areCollected else { return }
    unsafe areCollected = true
    unsafe withRegisters(of: guest) { registers, core in
      unsafe core.copyMemory(from: registers, byteCount: registersBytes)
    }
  }

  private static var registersBytes: Int { MemoryLayout<InlineArray<15, UInt32>>.size }

  /// R0…R14 in the frame, and where the core has them.
  private static func withRegisters(
    of guest: VirtualCPUReference, _ body: (UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Void
  ) {
    unsafe withUnsafeMutableBytes(of: &guest.value.registers) { core in
      unsafe body(UnsafeMutableRawPointer(activeFrame.unsafelyUnwrapped), core.baseAddress.unsafelyUnwrapped)
    }
  }

  var core: Core<Machine> { Core(hardware: Machine(), cpu: guest.value.cpu) }

  /// The guest goes on as it is, unless scheduling is due.
  @inline(__always) func scheduleIfDue(_ core: Core<Machine>) {
    if core.isSchedulingDue { Self.go(on: core.schedule()) }
  }

  /// The core answers, as after an exception taken to EL2.
  func enterCore(_ answer: (Core<Machine>) -> VirtualCPUReference) { Self.go(on: answer(core)) }

  /// The same, when it reads or changes the guest's registers.
  func callFirmware() {
    Self.collectRegisters(guest)
    enterCore { $0.callFirmware(guest) }
  }

  // MARK: Exits

  /// - Returns: what goes on.
  static func handle(_ kind: UInt32) -> UnsafeMutablePointer<Frame>? {
    current.answer(kind)
    // It may be another guest's turn now.
    current.finish()
    return unsafe activeFrame
  }

  /// The first guest.
  static func start(_ guest: VirtualCPUReference) {
    go(on: guest)
    unsafe start_guest(activeFrame.unsafelyUnwrapped)
  }

  func answer(_ kind: UInt32) {
    guard kind != Exit.interrupt else {
      let core = core
      _ = core.acknowledgeInterrupt()
      return scheduleIfDue(core)
    }
    switch context.value.running {
    case .translator: handleTranslator(kind)
    case .kernel: handleKernel(kind)
    case .user: handleUser(kind)
    }
  }

  func handleUser(_ kind: UInt32) {
    switch kind {
    case Exit.supervisorCall: callSupervisor()
    case Exit.prefetchAbort: abort(Access(address: read_ifar(), isFetch: true, isUser: true), read_ifsr())
    case Exit.dataAbort:
      let status = read_dfsr()
      abort(Self.access(status, isUser: true), status)
    default: undefined()
    }
  }

  func handleKernel(_ kind: UInt32) {
    switch kind {
    case Exit.supervisorCall where context.value.step.isActive: endStep()
    // All exits are A32. Of a T32 instruction the word before may be nowhere.
    case Exit.supervisorCall where !Self.frame.isT32:
      leaveCache(load32(UInt(Self.frame.programCounter &- 4)) & 0xFF_FFFF)
    case Exit.dataAbort: handleDataAbort()
    case Exit.undefined: undefined()
    // The guest has damaged its own cache.
    default: lose()
    }
  }

  /// An instruction that does not exist, or not in User mode, or not while the floating-point unit is off.
  func undefined() {
    Self.frame.programCounter &-= Self.frame.isT32 ? 2 : 4
    if context.floatingPointControl != 0, unsafe !Machine.hasVectors {
      // The unit has another guest's values: the core changes them, and the instruction is executed again.
      enterCore { $0.openVectors(to: guest) }
    } else {
      take(.undefined)
    }
  }

  /// Cached code left by SVC.
  func leaveCache(_ code: UInt32) {
    if ExitCode.isSystem(code) { return answerSystem(code) }
    if code == ExitCode.exceptionReturn { return returnFromException(code) }
    switch ExitCode.departure(code) {
    case .hypervisorCall, .secureMonitorCall: callFirmware()
    case .waitForInterrupt: enterCore { $0.wait(guest) }
    case .waitForEvent: enterCore { $0.yield(guest) }
    default: ask(TranslatorRequest.exit, code)
    }
  }

  // MARK: Exceptions of the guest

  /// - Parameter bytes: how far the frame's PC is behind the instruction.
  @inline(never) func take(_ exception: GuestException, behind bytes: UInt32 = 0) {
    if context.value.step.isActive { leaveStep(behind: false) }
    Self.frame.programCounter &-= bytes
    switch context.value.running {
    case .kernel: leaveKernel(exception)
    // The translator has recovered the guest's state before it touched its memory.
    case .translator: ask(TranslatorRequest.take, exception.rawValue)
    case .user: leaveUser(exception)
    }
  }

  // MARK: Before the guest goes on

  /// An interrupt that it can take.
  func finish() {
    if unsafe Machine.isInterrupted, context.value.running != .translator, !context.value.step.isActive,
      context[.status] & 0x80 == 0
    {
      take(.interrupt)
    }
  }
}
