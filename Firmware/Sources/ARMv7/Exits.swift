// Where guests leave User mode, and how they go on: decode by what runs, then one verb a case. What a guest does to its own
// processor is done here, in its address space; everything else becomes a trap of the core's, as EL2 would see it.

import ARMv7Assembly
import ArmArchitecture
import Hypervisor
import SoftwareVirtualization
import Translator
import VirtualDevices

/// What assembly says of an exception.
private enum Exit {
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

  static var isReady: Bool { unsafe loaded != nil }
  static var current: Exits {
    // Nothing asks before a guest is loaded.
    @inline(__always) get { unsafe loaded.unsafelyUnwrapped }
  }

  /// What assembly saved.
  static var frame: Frame {
    @inline(__always) unsafeAddress {
      unsafe UnsafePointer(framePointer)
    }
    @inline(__always) unsafeMutableAddress { unsafe framePointer }
  }

  private static var framePointer: UnsafeMutablePointer<Frame> {
    unsafe (address_of_stacks() + 0x2000 - MemoryLayout<Frame>.size).assumingMemoryBound(to: Frame.self)
  }

  // MARK: Changing guests, for the scheduler, in the hypervisor's own address space

  static func save(_ guest: VirtualCPUReference) {
    guest.value[.programCounter] = UInt64(frame.programCounter)
    guest.value[.processorState] = UInt64(frame.state)
    current.context[.threadUserReadWrite] = read_tpidrurw()
  }

  static func load(_ guest: VirtualCPUReference) {
    let context = Machine().context(of: guest.value.machine)
    unsafe loaded = Exits(guest: guest, context: context)
    Machine().view(pool: context.value.pool)
    frame.programCounter = UInt32(truncatingIfNeeded: guest.value[.programCounter])
    frame.state = UInt32(truncatingIfNeeded: guest.value[.processorState])
    // `Core.start` leaves zeros.
    context.value.isFresh = guest.value.system[started] == 0
    guest.value.system[started] = 1
    if context.value.isFresh { current.reset() }
    write_tpidrurw(context[.threadUserReadWrite])
  }

  /// A place in `VirtualCPU.system` that nothing else uses.
  private static var started: Int { 9 }

  private func reset() {
    context.value.system = SystemRegisters()
    context.value.interface = VirtualCPUInterface()
    context.value.interface.listControl = 1
    context.value.timer = VirtualDualTimer()
    context.value.raised = 0
    context.value.step.isActive = false
    context.value.step.changed = 0
    context.value.floatingPoint = 0
    for word in 0..<32 { context.value.codePages[word] = 0 }
    context.makeSpaces()
    context[.control] = context.value.system.control
    context[.vectors] = context.value.system.vectors
    context[.commit] = Pool.statusWindow &+ StateSlot.status.rawValue
  }

  // MARK: To the core and back

  /// The scheduler's choice goes on, in its own address space.
  static func go(on guest: VirtualCPUReference) {
    let exits = current
    for number in 0..<15 { frame.registers[number] = UInt32(truncatingIfNeeded: guest.value.registers[number]) }
    exits.context.loadDomains()
    exits.context.loadSpace()
    Machine.loadFloatingPointControl()
    if exits.context.value.isFresh {
      exits.context.value.isFresh = false
      exits.context.value.running = .kernel
      exits.ask(TranslatorRequest.start, frame.programCounter | (frame.state &>> 5 & 1))
    }
    exits.finish()
  }

  /// The core answers, as after an exception taken to EL2.
  private func enterCore(_ answer: (Core<Machine>) -> VirtualCPUReference) {
    for number in 0..<15 { guest.value.registers[number] = UInt64(Self.frame.registers[number]) }
    Machine().leaveGuestSpace()
    Self.go(on: answer(Core(hardware: Machine(), cpu: guest.value.cpu)))
  }

  private func trap(_ syndrome: UInt32, address: UInt32 = 0, page: UInt32 = 0) {
    unsafe Machine.trapped = Trapped(syndrome: syndrome, address: address, page: page)
    let guest = self.guest
    enterCore { $0.handleTrap(guest) }
  }

  // MARK: Exits

