// Who runs: of the virtual CPUs of a physical CPU, the ready one of the VM with the highest priority; its
// equals take turns. A VM that is being loaded or scrubbed is served like one that runs, a slice of work at a
// time, by the physical CPU of its first virtual CPU.

import Appliance
import ArmArchitecture
import Drivers
import Synchronization
import VirtualDevices

extension Core where H: VirtualizationExtensions {
  /// A turn among equals lasts 1/256 of a second. Who is interrupted by somebody more urgent goes on with it.
  private var turn: UInt64 { hardware.read(.counterFrequency) &>> 8 }

  /// Finds work until a guest can run, and loads it; sleeps while there is none.
  @inline(never) public func schedule() -> VirtualCPUReference {
    while true {
      while acknowledgeInterrupt() {}
      cpu.value.attention.store(0, ordering: .relaxed)
      var choice = Choice(now: charge())
      choose(&choice)
      cpu.value.payer = nil
      if let next = choice.best {
        let machine = next.value.machine
        cpu.value.payer = machine
        if next.value.turnEnd <= choice.now { next.value.turnEnd = choice.now &+ turn }
        guard machine.value.phase.load(ordering: .acquiring) == Phase.running else {
          work(machine)
          continue
        }
        run(next, &choice)
      }
      setAlarm(&choice)
      guard cpu.value.attention.load(ordering: .relaxed) == 0 else { continue }
      if let next = choice.best { return next }
      hardware.waitForInterrupt()
    }
  }

  // MARK: Choosing

  /// What a look at the queue found.
  struct Choice {
    /// The time of the look, in ticks of the counter.
    let now: UInt64
    var best: VirtualCPUReference?
    /// Virtual CPUs that could run now.
    var ready = 0
    /// Virtual CPUs that could run in the place of the best.
    var equals = 0
    /// When to look again at the latest.
    var deadline: UInt64 = ~0
    /// When the timer of the virtual CPU that runs interrupts, where software makes it.
    var timer: UInt64 = ~0

    init(now: UInt64) { self.now = now }

    /// Whether a time has come; if not, that is when to look again.
    @inline(never) mutating func isDue(_ time: UInt64) -> Bool {
      if time <= now { return true }
      deadline = min(deadline, time)
      return false
    }
  }

  private func choose(_ choice: inout Choice) {
    let count = cpu.value.queueCount
    // Of those that could go on with their turns, the loaded one does.
    var place = cpu.value.loaded?.value.place ?? 0
    var left = count
    while left != 0 {
      left &-= 1
      if place >= count { place = 0 }
      if let candidate = cpu.value.queue[place & 15], isReady(candidate, &choice) {
        consider(candidate, &choice)
      }
      place &+= 1
    }
  }

  private func consider(_ candidate: VirtualCPUReference, _ choice: inout Choice) {
    choice.ready &+= 1
    let priority = candidate.value.machine.value.record.priority
    if let best = choice.best {
      let bestPriority = best.value.machine.value.record.priority
      guard priority >= bestPriority else { return }
      if priority == bestPriority {
        choice.equals &+= 1
        if order(candidate, choice.now) < order(best, choice.now) { choice.best = candidate }
        return
      }
    }
    choice.best = candidate
    choice.equals = 0
  }

  /// The order among equals: first whose turn is not over, then whose ended first.
  @inline(__always) private func order(_ guest: VirtualCPUReference, _ now: UInt64) -> UInt64 {
    guest.value.turnEnd > now ? 0 : guest.value.turnEnd
  }

  /// Whether a virtual CPU, or the work on its VM, could go on now.
  @inline(never) private func isReady(_ guest: VirtualCPUReference, _ choice: inout Choice) -> Bool {
    let machine = guest.value.machine
    switch machine.value.phase.load(ordering: .acquiring) {
    case Phase.running:
      if machine.value.isPaused.load(ordering: .relaxed) != 0 { return false }
      if !H.isSoftware, choice.isDue(machine.value.watchdog.deadline) {
        expireWatchdog(guest, choice.now)
        return false  // until the next look, which it asked for
      }
      if H.isSoftware { followTimer(guest, &choice) }
      guard isAwake(guest, &choice) else { return false }
    case Phase.stopped: return false
    case Phase.stopping:
      leave(guest)
      return false
    case Phase.resting:
      guard guest.value.index == 0, choice.isDue(machine.value.restartTime) else { return false }
      enter(Phase.loading, machine)
    default: guard guest.value.index == 0 else { return false }
    }
    return hasBudget(machine, &choice)
  }

