// The CPU and the board as `Hardware`. What virtualization extensions would do, `Exits` and the shadow tables do.

import ARMv7Assembly
import Appliance
import ArmArchitecture
import Drivers
import Hypervisor
import SoftwareVirtualization
import Translator
import VirtualDevices

/// The physical CPU that executes this.
struct Machine: NarrowHardware {
  func read(_ register: MachineRegister) -> UInt64 {
    switch register {
    case .syndrome: return UInt64(read_dfsr())
    case .faultAddress: return UInt64(read_dfar())
    case .programCounter: return UInt64(Exits.frame.programCounter)
    case .processorState: return UInt64(Exits.frame.state)
    case .counter: return devices.counter()
    case .counterFrequency: return UInt64(devices.frequency)
    case .interruptAcknowledge: return UInt64(devices.acknowledge())
    case .affinity: return UInt64(read_mpidr())
    default: return 0  // of virtualization extensions that software does not need
    }
  }

  func write(_ register: MachineRegister, _ value: UInt64) {
    let word = UInt32(truncatingIfNeeded: value)
    switch register {
    case .alarm: devices.setAlarm(value)
    case .interruptEnd: devices.end()
    case .softwareInterrupt:
      // What it is about comes first.
      data_barrier()
      devices.alert(word)
    case .floatingPointTrap:
      unsafe Self.hasVectors = word & 1 &<< 10 == 0
      Self.loadFloatingPointControl()
    default: break
    }
  }

  func waitForInterrupt() { wait_for_interrupt() }

  // MARK: Interrupts: there are no list registers

  /// Whether the loaded guest is interrupted.
  nonisolated(unsafe) static var isInterrupted = false

  func setInterruptWire(_ isRaised: Bool) {
    unsafe Self.isInterrupted = isRaised
    // Where the guest unmasks it.
    Exits.current.context[.commit] =
      Pool.statusWindow &+ StateSlot.status.rawValue &+ (isRaised ? StatusWindow.pendingOffset : 0)
  }

  var interruptWire: Bool { unsafe Self.isInterrupted }

  func listRegister(_ slot: UInt32) -> ListRegister { ListRegister(0) }
  func setListRegister(_ slot: UInt32, _ value: ListRegister) {}

  // MARK: Virtual CPUs

  static var isSoftware: Bool { true }

  func prepare(_ machine: VirtualMachineReference, _ memory: PhysicalRange) -> UInt64 {
    guard let pointer = unsafe machine.takeFromArena(GuestContext.self) else { return 0 }
    let context = unsafe ContextReference(pointer)
    let location = UInt32(truncatingIfNeeded: machine.value.memory.start)
    context.value.pool = UInt32(truncatingIfNeeded: memory.start)
    context.value.memory = GuestMemory(
      base: UInt32(truncatingIfNeeded: machine.value.record.memoryBase),
      size: UInt32(truncatingIfNeeded: machine.value.memory.size), location: location)
    guard context.memory.layout.bytes <= Pool.size &- Pool.shadow else { return 0 }
    return unsafe UInt64(UInt(bitPattern: context.address))
  }

  func saveSystemRegisters(_ guest: VirtualCPUReference) { Exits.save(guest) }
  func loadSystemRegisters(_ guest: VirtualCPUReference) { Exits.load(guest) }

  func collectRegisters(_ guest: VirtualCPUReference) { Exits.collectRegisters(guest) }

  // MARK: Floating point

  /// Whether the loaded guest's values are in the unit.
  nonisolated(unsafe) static var hasVectors = false

  /// FPEXC: the unit is on if the guest has it on, and its values are there.
  static func loadFloatingPointControl() {
    write_fpexc(unsafe hasVectors ? Exits.current.context.floatingPointControl : 0)
  }

  func saveVectors(_ guest: VirtualCPUReference) {
    write_fpexc(1 &<< 30)
    unsafe withUnsafeMutableBytes(of: &guest.value.vectors) { unsafe save_vectors($0.baseAddress) }
  }

  func loadVectors(_ guest: VirtualCPUReference) {
    write_fpexc(1 &<< 30)
    unsafe withUnsafeMutableBytes(of: &guest.value.vectors) { unsafe load_vectors($0.baseAddress) }
    Self.loadFloatingPointControl()
  }

  // MARK: Devices that only software makes

  func timer(_ machine: VirtualMachineReference, at now: UInt64) -> (isRaised: Bool, deadline: UInt64) {
    let time = devices.microseconds(now)
    let (isRaised, deadline) = context(of: machine).value.timer.look(at: time)
    return (isRaised, devices.time(deadline, at: time, now))
  }

  func context(of machine: VirtualMachineReference) -> ContextReference {
    // Put there by `prepare`; the arena's memory is always there.
    unsafe ContextReference(address: UnsafeMutableRawPointer(bitPattern: UInt(machine.value.translation))!)
  }

  // MARK: What needs nothing here, or nothing yet

  func identification(_ index: UInt32) -> UInt64 { 0 }
  func forgetTranslations() {}
  func callFirmware(_ function: UInt32, _ first: UInt64, _ second: UInt64, _ third: UInt64) -> Int64 { -1 }
  func mapInterface(_ board: inout Board) {}
  func startInterface() {}
  func synchronizeInstructions() {
    write_iciallu(0)
    data_barrier()
    instruction_barrier()
  }

  func copyForGuest(_ destination: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, _ count: Int) {
    unsafe destination.copyMemory(from: source, byteCount: count)
  }

  func clearForGuest(_ destination: UnsafeMutableRawPointer, _ count: Int) {
    unsafe destination.initializeMemory(as: UInt8.self, repeating: 0, count: count)
  }
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
