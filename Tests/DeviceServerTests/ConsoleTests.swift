import Payments
import ScriptedVirtio
import Testing
import Virtio

@testable import DeviceServer

/// Clients' consoles: what they print, what is typed, ports and the vault.
@Suite struct ConsoleTests {
  private let phone = ScriptedPhone()

  private func driver(_ client: Int) throws -> ClientDriver {
    try ClientDriver(phone, client: client, place: Place.console, queues: client == 2 ? 2 : 6, size: 8)
  }

  /// Sends bytes over a queue.
  private func send(_ bytes: [UInt8], _ driver: ClientDriver, queue: Int = 1) {
    driver.write(bytes, at: driver.buffers)
    driver.queues[queue].append(driver.buffers, UInt32(bytes.count), isWritable: false)
    _ = driver.submit(queue)
  }

  /// Gives a buffer for what comes.
  private func listen(_ driver: ClientDriver, queue: Int, count: UInt32 = 128, place: UInt64 = 0) {
    driver.queues[queue].append(driver.buffers + 0x800 + place * 0x100, count, isWritable: true)
    _ = driver.submit(queue)
  }

  private func received(_ driver: ClientDriver, queue: Int, place: UInt64 = 0) -> [UInt8]? {
    driver.takeUsed(queue).map { driver.read(Int($0.length), at: driver.buffers + 0x800 + place * 0x100) }
  }

