import DeviceServer
import ScriptedVirtio
import Testing
import Virtio

/// Requests of a block driver.
extension ClientDriver {
  static func block(_ phone: ScriptedPhone, client: Int) throws -> ClientDriver {
    try ClientDriver(phone, client: client, place: Place.block, queues: 1, size: 64)
  }

  /// Appends a request; its status goes to the byte behind its header.
  func append(
    _ kind: UInt32, sector: UInt64, data: [(address: UInt64, length: UInt32)] = [], slot: UInt64 = 0
  ) {
    let header = buffers + slot * 32
    memory.store32(header, kind)
    memory.store64(header + 8, sector)
    memory.store8(header + 16, 0xEE)
    queues[0].append(header, 16, isWritable: false)
    for part in data { queues[0].append(part.address, part.length, isWritable: kind != 1) }
    queues[0].append(header + 16, 1, isWritable: true)
  }

  func answer(slot: UInt64 = 0) -> UInt8 { memory.load8(buffers + slot * 32 + 16) }

  /// Submits what was appended and tells nobody.
  func submitQuietly() -> UInt16? { queues[0].submit() }

  /// Does one request and answers its status.
  func request(
    _ kind: UInt32, sector: UInt64, data: [(address: UInt64, length: UInt32)] = []
  ) -> UInt8 {
    append(kind, sector: sector, data: data)
    _ = submit()
    #expect(takeUsed() != nil)
    return answer()
  }

  /// Where data lies in these tests.
  var data: UInt64 { buffers + 0x4000 }
}

@Suite struct BlockTests {
  private let phone = ScriptedPhone()

  @Test func aClientSeesItsPartition() throws {
    let driver = try ClientDriver.block(phone, client: 0)
    #expect(driver.registers.read32(TransportRegister.device) == DeviceKind.block)
    #expect(driver.transport.configuration64(0) == 1024)
    #expect(driver.transport.configuration32(12) == 62)
    #expect(driver.transport.configuration32(20) == 512)
    #expect(try ClientDriver.block(phone, client: 1).transport.configuration64(0) == 1000)
    #expect(phone.board.output.isEmpty)
    #expect(phone.board.enabled == [49, 50, 51])
  }

  @Test func whatIsWrittenIsInThePartitionAndReadAgain() throws {
    let driver = try ClientDriver.block(phone, client: 1)
    let bytes = (0..<1536).map { UInt8(truncatingIfNeeded: $0 * 7) }
    driver.write(bytes, at: driver.data)
    #expect(driver.request(1, sector: 5, data: [(driver.data, 1000), (driver.data + 1000, 536)]) == 0)
    #expect(Array(phone.board.disk.data[2005 * 512..<2008 * 512]) == bytes)
    #expect(driver.interruptStatus == 1)
    #expect(phone.board.signals[1]?.last?.interrupts == 1 << Place.block)
    driver.memory.clear(driver.data, count: 1536)
    #expect(driver.request(0, sector: 5, data: [(driver.data + 512, 1536)]) == 0)
    #expect(driver.read(1536, at: driver.data + 512) == bytes)
  }

  @Test func usedLengthsAreWhatWasWritten() throws {
    let driver = try ClientDriver.block(phone, client: 0)
    driver.append(0, sector: 0, data: [(driver.data, 1024)])
    _ = driver.submit()
    #expect(driver.takeUsed()?.length == 1025)
    driver.append(1, sector: 0, data: [(driver.data, 1024)])
    _ = driver.submit()
    #expect(driver.takeUsed()?.length == 1)
  }

  @Test func theStatusMayStandBehindTheData() throws {
    let driver = try ClientDriver.block(phone, client: 0)
    let header = driver.buffers
    driver.memory.store32(header, 0)
    driver.memory.store64(header + 8, 3)
    driver.queues[0].append(header, 10, isWritable: false)
    driver.queues[0].append(header + 10, 6, isWritable: false)
    driver.queues[0].append(driver.data, 513, isWritable: true)
    driver.memory.store8(driver.data + 512, 9)
    _ = driver.submit()
    #expect(driver.takeUsed()?.length == 513)
    #expect(driver.memory.load8(driver.data + 512) == 0)
    #expect(phone.board.disk.requests.last?.sector == 103)
  }

  @Test(
    arguments: [
      (0, 1024, 512), (0, 1023, 1024), (0, UInt64.max, 512), (0, 0, 511), (1, 1024, 512), (0, 0, 0),
      (1, 1 << 55, 512),
    ] as [(UInt32, UInt64, UInt32)])
  func nothingOutsideOfThePartition(kind: UInt32, sector: UInt64, length: UInt32) throws {
    let driver = try ClientDriver.block(phone, client: 0)
    let before = phone.board.disk.requests.count
    #expect(driver.request(kind, sector: sector, data: length == 0 ? [] : [(driver.data, length)]) == 1)
    #expect(phone.board.disk.requests.count == before)
    #expect(driver.status & DeviceStatus.needsReset == 0)
  }

