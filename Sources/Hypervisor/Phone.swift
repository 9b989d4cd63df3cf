import Appliance
import ArmArchitecture
import VirtualDevices

/// Everything that the physical CPUs share.
@safe public struct Phone: ~Copyable {
  public var board: Board
  public var cpus: UnsafeMutablePointer<PhysicalCPU>
  var machines: InlineArray<8, VirtualMachineReference?>
  var machineCount: UInt32
  /// Where the shared windows lie; 0 for one that no VM has.
  var windows: InlineArray<8, UInt64>
  /// A page of zeros that every guest sees where a board has its flash.
  var flashPage: UInt64
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
