// Accesses to the devices of the machine that every guest sees (Documentation/MemoryMap.md).

import Appliance
import ArmArchitecture
import VirtualDevices

/// A load or store to a device.
struct DeviceAccess {
  /// Offset in the device's 64 KiB frame.
  let offset: UInt32
  /// log₂ of its bytes.
  let sizeShift: UInt32
  /// What is stored; nil for a load.
  let stored: UInt64?
}

extension Core {
  /// Answers an access outside of the guest's memory.
  /// - Returns: false where there is nothing.
  func accessDevice(_ guest: VirtualCPUReference, _ abort: DataAbort) -> Bool {
    if abort.isPermissionFault { return true }  // a write to the flash page, the only thing that is read-only
    guard abort.isTranslationFault, !abort.isTableWalk else { return false }
    guard abort.isDescribed else { return abort.isCacheMaintenance }
    let page = hardware.read(.faultPage) &>> 4
    let device = DeviceAccess(
      offset: UInt32(truncatingIfNeeded: page &<< 12 | hardware.read(.faultAddress) & 0xFFF) & 0xFFFF,
      sizeShift: abort.sizeShift, stored: abort.isWrite ? guest.value[abort.transfer] : nil)
    guard let loaded = access(guest, frame: page &>> 4, device) else { return false }
    if !abort.isWrite { guest.value[abort.transfer] = abort.extend(loaded) }
    return true
  }

  /// - Parameter frame: the guest address in units of 64 KiB.
  /// - Returns: what is loaded; nil where there is no device.
  private func access(_ guest: VirtualCPUReference, frame: UInt64, _ access: DeviceAccess) -> UInt64? {
    let machine = guest.value.machine
    switch frame {
    case 0x800: return accessDistributor(machine, access)
    case 0x900: return access.offset < 0x1000 ? accessUART(machine, access) : nil
    default:
      let redistributorFrame = UInt32(truncatingIfNeeded: frame &- 0x80A)
      guard frame &- 0x80A < 2 &* UInt64(machine.value.record.virtualCPUCount) else { return nil }
      return accessRedistributor(machine.value.virtualCPU(redistributorFrame &>> 1), redistributorFrame & 1, access)
    }
  }
}
