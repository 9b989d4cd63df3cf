// Loading, starting, stopping and scrubbing virtual machines.
//
//   loading → running → stopping → scrubbing → stopped, or resting → loading
//
// The work is done in slices by the scheduler, in the place of the VM's first virtual CPU.

import Appliance
import ArmArchitecture
import Drivers
import Synchronization
import VirtualDevices

/// Why a VM stops.
enum StopReason {
  case off, reset, systemError, watchdog, ownFault
  /// By the device server.
  case ended, restarted

  var name: Message {
    switch self {
    case .off: "SYSTEM_OFF"
    case .reset: "SYSTEM_RESET"
    case .systemError: "SError"
    case .watchdog: "watchdog"
    case .ownFault: "fault of the hypervisor"
    case .ended, .restarted: "by command"
    }
  }

  /// The least `RestartPolicy` by which the VM starts again.
  var policy: UInt8 {
    switch self {
    case .off: RestartPolicy.always
    case .ended: .max
    case .restarted: RestartPolicy.never
    default: RestartPolicy.onFailure
    }
  }
}

extension Core where H: VirtualizationExtensions {
  /// Bytes that are copied or cleared before the scheduler looks for somebody more urgent.
  private var sliceBytes: UInt64 { 128 << 10 }

  // MARK: Work in slices

  /// A slice of the work on a VM that does not run.
  func work(_ machine: VirtualMachineReference) {
    let phase = machine.value.phase.load(ordering: .acquiring)
    if phase == Phase.scrubbing { return scrub(machine) }
    // It may have been stopped since it was chosen.
    guard phase == Phase.loading else { return }
    let segment = machine.value.workSegment
    guard segment < machine.value.record.segmentCount else { return begin(machine) }
    var record = machine.value.record.segments[Int(min(segment, 5))]
    if record.sourceOffset == SegmentRecord.boardTree {
      record.sourceOffset = phone.value.board.tree.start &- phone.value.board.image.start
      record.size = min(record.size, phone.value.board.tree.size)
    }
    let done = machine.value.workOffset
    let source = PhysicalAddress(phone.value.board.image.start &+ record.sourceOffset &+ done)
    let destination = PhysicalAddress(machine.value.physical(record.guestAddress &+ done))
    let count = min(record.size &- done, sliceBytes)
    unsafe hardware.copyForGuest(
      hardware.window(.destination, at: destination), hardware.window(.source, at: source), Int(count))
    machine.value.workOffset = done &+ count
    if machine.value.workOffset == record.size { nextSegment(machine) }
  }

  private func nextSegment(_ machine: VirtualMachineReference) {
    machine.value.workSegment &+= 1
    machine.value.workOffset = 0
  }

  private func scrub(_ machine: VirtualMachineReference) {
    let done = machine.value.workOffset
    let destination = PhysicalAddress(machine.value.memory.start &+ done)
    let count = min(machine.value.memory.size &- done, sliceBytes)
    unsafe hardware.clearForGuest(hardware.window(.destination, at: destination), Int(count))
    machine.value.workOffset = done &+ count
    guard machine.value.workOffset == machine.value.memory.size else { return }
    machine.value.workOffset = 0
    machine.value.workSegment = 0
    let delay = UInt64(machine.value.record.restartDelay) &* hardware.read(.counterFrequency) / 1000
    machine.value.restartTime = hardware.read(.counter) &+ delay
    enter(machine.value.restarts ? Phase.resting : Phase.stopped, machine)
    if !machine.value.restarts { turnBoardOffIfAllStopped() }
  }

  /// When the last VM has stopped, the device goes off; the device server alone does not keep it on.
  private func turnBoardOffIfAllStopped() {
    for index in 0..<phone.value.machineCount {
      guard let other = phone.value.machines[Int(index & 7)] else { continue }
      guard other.value.isServer || other.value.phase.load(ordering: .acquiring) == Phase.stopped else {
        return
      }
    }
    turnBoardOff("every VM has stopped: the board goes off")
  }

  /// Says why and turns the board off.
  @inline(never) func turnBoardOff(_ reason: Message) {
    log(reason)
    drainConsole()
    H.turnOff(self)
  }

  // MARK: Starting

  /// Everything is in memory: fresh random bytes, fresh devices, and the first virtual CPU starts.
  private func begin(_ machine: VirtualMachineReference) {
    for index in 0..<Int(machine.value.record.seedCount) {
      fillSeed(machine, machine.value.record.seeds[index])
    }
    hardware.synchronizeInstructions()
    machine.value.reset()
    if machine.value.isServer { distributor.deactivateBanks(VirtualMachine.sharedBanks) }
    let first = machine.value.virtualCPU(0)
    first.value.startEntry = machine.value.record.entry
    first.value.startArgument = machine.value.record.argument
    start(first)
    if machine.value.record.executionState != 0 {
      first.value.registers[2] = first.value.startArgument
      first.value.registers[1] = 0xFFFF_FFFF
      first.value.registers[0] = 0
    }
    if !H.isSoftware, machine.value.placesEnd != 0 { post(first, 0, offset: RegisterPage.powerOn) }
    enter(Phase.running, machine)
  }

  private func fillSeed(_ machine: VirtualMachineReference, _ seed: SeedRecord) {
    var offset: UInt64 = 0
    while offset < seed.size {
      let destination = PhysicalAddress(machine.value.physical(seed.guestAddress &+ offset))
      var word = phone.value.board.seed.next(for: machine.value.index)
      unsafe withUnsafeBytes(of: &word) {
        unsafe hardware.copyForGuest(
          hardware.window(.destination, at: destination), $0.baseAddress!, Int(min(8, seed.size &- offset)))
      }
      offset &+= 8
    }
  }

