// Interrupts on their way to guests: from a bank of state bits to the list registers of the virtual CPU
// interface and back.
//
// Everything on its way to the loaded virtual CPU is chosen anew whenever something changes: `refill` puts all
// list registers back (`fold`) and takes out the most urgent interrupts. One shortcut makes that affordable: an
// interrupt that comes again, after the guest ended it and while nothing else changed, is written into its list
// register again (`redeliver`). Whatever changes an interrupt's state folds, and so ends the shortcut.

import Appliance
import ArmArchitecture
import Synchronization
import VirtualDevices

/// ICH_HCR_EL2.
enum ListControl {
  /// En.
  static var enabled: UInt64 { 1 }
  /// En; UIE: tell when at most one list register is in use; LRENPIE: tell when the guest ends an interrupt that
  /// is in none.
  static var overflowing: UInt64 { 7 }
}

extension Core where H: VirtualizationExtensions {
  // MARK: Telling who is concerned

  /// Some of these interrupts of a bank may have become deliverable: whoever they go to takes notice.
  /// - Parameter bank: as in `VirtualMachine.bank`.
  /// - Returns: 0.
  @inline(never) func notice(_ machine: VirtualMachineReference, bank index: UInt32, _ interrupts: UInt32)
    -> UInt32
  {
    var rest = interrupts
    while rest != 0 {
      let place = index &* 32 &+ UInt32(truncatingIfNeeded: rest.trailingZeroBitCount)
      let isPrivate = index >= VirtualMachine.sharedBanks
      let target =
        isPrivate ? index &- VirtualMachine.sharedBanks : machine.value.target(of: place, isActive: false)
      if target < UInt32(machine.value.record.virtualCPUCount) { notice(machine.value.virtualCPU(target)) }
      rest = isPrivate ? 0 : rest & (rest &- 1)
    }
    return 0
  }

  /// A virtual CPU may have something new to take, from any bank.
  @inline(never) func notice(_ target: VirtualCPUReference) {
    target.value.recalled.store(1, ordering: .releasing)
    signal(target, isDeliverable: false)
  }

  /// A virtual CPU may have something new to take. Another physical CPU is disturbed only where that changes what it
  /// does: or a VM could take the time of its neighbours there.
  /// - Parameter isDeliverable: whether it certainly has something to take; else its banks are looked through.
  @inline(never) func signal(_ target: VirtualCPUReference, isDeliverable: Bool) {
    if H.isSoftware { target.value.recalled.store(1, ordering: .releasing) }
    if isRunning(target) { return isLoaded(target) ? refill(target) : alert(target.value.cpu) }
    let state = target.value.state.load(ordering: .acquiring)
    guard state == VirtualCPUState.waiting || state == VirtualCPUState.listening else { return }
    if isDeliverable || hasDeliverable(target) { alert(target.value.cpu) }
  }

  /// A software-generated interrupt to a virtual CPU, from itself, a sibling or another VM.
  @inline(never) func pend(_ interrupt: InterruptNumber, to target: VirtualCPUReference) {
    let bank = target.value.bank
    bank.value.pending.set(interrupt.bit)
    let deliverable = bank.value.select(.deliverable, groups: target.value.machine.value.groups)
    signal(target, isDeliverable: deliverable & interrupt.bit != 0)
  }

  /// Whether its physical CPU goes back to this guest: list registers are the place for its interrupts.
  @inline(__always) func isRunning(_ guest: VirtualCPUReference) -> Bool {
    guest.value.state.load(ordering: .acquiring) == VirtualCPUState.running
  }

  /// Makes the CPUs that may hold some of these interrupts put them back and choose anew; this one does at once,
  /// and its own are all in their banks afterwards.
  @inline(never) func recall(_ machine: VirtualMachineReference, bank index: UInt32, _ interrupts: UInt32) {
    if let loaded = cpu.value.loaded, loaded.value.machine == machine { fold(loaded) }
    guard machine.value.bank(index).value.inFlight.load(ordering: .acquiring) & interrupts != 0 else { return }
    for index in 0..<UInt32(machine.value.record.virtualCPUCount) {
      let sibling = machine.value.virtualCPU(index)
      if !(sibling.value.cpu == cpu) { notice(sibling) }
    }
  }

  @inline(__always) func isLoaded(_ guest: VirtualCPUReference) -> Bool {
    guard let loaded = cpu.value.loaded else { return false }
    return loaded == guest
  }

  // MARK: Choosing

  /// Bank `word` as the virtual CPU numbers its interrupts: 0 its own, 1 and 2 the shared ones.
  @inline(__always) func bank(_ word: UInt32, of guest: VirtualCPUReference) -> BankReference {
    word == 0 ? guest.value.bank : guest.value.machine.value.bank((word &- 1) & 1)
  }

