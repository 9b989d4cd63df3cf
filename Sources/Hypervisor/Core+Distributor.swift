// The guest's distributor and redistributors. Both frames decode to the same registers
// (`InterruptRegister`); a redistributor's second frame is the distributor's first bank, private to a
// virtual CPU.

import Appliance
import ArmArchitecture
import Synchronization
import VirtualDevices

/// A frame of interrupt registers, by the bank in `VirtualMachine` that it begins with.
struct InterruptFrame {
  let machine: VirtualMachineReference
  /// The virtual CPU of a redistributor; nil for the distributor.
  let owner: VirtualCPUReference?

  /// The place in `VirtualMachine` of the bank that the frame numbers so; nil where there is none.
  func bank(_ number: UInt32) -> UInt32? {
    if let owner { return number == 0 ? VirtualMachine.sharedBanks &+ owner.value.index : nil }
    return number &- 1 < VirtualMachine.sharedBanks ? number &- 1 : nil
  }
}

extension Core {
  func accessDistributor(_ machine: VirtualMachineReference, _ access: DeviceAccess) -> UInt64 {
    let frame = InterruptFrame(machine: machine, owner: nil)
    return accessWords(access) { accessWord(frame, $0, $1, mask: $2) }
  }

  /// - Parameter frame: 0 the control frame (RD_base), 1 the interrupts' frame (SGI_base).
  func accessRedistributor(_ owner: VirtualCPUReference, _ frame: UInt32, _ access: DeviceAccess) -> UInt64 {
    if frame == 0 { return accessWords(access) { offset, _, _ in redistributorWord(owner, offset) } }
    let frame = InterruptFrame(machine: owner.value.machine, owner: owner)
    return accessWords(access) { accessWord(frame, $0, $1, mask: $2) }
  }

  /// Splits an access of 1 to 8 bytes into words of 32 bits.
  /// - Parameter word: accesses a word: its offset, what is stored (nil for a load), and which of its bits.
  @inline(__always)
  private func accessWords(_ access: DeviceAccess, _ word: (UInt32, UInt32?, UInt32) -> UInt32) -> UInt64 {
    let offset = access.offset & ~3
    let shift = UInt64(access.offset & 3) &* 8
    let mask = access.sizeShift >= 2 ? ~0 : (1 &<< (8 &<< access.sizeShift) &- 1) &<< UInt32(truncatingIfNeeded: shift)
    let low = word(offset, access.stored.map { UInt32(truncatingIfNeeded: $0 &<< shift) }, mask)
    guard access.sizeShift == 3 else { return UInt64(low) &>> shift }
    let high = word(offset &+ 4, access.stored.map { UInt32(truncatingIfNeeded: $0 &>> 32) }, mask)
    return UInt64(low) | UInt64(high) &<< 32
  }

  /// GICR_CTLR, IIDR, TYPER (affinity, number, Last), WAKER (always awake), PIDR2.
  private func redistributorWord(_ owner: VirtualCPUReference, _ offset: UInt32) -> UInt32 {
    let index = owner.value.index
    switch offset {
    case 0x04: return 0x43B
    case 0x08: return index &<< 8 | (index &+ 1 == owner.value.machine.value.record.virtualCPUCount ? 0x10 : 0)
    case 0x0C: return index
    case 0xFFE8: return 0x3B
    default: return 0
    }
  }

  @inline(never)
  private func accessWord(_ frame: InterruptFrame, _ offset: UInt32, _ stored: UInt32?, mask: UInt32) -> UInt32 {
    let register = InterruptRegister.decode(offset: offset)
    if let stored {
      write(frame, register, stored & mask, mask)
      return 0
    }
    return read(frame, register)
  }

  // MARK: Loads

  private func read(_ frame: InterruptFrame, _ register: InterruptRegister) -> UInt32 {
    switch register {
    case .bits(let bits, let number): return frame.bank(number).map { read(frame.machine, bits, bank: $0) } ?? 0
    case .priority(let word):
      return frame.bank(word &>> 3).map { frame.machine.value.bank($0).value.priorities[Int(word & 7)] } ?? 0
    case .configuration(let half):
      return frame.bank(half &>> 1).map {
        Self.spread(frame.machine.value.bank($0).value.edge.load(ordering: .relaxed) &>> ((half & 1) &* 16))
      } ?? 0
    case .route(let interrupt): return frame.owner == nil ? route(frame.machine, interrupt) : 0
    case .control: return frame.owner == nil ? control(frame.machine) : 0
    case .type: return frame.owner == nil ? 0x0248_0002 : 0
    case .implementer: return frame.owner == nil ? 0x43B : 0
    case .architecture: return frame.owner == nil ? 0x3B : 0
    case .none: return 0
    }
  }

  private func read(_ machine: VirtualMachineReference, _ bits: InterruptBits, bank index: UInt32) -> UInt32 {
    let bank = machine.value.bank(index)
    switch bits {
    case .group: return bank.value.group.load(ordering: .relaxed)
    case .setEnable, .clearEnable: return bank.value.enabled.load(ordering: .relaxed)
    default: break
    }
    let loaded = cpu.value.loaded
    recall(machine, bank: index, 0)
    var state = bank.value.active.load(ordering: .relaxed) | bank.value.inFlight.load(ordering: .acquiring)
    if bits == .setPending || bits == .clearPending {
      state = bank.value.raised
      if let loaded, index == VirtualMachine.sharedBanks &+ loaded.value.index { state |= raisedTimers }
    }
    if let loaded { refill(loaded) }
    return state
  }

