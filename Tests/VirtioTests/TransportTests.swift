import ScriptedVirtio
import Testing
import Virtio

@Suite struct TransportTests {
  private static let start: UInt64 = 0x4000_0000
  private let memory = TestMemory(size: 0x1_0000, start: start)
  private let device: LoopedDevice
  private let driver: DriverTransport<LoopedRegisters>

  init() {
    let offer = DeviceOffer(
      device: DeviceKind.block, features: Feature.version1 | Feature.accessPlatform | 1 << 9, queues: 2,
      queueSize: 16)
    device = LoopedDevice(offer, memory: memory.view)
    driver = DriverTransport(LoopedRegisters(device: device))
  }

  private func store(_ value: UInt32, _ register: UInt32) {
    LoopedRegisters(device: device).write32(register, value)
  }

  private func read(_ register: UInt32) -> UInt32 { LoopedRegisters(device: device).read32(register) }

  @Test func ourDriverStartsOurDevice() throws {
    #expect(driver.device == DeviceKind.block)
    let wanted = Feature.version1 | Feature.accessPlatform | 1 << 9 | 1 << 5
    #expect(try driver.negotiate(wanted: wanted, required: Feature.version1) == wanted & ~(1 << 5))
    let queue = DriverQueue(memory: memory.view, at: Self.start, size: 16)
    try driver.install(queue, as: 1)
    driver.start()
    #expect(device.transport.isLive)
    #expect(device.transport.queues[1].isReady && !device.transport.queues[0].isReady)
    driver.notify(1)
    #expect(device.notified == [1])
  }

