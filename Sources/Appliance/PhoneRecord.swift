// The phone record: the configuration of a phone as the device reads it.
//
// `pocketvisor image` flattens `phone.yaml` into these structures and stores them, little-endian and
// without padding, as the FIT image named `phone`. The hypervisor copies them out and follows their
// offsets; it interprets nothing. Both sides compile this file, so the layout is declared once; a host
// test pins every offset that `Documentation/Formats.md` states.

/// The most a device holds. The tool refuses more; the hypervisor's arrays have these sizes.
public enum PhoneLimits {
  /// Virtual machines in one phone.
  public static let virtualMachines = 8
  /// Physical CPUs that the hypervisor uses.
  public static let physicalCPUs = 8
  /// Virtual CPUs of all virtual machines together.
  public static let virtualCPUs = 16
  /// Virtual CPUs of one virtual machine.
  public static let virtualCPUsPerMachine = 8
  /// Pieces of the device image that are copied into one virtual machine.
  public static let segments = 6
  /// Places in one virtual machine that get fresh random bytes at every start.
  public static let seeds = 2
  /// The unit of guest memory in bytes: a stage-2 block.
  public static var memoryGranule: UInt64 { 2 << 20 }
  /// One past the highest guest address a VM's memory may reach (36-bit stage-2 address space).
  public static var guestAddressEnd: UInt64 { 1 << 36 }
  /// Memory windows of a phone that VMs share; each has the size of `memoryGranule`.
  public static let windows = 8
  /// The guest address of the first window; the others follow, in every VM that has them.
  public static let firstWindow: UInt64 = 0x2000_0000
  /// Where the memory of a VM begins; for one that shares a DMA window with the device server, that window.
  public static let memoryBase: UInt64 = 0x4000_0000
  /// Where the main bank of a VM with a DMA window begins.
  public static let mainBase: UInt64 = 0x8000_0000
}

/// When a VM starts again after it stopped. SYSTEM_RESET and a failure (a watchdog that was not fed, an SError, a
/// fault of the hypervisor's own while it served the VM) count alike.
public enum RestartPolicy {
  public static let never: UInt8 = 0
  /// After SYSTEM_RESET and after a failure.
  public static let onFailure: UInt8 = 1
  /// After SYSTEM_OFF too.
  public static let always: UInt8 = 2
}

/// How much of a VM's memory the device server sees: so many GiB from `PhoneLimits.memoryBase` on.
public enum Sharing {
  /// Nothing: it is no client.
  public static let none: UInt8 = 0
  /// The DMA window at `PhoneLimits.memoryBase`; the VM's own memory lies at `PhoneLimits.mainBase`.
  public static let window: UInt8 = 1
  /// All of it, up to 4 GiB.
  public static let all: UInt8 = 3
}

/// What a VM's EL1 executes.
public enum ExecutionState {
  public static let aarch64: UInt8 = 0
  /// It starts in Supervisor mode with r0 = 0, r1 all ones and r2 = `VirtualMachineRecord.argument`. All of its memory
  /// lies below 4 GiB.
  public static let aarch32: UInt8 = 1
}

/// The first 64 bytes of the phone record.
public struct PhoneHeader {
  /// "PVPHONE" and a format number, read as a little-endian word.
  public static let expectedMagic: UInt64 = 0x04_45_4E_4F_48_50_56_50
  public static let size = 64

  /// Where the record lies in a device image: at the first multiple of 4096 behind the FIT's tree. There the hypervisor
  /// finds it without reading the tree.
  /// - Parameter treeSize: the tree's bytes, as its own header says.
  @inline(__always) public static func offset(treeSize: UInt32) -> UInt64 { (UInt64(treeSize) &+ 4095) & ~4095 }

  public var magic: UInt64
  /// Number of `VirtualMachineRecord`s that follow, 1…8.
  public var virtualMachineCount: UInt32
  /// Generation of the GIC that the guests' device trees describe: 2 or 3.
  public var interruptControllerGeneration: UInt32
  /// 32 random bytes, fresh for every device image; mixed with what the board offers.
  public var entropy: InlineArray<4, UInt64>
  /// The VM that is the device server: its place in the phone + 1; 0 where there is none.
  public var deviceServer: UInt8
  /// Shared windows in use: 0..<windowCount. They lie one behind the other in the board's memory.
  public var windowCount: UInt8
  public var reserved: InlineArray<14, UInt8>

  public init(
    virtualMachineCount: UInt32, interruptControllerGeneration: UInt32, entropy: InlineArray<4, UInt64>,
    deviceServer: UInt8 = 0, windowCount: UInt8 = 0
  ) {
    self.magic = Self.expectedMagic
    self.virtualMachineCount = virtualMachineCount
    self.interruptControllerGeneration = interruptControllerGeneration
    self.entropy = entropy
    self.deviceServer = deviceServer
    self.windowCount = windowCount
    self.reserved = InlineArray(repeating: 0)
  }
}