  /// Gives a virtual CPU its registers at power-on: EL1 with interrupts masked, MMU and caches off.
  @inline(never) func start(_ guest: VirtualCPUReference) {
    let machine = guest.value.machine
    for index in 0..<guest.value.registers.count { guest.value.registers[index] = 0 }
    for index in 0..<guest.value.system.count { guest.value.system[index] = 0 }
    for index in 0..<guest.value.vectors.count { guest.value.vectors[index] = 0 }
    guest.value.registers[0] = guest.value.startArgument
    let isNarrow = machine.value.record.executionState != 0
    guest.value[.executionState] = UInt64(machine.value.record.executionState)
    guest.value[.control] = isNarrow ? NarrowState.control : 0x30D0_0800
    // Bit 0 of an address says that it is Thumb code.
    guest.value[.programCounter] = guest.value.startEntry & ~1
    guest.value[.processorState] =
      (isNarrow ? NarrowState.supervisor : 0x3C5) | (guest.value.startEntry & 1) &<< 5
    guest.value[.affinity] = 0x8000_0000 | UInt64(guest.value.index)
    guest.value[.translation] = machine.value.translation
    guest.value.service = nil
    if H.isSoftware { guest.value.interface = VirtualCPUInterface() }
    guest.value.state.store(VirtualCPUState.ready, ordering: .releasing)
  }

  // MARK: Stopping

  /// Stops the VM of the guest that runs here, and lets the scheduler go on with the others.
  @inline(never) func stop(_ guest: VirtualCPUReference, _ reason: StopReason) -> VirtualCPUReference {
    beginStop(guest, reason)
    return schedule()
  }

  /// Leaves a record of the guest, and makes all virtual CPUs of its VM leave their physical CPUs.
  @inline(never) func beginStop(_ guest: VirtualCPUReference, _ reason: StopReason) {
    let machine = guest.value.machine
    let isFirst = machine.value.phase.compareExchange(
      expected: Phase.running, desired: Phase.stopping, ordering: .acquiringAndReleasing
    ).exchanged
    guard isFirst else { return }
    let limit = UInt32(machine.value.record.restartLimit)
    machine.value.restarts =
      machine.value.record.restartPolicy >= reason.policy && (limit == 0 || machine.value.restartCount < limit)
    machine.value.restartCount &+= 1
    tellPhase(machine)
    recordStop(guest, reason)
    for index in 0..<UInt32(machine.value.record.virtualCPUCount) {
      alert(machine.value.virtualCPU(index).value.cpu)
    }
  }

  /// Nobody fed the VM's watchdog: the first time it interrupts, the second time it stops the VM.
  @inline(never) func expireWatchdog(_ guest: VirtualCPUReference, _ now: UInt64) {
    let machine = guest.value.machine
    if machine.value.watchdog.expire(at: now) { return beginStop(guest, .watchdog) }
    cpu.value.attention.store(1, ordering: .relaxed)
    machine.value.bank(0).value.line.set(GuestInterrupt.watchdog.bit)
    _ = notice(machine, bank: 0, GuestInterrupt.watchdog.bit)
  }

  /// A fault that the hypervisor caused itself while it served a VM: our bug, but only that VM stops. Where no VM was
  /// served, or what all share may be damaged, the device stops.
  /// - Returns: the virtual CPU to go on with.
  public func handleOwnFault() -> VirtualCPUReference {
    guard let guest = cpu.value.loaded, let payer = cpu.value.payer, payer == guest.value.machine,
      !phone.value.consoleLock.isHeld(by: cpu.value.number),
      guest.value.machine.value.phase.load(ordering: .acquiring) == Phase.running
    else { haltAfterFault() }
    return stop(guest, .ownFault)
  }

  /// A virtual CPU of a VM that stops leaves its physical CPU; when all have left, scrubbing begins.
  @inline(never) func leave(_ guest: VirtualCPUReference) {
    let machine = guest.value.machine
    let state = guest.value.state.load(ordering: .acquiring)
    // Another CPU may be about to start it, or to hand it a message: that is over at the next look.
    guard state == VirtualCPUState.off || state != VirtualCPUState.claimed && claim(guest, state) else {
      return alert(cpu)
    }
    let isFirstTime = state != VirtualCPUState.off
    takeOff(guest)
    if guest.value.index == 0 {
      for index in 0..<UInt32(machine.value.record.virtualCPUCount)
      where machine.value.virtualCPU(index).value.state.load(ordering: .acquiring) != VirtualCPUState.off {
        return
      }
      enter(Phase.scrubbing, machine)
      cpu.value.attention.store(1, ordering: .relaxed)
    } else if isFirstTime {
      alert(machine.value.virtualCPU(0).value.cpu)
    }
  }

  /// Takes a virtual CPU off its physical CPU for good: CPU_OFF, or the end of its VM.
  @inline(never) func takeOff(_ guest: VirtualCPUReference) {
    if isLoaded(guest) {
      unload()
      if !H.isSoftware {
        hardware.write(.virtualTimerControl, 0)
        hardware.write(.physicalTimerControl, 0)
      }
    }
    if let owner = cpu.value.vectorsOwner, owner == guest { cpu.value.vectorsOwner = nil }
    if !H.isSoftware { abandonClient(of: guest) }
    guest.value.state.store(VirtualCPUState.off, ordering: .releasing)
  }
}
