// Who runs: of the virtual CPUs of a physical CPU, the ready one of the VM with the highest priority; its
// equals take turns. A VM that is being loaded or scrubbed is served like one that runs, a slice of work at a
// time, by the physical CPU of its first virtual CPU.

import Appliance
import ArmArchitecture
import Drivers
import Synchronization
import VirtualDevices

extension Core {
  /// A turn among equals lasts 1/256 of a second.
  private var slice: UInt64 { hardware.read(.counterFrequency) &>> 8 }

  /// Finds work until a guest can run, and loads it; sleeps while there is none.
  @inline(never) public func schedule() -> VirtualCPUReference {
    while true {
      while acknowledgeInterrupt() {}
      cpu.value.attention.store(0, ordering: .relaxed)
      var choice = choose()
      guard let next = choice.best else {
        setAlarm(choice)
        if cpu.value.attention.load(ordering: .relaxed) == 0 { hardware.waitForInterrupt() }
        continue
      }
      guard next.value.machine.value.phase.load(ordering: .acquiring) == Phase.running else {
        work(next.value.machine)
        continue
      }
      run(next, &choice)
      setAlarm(choice)
      if cpu.value.attention.load(ordering: .relaxed) == 0 { return next }
    }
  }

  // MARK: Choosing

  /// What a look at the queue found.
  struct Choice {
    var best: VirtualCPUReference?
    /// Virtual CPUs that could run now.
    var ready = 0
    /// Virtual CPUs that could run in the place of the best.
    var equals = 0
    /// When the first timer of a waiting virtual CPU that is not loaded expires.
    var deadline: UInt64 = ~0
  }

  private func choose() -> Choice {
    var choice = Choice()
    let count = cpu.value.queueCount
    var place = firstPlace
    for _ in 0..<count {
      if place >= count { place = 0 }
      if let candidate = cpu.value.queue[place & 15], isReady(candidate, &choice.deadline) {
        consider(candidate, &choice)
      }
      place &+= 1
    }
    return choice
  }

  /// Where the search begins: at the loaded virtual CPU, or behind it when its turn is over.
  @inline(__always) private var firstPlace: Int {
    guard let loaded = cpu.value.loaded else { return 0 }
    let isOver = hardware.read(.counter) >= cpu.value.sliceEnd
    return loaded.value.place &+ (isOver ? 1 : 0)
  }

  private func consider(_ candidate: VirtualCPUReference, _ choice: inout Choice) {
    choice.ready &+= 1
    let priority = candidate.value.machine.value.record.priority
    if let best = choice.best {
      let bestPriority = best.value.machine.value.record.priority
      if priority == bestPriority { choice.equals &+= 1 }
      guard priority > bestPriority else { return }
    }
    choice.best = candidate
    choice.equals = 0
  }

  /// Whether a virtual CPU, or the work on its VM, could go on now.
  /// - Parameter deadline: lowered to when a timer will make it ready.
  private func isReady(_ guest: VirtualCPUReference, _ deadline: inout UInt64) -> Bool {
    switch guest.value.machine.value.phase.load(ordering: .acquiring) {
    case Phase.running: break
    case Phase.stopped: return false
    case Phase.stopping:
      leave(guest)
      return false
    default: return guest.value.index == 0
    }
    switch guest.value.state.load(ordering: .acquiring) {
    case VirtualCPUState.ready: return true
    case VirtualCPUState.starting: start(guest)
    case VirtualCPUState.waiting:
      guard hasDeliverable(guest) || isTimerDue(guest, &deadline) else { return false }
      guest.value.state.store(VirtualCPUState.ready, ordering: .relaxed)
    default: return false
    }
    return true
  }

  /// Whether a timer of a virtual CPU that is not loaded has expired; the loaded one's interrupts by itself.
  private func isTimerDue(_ guest: VirtualCPUReference, _ deadline: inout UInt64) -> Bool {
    if isLoaded(guest) { return false }
    let due = guest.value.deadline
    deadline = min(deadline, due)
    return due <= hardware.read(.counter)
  }