/// A piece of the device image, or the board's device tree, that is copied into a VM at every start.
public struct SegmentRecord {
  /// The `sourceOffset` of the board's device tree. As many bytes of it are copied as it has, `size` at most.
  public static let boardTree: UInt64 = .max

  /// Where the bytes are, counted from the first byte of the device image (the FIT); or `boardTree`.
  public var sourceOffset: UInt64
  /// Bytes to copy.
  public var size: UInt64
  /// Where they go in the VM's memory.
  public var guestAddress: UInt64

  public init(sourceOffset: UInt64 = 0, size: UInt64 = 0, guestAddress: UInt64 = 0) {
    self.sourceOffset = sourceOffset
    self.size = size
    self.guestAddress = guestAddress
  }
}

/// A place in a VM's memory that gets fresh random bytes at every start (`rng-seed`, `kaslr-seed`).
public struct SeedRecord {
  public var guestAddress: UInt64
  /// Bytes to fill; 0 when unused.
  public var size: UInt64

  public init(guestAddress: UInt64 = 0, size: UInt64 = 0) {
    self.guestAddress = guestAddress
    self.size = size
  }
}

/// One virtual machine: 256 bytes.
public struct VirtualMachineRecord {
  public static let size = 256

  /// ASCII, padded with zeros; at most 15 characters.
  public var name: InlineArray<16, UInt8>
  /// First guest address of the VM's RAM, a multiple of 2 MiB; with a DMA window, of its main bank.
  public var memoryBase: UInt64
  /// Bytes of RAM from there on, a multiple of 2 MiB.
  public var memorySize: UInt64
  /// Guest address of the first instruction, in RAM; of a VM in AArch32, bit 0 says that it is Thumb code.
  public var entry: UInt64
  /// What the first virtual CPU finds in x0 (r2 in AArch32): the guest address of its device tree.
  public var argument: UInt64
  /// 1…8.
  public var virtualCPUCount: UInt8
  /// 0…255; a higher one is served first.
  public var priority: UInt8
  public var segmentCount: UInt8
  public var seedCount: UInt8
  /// A `RestartPolicy`.
  public var restartPolicy: UInt8
  /// How often it starts again before it stays stopped; 0 for any number of times.
  public var restartLimit: UInt8
  /// Milliseconds from the end of scrubbing to the next start.
  public var restartDelay: UInt16
  /// The physical CPU of each virtual CPU, by position in the board's device tree.
  public var placement: InlineArray<8, UInt8>
  /// Microseconds of each period that the VM may use of every physical CPU it is on, EL2's work for it included; 0
  /// for no bound.
  public var budget: UInt32
  /// Microseconds; not 0 where there is a budget.
  public var period: UInt32
  /// A bit for each VM that it may send requests and notifications to (FF-A), by place in the phone.
  public var partners: UInt8
  /// A bit for each window that it can read, and for each that it can also write.
  public var readableWindows: UInt8
  public var writableWindows: UInt8
  /// A `Sharing`.
  public var sharing: UInt8
  /// The DMA window at `PhoneLimits.memoryBase` in units of 2 MiB; 0 unless `sharing` is `Sharing.window`. Then
  /// `memoryBase` is `PhoneLimits.mainBase`, and entry, argument, segments and seeds lie in the bank that begins there.
  public var windowSize: UInt8
  /// An `ExecutionState`.
  public var executionState: UInt8
  public var reserved: InlineArray<2, UInt8>
  public var segments: InlineArray<6, SegmentRecord>
  public var seeds: InlineArray<2, SeedRecord>

  /// Whether a virtual CPU may start at this address. In AArch32 bit 0 says that it is Thumb code, which may lie at every
  /// second byte.
  @inline(__always) public func canEnter(_ address: UInt64) -> Bool {
    address & 3 == 0 || executionState != 0
  }

  public init() {
    name = InlineArray(repeating: 0)
    memoryBase = 0
    memorySize = 0
    entry = 0
    argument = 0
    virtualCPUCount = 0
    priority = 0
    segmentCount = 0
    seedCount = 0
    restartPolicy = RestartPolicy.onFailure
    restartLimit = 0
    restartDelay = 0
    placement = InlineArray(repeating: 0)
    budget = 0
    period = 0
    partners = 0
    readableWindows = 0
    writableWindows = 0
    sharing = Sharing.none
    windowSize = 0
    executionState = ExecutionState.aarch64
    reserved = InlineArray(repeating: 0)
    segments = InlineArray(repeating: SegmentRecord())
    seeds = InlineArray(repeating: SeedRecord())
  }
}
