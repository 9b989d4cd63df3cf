import Appliance
import Yams

/// The devices that the device server serves to a VM, its client (Documentation/DeviceServer.md).
public struct ClientDevices: Equatable, Sendable {
  public var disk: DiskPartition?
  public var network: NetworkAccess?
  public var hasConsole = false
  public var hasEntropy = false
  public var screen: Screen?
  /// Name of the VM that answers at the console's port `vault`.
  public var vault: String?
  public var sharing = MemorySharing.window(MemorySharing.defaultWindow)
  /// Where they stand in the file, for messages of later steps.
  public var place: SourcePlace

  /// No devices yet.
  public init(place: SourcePlace) {
    self.place = place
  }

  /// The places for virtio devices that are in use.
  var virtioPlaces: [VirtioPlace] {
    VirtioPlace.allCases.filter { place in
      switch place {
      case .block: disk != nil
      case .network: network != nil
      case .console: hasConsole
      case .entropy: hasEntropy
      case .keys, .touch: screen != nil
      }
    }
  }
}

/// The places of a client's virtio-mmio devices.
enum VirtioPlace: Int, CaseIterable {
  case block, network, console, entropy, keys, touch

  static let registersSize: UInt64 = 0x200

  var guestAddress: UInt64 { 0x0A00_0000 + UInt64(rawValue) * Self.registersSize }

  /// Its shared peripheral interrupt, counted from the first of them.
  var interrupt: UInt32 { 16 + UInt32(rawValue) }
}

/// A partition of the phone's disk that a VM gets as a whole disk.
public struct DiskPartition: Equatable, Sendable {
  /// Its label in the partition table.
  public var name: String
  /// nil for as large as its content.
  public var size: MemorySize?
  /// Path of what a new disk has in it; nil for zeros.
  public var content: String?
  public var isReadOnly = false
  /// Where it stands in the file.
  public var place: SourcePlace
}

/// What a VM may reach by network.
public struct NetworkAccess: Equatable, Sendable {
  /// Whether it reaches the host's interface.
  public var reachesHost: Bool
  /// Names of the VMs that it wants to exchange frames with; they must want it too.
  public var reach: [String] = []
  /// Where it stands in the file.
  public var place: SourcePlace
}

/// A VM's screen.
public struct Screen: Equatable, Sendable {
  /// Of the strip above it that says who is in front: 0xRRGGBB; nil for one by the VM's place in the phone.
  public var colour: UInt32?

  public static let width: UInt32 = 480
  public static let height: UInt32 = 768
  /// Bytes of a row; four for a pixel.
  public static let stride: UInt32 = width * 4
  public static let size = UInt64(stride * height)

  /// For VMs that name none.
  static let colours: [UInt32] = [
    0x1565C0, 0x2E7D32, 0xC62828, 0x6A1B9A, 0xEF6C00, 0x00838F, 0xAD1457, 0x4E342E,
  ]
}

/// How much of its memory a client shows the device server.
public enum MemorySharing: Equatable, Sendable {
  /// A DMA window of this size, a multiple of 2 MiB, beside its own memory.
  case window(MemorySize)
  /// All of it.
  case all

  static let defaultWindow = MemorySize.mebibytes(6)
  /// One unit for rings and at least one for buffers; the most that the phone record can say.
  static let windowSizes = MemorySize.mebibytes(4)...MemorySize.mebibytes(510)
  /// The most that the device server can see, from 1 GiB to 4 GiB.
  static let limit = MemorySize.mebibytes(3 << 10)

  /// What Linux has of a DMA window for rings: all but the largest power of two that leaves 2 MiB.
  static func ringSize(_ window: UInt64) -> UInt64 {
    let most = window - PhoneLimits.memoryGranule
    return window - 1 << UInt64(63 - most.leadingZeroBitCount)
  }

  /// As the phone record says it.
  var code: UInt8 {
    switch self {
    case .window: Sharing.window
    case .all: Sharing.all
    }
  }

  /// The DMA window, if there is one.
  var window: MemorySize? {
    switch self {
    case .window(let size): size
    case .all: nil
    }
  }
}
