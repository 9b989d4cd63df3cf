// What the portable part asks of a CPU and a board. The device's own implementation is one instruction for
// each of these; the tests' is a scripted machine.
//
// `Hardware` is what every image has. What virtualization extensions add, and all that is built on them, is
// `VirtualizationExtensions`; what CPUs without them have instead is `NarrowHardware` (decision 23).

import Appliance
import ArmArchitecture
import Drivers
import VirtualDevices

/// The registers that the hypervisor reads or writes while it runs, by what they mean. Where there are no virtualization
/// extensions: the counter and its frequency, the alarm, the affinity, acknowledging and ending an interrupt, and what an
/// exception of the hypervisor's own left.
public enum MachineRegister: Hashable, Sendable {
  /// ESR_EL2.
  case syndrome
  /// FAR_EL2, a virtual address of the guest.
  case faultAddress
  /// HPFAR_EL2: the guest address of the fault, bits 47:12 at 39:4.
  case faultPage
  /// ELR_EL2.
  case programCounter
  /// SPSR_EL2.
  case processorState
  /// SCTLR_EL1 and TCR_EL1.
  case guestControl, guestTranslationControl
  /// SPSR_und and SPSR_abt.
  case undefinedSavedState, abortSavedState
  /// IFSR32_EL2.
  case guestInstructionFault
  /// VBAR_EL1.
  case guestVectors
  /// ELR_EL1.
  case guestExceptionLink
  /// SPSR_EL1.
  case guestSavedState
  /// ESR_EL1.
  case guestSyndrome
  /// FAR_EL1.
  case guestFaultAddress
  /// MDSCR_EL1.
  case guestDebugControl
  /// HCR_EL2.
  case configuration
  /// CPTR_EL2.
  case floatingPointTrap
  /// CNTPCT_EL0.
  case counter
  /// CNTFRQ_EL0.
  case counterFrequency
  /// CNTV_CTL_EL0 and CNTP_CTL_EL0.
  case virtualTimerControl, physicalTimerControl
  /// CNTHP_CVAL_EL2 and CNTHP_CTL_EL2.
  case alarm, alarmControl
  /// ICH_HCR_EL2, ICH_ELRSR_EL2 and ICH_VTR_EL2.
  case listControl, emptyListRegisters, listType
  /// ICH_LR0_EL2.
  case firstListRegister
  /// ICC_IAR1_EL1, ICC_EOIR1_EL1, ICC_DIR_EL1 and ICC_SGI1R_EL1.
  case interruptAcknowledge, interruptEnd, interruptDeactivate, softwareInterrupt
  /// MPIDR_EL1.
  case affinity
}

/// A physical CPU and the board around it.
public protocol Hardware {
  associatedtype Registers: DeviceRegisters
  /// A UART of one of the kinds that the image has drivers for.
  associatedtype Port: SerialPort

  // Constants, so that an image has no code for what it is not linked for.

  /// The GIC's architecture that the guests have: 2 or 3.
  static var interruptControllerGeneration: UInt32 { get }
  /// Whether guests' memory is translated and their exceptions are raised by software.
  static var isSoftware: Bool { get }
  /// Whether the board's devices may lie behind buses, and be those of `DeviceTreeName.isNarrowDevice`.
  static var followsBuses: Bool { get }
  /// Bytes of a device that `map` makes reachable, a power of two.
  static var deviceSpan: UInt32 { get }

  func read(_ register: MachineRegister) -> UInt64
  func write(_ register: MachineRegister, _ value: UInt64)

  /// Sleeps until an interrupt is pending.
  func waitForInterrupt()

  /// The address of a page of the hypervisor's own memory on the bus.
  func physicalAddress(of pointer: UnsafeMutableRawPointer) -> PhysicalAddress
  /// A page of the hypervisor's own memory by its address on the bus: the inverse.
  func pointer(to address: PhysicalAddress) -> UnsafeMutableRawPointer
  /// A view of normal memory at a physical address, through one of this CPU's `WindowSlot`s: 2 MiB are
  /// reachable, until the slot is used again.
  func window(_ slot: WindowSlot, at address: PhysicalAddress) -> UnsafeMutableRawPointer
  /// Makes `deviceSpan` bytes of a device's registers reachable, from the boundary below its address.
  func map(_ slot: DeviceSlot, at address: PhysicalAddress)
  /// The registers of a device that was mapped, or of a frame of it.
  func registers(_ slot: DeviceSlot, offset: UInt32) -> Registers
  /// The board's UART, which was mapped.
  func port(_ kind: DeviceTreeName, offset: UInt32) -> Port

  // While booting.

  /// What the board lacks that this hardware needs, in a sentence; nil if it has everything.
  static func missing(_ phone: PhoneReference) -> Message?
  /// Starts the board's interrupt controller, and what else runs from then on.
  static func startInterruptController(_ core: Core<Self>)
}

/// A CPU that has a level above its guests, with a translation of its own for their memory and a virtual CPU interface for
/// their interrupts.
public protocol VirtualizationExtensions: Hardware {
  /// Reads the identification register with this `CRm:op2`.
  func identification(_ index: UInt32) -> UInt64

  /// A list register, slot 0…3, in the form of ICH_LR<slot>_EL2.
  func listRegister(_ slot: UInt32) -> ListRegister
  func setListRegister(_ slot: UInt32, _ value: ListRegister)

  /// Stores or loads every register of EL1 and EL0 that a virtual CPU owns (`VirtualCPU.system`).
  func saveSystemRegisters(_ guest: VirtualCPUReference)
  func loadSystemRegisters(_ guest: VirtualCPUReference)
  /// Stores or loads V0…V31, FPCR and FPSR (`VirtualCPU.vectors`).
  func saveVectors(_ guest: VirtualCPUReference)
  func loadVectors(_ guest: VirtualCPUReference)