  func handle(_ kind: UInt32) {
    guard kind != Exit.interrupt else {
      let guest = self.guest
      return enterCore { $0.handleInterrupt(guest) }
    }
    switch context.value.running {
    case .translator: handleTranslator(kind)
    case .kernel: handleKernel(kind)
    case .user: handleUser(kind)
    }
    finish()
  }

  private func handleUser(_ kind: UInt32) {
    switch kind {
    case Exit.supervisorCall: take(.supervisorCall, behind: Self.frame.state & 1 &<< 5 != 0 ? 2 : 4)
    case Exit.prefetchAbort: abort(Access(address: read_ifar(), isFetch: true, isUser: true), read_ifsr())
    case Exit.dataAbort: handleDataAbort(isUser: true)
    default: undefined(isUser: true)
    }
  }

  private func handleKernel(_ kind: UInt32) {
    switch kind {
    case Exit.supervisorCall where context.value.step.isActive: endStep()
    case Exit.supervisorCall: leaveCache(load32(UInt(Self.frame.programCounter &- 4)) & 0xFF_FFFF)
    case Exit.dataAbort: handleDataAbort(isUser: false)
    // BKPT, or the guest has damaged its own cache.
    case Exit.prefetchAbort:
      context.value.system.instructionFaultStatus = 2
      take(.prefetchAbort)
    default: undefined(isUser: false)
    }
  }

  /// An instruction that does not exist, or not in User mode, or not while the floating-point unit is off.
  private func undefined(isUser: Bool) {
    let isT32 = Self.frame.state & 1 &<< 5 != 0
    Self.frame.programCounter &-= isT32 ? 2 : 4
    let place = UInt(Self.frame.programCounter)
    let word = isT32 ? load16(place) &<< 16 | load16(place &+ 2) : load32(place)
    if !isUser, context.answerFloatingPoint(word) {
      Self.frame.programCounter &+= 4
    } else if context.value.floatingPoint != 0, unsafe !Machine.hasVectors {
      // The unit has another guest's values: the core changes them, and the instruction is executed again.
      trap(7 &<< 26)
    } else {
      take(.undefined)
    }
  }

  /// Cached code left by SVC.
  private func leaveCache(_ code: UInt32) {
    if ExitCode.isCoprocessor(code) { return accessCoprocessor(CoprocessorAccess(word: 0xEE00_0000 | code)) }
    switch ExitCode.departure(code) {
    case .hypervisorCall, .secureMonitorCall: trap(0x12 &<< 26)
    case .waitForInterrupt, .waitForEvent:
      // The core goes on behind the instruction.
      Self.frame.programCounter &-= 4
      trap(1 &<< 26 | 1 &<< 25 | (ExitCode.departure(code) == .waitForEvent ? 1 : 0))
    default: ask(TranslatorRequest.exit, code)
    }
  }

  // MARK: Aborts

  private func handleDataAbort(isUser: Bool) {
    let status = read_dfsr()
    let access = Access(address: read_dfar(), isWrite: status & 1 &<< 11 != 0, isUser: isUser)
    if !isUser, access.address &- Pool.statusWindow < StatusWindow.bytes {
      return ask(TranslatorRequest.statusStore, 0)
    }
    abort(access, status)
  }

  /// The guest's access found nothing in the shadow tables, or something that does not allow it.
  private func abort(_ access: Access, _ status: UInt32) {
    // Alignment: the guest's own.
    if status & 0x40F == 1 { return take(access, .alignment, 0) }
    context.activateSpace()
    do throws(TranslationFault) {
      switch try context.shadows.fill(access, context.regime) {
      case .filled: break
      case .device(let physical): accessDevice(access, physical)
      case .code(let physical): changeCode(access, physical)
      case .reserved: take(access, .translation(isSection: true), 0)
      }
    } catch {
      guard case .fault(let status, let domain) = error else { return }
      take(access, status, domain)
    }
  }

