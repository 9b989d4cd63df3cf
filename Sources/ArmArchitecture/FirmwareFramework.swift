// Function numbers and return codes of the Firmware Framework for Arm A-profile, FF-A 1.2 (DEN 0077A): messages and
// notifications between partitions.

/// What a partition asks of the hypervisor, by `HVC` or `SMC`: the last byte of a function number.
public struct PartitionFunction: Equatable, Sendable {
  private let byte: UInt8

  private init(byte: UInt8) { self.byte = byte }

  /// - Parameter number: of the framework.
  @inline(__always) public init(_ number: UInt32) { byte = UInt8(truncatingIfNeeded: number) }

  public static let version = PartitionFunction(byte: 0x63)
  public static let features = PartitionFunction(byte: 0x64)
  /// FFA_ID_GET.
  public static let identity = PartitionFunction(byte: 0x69)
  /// FFA_MSG_WAIT.
  public static let wait = PartitionFunction(byte: 0x6B)
  /// FFA_MSG_SEND_DIRECT_REQ and its response.
  public static let request = PartitionFunction(byte: 0x6F)
  public static let response = PartitionFunction(byte: 0x70)
  public static let bindNotification = PartitionFunction(byte: 0x7F)
  public static let unbindNotification = PartitionFunction(byte: 0x80)
  public static let setNotification = PartitionFunction(byte: 0x81)
  public static let getNotification = PartitionFunction(byte: 0x82)
  /// FFA_PARTITION_INFO_GET_REGS, in the 64-bit convention alone.
  public static let partition = PartitionFunction(byte: 0x8B)

  /// Whether a number belongs to the framework: 0x60 to 0x8F in both conventions.
  @inline(__always) public static func contains(_ number: UInt32) -> Bool {
    place(number) < 0x30
  }

  /// Whether a function is there: a bit for each from 0x60 on, in the 32-bit convention and in the 64-bit one.
  @inline(never) public static func exists(_ number: UInt32) -> Bool {
    let functions: UInt64 = number & FirmwareFunction.wide == 0 ? 0x7_8001_8A18 : 0x800_0001_8000
    return contains(number) && functions &>> UInt64(place(number)) & 1 != 0
  }

  @inline(__always) private static func place(_ number: UInt32) -> UInt32 {
    (number & ~FirmwareFunction.wide) &- PartitionResult.error
  }

  /// FFA_FEATURES: the feature "notification pending interrupt".
  public static let notificationInterruptFeature: UInt32 = 1
}

/// What the hypervisor answers, in w0.
public enum PartitionResult {
  /// FF-A 1.2.
  public static let version: Int64 = 0x1_0002
  public static let error: UInt32 = 0x8400_0060
  public static let success: UInt32 = 0x8400_0061
  public static let interrupt: UInt32 = 0x8400_0062
}

/// Error codes, in w2 of FFA_ERROR.
public enum PartitionError {
  public static let notSupported: Int32 = -1
  public static let invalidParameters: Int32 = -2
  public static let busy: Int32 = -4
  public static let denied: Int32 = -6
  public static let aborted: Int32 = -8
}