  /// The groups that get through to a virtual CPU.
  @inline(__always) func groups(of guest: VirtualCPUReference) -> GroupMask {
    guard H.isSoftware else { return guest.value.machine.value.groups }
    return GroupMask(
      control: guest.value.machine.value.distributorControl.load(ordering: .relaxed)
        & guest.value.interface.groups)
  }

  /// Whether a virtual CPU that does not run has an interrupt to take.
  func hasDeliverable(_ guest: VirtualCPUReference) -> Bool {
    mostUrgent(guest, .deliverable).interrupt != .none
  }

  /// The most urgent of the selected interrupts that go to this virtual CPU, or none.
  @inline(never)
  func mostUrgent(_ guest: VirtualCPUReference, _ selection: InterruptSelection) -> InterruptCandidate {
    var best = InterruptCandidate.none
    var hasOthers = false
    let groups = groups(of: guest)
    for word in 0..<1 &+ VirtualMachine.sharedBanks {
      let bank = bank(word, of: guest)
      var rest = bank.value.select(selection, groups: groups)
      if rest == 0 { continue }
      if H.isSoftware, best != .none || rest & (rest &- 1) != 0 { hasOthers = true }
      while rest != 0 {
        let interrupt = InterruptNumber(word &* 32 &+ UInt32(truncatingIfNeeded: rest.trailingZeroBitCount))
        let next = bank.value.candidate(interrupt)
        if next < best,
          word == 0 || guest.value.isTarget(of: interrupt, isActive: bank.value.isActive(interrupt))
        {
          best = next
        }
        rest &= rest &- 1
      }
    }
    best.hasOthers = hasOthers
    return best
  }

  // MARK: Into list registers

  /// Delivers an interrupt that the running guest has just ended, in its old list register.
  /// - Returns: false where anything is different from last time.
  @inline(__always) func redeliver(_ interrupt: InterruptNumber, to guest: VirtualCPUReference) -> Bool {
    let again = guest.value.again
    guard UInt32(truncatingIfNeeded: again.rawValue) == interrupt.rawValue else { return false }
    guard hardware.read(.emptyListRegisters) & 1 != 0 else { return false }
    hardware.write(.firstListRegister, again.rawValue)
    return true
  }

  /// Puts what the loaded virtual CPU can take into list registers, the most urgent first.
  @inline(never) func refill(_ guest: VirtualCPUReference) {
    if H.isSoftware { return settleWire(guest) }
    let pending = guest.value.bank.value.pending.load(ordering: .relaxed)
    let again = InterruptNumber(UInt32(truncatingIfNeeded: guest.value.again.rawValue))
    if guest.value.recalled.load(ordering: .acquiring) == 0, pending == again.bit, again.rawValue < 16,
      redeliver(again, to: guest)
    {
      return guest.value.bank.value.pending.clear(pending)
    }
    fold(guest)
    var slot: UInt32 = 0
    // One that can be taken comes first: active ones, however urgent, must not crowd it out.
    var selection = InterruptSelection.deliverable
    while true {
      let candidate = mostUrgent(guest, selection)
      if candidate.interrupt == .none, selection == .listable { break }
      selection = .listable
      if candidate.interrupt == .none { continue }
      guard slot < phone.value.listRegisterCount else { return overflow(guest) }
      if fill(guest, slot, candidate) { slot &+= 1 }
    }
    guest.value.filled = slot
    if slot != 1 { guest.value.again = .none }
  }

  /// There are more than the list registers hold.
  @inline(__always) private func overflow(_ guest: VirtualCPUReference) {
    guest.value.filled = phone.value.listRegisterCount
    guest.value.again = .none
    guest.value.overflows = true
    hardware.write(.listControl, ListControl.overflowing)
  }

  /// Takes an interrupt out of its bank into an empty list register, unless another CPU was faster.
  /// - Returns: whether the list register is used.
  private func fill(_ guest: VirtualCPUReference, _ slot: UInt32, _ candidate: InterruptCandidate) -> Bool {
    let interrupt = candidate.interrupt
    let bank = bank(interrupt.rawValue &>> 5, of: guest)
    let bit = interrupt.bit
    guard bank.value.inFlight.bitwiseOr(bit, ordering: .acquiringAndReleasing).oldValue & bit == 0 else {
      return false
    }
    let isTied = guest.value.tied(interrupt.rawValue &>> 5) & bit != 0
    if isTied { settleTimer(bank, interrupt) }
    let edge = bank.value.edge.load(ordering: .relaxed) & bit
    let isActive = bank.value.active.load(ordering: .acquiring) & bit != 0
    let isRaised =
      bank.value.raised & bank.value.enabled.load(ordering: .acquiring) & bit != 0 && (edge != 0 || !isActive)
    guard isRaised || isActive else {
      bank.value.inFlight.clear(bit)
      return false
    }
    if !isActive { bank.value.activated.clear(bit) }
    bank.value.active.clear(bit)
    bank.value.pending.clear(edge)
    var list = ListRegister(
      interrupt, priority: UInt8(truncatingIfNeeded: candidate.priority), isGroup1: candidate.isGroup1,
      pending: isRaised, active: isActive, signalsEnd: edge == 0)
    if isTied, isActive || bank.value.line.load(ordering: .relaxed) & bit != 0 {
      list.tieToPhysical()
      bank.value.line.clear(bit)
    }
    if H.interruptControllerGeneration == 2, interrupt.rawValue < 16 {
      list.setSource(UInt32(guest.value.senders[Int(interrupt.rawValue & 15)]))
    }
    hardware.setListRegister(slot, list)
    guest.value.again = isActive ? .none : list
    return true
  }

