import ArmArchitecture
import Synchronization

/// A physical CPU. Only it writes what is not atomic here.
public struct PhysicalCPU: ~Copyable {
  /// Its stack. The first member: `Entry.S` knows where it is.
  public var stackTop: UInt64
  public var phone: PhoneReference
  /// MPIDR_EL1's affinity fields.
  public var affinity: UInt64
  /// What makes the interrupt controller interrupt it with `PhysicalInterrupt.alert`.
  let alertCommand: Atomic<UInt64>
  /// Its place in the phone.
  var number: UInt32
  /// Its virtual CPUs.
  var queue: InlineArray<16, VirtualCPUReference?>
  var queueCount: Int
  /// Whose registers the CPU holds.
  var loaded: VirtualCPUReference?
  /// Whose floating-point registers it holds.
  var vectorsOwner: VirtualCPUReference?
  /// Which virtual CPU of each VM ran here last; one more than its index, 0 for none.
  var lastRan: InlineArray<8, UInt8>
  /// The VM that the CPU works for, and since when, in ticks of the counter.
  var payer: VirtualMachineReference?
  var since: UInt64
  /// What each VM has spent of its budget here, and when its period ends, in ticks.
  var spent: InlineArray<8, UInt64>
  var periodEnd: InlineArray<8, UInt64>
  /// When the hypervisor's timer interrupts.
  var alarm: UInt64
  /// When the queue is to be looked at. The alarm is that, or when the timer of the virtual CPU that runs interrupts, where
  /// software makes it.
  var lookAgain: UInt64
  /// Where the registers of its private interrupts lie in what is mapped of the device.
  var privateInterrupts: UInt32
  /// The scheduler has to look again.
  let attention: Atomic<UInt32>
}
