// The guest's firmware: PSCI 1.1 and SMCCC, by `HVC` and by `SMC` alike.

import Appliance
import ArmArchitecture
import Synchronization

extension Core where H: VirtualizationExtensions {
  /// Answers the function in w0 with its arguments in x1…x3.
  @inline(never) public func callFirmware(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    let number = UInt32(truncatingIfNeeded: guest.value.registers[0])
    if number == FirmwareFunction.version { return answer(guest, FirmwareResult.version) }
    // In AArch32 there are no functions with arguments of 64 bits.
    if guest.value[.executionState] != 0, number & FirmwareFunction.wide != 0 {
      return answer(guest, FirmwareResult.notSupported)
    }
    guard FirmwareFunction.exists(number) else {
      let isPartitionCall = !H.isSoftware && PartitionFunction.contains(number)
      return isPartitionCall ? callPartition(guest, number) : answer(guest, FirmwareResult.notSupported)
    }
    return callRareFirmware(guest, number & ~FirmwareFunction.wide)
  }

  /// - Parameter number: in the 32-bit convention.
  @inline(never) private func callRareFirmware(_ guest: VirtualCPUReference, _ number: UInt32)
    -> VirtualCPUReference
  {
    switch number {
    case FirmwareFunction.callingConventionVersion:
      return answer(guest, FirmwareResult.callingConventionVersion)
    case FirmwareFunction.migrateInfoType: return answer(guest, FirmwareResult.migrationNotRequired)
    case FirmwareFunction.cpuOn: return turnOn(guest)
    case FirmwareFunction.affinityInfo: return describeSibling(guest)
    case FirmwareFunction.suspend: return suspend(guest)
    case FirmwareFunction.cpuOff: return turnOff(guest)
    case FirmwareFunction.systemOff: return stop(guest, .off)
    case FirmwareFunction.systemReset: return stop(guest, .reset)
    default:  // PSCI_FEATURES and SMCCC_ARCH_FEATURES
      let isKnown = FirmwareFunction.exists(UInt32(truncatingIfNeeded: guest.value.registers[1]))
      return answer(guest, isKnown ? FirmwareResult.success : FirmwareResult.notSupported)
    }
  }

  /// Returns a result to the guest, in x0.
  @inline(never) func answer(_ guest: VirtualCPUReference, _ result: Int64) -> VirtualCPUReference {
    guest.value.registers[0] = UInt64(bitPattern: result)
    return resume(guest)
  }

  /// CPU_SUSPEND: a standby state, left by an interrupt.
  private func suspend(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    guest.value.registers[0] = UInt64(bitPattern: FirmwareResult.success)
    return wait(guest)
  }

  /// The argument at `index`, cut to 32 bits for a function of the 32-bit convention.
  func argument(_ guest: VirtualCPUReference, _ index: Int) -> UInt64 {
    let value = guest.value.registers[index]
    return guest.value.registers[0] & UInt64(FirmwareFunction.wide) == 0 ? value & 0xFFFF_FFFF : value
  }

  /// The sibling with the affinity in x1.
  private func sibling(_ guest: VirtualCPUReference) -> VirtualCPUReference? {
    let affinity = argument(guest, 1)
    let machine = guest.value.machine
    guard affinity < UInt64(machine.value.record.virtualCPUCount) else { return nil }
    return machine.value.virtualCPU(UInt32(truncatingIfNeeded: affinity))
  }

  /// CPU_ON.
  private func turnOn(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    guard let target = sibling(guest) else { return answer(guest, FirmwareResult.invalidParameters) }
    let entry = argument(guest, 2)
    let machine = guest.value.machine
    guard machine.value.record.canEnter(entry),
      entry &- machine.value.record.memoryBase < machine.value.record.memorySize
    else {
      return answer(guest, FirmwareResult.invalidAddress)
    }
    let previous = target.value.state.compareExchange(
      expected: VirtualCPUState.off, desired: VirtualCPUState.claimed, ordering: .acquiringAndReleasing)
    guard previous.exchanged else {
      let isOn = previous.original >= VirtualCPUState.ready
      return answer(guest, isOn ? FirmwareResult.alreadyOn : FirmwareResult.onPending)
    }
    target.value.startEntry = entry
    target.value.startArgument = argument(guest, 3)
    target.value.state.store(VirtualCPUState.starting, ordering: .releasing)
    alert(target.value.cpu)
    return answer(guest, FirmwareResult.success)
  }

  /// AFFINITY_INFO.
  private func describeSibling(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    guard argument(guest, 2) == 0, let target = sibling(guest) else {
      return answer(guest, FirmwareResult.invalidParameters)
    }
    switch target.value.state.load(ordering: .acquiring) {
    case VirtualCPUState.off: return answer(guest, FirmwareResult.off)
    case VirtualCPUState.claimed, VirtualCPUState.starting: return answer(guest, FirmwareResult.isPending)
    default: return answer(guest, FirmwareResult.on)
    }
  }

  /// CPU_OFF.
  private func turnOff(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    takeOff(guest)
    return schedule()
  }
}
