import Foundation
import Testing

@testable import Benchmark

/// What is read of what guests, QEMU and files say.
struct FigureTests {
  @Test func readsLinesOfBothKinds() {
    var figures = Figures()
    figures.read(
      """
      [pocketvisor] RAM taken: 0x26000
      guest| bench: status-read 5.01\r
      bench hypercall 72
      guest| workload write-read 200 5000\r
      bench: status-read 7.00
      bench: done
      """)
    #expect(figures["status-read"] == 5.01, "the first one counts")
    #expect(figures["hypercall"] == 72)
    #expect(figures["write-read"] == 25)
    #expect(figures.total(of: ["write-read"]) == 5000)
    #expect(figures.values.count == 4)
  }

  @Test func readsTheBoardsClock() {
    #expect(BoardClock.instructions(in: "000000001000005c: 0x00000018\r\n") == 1000)
    #expect(BoardClock.instructions(in: "") == nil)
    #expect(BoardClock.instructions(in: "000000001000005c: Cannot access memory\r\n") == nil)
  }

  @Test func readsWhereAProgramBegins() {
    var program = Data([0x7F, 0x45, 0x4C, 0x46, 1, 1] + [UInt8](repeating: 0, count: 18))
    program += [0x30, 0x03, 0x02, 0x00, 0xFF]
    #expect(BoardClock.entry(of: program) == 0x20330)
    #expect(BoardClock.entry(of: program.prefix(27)) == nil)
    program[4] = 2
    #expect(BoardClock.entry(of: program) == nil, "64 bits")
  }

  @Test func readsPackets() {
    #expect(BoardDebugger.bytes(of: "OK") == Array("$OK#9a".utf8))
    #expect(BoardDebugger.bytes(of: "T05thread:01;") == Array("$T05thread:01;#07".utf8))
    var received = Array("+$T05thread:01;#07+$OK#9a$O3".utf8)
    #expect(BoardDebugger.packet(in: &received) == "T05thread:01;")
    #expect(BoardDebugger.packet(in: &received) == "OK")
    #expect(BoardDebugger.packet(in: &received) == nil, "its end has not come")
    received += Array("a0d0A#".utf8) + [0x30, 0x30]
    #expect(BoardDebugger.packet(in: &received).map(BoardDebugger.text) == ":\r\n")
    #expect(BoardDebugger.text(of: "OK") == "" && BoardDebugger.text(of: "E01") == "")
  }

  @Test func readsItsArguments() throws {
    let all = try Settings([])
    #expect(all.measuresNarrow && all.measuresDevices && all.onlySection == nil)
    let narrow = try Settings(["--only-armv7", "--no-native"])
    #expect(narrow.onlySection == .narrow && narrow.measuresNarrow && !narrow.measuresDevices)
    #expect(!narrow.measuresNatively)
    let devices = try Settings(["--only-devices"])
    #expect(devices.onlySection == .devices && !devices.measuresNarrow && devices.measuresDevices)
    #expect(throws: BenchmarkError.self) { try Settings(["--only"]) }
  }
}

/// QEMU's debugger stub, played by this test at the pipes' other ends.
struct BoardDebuggerTests {
  /// Answers each packet by those of the stub; the board has stopped once more than it was asked for.
  private static let answers = [
    "?": ["T05thread:01;", "T05thread:01;"], "Z0,20330,4": ["OK"], "c": ["T05thread:01;"],
    "qRcmd,78": ["O613a", "O2030783138", "OK"], "z0,20330,4": ["OK"], "D": ["OK"],
  ]

  private static func play(_ pipes: String) {
    let input = open("\(pipes).in", O_RDWR)
    let output = open("\(pipes).out", O_RDWR)
    var received: [UInt8] = []
    var content = ""
    while content != "D" {
      var buffer = [UInt8](repeating: 0, count: 4096)
      received += buffer[..<max(read(input, &buffer, buffer.count), 0)]
      while let packet = BoardDebugger.packet(in: &received) {
        content = packet
        for answer in answers[packet] ?? ["E01"] {
          let bytes = BoardDebugger.bytes(of: answer)
          _ = write(output, bytes, bytes.count)
        }
      }
    }
    close(input)
    close(output)
  }

  private static func start(_ program: String, _ arguments: String...) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    try process.run()
    return process
  }

  private static var path: String { NSTemporaryDirectory() + "/pv-bench-\(UUID().uuidString.prefix(8))" }

  private static func remove(_ path: String) {
    for end in ["in", "out"] { unlink("\(path).\(end)") }
  }

  @Test func asksAtAnInstruction() throws {
    let path = Self.path
    let debugger = try BoardDebugger(path: path)
    defer { Self.remove(path) }
    Thread.detachNewThread { Self.play(path) }
    let process = try Self.start("/bin/sleep", "300")
    defer { process.terminate() }
    #expect(try debugger.ask("x", at: 0x20330, of: process) == "a: 0x18")
  }

  /// Nobody waits for a board that is gone.
  @Test func noticesTheEnd() throws {
    let path = Self.path
    let debugger = try BoardDebugger(path: path)
    defer { Self.remove(path) }
    let process = try Self.start("/bin/true")
    #expect(throws: BenchmarkError.self) { try debugger.ask("x", at: 0, of: process) }
  }
}
