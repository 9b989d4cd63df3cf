import ArmArchitecture
import VirtualDevices

extension Core where H: VirtualizationExtensions {
  /// The record that a VM leaves: who, why, where, and all registers.
  func recordStop(_ guest: VirtualCPUReference, _ reason: StopReason) {
    if isLoaded(guest) { hardware.collectRegisters(guest) }
    lockConsole()
    endLine()
    put("[pocketvisor] ")
    putName(guest.value.machine)
    put(" stopped: ")
    put(reason.name)
    put(", vCPU ", UInt64(guest.value.index))
    putState(isLoaded(guest) ? hardware.read(.programCounter) : guest.value[.programCounter])
    for index in 0..<31 {
      put(index & 3 == 0 ? "\r\n  " : " ", guest.value.registers[index])
    }
    endLine()
    pump()
    unlockConsole()
  }
}

extension Core {
  /// Where and why the exception that is being handled was taken.
  @inline(never) func putState(_ programCounter: UInt64) {
    put("\r\n  pc ", programCounter)
    put(" pstate ", hardware.read(.processorState))
    put(" syndrome ", hardware.read(.syndrome))
    put(" address ", hardware.read(.faultAddress))
  }
}
