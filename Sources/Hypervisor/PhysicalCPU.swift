import ArmArchitecture
import Synchronization

/// A physical CPU. Only it writes what is not atomic here.
public struct PhysicalCPU: ~Copyable {
  /// Its stack. The first member: `Entry.S` knows where it is.
  public var stackTop: UInt64
  public var phone: PhoneReference
  /// MPIDR_EL1's affinity fields.
  public var affinity: UInt64
  /// Its virtual CPUs.
  var queue: InlineArray<16, VirtualCPUReference?>
  var queueCount: Int
  /// Whose registers the CPU holds.
  var loaded: VirtualCPUReference?
  /// Whose floating-point registers it holds.
  var vectorsOwner: VirtualCPUReference?
  /// Which virtual CPU of each VM ran here last; one more than its index, 0 for none.
  var lastRan: InlineArray<8, UInt8>
  /// When the virtual CPU that runs has to give way to its equals, in ticks of the counter.
  var sliceEnd: UInt64
  /// When the hypervisor's timer interrupts.
  var alarm: UInt64
  /// Where its redistributor is, counted from the first one.
  var redistributor: UInt32
  /// The scheduler has to look again.
  let attention: Atomic<UInt32>
}
