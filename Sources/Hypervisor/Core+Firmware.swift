// The guest's firmware: PSCI 1.1 and SMCCC, by `HVC` and by `SMC` alike.

import Appliance
import ArmArchitecture
import Synchronization

extension Core {
  /// Answers the function in w0 with its arguments in x1…x3; the result goes to x0.
  @inline(never) func callFirmware(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    let number = UInt32(truncatingIfNeeded: guest.value.registers[0])
    let result: Int64
    switch number {
    case FirmwareFunction.version: result = FirmwareResult.version
    case FirmwareFunction.callingConventionVersion: result = FirmwareResult.callingConventionVersion
    case FirmwareFunction.migrateInfoType: result = FirmwareResult.migrationNotRequired
    case FirmwareFunction.features, FirmwareFunction.callingConventionFeatures:
      result = feature(UInt32(truncatingIfNeeded: guest.value.registers[1]))
    case FirmwareFunction.cpuOn, FirmwareFunction.cpuOn | FirmwareFunction.wide: result = turnOn(guest, number)
    case FirmwareFunction.affinityInfo, FirmwareFunction.affinityInfo | FirmwareFunction.wide:
      result = affinityInfo(guest, number)
    case FirmwareFunction.suspend, FirmwareFunction.suspend | FirmwareFunction.wide: return suspend(guest)
    case FirmwareFunction.cpuOff: return turnOff(guest)
    case FirmwareFunction.systemOff: return stop(guest, .off)
    case FirmwareFunction.systemReset: return stop(guest, .reset)
    default: result = FirmwareResult.notSupported
    }
    guest.value.registers[0] = UInt64(bitPattern: result)
    return resume(guest)
  }

  /// PSCI_FEATURES and SMCCC_ARCH_FEATURES: success for what `firmwareResult` answers.
  @inline(never) private func feature(_ number: UInt32) -> Int64 {
    switch number & ~FirmwareFunction.wide {
    case FirmwareFunction.suspend, FirmwareFunction.cpuOn, FirmwareFunction.affinityInfo:
      return FirmwareResult.success
    default: break
    }
    switch number {
    case FirmwareFunction.version, FirmwareFunction.cpuOff, FirmwareFunction.migrateInfoType,
      FirmwareFunction.systemOff, FirmwareFunction.systemReset, FirmwareFunction.features,
      FirmwareFunction.callingConventionVersion, FirmwareFunction.callingConventionFeatures:
      return FirmwareResult.success
    default: return FirmwareResult.notSupported
    }
  }

  /// CPU_SUSPEND: a standby state, left by an interrupt.
  private func suspend(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    guest.value.registers[0] = UInt64(bitPattern: FirmwareResult.success)
    return wait(guest)
  }

  /// The argument at `index`, cut to 32 bits for a function of the 32-bit convention.
  private func argument(_ guest: VirtualCPUReference, _ index: Int, _ number: UInt32) -> UInt64 {
    let value = guest.value.registers[index]
    return number & FirmwareFunction.wide == 0 ? value & 0xFFFF_FFFF : value
  }

  /// The sibling with the affinity in x1.
  private func sibling(_ guest: VirtualCPUReference, _ number: UInt32) -> VirtualCPUReference? {
    let affinity = argument(guest, 1, number)
    let machine = guest.value.machine
    guard affinity < UInt64(machine.value.record.virtualCPUCount) else { return nil }
    return machine.value.virtualCPU(UInt32(truncatingIfNeeded: affinity))
  }

  @inline(never) private func turnOn(_ guest: VirtualCPUReference, _ number: UInt32) -> Int64 {
    guard let target = sibling(guest, number) else { return FirmwareResult.invalidParameters }
    let entry = argument(guest, 2, number)
    let machine = guest.value.machine
    guard entry & 3 == 0, entry &- machine.value.record.memoryBase < machine.value.record.memorySize else {
      return FirmwareResult.invalidAddress
    }
    let previous = target.value.state.compareExchange(
      expected: VirtualCPUState.off, desired: VirtualCPUState.claimed, ordering: .acquiringAndReleasing)
    guard previous.exchanged else {
      return previous.original >= VirtualCPUState.ready ? FirmwareResult.alreadyOn : FirmwareResult.onPending
    }
    target.value.startEntry = entry
    target.value.startArgument = argument(guest, 3, number)
    target.value.state.store(VirtualCPUState.starting, ordering: .releasing)
    alert(target.value.cpu)
    return FirmwareResult.success
  }

  @inline(never) private func affinityInfo(_ guest: VirtualCPUReference, _ number: UInt32) -> Int64 {
    guard argument(guest, 2, number) == 0, let target = sibling(guest, number) else {
      return FirmwareResult.invalidParameters
    }
    switch target.value.state.load(ordering: .acquiring) {
    case VirtualCPUState.off: return FirmwareResult.off
    case VirtualCPUState.claimed, VirtualCPUState.starting: return FirmwareResult.isPending
    default: return FirmwareResult.on
    }
  }

  private func turnOff(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    takeOff(guest)
    return schedule()
  }
}