  // MARK: Running

  /// Loads a virtual CPU unless it is loaded, and hands it its interrupts.
  /// - Parameter choice: its deadline is lowered to the timers of the one that leaves.
  private func run(_ next: VirtualCPUReference, _ choice: inout Choice) {
    if !isLoaded(next) {
      let previous = cpu.value.loaded
      unload()
      if let previous { choice.deadline = min(choice.deadline, previous.value.deadline) }
      load(next)
      cpu.value.sliceEnd = hardware.read(.counter) &+ slice
    }
    hardware.write(.configuration, choice.ready > 1 ? Configuration.sharing : Configuration.alone)
    refill(next)
  }

  /// Puts the CPU's registers back into the virtual CPU that they belong to.
  @inline(never) func unload() {
    guard let guest = cpu.value.loaded else { return }
    fold(guest)
    guest.value.bank.value.line.clear(GuestInterrupt.timers)
    deactivate(GuestInterrupt.virtualTimer)
    deactivate(GuestInterrupt.physicalTimer)
    hardware.saveSystemRegisters(guest)
    cpu.value.loaded = nil
  }

  private func load(_ guest: VirtualCPUReference) {
    hardware.loadSystemRegisters(guest)
    let machine = Int(guest.value.machine.value.index) & 7
    let stamp = UInt8(truncatingIfNeeded: guest.value.index &+ 1)
    if cpu.value.lastRan[machine] != stamp { hardware.forgetTranslations() }
    cpu.value.lastRan[machine] = stamp
    let active = guest.value.bank.value.active.load(ordering: .relaxed) & GuestInterrupt.timers
    if active != 0 { redistributor.activate(active) }
    let ownsVectors = cpu.value.vectorsOwner.map { $0 == guest } ?? false
    hardware.write(.floatingPointTrap, ownsVectors ? FloatingPointTrap.open : FloatingPointTrap.closed)
    cpu.value.loaded = guest
  }

  /// A guest used floating point while another's values were in the registers.
  @inline(never) func giveVectors(to guest: VirtualCPUReference) -> VirtualCPUReference {
    hardware.write(.floatingPointTrap, FloatingPointTrap.open)
    if let owner = cpu.value.vectorsOwner { hardware.saveVectors(owner) }
    hardware.loadVectors(guest)
    cpu.value.vectorsOwner = guest
    return resume(guest)
  }

  /// `WFI`: gives the CPU away unless there is something to take.
  @inline(never) func wait(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    fold(guest)
    guest.value.state.store(VirtualCPUState.waiting, ordering: .relaxed)
    return schedule()
  }

  /// `WFE`: ends the turn; the event may have come already, so the guest stays ready.
  @inline(never) func yield() -> VirtualCPUReference {
    cpu.value.sliceEnd = 0
    return schedule()
  }

  // MARK: Time

  /// Arms the hypervisor's timer for the end of a turn and for the timers of those who wait.
  @inline(never) private func setAlarm(_ choice: Choice) {
    var deadline = choice.deadline
    if choice.equals != 0 { deadline = min(deadline, cpu.value.sliceEnd) }
    guard deadline != cpu.value.alarm else { return }
    cpu.value.alarm = deadline
    hardware.write(.alarm, deadline)
  }
}

/// HCR_EL2 while a guest runs. VM, SWIO, FMO, IMO, AMO, FB, BSU (inner shareable), TID3, TSC, TIDCP, TACR, RW,
/// TLOR, TERR; with others ready also TWI and TWE.
enum Configuration {
  static var alone: UInt64 { 0x18_803C_063B }
  static var sharing: UInt64 { alone | 1 << 13 | 1 << 14 }
}

/// CPTR_EL2: traps of trace (TTA), SVE (TZ), SME (TSM) always, of floating point (TFP) while closed.
enum FloatingPointTrap {
  static var open: UInt64 { 0x10_33FF }
  static var closed: UInt64 { open | 1 << 10 }
}