  // MARK: Back into banks

  /// Puts all interrupts that the loaded virtual CPU holds back into their banks.
  @inline(never) func fold(_ guest: VirtualCPUReference) {
    if H.isSoftware { return }
    let held = guest.value.filled
    guest.value.filled = 0
    guest.value.again = .none
    for slot in 0..<held {
      putBack(guest, hardware.listRegister(slot))
      hardware.setListRegister(slot, ListRegister(0))
    }
    if guest.value.overflows { endUnlisted(guest) }
    guest.value.recalled.store(0, ordering: .releasing)
  }

  /// Moves the state of a list register into its interrupt's bank.
  private func putBack(_ guest: VirtualCPUReference, _ list: ListRegister) {
    let bank = bank(list.interrupt.rawValue &>> 5, of: guest)
    let bit = list.interrupt.bit
    let edge = bank.value.edge.load(ordering: .relaxed) & bit
    let dropPending = bank.value.dropPending.load(ordering: .relaxed) & bit
    let dropActive = bank.value.dropActive.load(ordering: .relaxed) & bit
    let isDropped = dropPending | dropActive != 0
    let staysActive = list.isActive && dropActive == 0
    if list.isPhysical {
      if list.isPending {
        bank.value.line.set(bit)
      } else if list.isActive, !staysActive {
        deactivate(list.interrupt)
      }
    }
    if list.isPending {
      bank.value.pending.set(edge & ~dropPending)
    } else {
      bank.value.pending.clear(bit & ~edge)
    }
    if staysActive {
      bank.value.active.set(bit)
      guest.value.hold(list.interrupt)
    }
    if isDropped { forgetDrops(bank, bit) }
    bank.value.inFlight.clear(bit)
  }

  @inline(never) private func forgetDrops(_ bank: BankReference, _ bit: UInt32) {
    bank.value.dropPending.clear(bit)
    bank.value.dropActive.clear(bit)
  }

  /// The guest ended interrupts that were in no list register (ICH_HCR_EL2.EOIcount): the most urgent active ones.
  private func endUnlisted(_ guest: VirtualCPUReference) {
    var count = hardware.read(.listControl) &>> 27
    hardware.write(.listControl, ListControl.enabled)
    guest.value.overflows = false
    while count != 0 {
      count &-= 1
      let interrupt = mostUrgent(guest, .acknowledged).interrupt
      guard interrupt != .none else { return }
      bank(interrupt.rawValue &>> 5, of: guest).value.active.clear(interrupt.bit)
      if guest.value.tied(interrupt.rawValue &>> 5) & interrupt.bit != 0 { deactivate(interrupt) }
    }
  }

  // MARK: The timers' physical interrupts

  /// Ends the active state of a timer's physical interrupt, which has the guest's number (ICC_DIR_EL1).
  @inline(never) func deactivate(_ timer: InterruptNumber) {
    hardware.write(.interruptDeactivate, UInt64(timer.rawValue))
  }

  /// The guest may have turned a timer off since its physical interrupt came: then that is over.
  private func settleTimer(_ bank: BankReference, _ timer: InterruptNumber) {
    guard timer.rawValue < 32, raisedTimers & timer.bit == 0,
      bank.value.line.load(ordering: .relaxed) & timer.bit != 0
    else {
      return
    }
    bank.value.line.clear(timer.bit)
    deactivate(timer)
  }

  /// The loaded guest's timers whose condition is met and not masked (CNTx_CTL_EL0: ENABLE, not IMASK, ISTATUS).
  var raisedTimers: UInt32 {
    (hardware.read(.virtualTimerControl) & 7 == 5 ? GuestInterrupt.virtualTimer.bit : 0)
      | (hardware.read(.physicalTimerControl) & 7 == 5 ? GuestInterrupt.physicalTimer.bit : 0)
  }
}
