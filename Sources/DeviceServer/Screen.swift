// The board's screen. On QEMU it is ramfb: a file of fw_cfg that says where in memory the picture lies. Storing another
// address shows another picture at once; nothing is copied.

import Drivers
import Virtio

/// A screen of 480 x 800 that shows a picture in memory.
public struct Screen<Machine: ServerMachine> {
  private let configuration: FirmwareConfiguration<Machine>
  private let key: UInt32

  /// - Returns: nil where the board has none.
  public init?(_ configuration: FirmwareConfiguration<Machine>) {
    guard let key = configuration.key(of: "etc/ramfb") else { return nil }
    self.configuration = configuration
    self.key = key
  }

  /// Shows the picture at an address on the bus.
  @discardableResult
  public func show(_ address: UInt64) -> Bool {
    let buffer = configuration.buffer
    buffer.store64(0, address.byteSwapped)
    buffer.store32(8, ScreenLayout.format.byteSwapped)
    buffer.store32(12, 0)
    buffer.store32(16, ScreenLayout.columns.byteSwapped)
    buffer.store32(20, ScreenLayout.rows.byteSwapped)
    buffer.store32(24, ScreenLayout.stride.byteSwapped)
    return configuration.write(count: 28, to: key)
  }
}

/// The picture: a strip that only the server writes, and the frame buffer of a client behind it.
public enum ScreenLayout {
  public static let columns: UInt32 = 480
  public static let rows: UInt32 = 800
  /// Bytes from one row to the next.
  public static let stride: UInt32 = 1920
  public static let stripRows: UInt32 = 32
  /// Whole pages, so that the strip ends where the client's pages begin.
  public static let stripBytes: UInt64 = 61_440
  /// Bytes of a window.
  public static let window: UInt64 = 0x20_0000
  /// DRM_FORMAT_XRGB8888, "XR24".
  static let format: UInt32 = 0x3432_5258

  /// Where the strip before a frame buffer begins, seen from window 0.
  ///
  /// - Parameter window: with the frame buffer, 1…7.
  public static func strip(before window: UInt32) -> UInt64 { UInt64(window) &* Self.window &- stripBytes }
}