  /// Forgets the translations of the VM whose VTTBR_EL2 is loaded, on this CPU.
  func forgetTranslations()
  /// Turns the board off, if it can be.
  static func turnOff(_ core: Core<Self>)
  /// Calls the board's firmware.
  func callFirmware(_ function: UInt32, _ first: UInt64, _ second: UInt64, _ third: UInt64) -> Int64

  /// Copies for a guest whose caches may be off: cleans what it wrote to the point of coherency.
  func copyForGuest(_ destination: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, _ count: Int)
  /// Fills with zeros likewise.
  func clearForGuest(_ destination: UnsafeMutableRawPointer, _ count: Int)
  /// Makes cleaned code visible to instruction fetches of all CPUs.
  func synchronizeInstructions()
  // Where all this is done by software.

  /// Prepares the address spaces of a VM.
  /// - Parameter memory: `softwareBytes` of the board's, on a boundary of 2 MiB.
  /// - Returns: what is to be in `VirtualMachine.translation`; 0 if the VM has too much memory for that.
  func prepare(_ machine: VirtualMachineReference, _ memory: PhysicalRange) -> UInt64
  /// Makes `VirtualCPU.registers` of the loaded guest its own, to be shown.
  func collectRegisters(_ guest: VirtualCPUReference)
  /// Interrupts the loaded guest as soon as it lets itself be interrupted, or no longer.
  func setInterruptWire(_ isRaised: Bool)
  /// What was set last for it.
  var interruptWire: Bool { get }
  /// Whether a VM's own timer interrupts at a time, and when it does next, or again, in ticks of the counter; all ones for never.
  func timer(_ machine: VirtualMachineReference, at now: UInt64) -> (isRaised: Bool, deadline: UInt64)

  /// Makes the interrupt controller's CPU interfaces reachable, once, when distributor and redistributors (of a GICv2 the
  /// CPU interface) are mapped; and starts the one of this CPU.
  func mapInterface(_ board: inout Board)
  func startInterface()
}

/// A CPU without virtualization extensions, and without a generic timer: ARMv7's Cortex-A8 and Cortex-A9.
public protocol NarrowHardware: VirtualizationExtensions {
  /// The board's interrupt controller and timer, once they were found.
  var devices: NarrowDevices<Registers> { get nonmutating set }
  /// Makes what a second CPU needs before it enters Swift.
  /// - Returns: where it begins.
  func prepareSecondCPU(_ cpu: PhysicalCPUReference) -> PhysicalAddress
}

extension NarrowHardware {
  @inline(__always) public static var interruptControllerGeneration: UInt32 { 2 }
  @inline(__always) public static var followsBuses: Bool { true }
  @inline(__always) public static var deviceSpan: UInt32 { 0x1_0000 }

  @inline(__always) public static func missing(_ phone: PhoneReference) -> Message? {
    Core<Self>.missing(phone)
  }
  @inline(__always) public static func startInterruptController(_ core: Core<Self>) {
    core.startInterruptController()
  }
  @inline(__always) public static func turnOff(_ core: Core<Self>) { core.turnOff() }
}

extension VirtualizationExtensions {
  @inline(__always) public static func turnOff(_ core: Core<Self>) {
    _ = core.hardware.callFirmware(FirmwareFunction.systemOff, 0, 0, 0)
  }
  @inline(__always) public static var isSoftware: Bool { false }
  @inline(__always) public static var softwareBytes: UInt64 { 4 << 20 }
  @inline(__always) public func prepare(_ machine: VirtualMachineReference, _ memory: PhysicalRange) -> UInt64 {
    0
  }
  @inline(__always) public func collectRegisters(_ guest: VirtualCPUReference) {}
  @inline(__always) public func setInterruptWire(_ isRaised: Bool) {}
  @inline(__always) public var interruptWire: Bool { false }
  @inline(__always)
  public func timer(_ machine: VirtualMachineReference, at now: UInt64) -> (isRaised: Bool, deadline: UInt64) {
    (false, ~0)
  }

  @inline(__always) public static var followsBuses: Bool { false }
  @inline(__always) public static var deviceSpan: UInt32 { 0x20_0000 }

  @inline(__always) public func port(_ kind: DeviceTreeName, offset: UInt32) -> UART<Registers> {
    UART(registers(.uart, offset: offset), is8250: kind != .pl011)
  }

  @inline(__always) public static func missing(_ phone: PhoneReference) -> Message? {
    Core<Self>.missing(phone)
  }
  @inline(__always) public static func startInterruptController(_ core: Core<Self>) {
    core.startInterruptController()
  }
}

extension Hardware {
  /// The affinity fields of the CPU that executes this (MPIDR_EL1: Aff3, Aff2, Aff1, Aff0).
  var ownAffinity: UInt64 { read(.affinity) & 0xFF_00FF_FFFF }

  /// Where a device at this address lies in what `map` makes reachable.
  @inline(__always) public static func offset(of address: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: address) & (deviceSpan &- 1)
  }
}

/// Views of physical memory that a CPU can have at the same time.
public enum WindowSlot: Int, Sendable {
  case source = 0
  case destination = 2
}

/// The devices that the hypervisor drives.
public enum DeviceSlot: Int, Sendable {
  case distributor = 0
  /// The redistributors; of a GICv2 the CPU interface.
  case redistributor = 1
  case uart = 3
  /// What turns the board off and other CPUs on, where no firmware does.
  case powerController = 2
  /// The timer of a board without a generic timer.
  case timer = 4
  /// The virtual CPU interface's control of a GICv2.
  case listInterface = 5
}
