// What outlives the server: window 0 keeps it when the hypervisor starts the server again.

import Virtio

/// Where things lie in window 0.
public enum KeptPlace {
  /// `KeptHeader.magic`, then the format.
  static let header: UInt64 = 0
  /// 4 KiB for each client: `KeptClient`.
  static let clients: UInt64 = 0x1000
  /// 4 KiB for the screen and the input.
  public static let screen: UInt64 = 0x9000
  /// 4 KiB for consoles and control.
  public static let control: UInt64 = 0xA000
  static let end: UInt64 = 0xB000
  /// "STEWARD" (first byte lowest) and the number of the format: another one means that nothing is to be trusted.
  static let magic: UInt64 = 0x0144_5241_5745_5453
}

/// The transports of one client's places.
public struct KeptClient: BitwiseCopyable {
  /// By place; mask it with 7.
  public var places = InlineArray<8, DeviceTransport>(repeating: DeviceTransport())

  public init() {}
}
