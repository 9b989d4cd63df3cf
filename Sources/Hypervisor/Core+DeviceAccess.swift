// Accesses to the devices of the machine that every guest sees (Documentation/MemoryMap.md).

import Appliance
import ArmArchitecture
import Synchronization
import VirtualDevices

/// A load or store to a device.
public struct DeviceAccess {
  /// Offset in the device's 64 KiB frame.
  let offset: UInt32
  /// log₂ of its bytes.
  let sizeShift: UInt32
  let isStore: Bool
  /// What is stored.
  let stored: UInt

  /// - Parameters:
  ///   - offset: in the device's 64 KiB frame.
  ///   - sizeShift: log₂ of its bytes.
  @inline(__always) public init(offset: UInt32, sizeShift: UInt32, isStore: Bool, stored: UInt) {
    self.offset = offset
    self.sizeShift = sizeShift
    self.isStore = isStore
    self.stored = stored
  }
}

extension Core where H: VirtualizationExtensions {
  /// Answers an access outside of the guest's memory.
  @inline(never) func accessDevice(
    _ guest: VirtualCPUReference, _ abort: DataAbort, _ syndrome: ExceptionSyndrome
  )
    -> VirtualCPUReference
  {
    guard abort.isEmulatable else { return refuse(guest, abort, syndrome) }
    let page = hardware.read(.faultPage) &>> 4
    let device = DeviceAccess(
      offset: UInt32(truncatingIfNeeded: page &<< 12 | hardware.read(.faultAddress) & 0xFFF) & 0xFFFF,
      sizeShift: abort.sizeShift, isStore: abort.isWrite,
      stored: UInt(truncatingIfNeeded: guest.value[abort.transfer]))
    guard let loaded = access(guest, frame: UInt32(truncatingIfNeeded: page &>> 4), device) else {
      return mapBoardDevice(guest.value.machine, page: page) ? resume(guest) : raiseAbort(guest, syndrome)
    }
    if !abort.isWrite { guest.value[abort.transfer] = abort.extend(UInt64(loaded)) }
    return finish(guest, syndrome)
  }

  /// An access that cannot be emulated. Writes to the flash page, the only thing that is read-only, are ignored,
  /// and so is cache maintenance where there is nothing.
  @inline(never) private func refuse(
    _ guest: VirtualCPUReference, _ abort: DataAbort, _ syndrome: ExceptionSyndrome
  )
    -> VirtualCPUReference
  {
    guard abort.isPermissionFault || abort.isCacheMaintenance else { return raiseAbort(guest, syndrome) }
    return finish(guest, syndrome)
  }

  /// - Parameter frame: the guest address in units of 64 KiB.
  /// - Returns: what is loaded; nil where there is no device.
  @inline(__always) public func access(_ guest: VirtualCPUReference, frame: UInt32, _ access: DeviceAccess)
    -> UInt?
  {
    let machine = guest.value.machine
    var owner: VirtualCPUReference?
    switch frame {
    case 0x800: if H.interruptControllerGeneration == 2 { owner = guest }
    case 0x801 where H.isSoftware: return accessInterface(guest, access)
    case 0x900: return access.offset < 0x1000 ? accessUART(machine, access) : nil
    case 0x901, 0xA00: return H.isSoftware ? nil : accessPage(guest, access, isClock: frame == 0x901)
    case 0x90C, 0x90D:
      return H.isSoftware ? nil : accessWatchdog(machine, access, isControlFrame: frame & 1 != 0)
    default:
      let redistributor = frame &- 0x80A
      guard H.interruptControllerGeneration == 3,
        redistributor < 2 &* UInt32(machine.value.record.virtualCPUCount)
      else { return nil }
      owner = machine.value.virtualCPU(redistributor &>> 1)
    }
    let isShared = frame == 0x800
    return accessInterrupts(
      InterruptFrame(
        machine: machine, owner: owner, isControl: !isShared && frame & 1 == 0, isShared: isShared),
      access)
  }

  /// The guest's watchdog. Its time is looked after by the scheduler of every CPU that the VM is on.
  @inline(never) private func accessWatchdog(
    _ machine: VirtualMachineReference, _ access: DeviceAccess, isControlFrame: Bool
  ) -> UInt {
    guard access.isStore else {
      return isControlFrame || access.offset == 0xFCC
        ? UInt(machine.value.watchdog.read(offset: access.offset)) : 0
    }
    machine.value.watchdog.write(
      UInt32(truncatingIfNeeded: access.stored), offset: access.offset, isControlFrame: isControlFrame,
      at: hardware.read(.counter))
    machine.value.bank(0).value.line.clear(GuestInterrupt.watchdog.bit)
    cpu.value.attention.store(1, ordering: .relaxed)
    return UInt(withdraw(machine, bank: 0, GuestInterrupt.watchdog.bit))
  }
}
