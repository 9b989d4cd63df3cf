// The CPU and the board as `Hardware`.

import ARMv7Assembly
import Appliance
import ArmArchitecture
import Drivers
import Hypervisor

/// What an exception of the hypervisor's own left.
struct OwnFault {
  var programCounter: UInt32 = 0
  var state: UInt32 = 0
  var syndrome: UInt32 = 0
  var address: UInt32 = 0
}

/// The physical CPU that executes this.
struct Machine: NarrowHardware {
  nonisolated(unsafe) static var fault = OwnFault()

  @inline(__always) func read(_ register: MachineRegister) -> UInt64 {
    switch register {
    case .syndrome: unsafe UInt64(Self.fault.syndrome)
    case .faultAddress: unsafe UInt64(Self.fault.address)
    case .programCounter: unsafe UInt64(Self.fault.programCounter)
    case .processorState: unsafe UInt64(Self.fault.state)
    case .counter: devices.counter()
    case .counterFrequency: UInt64(devices.frequency)
    case .interruptAcknowledge: UInt64(devices.acknowledge())
    case .affinity: UInt64(read_mpidr())
    default: 0  // of virtualization extensions: the portable part names none of them here
    }
  }

  @inline(__always) func write(_ register: MachineRegister, _ value: UInt64) {
    switch register {
    case .alarm: devices.setAlarm(value)
    case .interruptEnd: devices.end(UInt32(truncatingIfNeeded: value))
    default: break
    }
  }

  func waitForInterrupt() { wait_for_interrupt() }
}

/// Registers of a device in the hypervisor's address space.
struct MappedRegisters: DeviceRegisters {
  let base: UInt

  @inline(__always) func read32(_ offset: UInt32) -> UInt32 { load32(base &+ UInt(offset)) }
  @inline(__always) func write32(_ offset: UInt32, _ value: UInt32) { store32(base &+ UInt(offset), value) }
  /// No device here has registers of 64 bits: they are two.
  func read64(_ offset: UInt32) -> UInt64 { UInt64(read32(offset)) | UInt64(read32(offset &+ 4)) &<< 32 }
  func write64(_ offset: UInt32, _ value: UInt64) {
    write32(offset, UInt32(truncatingIfNeeded: value))
    write32(offset &+ 4, UInt32(truncatingIfNeeded: value &>> 32))
  }
}
