// The device's side of the virtio-mmio transport, version 2 (virtio 4.2): what a driver stores, and what it reads then.

/// What a device offers.
public struct DeviceOffer: Equatable, Sendable {
  /// Device ID; 0: there is no device.
  public var device: UInt32
  public var features: UInt64
  /// Queues, 0…8.
  public var queues: UInt32
  /// Descriptors that each may have: a power of two.
  public var queueSize: UInt32

  public init(device: UInt32, features: UInt64, queues: UInt32, queueSize: UInt32) {
    self.device = device
    self.features = features
    self.queues = queues
    self.queueSize = queueSize
  }

  /// A place without a device.
  public static let none = DeviceOffer(device: 0, features: 0, queues: 0, queueSize: 0)
}

/// What a store asks of the device behind the transport.
public enum TransportEvent: Equatable {
  case none
  /// The device was reset: its registers and queues are as at power-on, its configuration is to be written again.
  case reset
  /// The driver is ready (DRIVER_OK): the device may use the queues.
  case ready
  /// A store into the device's own configuration, at this offset.
  case configuration(UInt32)
}

/// The state behind a place's registers. It survives a restart of the server, so every bit pattern is a value.
public struct DeviceTransport: BitwiseCopyable {
  public static let queueLimit: UInt32 = 8

  public private(set) var status: UInt32 = 0
  private var deviceFeaturesSelect: UInt32 = 0
  private var driverFeaturesSelect: UInt32 = 0
  private var queueSelect: UInt32 = 0
  /// What the driver accepts; final with FEATURES_OK.
  public private(set) var driverFeatures: UInt64 = 0
  /// By number; mask it with 7.
  public var queues = InlineArray<8, DeviceQueue>(repeating: DeviceQueue())

  public init() {}

  /// The driver is ready and nothing went wrong since.
  public var isLive: Bool {
    status & (DeviceStatus.driverReady | DeviceStatus.needsReset | DeviceStatus.failed)
      == DeviceStatus.driverReady
  }

  /// Writes everything that a driver reads at power-on.
  ///
  /// - Parameter registers: the place's 512 bytes, from address 0 on.
  @inline(never) public mutating func reset(_ offer: DeviceOffer, registers: MemoryView) {
    self = DeviceTransport()
    registers.clear(0, count: UInt64(TransportRegister.configuration))
    write(registers, TransportRegister.magic, TransportRegister.magicValue)
    write(registers, TransportRegister.version, 2)
    write(registers, TransportRegister.device, offer.device)
    for word in UInt32(0)..<4 { write(registers, TransportRegister.sharedMemory &+ word &* 4, ~0) }
    publish(offer, registers: registers)
  }

  /// A driver's store of any register but QueueNotify and InterruptACK.
  ///
  /// - Parameter memory: what the driver shares.
  @inline(never) public mutating func store(
    _ value: UInt32, at offset: UInt32, offer: DeviceOffer, memory: MemoryView, registers: MemoryView
  ) -> TransportEvent {
    if offset >= TransportRegister.configuration {
      return .configuration(offset &- TransportRegister.configuration)
    }
    if offset == TransportRegister.status {
      return storeStatus(value, offer: offer, registers: registers)
    }
    storeSetting(value, at: offset, offer: offer, memory: memory, registers: registers)
    publish(offer, registers: registers)
    return .none
  }

  /// The driver did what it must not: the device does nothing more until it is reset (virtio 2.1.2). The caller raises the
  /// interrupt.
  @inline(never) public mutating func fail(registers: MemoryView) {
    status |= DeviceStatus.needsReset
    write(registers, TransportRegister.status, status)
    if status & DeviceStatus.driverReady != 0 {
      registers.or32(UInt64(TransportRegister.interruptStatus), InterruptReason.configurationChange)
    }
  }

  /// Goes on after a restart of the server; false where what was kept makes no sense, and the device must be reset.
  @inline(never) public mutating func resume(_ offer: DeviceOffer, memory: MemoryView, registers: MemoryView)
    -> Bool
  {
    guard driverFeatures & ~offer.features == 0 else { return false }
    for index in 0..<8 where queues[index].ready != 0 {
      guard UInt32(index) < offer.queues, queues[index].size <= offer.queueSize, queues[index].isReady,
        queues[index].isSound(in: memory)
      else { return false }
      queues[index].resume(in: memory)
    }
    publish(offer, registers: registers)
    return true
  }

