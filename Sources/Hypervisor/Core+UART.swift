import ArmArchitecture
import Synchronization
import VirtualDevices

extension Core where H: VirtualizationExtensions {
  /// The guest's PL011. Its flags, which a guest reads before every character, need no lock.
  @inline(never) func accessUART(_ machine: VirtualMachineReference, _ access: DeviceAccess) -> UInt {
    guard access.offset & 0xFFC == VirtualPL011.flagRegister, !access.isStore else {
      return accessUARTRegister(machine, access)
    }
    return UInt(machine.value.uart.flags(isTransmitterFull: isTransmitterFull(machine)))
  }

  @inline(never) private func accessUARTRegister(_ machine: VirtualMachineReference, _ access: DeviceAccess)
    -> UInt
  {
    let offset = access.offset & 0xFFC
    lockConsole()
    var loaded: UInt32 = 0
    if !access.isStore {
      loaded = machine.value.uart.read(offset: offset)
    } else if offset == 0 {
      transmit(machine, UInt8(truncatingIfNeeded: access.stored))
    } else {
      machine.value.uart.write(UInt32(truncatingIfNeeded: access.stored), offset: offset)
    }
    settleUART(machine)
    return UInt(loaded)
  }

  /// A VM that is shown waits for the UART; the others' characters are kept.
  @inline(__always) private func isTransmitterFull(_ machine: VirtualMachineReference) -> Bool {
    machine.value.console.isFull && phone.value.console.shows(machine.value.index)
  }

  @inline(__always) private func transmit(_ machine: VirtualMachineReference, _ character: UInt8) {
    machine.value.console.append(character)
    let isDue = machine.value.console.hasLine || !phone.value.console.isTogether
    if isDue, !phone.value.console.isDraining { show(machine) }
    if isTransmitterFull(machine) { machine.value.isBlocked = true } else { machine.value.uart.transmitted() }
  }

  /// Gives the lock back, and makes the wire to the guest's distributor follow the UART's state.
  @inline(__always) func settleUART(_ machine: VirtualMachineReference) {
    let isRaised = machine.value.uart.isInterrupting
    let wasRaised = machine.value.bank(0).value.line.load(ordering: .relaxed) & GuestInterrupt.uart.bit != 0
    guard isRaised != wasRaised else { return unlockConsole() }
    changeUARTLine(machine, isRaised)
  }

  @inline(never) private func changeUARTLine(_ machine: VirtualMachineReference, _ isRaised: Bool) {
    let line = machine.value.bank(0)
    let bit = GuestInterrupt.uart.bit
    if isRaised { line.value.line.set(bit) } else { line.value.line.clear(bit) }
    unlockConsole()
    // Either one chooses anew what is in list registers.
    _ = isRaised ? notice(machine, bank: 0, bit) : withdraw(machine, bank: 0, bit)
  }
}
