import Drivers

/// A device under test, by its registers.
public protocol ScriptedDevice: AnyObject {
  func load(_ offset: UInt32) -> UInt32
  func store(_ offset: UInt32, _ value: UInt32)
}

/// A scripted device, or a frame of it, as a driver holds it.
public struct DeviceView: DeviceRegisters {
  private let device: any ScriptedDevice
  private let base: UInt32

  public init(_ device: any ScriptedDevice, base: UInt32 = 0) {
    self.device = device
    self.base = base
  }

  public func read32(_ offset: UInt32) -> UInt32 { device.load(base + offset) }
  public func write32(_ offset: UInt32, _ value: UInt32) { device.store(base + offset, value) }
  public func read64(_ offset: UInt32) -> UInt64 {
    UInt64(read32(offset)) | UInt64(read32(offset + 4)) << 32
  }
  public func write64(_ offset: UInt32, _ value: UInt64) {
    write32(offset, UInt32(truncatingIfNeeded: value))
    write32(offset + 4, UInt32(value >> 32))
  }
}

/// A device with a counter, which goes on by some ticks at each access.
public class ScriptedClock: ScriptedDevice {
  public var now: UInt64 = 0
  public var step: UInt64 = 1

  public init() {}

  /// Whether its interrupt is raised.
  public var isInterrupting: Bool { false }

  public func load(_ offset: UInt32) -> UInt32 {
    now += step
    return 0
  }

  public func store(_ offset: UInt32, _ value: UInt32) { now += step }
}