  private mutating func storeStatus(
    _ value: UInt32, offer: DeviceOffer, registers: MemoryView
  ) -> TransportEvent {
    guard value != 0 else {
      reset(offer, registers: registers)
      return .reset
    }
    let wasLive = isLive
    status |= value & (DeviceStatus.acknowledge | DeviceStatus.driver | DeviceStatus.failed)
    if value & DeviceStatus.featuresReady != 0, accepts(offer) { status |= DeviceStatus.featuresReady }
    if value & DeviceStatus.driverReady != 0, status & DeviceStatus.featuresReady != 0 {
      status |= DeviceStatus.driverReady
    }
    write(registers, TransportRegister.status, status)
    return isLive && !wasLive ? .ready : .none
  }

  /// What the driver chose must be offered, and it must have chosen what the device cannot do without.
  private func accepts(_ offer: DeviceOffer) -> Bool {
    let required = offer.features & (Feature.version1 | Feature.accessPlatform)
    return driverFeatures & ~offer.features == 0 && driverFeatures & required == required
  }

  private mutating func storeSetting(
    _ value: UInt32, at offset: UInt32, offer: DeviceOffer, memory: MemoryView, registers: MemoryView
  ) {
    switch offset {
    case TransportRegister.deviceFeaturesSelect: deviceFeaturesSelect = value
    case TransportRegister.driverFeaturesSelect: driverFeaturesSelect = value
    case TransportRegister.driverFeatures: storeFeatures(value)
    case TransportRegister.queueSelect: queueSelect = value
    case TransportRegister.queueReady:
      storeReady(value, offer: offer, memory: memory, registers: registers)
    default: storeQueue(value, at: offset, offer: offer)
    }
  }

  private mutating func storeFeatures(_ value: UInt32) {
    guard status & DeviceStatus.featuresReady == 0 else { return }
    switch driverFeaturesSelect {
    case 0: driverFeatures = driverFeatures & ~0xFFFF_FFFF | UInt64(value)
    case 1: driverFeatures = driverFeatures & 0xFFFF_FFFF | UInt64(value) &<< 32
    // Bits from 64 on: none is offered, so to accept one is wrong.
    default: if value != 0 { driverFeatures |= 1 << 63 }
    }
  }

  /// The queue must have been described before, and the features settled.
  private mutating func storeReady(
    _ value: UInt32, offer: DeviceOffer, memory: MemoryView, registers: MemoryView
  ) {
    guard queueSelect < offer.queues else { return }
    let index = Int(queueSelect & 7)
    guard value & 1 != 0 else {
      queues[index] = DeviceQueue()
      return
    }
    guard !queues[index].isReady else { return }
    guard status & DeviceStatus.featuresReady != 0, queues[index].isSound(in: memory) else {
      return fail(registers: registers)
    }
    queues[index].ready = 1
  }

  private mutating func storeQueue(_ value: UInt32, at offset: UInt32, offer: DeviceOffer) {
    let index = Int(queueSelect & 7)
    guard queueSelect < offer.queues, !queues[index].isReady else { return }
    switch offset {
    case TransportRegister.queueSize:
      if value <= offer.queueSize { queues[index].size = value }
    case TransportRegister.queueDescriptors, TransportRegister.queueDescriptors + 4:
      Self.setHalf(&queues[index].descriptors, value, isHigh: offset & 4 != 0)
    case TransportRegister.queueDriver, TransportRegister.queueDriver + 4:
      Self.setHalf(&queues[index].available, value, isHigh: offset & 4 != 0)
    case TransportRegister.queueDevice, TransportRegister.queueDevice + 4:
      Self.setHalf(&queues[index].usedRing, value, isHigh: offset & 4 != 0)
    default: break
    }
  }

  private static func setHalf(_ number: inout UInt64, _ value: UInt32, isHigh: Bool) {
    number =
      isHigh
      ? number & 0xFFFF_FFFF | UInt64(value) &<< 32 : number & ~0xFFFF_FFFF | UInt64(value)
  }

  /// Writes what depends on what the driver chose.
  @inline(never) private func publish(_ offer: DeviceOffer, registers: MemoryView) {
    let features = deviceFeaturesSelect < 2 ? offer.features &>> UInt64(deviceFeaturesSelect &* 32) : 0
    write(registers, TransportRegister.deviceFeatures, UInt32(truncatingIfNeeded: features))
    let isThere = queueSelect < offer.queues
    write(registers, TransportRegister.queueSizeLimit, isThere ? offer.queueSize : 0)
    write(
      registers, TransportRegister.queueReady, isThere ? queues[Int(queueSelect & 7)].ready : 0)
    write(registers, TransportRegister.status, status)
  }

  private func write(_ registers: MemoryView, _ offset: UInt32, _ value: UInt32) {
    registers.store32(UInt64(offset), value)
  }
}
