// A guest trapped: decode (`ExceptionSyndrome.trap`), decide by one switch, one verb per case.

import ArmArchitecture
import Synchronization

extension Core where H: VirtualizationExtensions {
  /// Answers a synchronous exception of the guest that runs here.
  /// - Returns: the virtual CPU to go on with.
  @inline(__always) public func handleTrap(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    let syndrome = ExceptionSyndrome(hardware.read(.syndrome))
    switch syndrome.trap {
    case .hypervisorCall: return callFirmware(guest)
    case .secureMonitorCall:
      skipInstruction(syndrome)
      return callFirmware(guest)
    case .systemRegister(let access): return accessSystemRegister(guest, access, syndrome)
    case .dataAbort(let abort): return accessDevice(guest, abort, syndrome)
    case .instructionAbort: return raiseAbort(guest, syndrome)
    case .wait:
      skipInstruction(syndrome)
      return syndrome.isEventWait ? yield(guest) : wait(guest)
    case .floatingPoint: return openVectors(to: guest)
    case .undefined: return raiseUndefined(guest)
    }
  }

  /// The memory system reported an error that the guest caused and nobody waits for: the VM stops.
  public func handleSystemError(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    stop(guest, .systemError)
  }

  /// Whether something happened that the scheduler has to see.
  @inline(__always) public var isSchedulingDue: Bool { cpu.value.attention.load(ordering: .relaxed) != 0 }

  /// The guest goes on, unless scheduling is due.
  @inline(never) public func resume(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    isSchedulingDue ? schedule() : guest
  }

  /// The trapped instruction is done: the guest goes on behind it.
  @inline(never) func finish(_ guest: VirtualCPUReference, _ syndrome: ExceptionSyndrome)
    -> VirtualCPUReference
  {
    skipInstruction(syndrome)
    return resume(guest)
  }

  @inline(__always) func skipInstruction(_ syndrome: ExceptionSyndrome) {
    hardware.write(.programCounter, hardware.read(.programCounter) &+ syndrome.instructionSize)
  }

  /// The guest's instruction does not exist on its machine.
  func raiseUndefined(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    raise(guest, syndrome: 0x0200_0000)
  }

  /// There is nothing at the address that the guest accessed: a synchronous external abort (DFSC 0x10), from
  /// the exception level it was in.
  @inline(never) func raiseAbort(_ guest: VirtualCPUReference, _ syndrome: ExceptionSyndrome)
    -> VirtualCPUReference
  {
    hardware.write(.guestFaultAddress, hardware.read(.faultAddress))
    let fromSame: UInt64 = hardware.read(.processorState) & 0xF == 0 ? 0 : 1 << 26
    return raise(guest, syndrome: syndrome.rawValue & (0x3F << 26 | 1 << 25 | 1 << 6) | fromSame | 0x10)
  }

  /// Makes the guest take a synchronous exception to its EL1 (Arm ARM D1.3.5): vector offset 0 from EL1 with
  /// SP_EL0, 0x200 from EL1, 0x400 and 0x600 from EL0 in AArch64 and AArch32.
  @inline(never) private func raise(_ guest: VirtualCPUReference, syndrome: UInt64) -> VirtualCPUReference {
    if guest.value[.executionState] != 0 { return raiseNarrow(guest, syndrome) }
    let state = hardware.read(.processorState)
    hardware.write(.guestSyndrome, syndrome)
    hardware.write(.guestExceptionLink, hardware.read(.programCounter))
    hardware.write(.guestSavedState, state)
    let offset: UInt64 = state & 0x10 != 0 ? 0x600 : state & 0xF == 0 ? 0x400 : state & 1 != 0 ? 0x200 : 0
    hardware.write(.programCounter, hardware.read(.guestVectors) &+ offset)
    hardware.write(.processorState, 0x3C5)
    return resume(guest)
  }
}
