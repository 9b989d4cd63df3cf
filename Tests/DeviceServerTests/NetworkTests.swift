import DeviceServer
import ScriptedVirtio
import Testing
import Virtio

extension ClientDriver {
  /// A network driver with four buffers of 2,048 bytes to receive into.
  static func network(_ phone: ScriptedPhone, client: Int) throws -> ClientDriver {
    let driver = try ClientDriver(phone, client: client, place: Place.network, queues: 2, size: 32)
    for slot in UInt64(0)..<4 { driver.provide(slot) }
    return driver
  }

  func provide(_ slot: UInt64, length: UInt32 = 2048) {
    queues[0].append(buffers + slot * 2048, length, isWritable: true)
    _ = queues[0].submit()
  }

  func send(_ frame: [UInt8], from offset: UInt64 = 0) {
    let address = buffers + 0x4000 + offset
    write([UInt8](repeating: 0, count: 12) + frame, at: address)
    queues[1].append(address, UInt32(frame.count) + 12, isWritable: false)
    _ = submit(1)
  }

  /// The next frame that came; buffers are used in order.
  func receive(slot: UInt64) -> [UInt8]? {
    guard let used = takeUsed() else { return nil }
    #expect(read(12, at: buffers + slot * 2048) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0])
    return read(Int(used.length) - 12, at: buffers + slot * 2048 + 12)
  }
}

/// Frames.
enum Frame {
  static let host: [UInt8] = [0x52, 0x55, 10, 0, 2, 2]
  static let broadcast = [UInt8](repeating: 0xFF, count: 6)

  static func address(_ client: Int) -> [UInt8] { [0x52, 0x50, 0x56, 0, 0, UInt8(client + 1)] }

  static func make(to: [UInt8], from: [UInt8], length: Int = 60) -> [UInt8] {
    to + from + (12..<length).map { UInt8(truncatingIfNeeded: $0 * 3) }
  }
}

@Suite struct NetworkTests {
  private let phone = ScriptedPhone()

  @Test func theAddressIsInTheConfiguration() throws {
    let driver = try ClientDriver.network(phone, client: 1)
    #expect(driver.transport.configuration32(0) == 0x0056_5052)
    #expect(driver.transport.configuration32(4) & 0xFFFF == 0x0200)
  }

  @Test(arguments: [14, 60, 61, 1514, 1518]) func framesReachTheHost(length: Int) throws {
    let driver = try ClientDriver.network(phone, client: 0)
    for offset in UInt64(0)..<9 {
      let frame = Frame.make(to: Frame.host, from: Frame.address(0), length: length)
      driver.send(frame, from: offset)
      #expect(phone.board.network.sent.last == frame)
      #expect(driver.takeUsed(1) != nil)
    }
    #expect(phone.board.network.sent.count == 9)
  }

  @Test func framesOfTheHostComeToWhomTheyAreFor() throws {
    let drivers = try (0..<3).map { try ClientDriver.network(phone, client: $0) }
    let frame = Frame.make(to: Frame.address(1), from: Frame.host, length: 1514)
    phone.board.network.incoming = [frame]
    phone.run()
    #expect(drivers[0].receive(slot: 0) == nil)
    #expect(drivers[1].receive(slot: 0) == frame)
    #expect(drivers[1].interruptStatus == 1)
    let all = Frame.make(to: Frame.broadcast, from: Frame.host)
    phone.board.network.incoming = [all]
    phone.run()
    #expect(drivers[0].receive(slot: 0) == all)
    #expect(drivers[1].receive(slot: 1) == all)
    #expect(drivers[2].receive(slot: 0) == nil)
  }