  private func route(_ machine: VirtualMachineReference, _ interrupt: UInt32) -> UInt32 {
    interrupt &- 32 < 64 ? UInt32(machine.value.routes[Int(interrupt &- 32)]) : 0
  }

  /// GICD_CTLR: DS, ARE, the group enables, and RWP while another CPU still has to put interrupts back.
  private func control(_ machine: VirtualMachineReference) -> UInt32 {
    var control = 0x50 | machine.value.distributorControl.load(ordering: .relaxed)
    for index in 0..<UInt32(machine.value.record.virtualCPUCount)
    where machine.value.virtualCPU(index).value.recalled.load(ordering: .acquiring) != 0 {
      control |= 1 << 31
    }
    return control
  }

  /// Sixteen bits to the upper bits of sixteen pairs.
  private static func spread(_ bits: UInt32) -> UInt32 {
    var result: UInt32 = 0
    for position in 0..<16 as Range<UInt32> { result |= (bits &>> position & 1) &<< (position &* 2 &+ 1) }
    return result
  }

  // MARK: Stores

  private func write(_ frame: InterruptFrame, _ register: InterruptRegister, _ value: UInt32, _ mask: UInt32) {
    let machine = frame.machine
    switch register {
    case .bits(let bits, let number):
      if let index = frame.bank(number) { write(machine, bits, value, mask, bank: index) }
    case .priority(let word):
      guard let index = frame.bank(word &>> 3) else { return }
      let kept = machine.value.bank(index).value.priorities[Int(word & 7)] & ~mask
      machine.value.bank(index).value.priorities[Int(word & 7)] = kept | value & phone.value.priorityMask
    case .configuration(let half):
      guard frame.owner == nil, let index = frame.bank(half &>> 1) else { return }
      configure(machine.value.bank(index), value, mask, from: (half & 1) &* 16)
    case .route(let interrupt):
      guard frame.owner == nil, interrupt &- 32 < 64 else { return }
      machine.value.routes[Int(interrupt &- 32)] = UInt8(truncatingIfNeeded: min(value & 0x00FF_FFFF, 0xFF))
      notice(machine, bank: (interrupt &- 32) &>> 5, 1 &<< (interrupt & 31))
    case .control:
      guard frame.owner == nil else { return }
      machine.value.distributorControl.store(value & 3, ordering: .releasing)
      changeGroups(machine)
    case .type, .implementer, .architecture, .none: break
    }
  }

  /// GICD_ICFGR: the upper bit of each pair.
  private func configure(_ bank: BankReference, _ value: UInt32, _ mask: UInt32, from first: UInt32) {
    for position in 0..<16 as Range<UInt32> where mask &>> (position &* 2 &+ 1) & 1 != 0 {
      let bit: UInt32 = 1 &<< (first &+ position)
      if value &>> (position &* 2 &+ 1) & 1 != 0 { bank.value.edge.set(bit) } else { bank.value.edge.clear(bit) }
    }
  }

  private func write(
    _ machine: VirtualMachineReference, _ bits: InterruptBits, _ value: UInt32, _ mask: UInt32, bank index: UInt32
  ) {
    let bank = machine.value.bank(index)
    switch bits {
    case .setEnable: bank.value.enabled.set(value)
    case .setPending: bank.value.pending.set(value)
    case .group:
      bank.value.group.clear(mask)
      bank.value.group.set(value)
    case .clearEnable:
      bank.value.enabled.clear(value)
      return withdraw(machine, bank: index, value)
    default: changeState(machine, bits, value, bank: index)
    }
    let concerned = bank.value.raised & value
    if concerned != 0 { notice(machine, bank: index, concerned) }
  }

  /// Clears pending state, or sets or clears active state, wherever the interrupts are.
  private func changeState(_ machine: VirtualMachineReference, _ bits: InterruptBits, _ value: UInt32, bank index: UInt32) {
    let bank = machine.value.bank(index)
    recall(machine, bank: index, 0)
    let held = value & bank.value.inFlight.load(ordering: .acquiring)
    switch bits {
    case .clearPending:
      bank.value.dropPending.set(held)
      bank.value.pending.clear(value)
    case .clearActive:
      bank.value.dropActive.set(held)
      bank.value.active.clear(value)
      endTimers(machine, bank: index, value)
    default: bank.value.active.set(value & ~held)
    }
    withdraw(machine, bank: index, value)
  }

  /// A guest that clears the active state of its own timers ends their physical interrupts.
  private func endTimers(_ machine: VirtualMachineReference, bank index: UInt32, _ interrupts: UInt32) {
    guard let loaded = cpu.value.loaded, index == VirtualMachine.sharedBanks &+ loaded.value.index else { return }
    if interrupts & GuestInterrupt.virtualTimer.bit != 0 { deactivate(GuestInterrupt.virtualTimer) }
    if interrupts & GuestInterrupt.physicalTimer.bit != 0 { deactivate(GuestInterrupt.physicalTimer) }
  }

  /// Interrupts that list registers hold may no longer belong there.
  func withdraw(_ machine: VirtualMachineReference, bank index: UInt32, _ interrupts: UInt32) {
    recall(machine, bank: index, interrupts)
    if let loaded = cpu.value.loaded, isRunning(loaded) { refill(loaded) }
  }

  /// The guest's distributor forwards other groups than before.
  private func changeGroups(_ machine: VirtualMachineReference) {
    for index in 0..<UInt32(machine.value.record.virtualCPUCount) {
      let sibling = machine.value.virtualCPU(index)
      sibling.value.recalled.store(1, ordering: .releasing)
      notice(sibling)
    }
  }
}
