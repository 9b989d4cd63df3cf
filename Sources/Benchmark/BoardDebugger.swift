import Foundation

/// Two named pipes by which QEMU talks to us.
struct NamedPipes {
  let path: String

  /// - Parameter path: of the pipes, without `.in` and `.out`.
  init(path: String) throws {
    self.path = path
    for end in ["in", "out"] {
      unlink("\(path).\(end)")
      guard mkfifo("\(path).\(end)", 0o600) == 0 else {
        throw BenchmarkError("\(path).\(end): cannot be made")
      }
    }
  }

  /// Opens what QEMU reads, or what it writes. Both for reading and writing: nobody has to be there first.
  func open(_ end: String) -> Int32 { Foundation.open("\(path).\(end)", O_RDWR | O_CLOEXEC) }
}

/// QEMU's debugger stub (GDB Remote Serial Protocol), to look at a board at one instruction of its.
final class BoardDebugger {
  private let pipes: NamedPipes
  private let input: Int32
  private let output: Int32
  private var received: [UInt8] = []

  /// - Parameter path: of the pipes, without `.in` and `.out`.
  init(path: String) throws {
    pipes = try NamedPipes(path: path)
    input = pipes.open("in")
    output = pipes.open("out")
  }

  deinit {
    close(input)
    close(output)
  }

  /// QEMU's arguments. It waits for us before the first instruction.
  var arguments: [String] { ["-S", "-gdb", "pipe:\(pipes.path)"] }

  /// Lets the board run to an instruction, asks QEMU's monitor something there, and lets it go on.
  /// - Returns: the monitor's answer.
  /// - Throws: `BenchmarkError` if the process ends first.
  func ask(_ command: String, at address: UInt32, of process: Process) throws -> String {
    let place = "0,\(String(address, radix: 16)),4"
    try send("?")
    _ = try answer(of: process) { $0.hasPrefix("T") }
    try send("Z\(place)")
    _ = try answer(of: process) { $0 == "OK" }
    try send("c")
    _ = try answer(of: process) { $0.hasPrefix("T") }
    try send("qRcmd," + command.utf8.map { Self.hexadecimal($0) }.joined())
    var text = ""
    _ = try answer(of: process) {
      if $0 != "OK" { text += Self.text(of: $0) }
      return $0 == "OK"
    }
    try send("z\(place)")
    _ = try answer(of: process) { $0 == "OK" }
    try send("D")
    return text
  }

  /// What the monitor says in a packet: `O` and two digits for each character.
  static func text(of packet: String) -> String {
    guard packet.first == "O" else { return "" }
    let digits = Array(packet.dropFirst())
    let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
      UInt8(String(digits[$0...$0 + 1]), radix: 16)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Takes the first packet out of what was received: `$`, content, `#`, two digits.
  static func packet(in received: inout [UInt8]) -> String? {
    guard let end = received.firstIndex(of: UInt8(ascii: "#")), received.count >= end + 3,
      let start = received[..<end].lastIndex(of: UInt8(ascii: "$"))
    else { return nil }
    let content = String(decoding: received[(start + 1)..<end], as: UTF8.self)
    received.removeFirst(end + 3)
    return content
  }

  /// The bytes of a packet with its checksum.
  static func bytes(of content: String) -> [UInt8] {
    let sum = content.utf8.reduce(0) { $0 &+ $1 } as UInt8
    return Array("$\(content)#\(hexadecimal(sum))".utf8)
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }

  private func send(_ content: String) throws { try write(Self.bytes(of: content)) }

  private func write(_ bytes: [UInt8]) throws {
    guard Foundation.write(input, bytes, bytes.count) == bytes.count else {
      throw BenchmarkError("QEMU's debugger stub takes nothing")
    }
  }

  /// The next packet that fits; those before it are acknowledged, too.
  private func answer(of process: Process, where fits: (String) -> Bool) throws -> String {
    while true {
      while let content = Self.packet(in: &received) {
        try write([UInt8(ascii: "+")])
        if fits(content) { return content }
      }
      try receive(from: process)
    }
  }

  private func receive(from process: Process) throws {
    var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
    while poll(&waiting, 1, 250) <= 0 {
      guard process.isRunning else { throw BenchmarkError("QEMU ended under its debugger") }
    }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(output, &buffer, buffer.count)
    received += buffer[..<max(count, 0)]
  }
}