  @Test func aReadOnlyPartitionIsNotWritten() throws {
    let driver = try ClientDriver.block(phone, client: 2)
    driver.registers.write32(TransportRegister.deviceFeaturesSelect, 0)
    #expect(driver.registers.read32(TransportRegister.deviceFeatures) & 1 << 5 != 0)
    #expect(driver.request(1, sector: 0, data: [(driver.data, 512)]) == 1)
    #expect(driver.request(0, sector: 0, data: [(driver.data, 512)]) == 0)
  }

  @Test func aFlushReachesTheDisk() throws {
    let driver = try ClientDriver.block(phone, client: 0)
    phone.board.isHeld = true
    driver.append(4, sector: 0)
    _ = driver.submit()
    phone.run()
    #expect(driver.takeUsed() == nil)
    phone.board.isHeld = false
    phone.run()
    #expect(driver.takeUsed() != nil)
    #expect(driver.answer() == 0)
    #expect(phone.board.disk.flushes == 1)
  }

  @Test func otherRequests() throws {
    let driver = try ClientDriver.block(phone, client: 0)
    #expect(driver.request(8, sector: 0, data: [(driver.data, 20)]) == 0)
    #expect(driver.read(10, at: driver.data) == Array("work.root".utf8) + [0])
    for kind: UInt32 in [2, 5, 11, 13, ~0] {
      #expect(driver.request(kind, sector: 0, data: [(driver.data, 512)]) == 2)
    }
  }

