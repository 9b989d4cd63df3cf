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
      if offset == 0 {
        transmit(machine, UInt8(truncatingIfNeeded: value))
      } else {
        machine.value.uart.write(value, offset: offset)
      }
    } else {
      loaded = machine.value.uart.read(offset: offset)
    }
    settleUART(machine)
    return UInt64(loaded)
  }

  /// A VM that is shown waits for the UART; the others' characters are kept.
  private func isTransmitterFull(_ machine: VirtualMachineReference) -> Bool {
    machine.value.console.isFull && phone.value.console.shows(machine.value.index)
  }

  private func transmit(_ machine: VirtualMachineReference, _ character: UInt8) {
    machine.value.console.append(character)
    if character == 0x0A || !phone.value.console.isTogether { show(machine) }
    if isTransmitterFull(machine) { machine.value.isBlocked = true } else { machine.value.uart.transmitted() }
  }

  /// Gives the lock back, and makes the wire to the guest's distributor follow the UART's state.
  @inline(never) func settleUART(_ machine: VirtualMachineReference) {
    let line = machine.value.bank(0)
    let bit = GuestInterrupt.uart.bit
    let isRaised = machine.value.uart.isInterrupting
    let isChanged = isRaised != (line.value.line.load(ordering: .relaxed) & bit != 0)
    if isChanged { if isRaised { line.value.line.set(bit) } else { line.value.line.clear(bit) } }
    phone.value.consoleLock.release()
    if isChanged { _ = withdraw(machine, bank: 0, bit) }
    if isChanged, isRaised { _ = notice(machine, bank: 0, bit) }
  }
}
