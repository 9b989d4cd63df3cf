// The guest's distributor and redistributors. Both frames decode to the same registers
// (`InterruptRegister`); a redistributor's second frame is the distributor's first bank, private to a
// virtual CPU.

import Appliance
import ArmArchitecture
import Synchronization
import VirtualDevices

/// A frame of interrupt registers.
struct InterruptFrame {
  let machine: VirtualMachineReference
  /// The virtual CPU of a redistributor, or the one that accesses the distributor of a GICv2; nil for that of a GICv3.
  let owner: VirtualCPUReference?
  /// A redistributor's control frame (RD_base).
  let isControl: Bool
  /// A distributor.
  let isShared: Bool

  /// The place in `VirtualMachine` of the bank that the frame numbers so; nil where there is none.
  func bank(_ number: UInt32) -> UInt32? {
    if let owner, number == 0 { return VirtualMachine.sharedBanks &+ owner.value.index }
    return isShared && number &- 1 < VirtualMachine.sharedBanks ? number &- 1 : nil
  }
}

extension Core where H: VirtualizationExtensions {
  /// Splits an access of 1 to 8 bytes into words of 32 bits.
  @inline(__always) func accessInterrupts(_ frame: InterruptFrame, _ access: DeviceAccess) -> UInt {
    guard access.sizeShift == 2, access.offset & 3 == 0 else { return accessParts(frame, access) }
    let stored = UInt32(truncatingIfNeeded: access.stored)
    return UInt(accessWord(frame, access.offset, access.isStore, stored, ~0))
  }

  /// An access of a byte, a half word, or two words.
  @inline(never) private func accessParts(_ frame: InterruptFrame, _ access: DeviceAccess) -> UInt {
    let shift = UInt(access.offset & 3) &* 8
    let offset = access.offset & ~3
    let bytes: UInt32 = access.sizeShift >= 2 ? ~0 : (1 &<< (8 &<< access.sizeShift)) &- 1
    let mask = bytes &<< UInt32(truncatingIfNeeded: shift)
    let stored = access.stored &<< shift
    let low = accessWord(frame, offset, access.isStore, UInt32(truncatingIfNeeded: stored), mask)
    guard UInt.bitWidth == 64, access.sizeShift == 3 else { return UInt(low) &>> shift }
    let high = accessWord(frame, offset &+ 4, access.isStore, UInt32(truncatingIfNeeded: stored &>> 32), mask)
    return UInt(low) | UInt(high) &<< 32
  }

  @inline(never) private func accessWord(
    _ frame: InterruptFrame, _ offset: UInt32, _ isStore: Bool, _ stored: UInt32, _ mask: UInt32
  ) -> UInt32 {
    if frame.isControl, let owner = frame.owner { return redistributorWord(owner, offset) }
    let register = InterruptRegister.decode(offset: offset, generation: H.interruptControllerGeneration)
    var mask = mask
    // A GICv2 lets nobody set or clear the pending state of software-generated interrupts here (IHI 0048 4.3.7).
    if H.interruptControllerGeneration == 2, register.isPrivatePending { mask &= 0xFFFF_0000 }
    if H.interruptControllerGeneration == 2, register.kind.isSecond {
      return accessSecond(frame, register, isStore, stored & mask, mask)
    }
    return isStore ? write(frame, register, stored & mask, mask) : read(frame, register)
  }

  /// GICR_CTLR, IIDR, TYPER (affinity, number, Last), WAKER (always awake), PIDR2.
  @inline(never) private func redistributorWord(_ owner: VirtualCPUReference, _ offset: UInt32) -> UInt32 {
    let index = owner.value.index
    switch offset {
    case 0x04: return 0x43B
    case 0x08: return index &<< 8 | (index &+ 1 == owner.value.machine.value.record.virtualCPUCount ? 0x10 : 0)
    case 0x0C: return index
    case 0xFFE8: return 0x3B
    default: return 0
    }
  }

  // MARK: Loads

