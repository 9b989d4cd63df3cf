// Names and numbers of the Virtual I/O Device specification, version 1.2 (OASIS), which "virtio" means everywhere here.

/// Registers of a virtio-mmio device, version 2, by offset (virtio 4.2.2).
public enum TransportRegister {
  public static let magic: UInt32 = 0x000
  public static let version: UInt32 = 0x004
  public static let device: UInt32 = 0x008
  public static let vendor: UInt32 = 0x00C
  public static let deviceFeatures: UInt32 = 0x010
  public static let deviceFeaturesSelect: UInt32 = 0x014
  public static let driverFeatures: UInt32 = 0x020
  public static let driverFeaturesSelect: UInt32 = 0x024
  public static let queueSelect: UInt32 = 0x030
  public static let queueSizeLimit: UInt32 = 0x034
  public static let queueSize: UInt32 = 0x038
  public static let queueReady: UInt32 = 0x044
  public static let queueNotify: UInt32 = 0x050
  public static let interruptStatus: UInt32 = 0x060
  public static let interruptAcknowledge: UInt32 = 0x064
  public static let status: UInt32 = 0x070
  public static let queueDescriptors: UInt32 = 0x080
  public static let queueDriver: UInt32 = 0x090
  public static let queueDevice: UInt32 = 0x0A0
  /// Length and base of a shared memory region, 64 bits each: all ones where there is none.
  public static let sharedMemory: UInt32 = 0x0B0
  public static let configurationGeneration: UInt32 = 0x0FC
  public static let configuration: UInt32 = 0x100

  /// "virt"
  public static let magicValue: UInt32 = 0x7472_6976
}

/// Bits of the Status register (virtio 2.1).
public enum DeviceStatus {
  public static let acknowledge: UInt32 = 1
  public static let driver: UInt32 = 2
  public static let driverReady: UInt32 = 4
  public static let featuresReady: UInt32 = 8
  public static let needsReset: UInt32 = 64
  public static let failed: UInt32 = 128
}

/// Bits of InterruptStatus (virtio 4.2.2).
public enum InterruptReason {
  public static let usedBuffer: UInt32 = 1
  public static let configurationChange: UInt32 = 2
}

/// Feature bits of every device (virtio 6).
public enum Feature {
  public static let version1: UInt64 = 1 << 32
  /// VIRTIO_F_ACCESS_PLATFORM: the device reaches only a part of the driver's memory.
  public static let accessPlatform: UInt64 = 1 << 33
}

/// Device IDs (virtio 5).
public enum DeviceKind {
  public static let network: UInt32 = 1
  public static let block: UInt32 = 2
  public static let console: UInt32 = 3
  public static let entropy: UInt32 = 4
  public static let input: UInt32 = 18
}

/// Flags of a descriptor and of the rings (virtio 2.7).
enum DescriptorFlag {
  static let next: UInt32 = 1
  static let writable: UInt32 = 2
  static let indirect: UInt32 = 4
}

/// Parts of a split virtqueue of `size` descriptors (virtio 2.7), in bytes.
enum RingLayout {
  static let descriptorSize: UInt64 = 16
  /// Of the first entry in the available and in the used ring; 16 bits of flags and the index lie before it.
  static let entries: UInt64 = 4
  static let index: UInt64 = 2
  /// Flag of the available ring: no interrupt; of the used ring: no notification.
  static let isQuiet: UInt16 = 1

  static func descriptors(_ size: UInt32) -> UInt64 { UInt64(size) &* 16 }
  static func available(_ size: UInt32) -> UInt64 { UInt64(size) &* 2 &+ 6 }
  static func used(_ size: UInt32) -> UInt64 { UInt64(size) &* 8 &+ 6 }
}

/// A stretch of memory in a descriptor.
public struct Segment: BitwiseCopyable {
  /// In the memory of whoever drives the queue.
  public var address: UInt64
  /// Bytes.
  public var length: UInt32
  /// Whether the device writes it; it reads it otherwise.
  public var isWritable: Bool

  public init(address: UInt64, length: UInt32, isWritable: Bool) {
    self.address = address
    self.length = length
    self.isWritable = isWritable
  }
}

/// What a driver did wrong: its device stops until the driver resets it.
public enum RingFault: Error {
  /// The available index is further ahead than the queue is long.
  case index
  /// A number of a descriptor that the queue does not have.
  case descriptor
  /// A chain that is longer than the queue: it has a loop.
  case loop
  /// An indirect descriptor, which was not offered.
  case indirect
  /// A buffer outside of the memory that is shared.
  case memory
  /// A readable descriptor behind a writable one.
  case order
  /// A buffer that does not suit its device, such as a request without a header.
  case content
}
