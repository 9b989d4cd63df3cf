// The driver's side of the virtio-mmio transport, version 2 (virtio 4.2), for the board's devices.

import Drivers

/// Why a device of the board cannot be used.
public enum DriverError: Error {
  /// It is a legacy device (version 1).
  case legacy
  /// It does not have a feature that is needed, or refuses what was chosen.
  case features
  /// It has no such queue, or a shorter one.
  case queue
  /// It does not answer.
  case silent
}

/// The registers of a virtio-mmio device of the board.
public struct DriverTransport<Registers: DeviceRegisters> {
  private let registers: Registers

  public init(_ registers: Registers) { self.registers = registers }

  /// Device ID; 0: the slot is empty, or no virtio-mmio device is there.
  public var device: UInt32 {
    registers.read32(TransportRegister.magic) == TransportRegister.magicValue
      ? registers.read32(TransportRegister.device) : 0
  }

  /// Resets the device: all DMA ends (virtio 2.4).
  @inline(never) public func reset() throws(DriverError) {
    guard registers.read32(TransportRegister.version) == 2 else { throw .legacy }
    registers.write32(TransportRegister.status, 0)
    var patience: UInt32 = 1 << 20
    while registers.read32(TransportRegister.status) != 0 {
      patience &-= 1
      guard patience != 0 else { throw .silent }
    }
  }

  /// Resets the device and settles the features (virtio 3.1.1, steps 1 to 6). Answers those that both sides have.
  ///
  /// - Parameters:
  ///   - wanted: what is taken where it is offered.
  ///   - required: what must be offered; a part of `wanted`.
  @inline(never) public func negotiate(wanted: UInt64, required: UInt64) throws(DriverError) -> UInt64 {
    try reset()
    registers.write32(TransportRegister.status, DeviceStatus.acknowledge | DeviceStatus.driver)
    let features = (half(0) | half(1) &<< 32) & wanted
    guard features & required == required else { throw .features }
    for half in UInt32(0)..<2 {
      registers.write32(TransportRegister.driverFeaturesSelect, half)
      registers.write32(
        TransportRegister.driverFeatures, UInt32(truncatingIfNeeded: features &>> UInt64(half &* 32)))
    }
    registers.write32(
      TransportRegister.status,
      DeviceStatus.acknowledge | DeviceStatus.driver | DeviceStatus.featuresReady)
    guard registers.read32(TransportRegister.status) & DeviceStatus.featuresReady != 0 else {
      throw .features
    }
    return features
  }

  private func half(_ select: UInt32) -> UInt64 {
    registers.write32(TransportRegister.deviceFeaturesSelect, select)
    return UInt64(registers.read32(TransportRegister.deviceFeatures))
  }

  /// Gives the device a queue.
  @inline(never) public func install(_ queue: DriverQueue, as number: UInt32) throws(DriverError) {
    registers.write32(TransportRegister.queueSelect, number)
    guard registers.read32(TransportRegister.queueReady) == 0,
      registers.read32(TransportRegister.queueSizeLimit) >= queue.size
    else { throw .queue }
    registers.write32(TransportRegister.queueSize, queue.size)
    writeAddress(TransportRegister.queueDescriptors, queue.busDescriptors)
    writeAddress(TransportRegister.queueDriver, queue.busAvailable)
    writeAddress(TransportRegister.queueDevice, queue.busUsed)
    registers.write32(TransportRegister.queueReady, 1)
  }

  private func writeAddress(_ register: UInt32, _ address: UInt64) {
    registers.write32(register, UInt32(truncatingIfNeeded: address))
    registers.write32(register &+ 4, UInt32(truncatingIfNeeded: address &>> 32))
  }

  /// The device may use its queues from now on (virtio 3.1.1, step 8).
  public func start() {
    registers.write32(
      TransportRegister.status,
      DeviceStatus.acknowledge | DeviceStatus.driver | DeviceStatus.featuresReady
        | DeviceStatus.driverReady)
  }

  /// Tells the device about new chains.
  public func notify(_ queue: UInt32) { registers.write32(TransportRegister.queueNotify, queue) }

  /// Acknowledges what the device interrupts for, and answers it (`InterruptReason`).
  public func acknowledge() -> UInt32 {
    let reasons = registers.read32(TransportRegister.interruptStatus)
    if reasons != 0 { registers.write32(TransportRegister.interruptAcknowledge, reasons) }
    return reasons
  }

  /// 32 bits of the device's own configuration.
  public func configuration32(_ offset: UInt32) -> UInt32 {
    registers.read32(TransportRegister.configuration &+ offset)
  }

  /// 64 bits of it, which the device may change meanwhile (virtio 2.5.1).
  public func configuration64(_ offset: UInt32) -> UInt64 {
    var value: UInt64 = 0
    for _ in 0..<4 {
      let generation = registers.read32(TransportRegister.configurationGeneration)
      value = UInt64(configuration32(offset)) | UInt64(configuration32(offset &+ 4)) &<< 32
      if registers.read32(TransportRegister.configurationGeneration) == generation { break }
    }
    return value
  }
}