  /// Whether a virtual CPU has something to do.
  @inline(__always) private func isAwake(_ guest: VirtualCPUReference, _ choice: inout Choice) -> Bool {
    let state = guest.value.state.load(ordering: .acquiring)
    switch state {
    case VirtualCPUState.ready, VirtualCPUState.running: return true
    case VirtualCPUState.starting: start(guest)
    case VirtualCPUState.waiting, VirtualCPUState.listening:
      // The loaded one's timers interrupt by themselves.
      let isTimerDue = !H.isSoftware && !isLoaded(guest) && choice.isDue(guest.value.deadline)
      guard isTimerDue || hasDeliverable(guest), claim(guest, state) else { return false }
      if !H.isSoftware, state == VirtualCPUState.listening { reply(guest, PartitionResult.interrupt, 0) }
      guest.value.state.store(VirtualCPUState.ready, ordering: .relaxed)
    default: return false
    }
    return true
  }

  // MARK: Timers that software makes

  private func followTimer(_ guest: VirtualCPUReference, _ choice: inout Choice) {
    let (isRaised, deadline) = settleTimer(guest.value.machine, at: choice.now) { notice(guest) }
    // One that runs is about to lower its wire: then the alarm is right already. For others it stays.
    if isLoaded(guest), isRunning(guest) {
      choice.timer = deadline
    } else if !isRaised {
      _ = choice.isDue(deadline)
    }
  }

  /// The timer of the loaded guest has interrupted, or the guest has changed it: of all that the alarm is for, only that.
  @inline(never) public func followTimer(_ guest: VirtualCPUReference, at now: UInt64) {
    let state = settleTimer(guest.value.machine, at: now) { offer(GuestInterrupt.dualTimer, to: guest) }
    arm(min(cpu.value.lookAgain, state.deadline))
  }

  /// The wire of a timer follows its state.
  @inline(__always) private func settleTimer(
    _ machine: VirtualMachineReference, at now: UInt64, raised: () -> Void
  ) -> (isRaised: Bool, deadline: UInt64) {
    let bit = GuestInterrupt.dualTimer.bit
    let bank = machine.value.bank(0)
    let state = hardware.timer(machine, at: now)
    guard state.isRaised != (bank.value.line.load(ordering: .relaxed) & bit != 0) else { return state }
    if state.isRaised {
      bank.value.line.set(bit)
      raised()
    } else {
      bank.value.line.clear(bit)
      // One that is being served interrupts nobody anyway.
      if bank.value.active.load(ordering: .relaxed) & bit == 0 { _ = withdraw(machine, bank: 0, bit) }
    }
    return state
  }

  // MARK: Budgets

  /// Charges the time since the last look to the VM that had the CPU.
  /// - Returns: the time.
  @inline(__always) private func charge() -> UInt64 {
    let now = hardware.read(.counter)
    if let payer = cpu.value.payer {
      cpu.value.spent[Int(payer.value.index & 7)] &+= now &- cpu.value.since
      payer.value.page.addTime(now &- cpu.value.since, onCPU: cpu.value.number)
    }
    cpu.value.since = now
    return now
  }

  /// Whether a VM may use this CPU now. What it spent beyond its budget it lacks in the next period.
  private func hasBudget(_ machine: VirtualMachineReference, _ choice: inout Choice) -> Bool {
    let budget = machine.value.budget
    let place = Int(machine.value.index & 7)
    guard budget != 0 else { return true }
    if choice.isDue(cpu.value.periodEnd[place]) {
      // Without drift, unless the VM wanted nothing for longer than a period.
      let period = machine.value.period
      let end = cpu.value.periodEnd[place]
      cpu.value.periodEnd[place] = (choice.now &- end < period ? end : choice.now) &+ period
      cpu.value.spent[place] &-= min(cpu.value.spent[place], budget)
    }
    if cpu.value.spent[place] < budget { return true }
    // The period that ends may have begun just now, with more debts than its budget.
    return choice.isDue(cpu.value.periodEnd[place])
  }

  // MARK: Running

  /// Loads a virtual CPU unless it is loaded, and hands it its interrupts.
  /// - Parameter choice: its deadline is lowered to the timers of the one that leaves.
  private func run(_ next: VirtualCPUReference, _ choice: inout Choice) {
    if !isLoaded(next) {
      let previous = cpu.value.loaded
      unload()
      choice.deadline = min(choice.deadline, H.isSoftware ? choice.timer : previous?.value.deadline ?? ~0)
      choice.timer = ~0
      load(next)
    }
    // One that runs already, and was not told anything, has what it can take.
    let isSettled = H.isSoftware && isRunning(next) && next.value.recalled.load(ordering: .acquiring) == 0
    next.value.state.store(VirtualCPUState.running, ordering: .releasing)
    // A VM with a budget pays for its own time alone, not for its sleep.
    let isSharing = choice.ready > 1 || next.value.machine.value.budget != 0
    if !H.isSoftware {
      hardware.write(
        .configuration,
        Configuration.alone(next.value.machine.value.record.executionState)
          | (isSharing ? Configuration.sharing : 0))
    }
    if !isSettled { refill(next) }
  }

