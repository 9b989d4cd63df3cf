import ArmArchitecture

extension Core {
  /// The record that a VM leaves: who, why, where, and all registers.
  func recordStop(_ guest: VirtualCPUReference, _ reason: StopReason) {
    report {
      put("[pocketvisor] ")
      putName(guest.value.machine.value.index)
      put(" stopped: ")
      put(reason.name)
      put(", vCPU ")
      put(decimal: guest.value.index)
      put("\r\n  pc ")
      put(hardware.read(.programCounter))
      put(" pstate ")
      put(hardware.read(.processorState))
      put(" syndrome ")
      put(hardware.read(.syndrome))
      put(" address ")
      put(hardware.read(.faultAddress))
      for index in 0..<31 {
        if index & 3 == 0 { put("\r\n ") }
        put(" x")
        put(decimal: UInt32(truncatingIfNeeded: index))
        put("=")
        put(guest.value.registers[index])
      }
      putLineEnd()
    }
  }
}