  /// The guest takes the abort.
  func take(_ access: Access, _ status: FaultStatus, _ domain: UInt32) {
    if access.isFetch {
      context.value.system.instructionFaultStatus = status.rawValue
      context.value.system.instructionFaultAddress = access.address
      take(.prefetchAbort)
    } else {
      context.value.system.dataFaultStatus =
        status.rawValue | domain &<< 4 | (access.isWrite ? 1 &<< 11 : 0)
      context.value.system.dataFaultAddress = access.address
      take(.dataAbort)
    }
  }

  // MARK: Stores to pages of code

  /// A store to a page from which code was translated.
  private func changeCode(_ access: Access, _ physical: UInt32) {
    switch context.value.running {
    case .kernel: beginStep(access, physical)
    case .user: forgetCode(at: physical)
    case .translator:
      // It goes on; what it changed is forgotten when it has ended.
      open(access)
      context.value.step.changed = physical
    }
  }

  /// Opens the page for the store, and puts it where nothing else happens.
  private func beginStep(_ access: Access, _ physical: UInt32) {
    if !context.value.step.isActive {
      context.value.step = Step(
        isActive: true, position: Self.frame.programCounter, state: Self.frame.state, size: 4,
        pages: InlineArray(repeating: access.address), changed: 0)
      copyStore()
    }
    context.value.step.pages[1] = access.address
    if context.shadows.isCode(physical) { context.value.step.changed = physical }
    open(access)
  }

  private func open(_ access: Access) {
    // It was found a moment ago.
    _ = try? context.shadows.fill(access, context.regime, overCode: true)
  }

  /// The store and an SVC behind it. Interrupts wait for it.
  private func copyStore() {
    let source = UInt(Self.frame.programCounter)
    let isT32 = Self.frame.state & 1 &<< 5 != 0
    if isT32 {
      let first = load16(source)
      let isWide = first &>> 11 > 0x1C
      context.value.step.size = isWide ? 4 : 2
      // NOP, SVC #0 twice.
      store32(UInt(Pool.step), first | (isWide ? load16(source &+ 2) : 0xBF00) &<< 16)
      store32(UInt(Pool.step &+ 4), 0xDF00_DF00)
    } else {
      store32(UInt(Pool.step), load32(source))
      store32(UInt(Pool.step &+ 4), 0xEF00_0000)
    }
    publish(Pool.step, 8)
    Self.frame.programCounter = Pool.step
    // Without ITSTATE: its condition was met.
    Self.frame.state = Self.frame.state & 0xF80F_0030 | 0xC0
  }

  /// The store is done, or cannot be.
  private func leaveStep(behind: Bool) {
    let step = context.value.step
    context.value.step.isActive = false
    context.shadows.invalidate(step.pages[0])
    context.shadows.invalidate(step.pages[1])
    Self.frame.programCounter = step.position &+ (behind ? step.size : 0)
    Self.frame.state = step.state
    guard behind else { return }
    let ifThen = ITState.advanced(Status.ifThen(in: step.state))
    Self.frame.state = step.state & ~0x0600_FC00 | Status.ifThen(ifThen)
  }

  private func endStep() {
    leaveStep(behind: true)
    forgetChanged()
  }

  /// What was translated from where a store has been is forgotten.
  private func forgetChanged() {
    let changed = context.value.step.changed
    context.value.step.changed = 0
    if changed != 0 { forgetCode(at: changed) }
  }

  private func forgetCode(at physical: UInt32) {
    guard let page = context.shadows.unprotect(physical) else {
      context.shadows.unprotectAll()
      return ask(TranslatorRequest.flush, 0)
    }
    ask(TranslatorRequest.drop, page)
  }

  // MARK: Devices

  private func accessDevice(_ access: Access, _ physical: UInt32) {
    let fault: UInt32 = 0x24 &<< 26 | 7
    guard !access.isFetch, let syndrome = accessSyndrome() else {
      return take(access, .external, 0)
    }
    trap(
      fault | syndrome.syndrome(fault: 0) | (access.isWrite ? 1 &<< 6 : 0), address: access.address,
      page: physical &>> 8 & ~15)
  }

  /// The instruction at the frame's PC.
  private func accessSyndrome() -> AccessSyndrome? {
    let place = UInt(Self.frame.programCounter)
    guard Self.frame.state & 1 &<< 5 != 0 else { return AccessSyndrome(a32: load32(place)) }
    return AccessSyndrome(t32: load16(place), load16(place &+ 2))
  }

