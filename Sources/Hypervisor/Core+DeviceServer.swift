// What the hypervisor does for the VM that serves virtio devices to the others (Documentation/DeviceServer.md). It knows no
// virtio but the two registers that need no answer: doorbells, and acknowledged interrupts.

import Appliance
import ArmArchitecture
import Synchronization
import VirtualDevices

extension Core where H: VirtualizationExtensions {
  // MARK: From a VM to the server

  /// An access to a page of registers that the server writes, which answers loads: the PL031, and a client's places of
  /// virtio devices.
  /// - Returns: what is loaded; nil where there is nothing.
  @inline(never) func accessPage(_ guest: VirtualCPUReference, _ access: DeviceAccess, isClock: Bool) -> UInt? {
    let machine = guest.value.machine
    let page = isClock ? phone.value.clock : machine.value.page
    guard access.offset < (isClock ? machine.value.clockEnd : machine.value.placesEnd) else { return nil }
    guard access.isStore else { return UInt(truncatingIfNeeded: page.load(access.offset)) }
    if isClock { return 0 }
    let value = UInt32(truncatingIfNeeded: access.stored)
    switch access.offset & 0x1FF {
    case 0x050: if page.ring(place: access.offset &>> 9, queue: value) { callServer() }
    case 0x064: page.acknowledge(access.offset &- 4, value)
    default: post(guest, UInt64(access.stored), offset: access.offset)
    }
    return 0
  }

  /// Writes down what a virtual CPU stored; it waits until the server has answered.
  @inline(never) func post(_ guest: VirtualCPUReference, _ value: UInt64, offset: UInt32) {
    fold(guest)
    // First it waits, then it can be answered.
    guest.value.state.store(VirtualCPUState.posting, ordering: .releasing)
    guest.value.machine.value.page.post(value, offset: offset, from: guest.value.index)
    cpu.value.attention.store(1, ordering: .relaxed)
    callServer()
  }

  /// Something is in a register page.
  @inline(never) func callServer() {
    if let server = phone.value.deviceServer {
      pend(GuestInterrupt.notification, to: server.value.virtualCPU(0))
    }
  }

  /// What happens to a VM from now on; the server is told.
  @inline(never) func enter(_ phase: UInt32, _ machine: VirtualMachineReference) {
    machine.value.phase.store(phase, ordering: .releasing)
    tellPhase(machine)
  }

  @inline(never) func tellPhase(_ machine: VirtualMachineReference) {
    let paused = machine.value.isPaused.load(ordering: .relaxed)
    machine.value.page.setPhase(machine.value.phase.load(ordering: .relaxed) | paused)
    callServer()
  }

  // MARK: From the server to a VM

  /// The signals of the server's FFA_NOTIFICATION_SET; those that do not fit the VM's state do nothing.
  func serve(_ machine: VirtualMachineReference, _ signals: UInt64) {
    let low = UInt32(truncatingIfNeeded: signals)
    forEach(of: machine, in: low & 0xFF) { waiting in
      guard claim(waiting, VirtualCPUState.posting) else { return }
      waiting.value.state.store(VirtualCPUState.ready, ordering: .releasing)
      alert(waiting.value.cpu)
    }
    let interrupts = low & 0x7F_0000
    machine.value.bank(0).value.pending.set(interrupts)
    _ = notice(machine, bank: 0, interrupts)
    if signals &>> 32 != 0 { command(machine, UInt32(truncatingIfNeeded: signals &>> 32)) }
  }

  /// Starts (bit 0), stops (1), restarts (2), pauses (3) a VM or lets it go on (4).
  @inline(never) private func command(_ machine: VirtualMachineReference, _ bits: UInt32) {
    if bits & 1 != 0, machine.value.phase.load(ordering: .acquiring) == Phase.stopped {
      machine.value.restartCount = 0
      enter(Phase.loading, machine)
    }
    if bits & 6 != 0 { beginStop(machine.value.virtualCPU(0), bits & 2 != 0 ? .ended : .restarted) }
    if bits & 24 != 0 { machine.value.isPaused.store((bits & 8) &<< 1, ordering: .relaxed) }
    // While it was paused it could not feed its watchdog.
    if bits & 16 != 0 {
      machine.value.watchdog.write(0, offset: 0, isControlFrame: false, at: hardware.read(.counter))
    }
    tellPhase(machine)
    forEach(of: machine, in: ~0) { alert($0.value.cpu) }
  }

  // MARK: The board's devices

  /// The server's first access to a page of the board: a device of its own, unless it is memory or the hypervisor's.
  /// - Returns: whether the page is there now.
  func mapBoardDevice(_ machine: VirtualMachineReference, page: UInt64) -> Bool {
    let range = PhysicalRange(start: page &<< 12, size: 4096)
    guard machine.value.isServer, page < 1 &<< 20, phone.value.board.mayBeGiven(range) else { return false }
    guard let block = unsafe nextTable(root(of: machine) + Int(page &>> 18 & 3)),
      let pages = unsafe nextTable(block + Int(truncatingIfNeeded: page &>> 9 & 511))
    else { return false }
    unsafe pages[Int(truncatingIfNeeded: page & 511)] = StageTwo.leaf(range.start, level: 3, .device)
    hardware.forgetTranslations()
    return true
  }

  /// An interrupt of one of the server's devices: it is active until the server ends it.
  /// - Returns: whether it is one.
  func takeForServer(_ interrupt: InterruptNumber) -> Bool {
    let bank = interrupt.rawValue &>> 5 &- 1
    guard let server = phone.value.deviceServer, bank < VirtualMachine.sharedBanks else { return false }
    server.value.bank(bank).value.line.set(interrupt.bit)
    _ = notice(server, bank: bank, interrupt.bit)
    return true
  }
}
