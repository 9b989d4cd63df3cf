import ScriptedVirtio
import Testing
import Virtio

/// A driver's queue and a device's on the same rings.
final class QueuePair {
  static let start: UInt64 = 0x4000_0000
  static let buffers = start + 0x8000
  let memory = TestMemory(size: 0x1_0000, start: start)
  var driver: DriverQueue
  var transport = DeviceTransport()
  let registers = TestMemory(size: 4096, start: 0)
  let offer: DeviceOffer

  init(size: UInt32) throws {
    driver = DriverQueue(memory: memory.view, at: Self.start, size: size)
    offer = DeviceOffer(
      device: DeviceKind.entropy, features: Feature.version1, queues: 1, queueSize: size)
    transport.reset(offer, registers: registers.view)
    let used = Self.start + UInt64(size) * 16 + (UInt64(size) * 2 + 6 + 15) & ~15
    for (register, value) in [
      (TransportRegister.status, UInt32(3)), (TransportRegister.driverFeaturesSelect, 1),
      (TransportRegister.driverFeatures, 1), (TransportRegister.status, 11),
      (TransportRegister.queueSize, size), (TransportRegister.queueDescriptors, UInt32(Self.start)),
      (TransportRegister.queueDriver, UInt32(Self.start) + size * 16),
      (TransportRegister.queueDevice, UInt32(used)), (TransportRegister.queueReady, 1),
      (TransportRegister.status, 15),
    ] {
      _ = store(value, register)
    }
  }

  func store(_ value: UInt32, _ register: UInt32) -> TransportEvent {
    transport.store(
      value, at: register, offer: offer, memory: memory.view, registers: registers.view)
  }

  func takeUsed() -> UsedChain? { driver.takeUsed() }
  func segment(_ chain: inout DescriptorChain) throws(RingFault) -> Segment? {
    try chain.segment(in: memory.view)
  }
  func submit() -> UInt16? { driver.submit() }

  /// One new server instead of the old one.
  func resume() -> Bool {
    transport.resume(offer, memory: memory.view, registers: registers.view)
  }

  func take() throws(RingFault) -> DescriptorChain? {
    try transport.queues[0].take(from: memory.view)
  }
}

@Suite struct QueueTests {
  @Test func whatTheDriverSubmitsTheDeviceTakesInOrder() throws {
    let pair = try QueuePair(size: 8)
    #expect(pair.transport.isLive)
    for round in UInt32(0)..<1000 {
      let count = round % 3 + 1
      var heads: [UInt16] = []
      for index in 0..<count {
        pair.driver.append(QueuePair.buffers + UInt64(index) * 64, 16, isWritable: false)
        pair.driver.append(QueuePair.buffers + UInt64(index) * 64 + 16, round, isWritable: true)
        heads.append(try #require(pair.submit()))
      }
      #expect(pair.transport.queues[0].hasAvailable(in: pair.memory.view))
      for (index, head) in heads.enumerated() {
        var chain = try #require(try pair.take())
        #expect(chain.head == head)
        let (one, two, three) = try (pair.segment(&chain), pair.segment(&chain), pair.segment(&chain))
        let first = try #require(one)
        #expect(first.address == QueuePair.buffers + UInt64(index) * 64)
        #expect(!first.isWritable && first.length == 16)
        let second = try #require(two)
        #expect(second.isWritable && second.length == round)
        #expect(three == nil)
        pair.transport.queues[0].complete(head, length: round, in: pair.memory.view)
      }
      #expect(try pair.take() == nil)
      for head in heads {
        #expect(pair.takeUsed() == UsedChain(head: head, length: round))
      }
      #expect(pair.takeUsed() == nil)
      #expect(pair.driver.free == 8)
    }
  }

  @Test func aFullQueueTakesNoMore() throws {
    let pair = try QueuePair(size: 4)
    for _ in 0..<4 {
      pair.driver.append(QueuePair.buffers, 1, isWritable: true)
      #expect(pair.submit() != nil)
    }
    #expect(pair.driver.free == 0)
    pair.driver.append(QueuePair.buffers, 1, isWritable: true)
    #expect(pair.submit() == nil)
  }

  @Test func anAbandonedChainIsNotAvailable() throws {
    let pair = try QueuePair(size: 4)
    pair.driver.append(QueuePair.buffers, 1, isWritable: false)
    pair.driver.append(QueuePair.buffers, 1, isWritable: true)
    pair.driver.abandon()
    #expect(pair.driver.free == 4)
    #expect(try pair.take() == nil)
  }

  @Test func interruptsAndNotificationsAreAskedFor() throws {
    let pair = try QueuePair(size: 4)
    #expect(pair.transport.queues[0].wantsInterrupt(in: pair.memory.view))
    pair.driver.setInterrupting(false)
    #expect(!pair.transport.queues[0].wantsInterrupt(in: pair.memory.view))
    #expect(pair.driver.wantsNotification)
  }

  @Test func afterARestartWhatWasInFlightIsTakenAgain() throws {
    let pair = try QueuePair(size: 8)
    var heads: [UInt16] = []
    for _ in 0..<5 {
      pair.driver.append(QueuePair.buffers, 8, isWritable: true)
      heads.append(try #require(pair.submit()))
    }
    for _ in 0..<4 { _ = try pair.take() }
    pair.transport.queues[0].complete(heads[0], length: 0, in: pair.memory.view)
    #expect(pair.transport.queues[0].inFlight == 3)
    #expect(pair.resume())
    for head in heads.dropFirst() { #expect(try pair.take()?.head == head) }
    #expect(try pair.take() == nil)
  }
}
