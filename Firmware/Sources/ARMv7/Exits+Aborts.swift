// Accesses that found nothing in the shadow tables, or something that does not allow them: filled, a device's, or the guest's
// own fault.

import ARMv7Assembly
import Hypervisor
import SoftwareVirtualization
import Translator
import VirtualDevices

extension Exits {
  // MARK: Aborts

  /// Of the guest's kernel.
  func handleDataAbort() {
    let status = read_dfsr()
    let access = Self.access(status, isUser: false)
    let place = context.value.devices[DevicePlace.index(access.address)]
    if access.address & ~4095 ^ place.page <= (access.isWrite ? 0 : 1) {
      return accessDevice(access, place.physical | access.address & 4095)
    }
    if access.address &- Pool.statusWindow < StatusWindow.bytes {
      return ask(TranslatorRequest.statusStore, 0)
    }
    abort(access, status)
  }

  /// The access of a data abort.
  static func access(_ status: UInt32, isUser: Bool) -> Access {
    Access(address: read_dfar(), isWrite: status & 1 &<< 11 != 0, isUser: isUser)
  }

  /// The guest's access found nothing in the shadow tables, or something that does not allow it.
  @inline(never) func abort(_ access: Access, _ status: UInt32) {
    // Alignment, or BKPT: the guest's own.
    if status & 0x40F &- 1 < 2 { return take(access, .fault(FaultStatus(rawValue: status & 3), domain: 0)) }
    context.activateSpace()
    do throws(TranslationFault) {
      switch try context.shadows.fill(access) {
      case .filled: context.value.step.dropped = 0
      case .device(let physical):
        context.value.devices[DevicePlace.index(access.address)] = DevicePlace(
          page: access.address & ~4095 | (access.isWrite ? 0 : 1), physical: physical & ~4095)
        accessDevice(access, physical)
      case .code(let physical): changeCode(access, physical)
      case .reserved: take(access, .fault(.translation(isSection: true), domain: 0))
      }
    } catch { take(access, error) }
  }

  /// The guest takes the abort.
  @inline(never) func take(_ access: Access, _ fault: TranslationFault) {
    if access.isFetch {
      context[.instructionFaultStatus] = fault.status.rawValue
      context[.instructionFaultAddress] = access.address
      take(.prefetchAbort)
    } else {
      context[.dataFaultStatus] = fault.rawValue | (access.isWrite ? 1 &<< 11 : 0)
      context[.dataFaultAddress] = access.address
      take(.dataAbort)
    }
  }

  // MARK: Devices

  func accessDevice(_ access: Access, _ physical: UInt32) {
    let core = core
    guard !access.isFetch, let transfer = transfer(), let loaded = answer(transfer, physical, core) else {
      return take(access, .fault(.external, domain: 0))
    }
    if !transfer.isWrite {
      Self.frame.registers[Int(bitPattern: UInt(transfer.register))] = transfer.extend(loaded)
    }
    Self.frame.skip(to: Self.frame.programCounter &+ transfer.size)
    scheduleIfDue(core)
  }

  /// - Returns: what is loaded; nil where there is no device.
  @inline(__always)
  private func answer(_ transfer: RegisterTransfer, _ physical: UInt32, _ core: Core<Machine>) -> UInt32? {
    let stored = Self.frame.registers[Int(bitPattern: UInt(transfer.register))]
    if physical &>> 12 == Pool.timer &>> 12 {
      let time = Machine().devices.counter()
      let now = Machine().devices.microseconds(time)
      guard transfer.isWrite else { return context.value.timer.read(offset: physical & 0xFFC, at: now) }
      context.value.timer.write(stored, offset: physical & 0xFFC, at: now)
      core.followTimer(guest, at: time)
      return 0
    }
    let access = DeviceAccess(
      offset: physical & 0xFFFF, sizeShift: transfer.sizeShift, isStore: transfer.isWrite, stored: UInt(stored))
    return core.access(guest, frame: physical &>> 16, access).map { UInt32(truncatingIfNeeded: $0) }
  }

  /// What the instruction at the frame's PC does.
  func transfer() -> RegisterTransfer? {
    let place = UInt(Self.frame.programCounter)
    guard Self.frame.isT32 else { return RegisterTransfer(a32: load32(place)) }
    return RegisterTransfer(t32: load16(place), secondHalfword(place))
  }

  /// Of a T32 instruction that was executed just now. The next page may not be there, for the guest may have replaced the
  /// first halfword since: there it is one that no load or store has.
  func secondHalfword(_ place: UInt) -> UInt32 { place & 4095 == 4094 ? 0xF000 : load16(place &+ 2) }
}
