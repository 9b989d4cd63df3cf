import Appliance
import ArmArchitecture
import VirtualDevices

/// Everything that the physical CPUs share.
@safe public struct Phone: ~Copyable {
  public var board: Board
  /// What everything else lies in.
  var arena: Arena
  public var cpus: UnsafeMutablePointer<PhysicalCPU>
  var machines: InlineArray<8, VirtualMachineReference?>
  var machineCount: UInt32
  /// The VM that owns the board's devices.
  var deviceServer: VirtualMachineReference?
  /// Where the first shared window lies; the others follow. 0 if there is none.
  var windows: UInt64
  var windowCount: UInt8
  /// The registers of the PL031 of all VMs but the device server, which writes them.
  var clock: RegisterPage
  /// Entries for level-3 tables that VMs have in common: the flash, the CPU interface of a GICv2.
  var flashTable: UInt64
  var interfaceTable: UInt64
  /// Bits that a priority has (ICH_VTR_EL2.PRIbits), repeated in each byte of a word.
  var priorityMask: UInt32
  var listRegisterCount: UInt32
  public var console: Console
  /// Guards the console, the UART, the VMs' channels and UARTs.
  let consoleLock: SpinLock
  /// Where the UART lies in what is mapped of it.
  var uartOffset: UInt32

  @inline(__always) func cpu(_ index: UInt32) -> PhysicalCPUReference {
    // Callers check the index against `board.cpuCount`.
    unsafe PhysicalCPUReference(cpus + Int(index))
  }
}
