import ArmArchitecture

extension Core {
  /// The record that a VM leaves: who, why, where, and all registers.
  func recordStop(_ guest: VirtualCPUReference, _ reason: StopReason) {
    report {
      put("[pocketvisor] ")
      putName(guest.value.machine.value.index)
      put(" stopped: ")
      put(reason.name)
      put(", vCPU ", UInt64(guest.value.index))
      put("\r\n  pc ", hardware.read(.programCounter))
      put(" pstate ", hardware.read(.processorState))
      put(" syndrome ", hardware.read(.syndrome))
      put(" address ", hardware.read(.faultAddress))
      for index in 0..<31 {
        put(index & 3 == 0 ? "\r\n  " : " ", guest.value.registers[index])
      }
      putLineEnd()
    }
  }
}
