import ArmArchitecture
import Synchronization
import VirtualDevices

extension Core {
  /// The guest's PL011.
  @inline(never) func accessUART(_ machine: VirtualMachineReference, _ access: DeviceAccess) -> UInt64 {
    let offset = access.offset & 0xFFC
    if offset == VirtualPL011.flagRegister, !access.isStore {
      return UInt64(machine.value.uart.flags(isTransmitterFull: isTransmitterFull(machine)))
    }
    phone.value.consoleLock.acquire()
    var loaded: UInt32 = 0
    if access.isStore {
      let value = UInt32(truncatingIfNeeded: access.stored)
      if offset == 0 { transmit(machine, UInt8(truncatingIfNeeded: value)) } else { machine.value.uart.write(value, offset: offset) }
    } else {
      loaded = machine.value.uart.read(offset: offset)
    }
    let change = settleUARTLine(machine)
    phone.value.consoleLock.release()
    pass(change, to: machine)
    return UInt64(loaded)
  }

  /// A VM that is shown waits for the UART; the others' characters are kept.
  private func isTransmitterFull(_ machine: VirtualMachineReference) -> Bool {
    machine.value.console.isFull && phone.value.console.shows(machine.value.index)
  }

  private func transmit(_ machine: VirtualMachineReference, _ character: UInt8) {
    machine.value.console.append(character)
    if phone.value.console.shows(machine.value.index) { pump() }
    if isTransmitterFull(machine) { machine.value.isBlocked = true } else { machine.value.uart.transmitted() }
  }

  /// Makes the wire to the guest's distributor follow the UART's state; the caller holds the lock.
  func settleUARTLine(_ machine: VirtualMachineReference) -> LineChange {
    let line = machine.value.bank(0)
    let bit = GuestInterrupt.uart.bit
    let isRaised = machine.value.uart.isInterrupting
    guard isRaised != (line.value.line.load(ordering: .relaxed) & bit != 0) else { return .none }
    if isRaised { line.value.line.set(bit) } else { line.value.line.clear(bit) }
    return isRaised ? .raised : .lowered
  }

  /// Lets the guest's CPUs see the change.
  func pass(_ change: LineChange, to machine: VirtualMachineReference) {
    switch change {
    case .none: break
    case .raised: _ = notice(machine, bank: 0, GuestInterrupt.uart.bit)
    case .lowered:
      guard machine.value.bank(0).value.inFlight.load(ordering: .acquiring) & GuestInterrupt.uart.bit != 0 else { return }
      _ = withdraw(machine, bank: 0, GuestInterrupt.uart.bit)
    }
  }
}

/// What happened to an interrupt wire.
enum LineChange {
  case none, raised, lowered
}