  private func text(_ driver: ClientDriver, queue: Int) -> String? {
    guard let bytes = received(driver, queue: queue) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func log(_ client: Int) -> String {
    let consoles = phone.server.consoles!.value
    let printed = consoles.kept.value.clients[client].printed
    let first = printed - min(printed, Consoles.logSize)
    return String(decoding: (first..<printed).map { consoles.clients[client].log.byte(at: $0) }, as: UTF8.self)
  }

  @Test func printsIntoItsLog() throws {
    let driver = try driver(2)
    send(Array("hello ".utf8), driver)
    send(Array("world\n".utf8), driver)
    #expect(log(2) == "hello world\n")
    #expect(log(0) == "")
    #expect(driver.takeUsed(1)?.length == 0)
  }

  @Test func theLogKeepsTheLastBytes() throws {
    let driver = try driver(2)
    for index in 0..<40 {
      send(Array(repeating: UInt8(65 + index % 26), count: 1000), driver)
      #expect(driver.takeUsed(1) != nil)
    }
    #expect(phone.server.consoles!.value.kept.value.clients[2].printed == 40_000)
    #expect(log(2).count == 0x4000)
    #expect(log(2).suffix(1000).allSatisfy { $0 == "N" })
  }

  @Test func theLogOutlivesServerAndClient() throws {
    send(Array("before".utf8), try driver(2))
    phone.restartServer()
    phone.board.powerOn(2)
    phone.run()
    send(Array(" after".utf8), try driver(2))
    #expect(log(2) == "before after")
  }

  @Test func aChainOutsideOfMemoryStopsTheConsoleOnly() throws {
    let driver = try driver(2)
    driver.queues[1].append(0x7FFF_0000, 100, isWritable: false)
    _ = driver.submit(1)
    phone.run()
    #expect(driver.status & DeviceStatus.needsReset != 0)
    #expect(phone.server.clients[2].faults == 1)
    send(Array("fine".utf8), try self.driver(0))
    #expect(log(0) == "fine")
  }

  // MARK: Ports

  private func event(_ port: UInt32, _ event: UInt16, _ value: UInt16 = 1) -> [UInt8] {
    let number = UInt64(port) | UInt64(event) << 32 | UInt64(value) << 48
    return withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }

  @Test func portsAreIntroduced() throws {
    let driver = try driver(0)
    for place in 0..<4 { listen(driver, queue: 2, place: UInt64(place)) }
    send(event(0xFFFF_FFFF, PortEvent.deviceReady), driver, queue: 3)
    #expect(received(driver, queue: 2, place: 0) == event(0, PortEvent.add))
    #expect(received(driver, queue: 2, place: 1) == event(1, PortEvent.add))
    send(event(1, PortEvent.ready), driver, queue: 3)
    #expect(received(driver, queue: 2, place: 2) == event(1, PortEvent.open))
    #expect(received(driver, queue: 2, place: 3) == event(1, PortEvent.name) + Array("vault".utf8))
  }

  @Test func hostileEventsAreDropped() throws {
    let driver = try driver(0)
    for bytes in [[], [1], event(99, PortEvent.ready), event(0, 99), event(1, PortEvent.ready, 0)] {
      send(bytes.isEmpty ? [0] : bytes, driver, queue: 3)
    }
    listen(driver, queue: 2)
    #expect(received(driver, queue: 2) == nil)
    #expect(driver.status & DeviceStatus.needsReset == 0)
  }

  // MARK: The vault

  private var mailbox: PaymentMailbox {
    PaymentMailbox(phone.board.windows.view.part(at: 4 << 21, size: 1 << 21, start: 0))
  }

  @Test func aPaymentGoesToTheVaultAndBack() throws {
    let driver = try driver(0)
    send(Array("pay 1299 coffee 7\n".utf8), driver, queue: 5)
    #expect(phone.board.signals[2]?.last?.interrupts == 1 << UInt32(PaymentMailbox.virtioPlace))
    #expect(phone.board.accepted == [2])
    let (number, request) = try #require(mailbox.request(of: 0))
    #expect(request.amount == 1299 && request.nonce == 7 && request.payeeCount == 6)
    mailbox.answer(0, number: number, .paid(PaymentCode([1, 2, 3, 0xFF << 56])))
    listen(driver, queue: 4)
    let zeros = String(repeating: "0", count: 14)
    let code = "01\(zeros)02\(zeros)03\(zeros)\(zeros)ff"
    #expect(text(driver, queue: 4) == "paid \(code)\n")
    #expect(mailbox.request(of: 0) == nil)
  }

  @Test func whoMayNotPayNeverReachesTheVault() throws {
    let driver = try driver(1)
    listen(driver, queue: 4)
    send(Array("pay 1299 coffee\n".utf8), driver, queue: 5)
    #expect(text(driver, queue: 4) == "refused: this VM may not pay\n")
    #expect(mailbox.request(of: 1) == nil)
  }

  @Test(arguments: [
    "", "pay", "pay 0 x", "pay 1", "pay 1 x y", "pay 99999999999999999999 x", "steal 1 x", "pay 1  x",
  ])
  func malformed(line: String) throws {
    let driver = try driver(0)
    listen(driver, queue: 4)
    send(Array((line + "\n").utf8), driver, queue: 5)
    #expect(text(driver, queue: 4) == "refused: want `pay AMOUNT PAYEE [NONCE]`\n")
    #expect(mailbox.request(of: 0) == nil)
  }

  /// Lines too long, and lines in pieces.
  @Test func piecesMakeALine() throws {
    let driver = try driver(0)
    listen(driver, queue: 4)
    send(Array(repeating: 120, count: 300), driver, queue: 5)
    #expect(text(driver, queue: 4)?.hasPrefix("refused: want") == true)
    for piece in ["pay 5", "00 bo", "oks\r\n"] { send(Array(piece.utf8), driver, queue: 5) }
    #expect(mailbox.request(of: 0)?.request.amount == 500)
  }

  /// The server waits for nobody: a vault that does not answer is given up, and its late answer is nobody's.
  @Test func aHungVault() throws {
    let driver = try driver(0)
    send(Array("pay 1 a\n".utf8), driver, queue: 5)
    let first = try #require(mailbox.request(of: 0)).number
    var events = ServerEvents()
    events.isAlarm = true
    for _ in 0..<VaultPort.patience { phone.turn(events) }
    listen(driver, queue: 4)
    #expect(text(driver, queue: 4) == "refused: no answer from the vault\n")
    send(Array("pay 2 b\n".utf8), driver, queue: 5)
    mailbox.answer(0, number: first, .paid(PaymentCode([0, 0, 0, 0])))
    listen(driver, queue: 4)
    #expect(text(driver, queue: 4) == nil)
  }

  @Test func aVaultThatStops() throws {
    let driver = try driver(0)
    listen(driver, queue: 4)
    send(Array("pay 1 a\n".utf8), driver, queue: 5)
    phone.board.powerOn(2, phase: MachinePhase.stopped)
    phone.run()
    #expect(text(driver, queue: 4) == "refused: the vault does not run\n")
  }

  @Test func aServerThatRestartsAnswersForTheOneBefore() throws {
    let driver = try driver(0)
    listen(driver, queue: 4)
    send(Array("pay 1 a\n".utf8), driver, queue: 5)
    phone.restartServer()
    #expect(text(driver, queue: 4) == "refused: no answer from the vault\n")
  }
}