  @inline(__always) private func read(_ frame: InterruptFrame, _ register: InterruptRegister) -> UInt32 {
    let machine = frame.machine
    if let index = frame.bank(register.bank) {
      let bank = machine.value.bank(index)
      switch register.kind {
      case .group: return bank.value.group.load(ordering: .relaxed)
      case .setEnable, .clearEnable: return bank.value.enabled.load(ordering: .relaxed)
      case .setPending, .clearPending, .setActive, .clearActive: return state(machine, index, register.kind)
      case .priority: return bank.value.priorities[Int(register.place & 7)]
      case .configuration:
        return Self.spread(bank.value.edge.load(ordering: .relaxed) &>> (register.place &* 16))
      case .route where H.interruptControllerGeneration == 3 && frame.owner == nil:
        return UInt32(machine.value.routes[Int((index & 1) &* 32 &+ register.place & 31)])
      default: return 0
      }
    }
    guard frame.isShared else { return 0 }
    let isSecond = H.interruptControllerGeneration == 2
    switch register.kind {
    case .control:
      return isSecond ? machine.value.distributorControl.load(ordering: .relaxed) : control(machine)
    case .type:
      return isSecond ? 2 | (UInt32(machine.value.record.virtualCPUCount) &- 1) &<< 5 : 0x0248_0002
    case .implementer: return 0x43B
    case .architecture: return isSecond ? 0 : 0x3B
    default: return 0
    }
  }

  /// The pending and active interrupts of a bank, those in list registers included.
  @inline(never) private func state(
    _ machine: VirtualMachineReference, _ index: UInt32, _ kind: InterruptRegister.Kind
  ) -> UInt32 {
    let bank = machine.value.bank(index)
    guard let loaded = cpu.value.loaded else { return 0 }
    fold(loaded)
    var state = bank.value.active.load(ordering: .relaxed) | bank.value.inFlight.load(ordering: .acquiring)
    if kind == .setPending || kind == .clearPending {
      state = bank.value.raised
      if !H.isSoftware, index == VirtualMachine.sharedBanks &+ loaded.value.index { state |= raisedTimers }
    }
    refill(loaded)
    return state
  }

  /// GICD_CTLR: DS, ARE, the group enables, and RWP while another CPU still has to put interrupts back.
  @inline(never) private func control(_ machine: VirtualMachineReference) -> UInt32 {
    var control = 0x50 | machine.value.distributorControl.load(ordering: .relaxed)
    for index in 0..<UInt32(machine.value.record.virtualCPUCount) {
      let sibling = machine.value.virtualCPU(index)
      if sibling.value.filled != 0, sibling.value.recalled.load(ordering: .acquiring) != 0 {
        control |= 1 << 31
      }
    }
    return control
  }

  /// Sixteen bits to the upper bits of sixteen pairs.
  @inline(never) private static func spread(_ bits: UInt32) -> UInt32 {
    var result = bits & 0xFFFF
    result = (result | result &<< 8) & 0x00FF_00FF
    result = (result | result &<< 4) & 0x0F0F_0F0F
    result = (result | result &<< 2) & 0x3333_3333
    return ((result | result &<< 1) & 0x5555_5555) &<< 1
  }

  /// The upper bits of sixteen pairs to sixteen bits.
  @inline(never) private static func gather(_ pairs: UInt32) -> UInt32 {
    var result = pairs &>> 1 & 0x5555_5555
    result = (result | result &>> 1) & 0x3333_3333
    result = (result | result &>> 2) & 0x0F0F_0F0F
    result = (result | result &>> 4) & 0x00FF_00FF
    return (result | result &>> 8) & 0xFFFF
  }

  // MARK: Stores