  /// Puts the CPU's registers back into the virtual CPU that they belong to.
  @inline(never) func unload() {
    guard let guest = cpu.value.loaded else { return }
    if isRunning(guest) { guest.value.state.store(VirtualCPUState.ready, ordering: .relaxed) }
    fold(guest)
    if !H.isSoftware {
      guest.value.bank.value.line.clear(GuestInterrupt.timers)
      deactivate(GuestInterrupt.virtualTimer)
      deactivate(GuestInterrupt.physicalTimer)
    }
    hardware.saveSystemRegisters(guest)
    guest.value.machine.value.page.setExits(guest.value.exits, of: guest.value.index)
    cpu.value.loaded = nil
  }

  private func load(_ guest: VirtualCPUReference) {
    hardware.loadSystemRegisters(guest)
    let machine = Int(guest.value.machine.value.index) & 7
    let stamp = UInt8(truncatingIfNeeded: guest.value.index &+ 1)
    if cpu.value.lastRan[machine] != stamp { hardware.forgetTranslations() }
    cpu.value.lastRan[machine] = stamp
    if !H.isSoftware {
      let active = guest.value.bank.value.active.load(ordering: .relaxed) & GuestInterrupt.timers
      if active != 0 { privateInterrupts.activate(active) }
    }
    cpu.value.loaded = guest
    let ownsVectors = cpu.value.vectorsOwner.map { $0 == guest } ?? false
    // In AArch32 FPEXC decides before the trap, so the guest's own has to be there.
    if !ownsVectors, guest.value[.executionState] != 0 { return giveVectors(to: guest) }
    hardware.write(.floatingPointTrap, ownsVectors ? FloatingPointTrap.open : FloatingPointTrap.closed)
  }

  /// A guest used floating point while another's values were in the registers.
  @inline(never) public func openVectors(to guest: VirtualCPUReference) -> VirtualCPUReference {
    giveVectors(to: guest)
    return resume(guest)
  }

  /// Puts a virtual CPU's own values into the vector registers.
  @inline(never) func giveVectors(to guest: VirtualCPUReference) {
    hardware.write(.floatingPointTrap, FloatingPointTrap.open)
    if let owner = cpu.value.vectorsOwner { hardware.saveVectors(owner) }
    hardware.loadVectors(guest)
    cpu.value.vectorsOwner = guest
  }

  /// `WFI`: gives the CPU away unless there is something to take.
  @inline(__always) public func wait(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    wait(guest, VirtualCPUState.waiting)
  }

  /// Gives the CPU away in one of the states that wait.
  @inline(never) func wait(_ guest: VirtualCPUReference, _ state: UInt32) -> VirtualCPUReference {
    fold(guest)
    guest.value.state.store(state, ordering: .releasing)
    return schedule()
  }

  /// `WFE`: ends the turn; the event may have come already, so the guest stays ready.
  @inline(never) public func yield(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    guest.value.turnEnd = hardware.read(.counter)
    return schedule()
  }

  // MARK: Time

  /// Arms the hypervisor's timer for the end of a turn or of a budget, and for the timers of those who wait.
  @inline(never) private func setAlarm(_ choice: inout Choice) {
    var deadline = choice.deadline
    if choice.equals != 0, let best = choice.best { deadline = min(deadline, best.value.turnEnd) }
    if let payer = cpu.value.payer, payer.value.budget != 0 {
      let left = payer.value.budget &- cpu.value.spent[Int(payer.value.index & 7)]
      deadline = min(deadline, choice.now &+ left)
    }
    if H.isSoftware {
      // Counters of 32 bits have to be looked at before they wrap around.
      cpu.value.lookAgain = min(deadline, choice.now &+ 1 &<< 30)
      deadline = min(cpu.value.lookAgain, choice.timer)
    }
    arm(deadline)
  }

  @inline(__always) private func arm(_ deadline: UInt64) {
    guard deadline != cpu.value.alarm else { return }
    cpu.value.alarm = deadline
    hardware.write(.alarm, deadline)
  }
}

/// HCR_EL2 while a guest runs. VM, SWIO, FMO, IMO, AMO, FB, BSU (inner shareable), TID3, TSC, TIDCP, TACR, RW,
/// TLOR, TERR; with others ready also TWI and TWE (`sharing`).
enum Configuration {
  /// Of a VM with this `ExecutionState`: without RW in AArch32.
  @inline(__always) static func alone(_ executionState: UInt8) -> UInt64 {
    alone &- UInt64(executionState) &<< 31
  }
  private static var alone: UInt64 { 0x18_803C_063B }
  static var sharing: UInt64 { 1 << 13 | 1 << 14 }
}

/// CPTR_EL2: traps of activity monitors (TAM), trace (TTA), SVE (TZ), SME (TSM) always, of floating point (TFP) while
/// closed.
enum FloatingPointTrap {
  static var open: UInt64 { 0x4010_33FF }
  static var closed: UInt64 { open | 1 << 10 }
}