  // MARK: Coprocessor 15

  private func accessCoprocessor(_ access: CoprocessorAccess) {
    let register = Int(bitPattern: UInt(access.register & 15))
    guard register < 15 else { return take(.undefined, behind: 4) }
    var value = Self.frame.registers[register]
    let effect = context.value.system.access(access, &value, OwnIdentification())
    if access.isRead { Self.frame.registers[register] = value }
    apply(effect)
  }

  private func apply(_ effect: SystemEffect) {
    switch effect {
    case .nothing, .floatingPoint: break
    case .undefined: take(.undefined, behind: 4)
    case .control(let changed): changeControl(changed)
    case .vectors: context[.vectors] = context.value.system.vectors
    case .space: context.leaveSpace()
    case .invalidateAll:
      context.shadows.invalidateAll()
      if !context.shadows.holdsAllCode(context.regime) { forgetCode() }
    case .invalidatePage(let page):
      context.shadows.invalidate(page)
      if context.mayHoldCode(page), !context.shadows.holdsCode(page, context.regime) { forgetCode() }
    case .translate(let address, let isWrite, let isUser):
      let access = Access(address: address, isWrite: isWrite, isUser: isUser)
      let walk = GuestWalk(memory: context.memory, regime: context.regime, map: context.value.memory)
      do throws(TranslationFault) {
        context.value.system.setPhysicalAddress(.success(try walk.translate(access)))
      } catch { context.value.system.setPhysicalAddress(.failure(error)) }
    }
  }

  /// SCTLR: what is at an address may be something else now.
  private func changeControl(_ changed: UInt32) {
    context[.control] = context.value.system.control
    context[.vectors] = context.value.system.vectors
    // M, AFE.
    guard changed & (1 | 1 &<< 29) != 0 else { return }
    context.shadows.invalidateAll()
    context.leaveSpace()
    forgetCode()
  }

  /// All code is translated anew, behind the instruction that left.
  private func forgetCode() {
    context.shadows.unprotectAll()
    for word in 0..<32 { context.value.codePages[word] = 0 }
    ask(TranslatorRequest.flushBehind, 0)
  }

  // MARK: Exceptions of the guest

  /// - Parameter bytes: how far the frame's PC is behind the instruction.
  private func take(_ exception: GuestException, behind bytes: UInt32 = 0) {
    if context.value.step.isActive { leaveStep(behind: false) }
    Self.frame.programCounter &-= bytes
    switch context.value.running {
    case .kernel: ask(TranslatorRequest.interrupt, exception.rawValue)
    // The translator has recovered the guest's state before it touched its memory.
    case .user, .translator: ask(TranslatorRequest.take, exception.rawValue)
    }
  }

  // MARK: The translator

  /// Starts the translator with a request; the guest's registers go to the state page, unless they are there.
  func ask(_ request: UInt32, _ argument: UInt32) {
    if context.value.running != .translator { saveGuest() }
    context.value.running = .translator
    context.loadDomains()
    unsafe Self.dbg = (request, argument, context[.position])
    Self.frame.registers[0] = request
    Self.frame.registers[1] = argument
    Self.frame.registers[13] = Pool.stackTop
    Self.frame.programCounter = Pool.translator
    // User mode, T32.
    Self.frame.state = 0x30
  }

  private func saveGuest() {
    let place = UInt(Pool.view &+ Pool.state &+ StateSlot.registers.rawValue)
    for number in 0..<15 { store32(place &+ UInt(bitPattern: number) &* 4, Self.frame.registers[number]) }
    context[.flags] = Self.frame.state
    if context.value.running == .user {
      context[.programCounter] = Self.frame.programCounter | Self.frame.state &>> 5 & 1
      context[.ifThen] = Status.ifThen(in: Self.frame.state)
      context[.threadUserReadWrite] = read_tpidrurw()
    } else {
      context[.position] = Self.frame.programCounter
    }
  }

  private func handleTranslator(_ kind: UInt32) {
    switch kind {
    case Exit.supervisorCall: answerTranslator()
    // Its access to the guest's memory.
    case Exit.dataAbort: abortTranslator()
    default: lose()
    }
  }

