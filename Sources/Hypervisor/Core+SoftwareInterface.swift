// The CPU interface of a GICv2 where no hardware has one for guests: it takes interrupts out of their banks itself, without
// list registers.

import Appliance
import ArmArchitecture
import Synchronization
import VirtualDevices

extension Core where H: VirtualizationExtensions {
  /// What the interrupt wire of the loaded guest depends on has changed.
  @inline(never) func settleWire(_ guest: VirtualCPUReference) {
    guest.value.recalled.store(0, ordering: .relaxed)
    propose(mostUrgent(guest, .deliverable), to: guest)
  }

  /// Of what that depends on nothing has changed, but that this interrupt may be deliverable now, and the priority that is being
  /// served.
  @inline(never) func offer(_ interrupt: InterruptNumber, to guest: VirtualCPUReference) {
    var candidate = candidate(guest)
    let word = interrupt.rawValue &>> 5
    let bank = bank(word, of: guest)
    if candidate.interrupt != interrupt,
      bank.value.select(.deliverable, groups: groups(of: guest)) & interrupt.bit != 0,
      word == 0 || guest.value.isTarget(of: interrupt, isActive: false)
    {
      var next = bank.value.candidate(interrupt)
      next.hasOthers = candidate != .none
      candidate.hasOthers = true
      candidate = min(candidate, next)
    }
    propose(candidate, to: guest)
  }

  @inline(never) private func propose(_ candidate: InterruptCandidate, to guest: VirtualCPUReference) {
    guest.value.candidate = candidate
    hardware.setInterruptWire(
      guest.value.interface.signals(candidate.priority, isGroup1: candidate.isGroup1))
  }

  /// Answers an access of the loaded guest's to its CPU interface.
  @inline(never) func accessInterface(_ guest: VirtualCPUReference, _ access: DeviceAccess) -> UInt {
    let offset = access.offset & 0x1FFC
    let value = UInt32(truncatingIfNeeded: access.stored)
    switch (offset, access.isStore) {
    // GICC_IAR, GICC_HPPIR, and their aliases for Group 1.
    case (0x0C, false), (0x20, false): return UInt(acknowledge(guest, isAlias: offset == 0x20))
    case (0x18, false), (0x28, false):
      return UInt(identity(of: candidate(guest), for: guest, isAlias: offset == 0x28))
    case (0x10, true), (0x24, true):
      end(guest, value & 0x3FF)
      return 0
    case (0x1000, true):
      if guest.value.interface.endsInTwoSteps { deactivate(guest, value & 0x3FF) }
      return 0
    case (_, true): guest.value.interface.write(value, offset: offset)
    default: return UInt(guest.value.interface.read(offset: offset))
    }
    settleWire(guest)
    return 0
  }

  /// The most urgent interrupt that the loaded guest could take, whatever it is serving.
  @inline(__always) private func candidate(_ guest: VirtualCPUReference) -> InterruptCandidate {
    if guest.value.recalled.load(ordering: .acquiring) != 0 { settleWire(guest) }
    return guest.value.candidate
  }

  /// - Returns: the interrupt 9:0, of a software-generated one the sender's CPU 12:10; 1022 or 1023 for none.
  private func identity(of candidate: InterruptCandidate, for guest: VirtualCPUReference, isAlias: Bool)
    -> UInt32
  {
    let number = candidate.interrupt.rawValue
    guard candidate.interrupt != .none else { return 1023 }
    if let refusal = guest.value.interface.refusal(isGroup1: candidate.isGroup1, isAlias: isAlias) {
      return refusal
    }
    return number < 16 ? number | UInt32(guest.value.senders[Int(number & 15)]) &<< 10 : number
  }

  /// The same, if it interrupts: the guest serves it from now on.
  private func acknowledge(_ guest: VirtualCPUReference, isAlias: Bool) -> UInt32 {
    let candidate = candidate(guest)
    guard hardware.interruptWire else { return 1023 }
    let identity = identity(of: candidate, for: guest, isAlias: isAlias)
    guard identity < 1020 || identity > 1023 else { return identity }
    let bank = bank(candidate.interrupt.rawValue &>> 5, of: guest)
    guest.value.interface.activate(candidate.priority, isGroup1: candidate.isGroup1)
    guest.value.hold(candidate.interrupt)
    bank.value.active.set(candidate.interrupt.bit)
    if bank.value.pending.load(ordering: .relaxed) & candidate.interrupt.bit != 0 {
      bank.value.pending.clear(candidate.interrupt.bit)
    }
    // None of the others is more urgent, whoever is next.
    guard guest.value.interface.hasOneBinaryPoint else {
      settleWire(guest)
      return identity
    }
    if candidate.hasOthers { guest.value.recalled.store(1, ordering: .relaxed) }
    guest.value.candidate = .none
    hardware.setInterruptWire(false)
    return identity
  }

  /// GICC_EOIR and GICC_AEOIR: drops the priority, and ends the interrupt unless GICC_DIR does that.
  private func end(_ guest: VirtualCPUReference, _ number: UInt32) {
    guard number < 1020, guest.value.interface.drop() else { return }
    if guest.value.interface.endsInTwoSteps {
      propose(candidate(guest), to: guest)
    } else {
      deactivate(guest, number)
    }
  }

  /// Ends the interrupt, if there is one with that number.
  @inline(__always) private func deactivate(_ guest: VirtualCPUReference, _ number: UInt32) {
    guard number &>> 5 <= VirtualMachine.sharedBanks else { return propose(candidate(guest), to: guest) }
    let interrupt = InterruptNumber(number)
    bank(number &>> 5, of: guest).value.active.clear(interrupt.bit)
    offer(interrupt, to: guest)
  }
}
