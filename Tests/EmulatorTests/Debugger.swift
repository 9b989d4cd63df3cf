import Foundation

@testable import HostCommands

/// A connection to QEMU's own debugger stub (GDB Remote Serial Protocol), which stops and changes its one CPU.
final class Debugger {
  private let socket: UnixSocket
  private var received: [UInt8] = []

  /// Connects, which stops the board.
  /// - Parameter path: of the socket.
  init(path: String) throws {
    socket = try UnixSocket(path: path)
    // Whoever does not ask for the description may not name registers one by one.
    _ = try ask("qXfer:features:read:target.xml:0,100")
  }

  // MARK: Packets

  private func send(_ packet: String) throws {
    let sum = packet.utf8.reduce(0) { $0 &+ $1 } as UInt8
    try socket.write(Array("$\(packet)#\(sum < 16 ? "0" : "")\(String(sum, radix: 16))".utf8))
  }

  private func ask(_ packet: String) throws -> String {
    try send(packet)
    return try answer { !$0.hasPrefix("T") }
  }

  /// The next packet that fits. QEMU says that the board has stopped (`T`) unasked too: when somebody connects.
  private func answer(where fits: (String) -> Bool) throws -> String {
    var content = try nextPacket()
    while !fits(content) { content = try nextPacket() }
    return content
  }

  /// The content of the next packet, which is acknowledged.
  private func nextPacket() throws -> String {
    while true {
      if let end = received.firstIndex(of: UInt8(ascii: "#")), received.count >= end + 3,
        let start = received[..<end].lastIndex(of: UInt8(ascii: "$"))
      {
        let content = String(decoding: received[(start + 1)..<end], as: UTF8.self)
        received.removeFirst(end + 3)
        try socket.write([UInt8(ascii: "+")])
        return content
      }
      received += try socket.read()
    }
  }

  // MARK: The CPU

  func resume() throws { try send("c") }

  /// Stops the board wherever it is.
  func stop() throws {
    try socket.write([3])
    _ = try answer { $0.hasPrefix("T") }
  }

  /// PC and exception level.
  func position() throws -> (address: UInt64, level: UInt64) {
    (try register("20"), try register("21") >> 2 & 3)
  }

  func jump(to address: UInt64) throws { try write("20", address) }

  /// - Parameter number: hexadecimal: 20 is PC, 21 is CPSR.
  private func register(_ number: String) throws -> UInt64 {
    let digits = Array(try ask("p\(number)"))
    let bytes = stride(from: 0, to: digits.count - 1, by: 2).map {
      UInt64(String(digits[$0...$0 + 1]), radix: 16) ?? 0
    }
    return bytes.reversed().reduce(0) { $0 << 8 | $1 }
  }

  private func write(_ number: String, _ value: UInt64) throws {
    let bytes = (0..<8).map { value >> ($0 * 8) & 0xFF }
    let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    guard try ask("P\(number)=\(digits)") == "OK" else { throw InputError("QEMU sets no register") }
  }
}

/// Makes the device server of a running board jump to where nothing is, wherever it is just then, again and again.
final class ServerKiller: @unchecked Sendable {
  let path = NSTemporaryDirectory() + "/pv-gdb-\(UUID().uuidString.prefix(8))"
  private let count: Int
  private var random: UInt64
  private let isOver = DispatchSemaphore(value: 0)
  private var mayGoOn = true
  private(set) var kills = 0
  /// Why it could not go on; also when QEMU has ended.
  private(set) var failure = ""

  /// QEMU's arguments.
  var arguments: [String] { ["-gdb", "unix:path=\(path),server=on,wait=off"] }

  init(count: Int, seed: Int) {
    self.count = count
    random = UInt64(seed)
  }

  /// Kills in a thread of its own, from a second after QEMU's start on.
  func start() {
    Thread { [self] in
      while mayGoOn, !FileManager.default.fileExists(atPath: path) { usleep(100_000) }
      sleep(1)
      do { try killAll() } catch { failure = "\(error)" }
      isOver.signal()
    }.start()
  }

  /// Waits until the thread has ended, which the end of QEMU makes it do.
  func end() {
    mayGoOn = false
    isOver.wait()
    try? FileManager.default.removeItem(atPath: path)
  }

  private func killAll() throws {
    let debugger = try Debugger(path: path)
    while kills < count {
      try debugger.resume()
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      usleep(UInt32(random >> 48))
      try debugger.stop()
      guard Self.isServer(try debugger.position()) else { continue }
      try debugger.jump(to: 0)
      kills += 1
    }
    try debugger.resume()
    while mayGoOn { usleep(100_000) }
  }

  /// The server's image is the only one at EL1 that lies there, where all other VMs have a DMA window.
  private static func isServer(_ position: (address: UInt64, level: UInt64)) -> Bool {
    position.level == 1 && (0x4020_0000..<0x4080_0000).contains(position.address)
  }
}