  /// - Returns: 0.
  @inline(never) private func write(
    _ frame: InterruptFrame, _ register: InterruptRegister, _ value: UInt32, _ mask: UInt32
  ) -> UInt32 {
    let machine = frame.machine
    guard let index = frame.bank(register.bank) else {
      return register.kind == .control && frame.isShared ? setControl(machine, value) : 0
    }
    let bank = machine.value.bank(index)
    switch register.kind {
    case .setEnable: bank.value.enabled.set(value)
    case .setPending: bank.value.pending.set(value)
    case .clearEnable:
      bank.value.enabled.clear(value)
      return withdraw(machine, bank: index, value)
    case .clearPending, .setActive, .clearActive: return changeState(machine, register.kind, value, bank: index)
    case .group:
      bank.value.group.replace(mask, with: value)
      return withdraw(machine, bank: index, ~0)
    case .priority:
      let place = Int(register.place & 7)
      bank.value.priorities[place] = bank.value.priorities[place] & ~mask | value & phone.value.priorityMask
      return withdraw(machine, bank: index, ~0)
    case .configuration where index < VirtualMachine.sharedBanks:
      let first = register.place &* 16
      bank.value.edge.replace(Self.gather(mask) &<< first, with: Self.gather(value) &<< first)
      return withdraw(machine, bank: index, ~0)
    case .route where H.interruptControllerGeneration == 3 && frame.owner == nil:
      machine.value.routes[Int((index & 1) &* 32 &+ register.place & 31)] =
        UInt8(truncatingIfNeeded: min(value & 0x00FF_FFFF, 0xFF))
      return noticeRaised(machine, bank: index, 1 &<< register.place)
    default: return 0
    }
    return noticeRaised(machine, bank: index, value)
  }

  /// Whoever those of the interrupts go to that are raised takes notice.
  @inline(__always) func noticeRaised(
    _ machine: VirtualMachineReference, bank index: UInt32, _ interrupts: UInt32
  ) -> UInt32 {
    let raised = machine.value.bank(index).value.raised & interrupts
    return raised != 0 ? notice(machine, bank: index, raised) : 0
  }

  /// Clears pending state, or sets or clears active state, wherever the interrupts are.
  @inline(never) private func changeState(
    _ machine: VirtualMachineReference, _ kind: InterruptRegister.Kind, _ value: UInt32, bank index: UInt32
  ) -> UInt32 {
    let bank = machine.value.bank(index)
    recall(machine, bank: index, 0)
    let held = value & bank.value.inFlight.load(ordering: .acquiring)
    switch kind {
    case .clearPending:
      bank.value.dropPending.set(held)
      bank.value.pending.clear(value)
    case .clearActive:
      bank.value.dropActive.set(held)
      bank.value.active.clear(value)
      if !H.isSoftware { endTimers(machine, bank: index, value) }
    default:
      let fresh = value & ~held & ~bank.value.active.load(ordering: .relaxed)
      bank.value.active.set(fresh)
      if !H.isSoftware { bank.value.activated.set(fresh) }
    }
    return withdraw(machine, bank: index, value)
  }

  /// A guest that clears the active state of its own timers ends their physical interrupts.
  private func endTimers(_ machine: VirtualMachineReference, bank index: UInt32, _ interrupts: UInt32) {
    guard let loaded = cpu.value.loaded, index == VirtualMachine.sharedBanks &+ loaded.value.index else {
      return
    }
    if interrupts & GuestInterrupt.virtualTimer.bit != 0 { deactivate(GuestInterrupt.virtualTimer) }
    if interrupts & GuestInterrupt.physicalTimer.bit != 0 { deactivate(GuestInterrupt.physicalTimer) }
  }

  /// Interrupts that list registers hold may no longer belong there.
  /// - Returns: 0.
  @inline(never) func withdraw(_ machine: VirtualMachineReference, bank index: UInt32, _ interrupts: UInt32)
    -> UInt32
  {
    recall(machine, bank: index, interrupts)
    if let loaded = cpu.value.loaded, isRunning(loaded) { refill(loaded) }
    return 0
  }

  /// GICD_CTLR: the guest's distributor forwards other groups than before.
  @inline(never) private func setControl(_ machine: VirtualMachineReference, _ value: UInt32) -> UInt32 {
    machine.value.distributorControl.store(value & 3, ordering: .releasing)
    for index in 0..<UInt32(machine.value.record.virtualCPUCount) {
      let sibling = machine.value.virtualCPU(index)
      notice(sibling)
    }
    return 0
  }
}
