import ArmArchitecture
import VirtualDevices

extension Core {
  /// The record that a VM leaves: who, why, where, and all registers.
  func recordStop(_ guest: VirtualCPUReference, _ reason: StopReason) {
    phone.value.consoleLock.acquire()
    endLine()
    put("[pocketvisor] ")
    putName(guest.value.machine)
    put(" stopped: ")
    put(reason.name)
    put(", vCPU ", UInt64(guest.value.index))
    putState()
    for index in 0..<31 {
      put(index & 3 == 0 ? "\r\n  " : " ", guest.value.registers[index])
    }
    endLine()
    pump()
    phone.value.consoleLock.release()
  }

  /// Where and why the exception that is being handled was taken.
  @inline(never) func putState() {
    put("\r\n  pc ", hardware.read(.programCounter))
    put(" pstate ", hardware.read(.processorState))
    put(" syndrome ", hardware.read(.syndrome))
    put(" address ", hardware.read(.faultAddress))
  }
}