  @Test func clientsReachThoseThatTheyMay() throws {
    let drivers = try (0..<3).map { try ClientDriver.network(phone, client: $0) }
    let frame = Frame.make(to: Frame.address(1), from: Frame.address(0))
    drivers[0].send(frame)
    #expect(drivers[1].receive(slot: 0) == frame)
    // The third may reach both, but neither may reach it.
    drivers[2].send(Frame.make(to: Frame.address(1), from: Frame.address(2)))
    drivers[1].send(Frame.make(to: Frame.address(2), from: Frame.address(1)))
    drivers[2].send(Frame.make(to: Frame.host, from: Frame.address(2)))
    #expect(drivers.indices.allSatisfy { drivers[$0].receive(slot: 1) == nil })
    #expect(phone.board.network.sent.isEmpty)
    let all = Frame.make(to: Frame.broadcast, from: Frame.address(0))
    drivers[0].send(all)
    #expect(drivers[1].receive(slot: 1) == all)
    #expect(drivers[2].receive(slot: 0) == nil)
    #expect(drivers[0].receive(slot: 0) == nil)
    #expect(phone.board.network.sent == [all])
  }

  @Test func aForeignSourceIsDropped() throws {
    let driver = try ClientDriver.network(phone, client: 0)
    driver.send(Frame.make(to: Frame.host, from: Frame.address(1)))
    driver.send(Frame.make(to: Frame.host, from: Frame.broadcast))
    driver.send(Frame.make(to: Frame.host, from: Frame.address(0), length: 1519))
    driver.send(Array(Frame.make(to: Frame.host, from: Frame.address(0)).prefix(13)))
    #expect(phone.board.network.sent.isEmpty)
    for _ in 0..<4 { #expect(driver.takeUsed(1) != nil) }
    #expect(driver.status & DeviceStatus.needsReset == 0)
  }

  @Test func moreFramesThanBuffersAreLost() throws {
    let driver = try ClientDriver.network(phone, client: 0)
    phone.board.network.incoming = (0..<200).map {
      Frame.make(to: Frame.address(0), from: Frame.host, length: 60 + $0)
    }
    phone.run()
    for slot in UInt64(0)..<4 { #expect(driver.receive(slot: slot)?.count == 60 + Int(slot)) }
    #expect(driver.receive(slot: 4) == nil)
    driver.provide(0)
    phone.board.network.incoming = [Frame.make(to: Frame.address(0), from: Frame.host)]
    phone.run()
    #expect(driver.receive(slot: 0)?.count == 60)
  }

  @Test func aBufferThatIsTooShortComesBackEmpty() throws {
    let driver = try ClientDriver(phone, client: 0, place: Place.network, queues: 2, size: 32)
    driver.provide(0, length: 40)
    phone.board.network.incoming = [Frame.make(to: Frame.address(0), from: Frame.host)]
    phone.run()
    #expect(driver.takeUsed()?.length == 0)
  }

  @Test func theInterfaceIsWaitedForWhenItIsSlow() throws {
    let driver = try ClientDriver.network(phone, client: 0)
    phone.board.isHeld = true
    var sent = 0
    for _ in 0..<10 {
      for _ in 0..<30 where driver.queues[1].free != 0 {
        driver.send(Frame.make(to: Frame.host, from: Frame.address(0)))
        sent += 1
      }
      while driver.takeUsed(1) != nil {}
    }
    #expect(sent > 64 && sent < 300)
    phone.board.isHeld = false
    phone.run()
    while driver.takeUsed(1) != nil {}
    #expect(phone.board.network.sent.count == sent)
    #expect(driver.queues[1].free == 32)
  }

  @Test func aBrokenReceiveQueueIsItsOwnersTrouble() throws {
    let driver = try ClientDriver(phone, client: 0, place: Place.network, queues: 2, size: 32)
    driver.queues[0].append(0x9000_0000, 2048, isWritable: true)
    _ = driver.queues[0].submit()
    let other = try ClientDriver.network(phone, client: 1)
    let all = Frame.make(to: Frame.broadcast, from: Frame.host)
    phone.board.network.incoming = [all]
    phone.run()
    #expect(driver.status & DeviceStatus.needsReset != 0)
    #expect(other.receive(slot: 0) == all)
  }
}
