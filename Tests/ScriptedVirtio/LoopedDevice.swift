import Drivers
import Virtio

/// A device behind the registers of a driver.
public final class LoopedDevice {
  public var transport = DeviceTransport()
  public let offer: DeviceOffer
  public let memory: MemoryView
  public let registers = TestMemory(size: 4096, start: 0)
  /// Queues that the driver has notified.
  public var notified: [UInt32] = []
  public var version: UInt32 = 2

  public init(_ offer: DeviceOffer, memory: MemoryView) {
    self.offer = offer
    self.memory = memory
    transport.reset(offer, registers: registers.view)
  }
}

/// The registers of such a device, as a driver sees them.
public struct LoopedRegisters: DeviceRegisters {
  private let device: LoopedDevice?

  /// - Parameter device: nil for an empty slot.
  public init(device: LoopedDevice?) { self.device = device }

  public func read32(_ offset: UInt32) -> UInt32 {
    guard let device else { return offset == TransportRegister.magic ? TransportRegister.magicValue : 0 }
    if offset == TransportRegister.version { return device.version }
    return device.registers.view.load32(UInt64(offset))
  }

  public func write32(_ offset: UInt32, _ value: UInt32) {
    guard let device else { return }
    switch offset {
    case TransportRegister.queueNotify: device.notified.append(value)
    case TransportRegister.interruptAcknowledge:
      let status = UInt64(TransportRegister.interruptStatus)
      device.registers.view.store32(status, device.registers.view.load32(status) & ~value)
    default:
      _ = device.transport.store(
        value, at: offset, offer: device.offer, memory: device.memory, registers: device.registers.view)
    }
  }

  public func read64(_ offset: UInt32) -> UInt64 { UInt64(read32(offset)) | UInt64(read32(offset + 4)) << 32 }

  public func write64(_ offset: UInt32, _ value: UInt64) {
    write32(offset, UInt32(truncatingIfNeeded: value))
    write32(offset + 4, UInt32(truncatingIfNeeded: value >> 32))
  }
}