  /// The disk answers the last request first; the client gets its answers in its own order.
  @Test func answersKeepTheirOrder() throws {
    phone.board.disk.isReversed = true
    let driver = try ClientDriver.block(phone, client: 0)
    var heads: [UInt16] = []
    for slot in UInt64(0)..<12 {
      driver.append(
        slot % 5 == 3 ? 9 : 0, sector: slot, data: [(driver.data + slot * 512, 512)], slot: slot)
      heads.append(try #require(driver.submitQuietly()))
    }
    driver.transport.notify(0)
    phone.run()
    for (slot, head) in heads.enumerated() {
      #expect(driver.takeUsed()?.head == head)
      #expect(driver.answer(slot: UInt64(slot)) == (slot % 5 == 3 ? 2 : 0))
    }
  }

  @Test func manyRequestsOfTwoClients() throws {
    let drivers = try [0, 1].map { try ClientDriver.block(phone, client: $0) }
    var done = 0
    for round in UInt64(0)..<200 {
      for index in drivers.indices {
        while drivers[index].queues[0].free >= 3 {
          drivers[index].append(0, sector: round, data: [(drivers[index].data, 512)])
          _ = drivers[index].queues[0].submit()
        }
        drivers[index].transport.notify(0)
      }
      phone.run()
      for index in drivers.indices { while drivers[index].takeUsed() != nil { done += 1 } }
    }
    #expect(done == 200 * 2 * 21)
    #expect(drivers.allSatisfy { $0.queues[0].free == 64 })
  }

  @Test func anErrorOfTheDiskIsTheClientsAndReportedOnce() throws {
    phone.board.disk.broken = [107]
    let driver = try ClientDriver.block(phone, client: 0)
    for _ in 0..<3 { #expect(driver.request(0, sector: 7, data: [(driver.data, 512)]) == 1) }
    #expect(driver.request(0, sector: 8, data: [(driver.data, 512)]) == 0)
    #expect(phone.board.output == "steward: disk error, sector 107, VM 0\n")
  }

  @Test func noInterruptWhereNoneIsWanted() throws {
    let driver = try ClientDriver.block(phone, client: 0)
    driver.queues[0].setInterrupting(false)
    let before = phone.board.signals[0]?.filter { $0.interrupts != 0 }.count
    #expect(driver.request(0, sector: 0, data: [(driver.data, 512)]) == 0)
    #expect(phone.board.signals[0]?.filter { $0.interrupts != 0 }.count == before)
    #expect(driver.interruptStatus == 0)
  }

  // MARK: Breaking the rules

  @Test(arguments: 0..<5) func aBrokenRequestStopsThatDeviceOnly(kind: Int) throws {
    let driver = try ClientDriver.block(phone, client: 0)
    let other = try ClientDriver.block(phone, client: 1)
    switch kind {
    case 0: driver.queues[0].append(driver.data, 8, isWritable: false)
    case 1: driver.queues[0].append(driver.data, 16, isWritable: false)
    case 2: driver.queues[0].append(driver.data, 17, isWritable: true)
    case 3:
      driver.append(0, sector: 0, data: [(ClientDriver.start + ScriptedBoard.sharedSize - 511, 512)])
    default: driver.append(0, sector: 0, data: [(0x8000_0000, 512)])
    }
    _ = driver.submit()
    #expect(driver.status & DeviceStatus.needsReset != 0)
    #expect(driver.interruptStatus & InterruptReason.configurationChange != 0)
    #expect(driver.takeUsed() == nil)
    #expect(other.request(0, sector: 0, data: [(other.data, 512)]) == 0)
    let second = try ClientDriver.block(phone, client: 0)
    #expect(second.request(0, sector: 0, data: [(second.data, 512)]) == 0)
  }

  @Test func aResetWaitsForTheDisk() throws {
    let driver = try ClientDriver.block(phone, client: 0)
    phone.board.isHeld = true
    driver.append(0, sector: 0, data: [(driver.data, 512)])
    _ = driver.submit()
    phone.turn()
    driver.registers.beginStore(TransportRegister.status, 0)
    phone.run()
    #expect(!driver.registers.isAnswered)
    phone.board.isHeld = false
    phone.run()
    #expect(driver.registers.isAnswered)
    #expect(driver.status == 0)
  }

  /// A client that was stopped finds nothing of an old answer in its memory when it starts again.
  @Test func aStoppedClientGetsNothing() throws {
    let driver = try ClientDriver.block(phone, client: 0)
    phone.board.isHeld = true
    driver.append(0, sector: 0, data: [(driver.data, 512)])
    _ = driver.submit()
    phone.turn()
    driver.memory.clear(ClientDriver.start, count: ScriptedBoard.sharedSize - 0x1_0000)
    phone.board.powerOn(0)
    phone.turn()
    #expect(!driver.registers.isAnswered)
    phone.board.isHeld = false
    phone.run()
    #expect(driver.registers.isAnswered)
    #expect(driver.read(0x1_0000, at: ClientDriver.start).allSatisfy { $0 == 0 })
    #expect(driver.answer() == 0)
    #expect(driver.status == 0)
  }

  // MARK: The disk and the server

  @Test func aNewServerGoesOnWithWhatWasInFlight() throws {
    let driver = try ClientDriver.block(phone, client: 0)
    for slot in UInt64(0)..<3 {
      driver.append(0, sector: slot, data: [(driver.data, 512)], slot: slot)
      _ = driver.submit()
    }
    for _ in 0..<3 { #expect(driver.takeUsed() != nil) }
    phone.board.isHeld = true
    for slot in UInt64(0)..<5 {
      driver.append(0, sector: slot + 10, data: [(driver.data, 512)], slot: slot)
      _ = driver.submit()
    }
    phone.turn()
    phone.board.isHeld = false
    phone.board.disk.requests = []
    phone.restartServer()
    #expect(phone.board.disk.requests.suffix(5).map(\.sector) == [110, 111, 112, 113, 114])
    for _ in 0..<5 { #expect(driver.takeUsed() != nil) }
    #expect(driver.takeUsed() == nil)
    #expect(driver.request(0, sector: 1, data: [(driver.data, 512)]) == 0)
  }

  @Test func aNewServerTrustsNothingThatMakesNoSense() throws {
    var driver = try ClientDriver.block(phone, client: 0)
    #expect(driver.request(0, sector: 1, data: [(driver.data, 512)]) == 0)
    phone.board.kept.view.store64(0, 1)
    phone.restartServer()
    #expect(driver.status & DeviceStatus.needsReset != 0)
    driver = try ClientDriver.block(phone, client: 0)
    #expect(driver.request(0, sector: 1, data: [(driver.data, 512)]) == 0)
    var random = FixedGenerator(seed: 0x5EED_0020)
    for offset in stride(from: UInt64(0x1000), to: 0x9000, by: 8) {
      phone.board.kept.view.store64(offset, random.next())
    }
    phone.restartServer()
    phone.run()
    driver = try ClientDriver.block(phone, client: 0)
    #expect(driver.request(0, sector: 1, data: [(driver.data, 512)]) == 0)
  }

  @Test func aLegacyDiskIsRefusedWithAdvice() throws {
    let phone = ScriptedPhone { $0.disk.device.version = 1 }
    #expect(phone.board.output.contains("-global virtio-mmio.force-legacy=false"))
    #expect(ClientRegisters(phone: phone, client: 0, place: 0).read32(TransportRegister.device) == 0)
  }

  @Test(arguments: [0, 1, 2, 3]) func unsoundPartitionsAreNotServed(kind: Int) {
    var content = ScriptedDisk.Content()
    switch kind {
    case 0: content.isSound = false
    case 1: content.partitions[0].last = 99
    case 2: content.partitions[0].last = 5000
    default: content.partitions[0].name = "work.rooty"
    }
    let phone = ScriptedPhone(disk: content)
    #expect(ClientRegisters(phone: phone, client: 0, place: 0).read32(TransportRegister.device) == 0)
    #expect(ClientRegisters(phone: phone, client: 0, place: 0).read32(TransportRegister.magic) != 0)
    let other = ClientRegisters(phone: phone, client: 1, place: 0).read32(TransportRegister.device)
    #expect(other == (kind == 0 ? 0 : 2))
  }
}