  private func abortTranslator() {
    let status = read_dfsr()
    let isFetch = context[.abort] == GuestException.prefetchAbort.rawValue
    abort(Access(address: read_dfar(), isWrite: status & 1 &<< 11 != 0, isFetch: isFetch), status)
  }

  private func answerTranslator() {
    switch Self.frame.registers[0] {
    case TranslatorCall.resume: resumeKernel()
    case TranslatorCall.user: resumeUser()
    case TranslatorCall.userAccess: accessAsUser()
    case TranslatorCall.protect: context.protect(Self.frame.registers[1], Self.frame.registers[2])
    case TranslatorCall.publish: publish(Self.frame.registers[1], Self.frame.registers[2])
    default: lose()
    }
  }

  private func loadRegisters() {
    let place = UInt(Pool.view &+ Pool.state &+ StateSlot.registers.rawValue)
    for number in 0..<15 { Self.frame.registers[number] = load32(place &+ UInt(bitPattern: number) &* 4) }
  }

  private func resumeKernel() {
    loadRegisters()
    context.value.running = .kernel
    Self.frame.programCounter = context[.position]
    Self.frame.state = context[.flags] & 0xF80F_0000 | 0x10
    forgetChanged()
  }

  private func resumeUser() {
    loadRegisters()
    context.value.running = .user
    context.activateSpace()
    context.shadows.tighten()
    context.loadDomains()
    write_tpidrurw(context[.threadUserReadWrite])
    write_tpidruro(context[.threadUserReadOnly])
    let programCounter = context[.programCounter]
    Self.frame.programCounter = programCounter & ~1
    Self.frame.state =
      context[.flags] & 0xF80F_0000 | Status.ifThen(context[.ifThen]) | (programCounter & 1) &<< 5 | 0x10
  }

  private func publish(_ address: UInt32, _ count: UInt32) {
    // Whatever the guest says: no more than a page.
    let end = address &+ min(count, 4096)
    var line = address & ~31
    while line < end {
      write_dccmvau(line)
      line = line &+ 32
    }
    data_barrier()
    write_iciallu(0)
    data_barrier()
    instruction_barrier()
  }

  /// The guest damaged its own code cache, or the translator: its VM stops.
  nonisolated(unsafe) static var dbg: (UInt32, UInt32, UInt32) = (0, 0, 0)
  func lose() {
    unsafe Machine.trapped = Trapped(syndrome: Self.dbg.0 << 24 | Self.dbg.1, address: Self.dbg.2, page: 0)
    for i in 0..<8 {
      Self.frame.registers[i] = load32(
        UInt(
          Pool.view &+ Pool.cache &+ (unsafe Self.dbg.2 &- 0xFE20_0000) / 2 & ~4095 | (unsafe Self.dbg.2 & 4095)
        ) &+ UInt(bitPattern: i) * 4 &- 16)
    }
    let guest = self.guest
    enterCore { $0.handleSystemError(guest) }
  }

  // MARK: Before the guest goes on

  /// What the core wants the guest to take, and interrupts.
  func finish() {
    guard context.value.running != .translator, !context.value.step.isActive else { return }
    if context.value.raised != 0 { return takeRaised() }
    let isMasked = context[.status] & 0x80 != 0
    guard context.value.interface.signalsInterrupt else {
      context[.commit] = Pool.statusWindow &+ StateSlot.status.rawValue
      return
    }
    if isMasked, context.value.running == .kernel {
      context[.commit] = Pool.statusWindow &+ StatusWindow.pendingOffset &+ StateSlot.status.rawValue
    } else if !isMasked {
      take(.interrupt)
    }
  }

  private func takeRaised() {
    let syndrome = UInt32(truncatingIfNeeded: context.value.raised)
    context.value.raised = 0
    guard syndrome &>> 26 == 0x24 || syndrome &>> 26 == 0x25 else { return take(.undefined) }
    let address = unsafe Machine.trapped.address
    take(Access(address: address, isWrite: syndrome & 1 &<< 6 != 0), .external, 0)
  }
}