  @Test func whatIsMissingIsAnError() throws {
    #expect(throws: DriverError.features) { try driver.negotiate(wanted: 1 << 7, required: 1 << 7) }
    #expect(throws: DriverError.features) {
      try driver.negotiate(wanted: Feature.version1, required: Feature.version1)
    }
    let long = DriverQueue(memory: memory.view, at: Self.start, size: 32)
    #expect(throws: DriverError.queue) { try driver.install(long, as: 0) }
    let short = DriverQueue(memory: memory.view, at: Self.start, size: 16)
    #expect(throws: DriverError.queue) { try driver.install(short, as: 2) }
    device.version = 1
    #expect(throws: DriverError.legacy) { try driver.reset() }
  }

  @Test func featuresAreReadInHalves() {
    store(0, TransportRegister.deviceFeaturesSelect)
    #expect(read(TransportRegister.deviceFeatures) == 1 << 9)
    store(1, TransportRegister.deviceFeaturesSelect)
    #expect(read(TransportRegister.deviceFeatures) == 3)
    store(2, TransportRegister.deviceFeaturesSelect)
    #expect(read(TransportRegister.deviceFeatures) == 0)
  }

  /// FEATURES_OK stays away for what was not offered, and where version 1 or the window is not accepted.
  @Test(
    arguments: [
      (0, 3, true), (1 << 9, 3, true), (1 << 8, 3, false), (0, 1, false), (0, 2, false),
      (0, 7, false),
    ] as [(UInt32, UInt32, Bool)])
  func featuresAreChecked(low: UInt32, high: UInt32, isRight: Bool) {
    store(3, TransportRegister.status)
    for (half, value) in [low, high].enumerated() {
      store(UInt32(half), TransportRegister.driverFeaturesSelect)
      store(value, TransportRegister.driverFeatures)
    }
    store(11, TransportRegister.status)
    #expect(read(TransportRegister.status) == (isRight ? 11 : 3))
    store(15, TransportRegister.status)
    #expect(device.transport.isLive == isRight)
  }

  @Test func featuresAreFinalWithTheirStatus() throws {
    _ = try driver.negotiate(wanted: ~0, required: 0)
    store(0, TransportRegister.driverFeaturesSelect)
    store(~0, TransportRegister.driverFeatures)
    #expect(device.transport.driverFeatures == device.offer.features)
  }

  @Test func aResetClearsEverything() throws {
    _ = try driver.negotiate(wanted: ~0, required: 0)
    try driver.install(DriverQueue(memory: memory.view, at: Self.start, size: 16), as: 0)
    driver.start()
    device.transport.fail(registers: device.registers.view)
    #expect(read(TransportRegister.status) & 64 != 0)
    #expect(read(TransportRegister.interruptStatus) == 2)
    store(0, TransportRegister.status)
    #expect(read(TransportRegister.status) == 0)
    #expect(read(TransportRegister.interruptStatus) == 0)
    #expect(!device.transport.queues[0].isReady)
    #expect(read(TransportRegister.magic) == 0x7472_6976)
    #expect(read(TransportRegister.version) == 2)
  }

  /// A queue that does not lie in the memory breaks the device when it is made ready.
  @Test(
    arguments: [
      (16, 0x3000_0000, 0x4000_1000, 0x4000_2000),
      (16, 0x4000_0008, 0x4000_1000, 0x4000_2000), (16, 0x4000_0000, 0x4000_1001, 0x4000_2000),
      (16, 0x4000_0000, 0x4000_1000, 0x4000_2002), (16, 0x4000_0000, 0x4000_1000, 0x4000_FFF0),
      (12, 0x4000_0000, 0x4000_1000, 0x4000_2000), (0, 0x4000_0000, 0x4000_1000, 0x4000_2000),
      (32, 0x4000_0000, 0x4000_1000, 0x4000_2000),
    ] as [(UInt32, UInt32, UInt32, UInt32)])
  func unsoundQueues(size: UInt32, descriptors: UInt32, available: UInt32, used: UInt32) throws {
    _ = try driver.negotiate(wanted: ~0, required: 0)
    store(size, TransportRegister.queueSize)
    store(descriptors, TransportRegister.queueDescriptors)
    store(available, TransportRegister.queueDriver)
    store(used, TransportRegister.queueDevice)
    store(1, TransportRegister.queueReady)
    #expect(read(TransportRegister.queueReady) == 0)
    #expect(read(TransportRegister.status) & DeviceStatus.needsReset != 0)
  }

  @Test func queuesBehindTheLastAreNotThere() {
    for queue: UInt32 in [2, 7, 8, 9, 0x8000_0000, ~0] {
      store(queue, TransportRegister.queueSelect)
      #expect(read(TransportRegister.queueSizeLimit) == 0)
      store(16, TransportRegister.queueSize)
      store(1, TransportRegister.queueReady)
      #expect(read(TransportRegister.queueReady) == 0)
    }
  }

  @Test func aQueueIsTakenBack() throws {
    _ = try driver.negotiate(wanted: ~0, required: 0)
    try driver.install(DriverQueue(memory: memory.view, at: Self.start, size: 16), as: 0)
    #expect(read(TransportRegister.queueReady) == 1)
    store(0, TransportRegister.queueReady)
    #expect(read(TransportRegister.queueReady) == 0)
  }

  /// Random stores: no order of them makes a device live without its handshake, and none traps.
  @Test func randomStores() {
    var random = FixedGenerator(seed: 0x5EED_0011)
    let registers: [UInt32] = [
      0x14, 0x20, 0x24, 0x30, 0x38, 0x44, 0x70, 0x80, 0x84, 0x90, 0x94, 0xA0, 0xA4, 0x100, 0x1FC, 0xAC,
    ]
    for _ in 0..<200_000 {
      let value =
        random.below(2) == 0
        ? UInt32(random.below(20)) : UInt32(truncatingIfNeeded: random.next() >> random.below(33))
      store(value, registers[Int(random.below(UInt64(registers.count)))])
      if device.transport.isLive {
        #expect(device.transport.status & 8 != 0)
        #expect(device.transport.driverFeatures & ~device.offer.features == 0)
      }
    }
  }
}
