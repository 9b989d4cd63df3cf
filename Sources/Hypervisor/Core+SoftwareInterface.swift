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
    let candidate = candidate(guest)
    hardware.setInterruptWire(
      candidate.interrupt != .none
        && guest.value.interface.signals(candidate.priority, isGroup1: candidate.isGroup1))
  }

  private struct Candidate {
    let interrupt: InterruptNumber
    let priority: UInt32
    let isGroup1: Bool
  }

  /// The most urgent interrupt that the guest could take, whatever it is serving.
  private func candidate(_ guest: VirtualCPUReference) -> Candidate {
    let interrupt = mostUrgent(guest, .deliverable)
    guard interrupt != .none else { return Candidate(interrupt: .none, priority: 0, isGroup1: false) }
    let bank = bank(interrupt.rawValue &>> 5, of: guest)
    return Candidate(
      interrupt: interrupt, priority: UInt32(bank.value.priority(of: interrupt)),
      isGroup1: bank.value.group.load(ordering: .relaxed) & interrupt.bit != 0)
  }

  /// Answers an access of the loaded guest's to its CPU interface.
  @inline(never) func accessInterface(_ guest: VirtualCPUReference, _ access: DeviceAccess) -> UInt64 {
    let offset = access.offset & 0x1FFC
    let value = UInt32(truncatingIfNeeded: access.stored)
    var loaded: UInt32 = 0
    switch (offset, access.isStore) {
    // GICC_IAR, GICC_HPPIR, and their aliases for Group 1.
    case (0x0C, false), (0x20, false), (0x18, false), (0x28, false):
      loaded = take(guest, isAlias: offset & 0x20 != 0, acknowledges: offset & 8 == 0 || offset == 0x0C)
    case (0x10, true), (0x24, true): end(guest, value & 0x3FF)
    case (0x1000, true): if guest.value.interface.endsInTwoSteps { deactivate(guest, value & 0x3FF) }
    case (_, true): guest.value.interface.write(value, offset: offset)
    default: return UInt64(guest.value.interface.read(offset: offset))
    }
    settleWire(guest)
    return UInt64(loaded)
  }

  /// - Returns: the interrupt 9:0, of a software-generated one the sender's CPU 12:10; 1022 or 1023 for none.
  private func take(_ guest: VirtualCPUReference, isAlias: Bool, acknowledges: Bool) -> UInt32 {
    let candidate = candidate(guest)
    let number = candidate.interrupt.rawValue
    guard candidate.interrupt != .none,
      !acknowledges || guest.value.interface.signals(candidate.priority, isGroup1: candidate.isGroup1)
    else { return 1023 }
    if let refusal = guest.value.interface.refusal(isGroup1: candidate.isGroup1, isAlias: isAlias) {
      return refusal
    }
    if acknowledges {
      let bank = bank(number &>> 5, of: guest)
      guest.value.interface.activate(candidate.priority, isGroup1: candidate.isGroup1)
      guest.value.hold(candidate.interrupt)
      bank.value.active.set(candidate.interrupt.bit)
      bank.value.pending.clear(candidate.interrupt.bit)
    }
    return number < 16 ? number | UInt32(guest.value.senders[Int(number & 15)]) &<< 10 : number
  }

  /// GICC_EOIR and GICC_AEOIR: drops the priority, and ends the interrupt unless GICC_DIR does that.
  private func end(_ guest: VirtualCPUReference, _ number: UInt32) {
    guard number < 1020, guest.value.interface.drop() else { return }
    if !guest.value.interface.endsInTwoSteps { deactivate(guest, number) }
  }

  private func deactivate(_ guest: VirtualCPUReference, _ number: UInt32) {
    guard number &>> 5 <= VirtualMachine.sharedBanks else { return }
    bank(number &>> 5, of: guest).value.active.clear(InterruptNumber(number).bit)
  }
}
