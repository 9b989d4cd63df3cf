import Appliance
import ArmArchitecture
import Synchronization
import VirtualDevices

/// A virtual machine.
@safe public struct VirtualMachine: ~Copyable {
  public var record: VirtualMachineRecord
  /// Its place in the phone; its VMID is one more.
  public var index: UInt32
  /// Its RAM on the board, the DMA window first.
  public var memory: PhysicalRange
  /// Bytes that it has of the PL031 and of its places of virtio devices, both of which the device server serves; 0 for none.
  var clockEnd: UInt32
  var placesEnd: UInt32
  /// It is the device server.
  var isServer: Bool
  /// What it and the device server have in common.
  var page: RegisterPage
  /// VTTBR_EL2.
  public var translation: UInt64
  var phone: PhoneReference
  /// `record.virtualCPUCount` of them.
  var virtualCPUs: UnsafeMutablePointer<VirtualCPU>
  /// Two banks of shared interrupts, then one for each virtual CPU.
  var banks: UnsafeMutablePointer<InterruptBank>

  let phase: Atomic<UInt32>
  /// Whether it starts again when it has stopped, when it may, and how often it did.
  var restarts: Bool
  var restartTime: UInt64
  var restartCount: UInt32
  /// Ticks of each period that it may use of a physical CPU (0: all), and the period's.
  var budget: UInt64
  var period: UInt64
  /// Not 0 while the device server keeps it from running.
  let isPaused: Atomic<UInt32>
  /// Shared interrupts that are a board's device's: tied to its physical ones.
  var tied: InlineArray<2, UInt32>
  /// How far loading or scrubbing has come: segment and byte.
  var workSegment: UInt8
  var workOffset: UInt64

  /// GICD_CTLR's group enables.
  let distributorControl: Atomic<UInt32>
  /// The virtual CPU that each shared interrupt goes to, and the one that has it active.
  var routes: InlineArray<64, UInt8>
  var holders: InlineArray<64, UInt8>
  var uart: VirtualPL011
  var watchdog: VirtualWatchdog
  /// The notifications that it takes from each VM, and those that have come.
  var bound: InlineArray<8, UInt64>
  let notified: Atomic<UInt64>
  var console: ConsoleChannel
  /// The guest found its transmit FIFO full and has not yet heard that there is room.
  var isBlocked: Bool

  /// Where on the board a guest address of its RAM lies.
  @inline(__always) func physical(_ address: UInt64) -> UInt64 {
    memory.start &+ windowBytes &+ (address &- record.memoryBase)
  }

  /// Bytes of RAM in its DMA window.
  @inline(__always) var windowBytes: UInt64 { UInt64(record.windowSize) &* PhoneLimits.memoryGranule }

  /// Its devices as they are at power-on.
  mutating func reset() {
    page.reset()
    isPaused.store(0, ordering: .relaxed)
    uart.reset()
    watchdog = VirtualWatchdog()
    notified.store(0, ordering: .relaxed)
    for index in 0..<bound.count { bound[index] = 0 }
    distributorControl.store(0, ordering: .relaxed)
    for index in 0..<routes.count { routes[index] = 0 }
    for index in 0..<Self.sharedBanks &+ UInt32(record.virtualCPUCount) {
      bank(index).value.reset(edge: index < Self.sharedBanks ? 0 : 0xFFFF)
    }
  }

  /// Banks of shared interrupts that the guest's distributor has.
  static var sharedBanks: UInt32 { 2 }

  @inline(__always) func virtualCPU(_ index: UInt32) -> VirtualCPUReference {
    // Callers check the index against the count.
    unsafe VirtualCPUReference(virtualCPUs + Int(index))
  }

  @inline(__always) func bank(_ index: UInt32) -> BankReference {
    // Callers check the index against `sharedBanks` and the count.
    unsafe BankReference(banks + Int(index))
  }

  /// The virtual CPU that a shared interrupt (counted from the first one) goes to: while it is active, the one
  /// that took it.
  @inline(__always) func target(of interrupt: UInt32, isActive: Bool) -> UInt32 {
    let place = Int(interrupt & 63)
    return UInt32(isActive ? holders[place] : routes[place])
  }

  @inline(__always) var groups: GroupMask {
    GroupMask(control: distributorControl.load(ordering: .relaxed))
  }
}

extension VirtualMachineReference {
  /// Memory of the hypervisor's arena, filled with zeros; nil when there is no more.
  public func takeFromArena<Part: ~Copyable>(_ type: Part.Type) -> UnsafeMutablePointer<Part>? {
    unsafe value.phone.value.arena.take(type)
  }
}

/// What happens to a virtual machine.
enum Phase {
  static var stopped: UInt32 { 0 }
  /// Its segments are being copied.
  static var loading: UInt32 { 1 }
  static var running: UInt32 { 2 }
  /// Its virtual CPUs are being taken off their physical CPUs.
  static var stopping: UInt32 { 3 }
  /// Its memory is being filled with zeros.
  static var scrubbing: UInt32 { 4 }
  /// It will start again at `restartTime`.
  static var resting: UInt32 { 5 }
}
