import ControlProtocol
import Foundation
import Testing

@testable import HostCommands

/// The tool's end of the control channel, with a device server of the test's at the other end.
@Suite struct ControlTests {
  private let folder = Workspace()

  /// A device server that answers every frame with what `answer` makes of it.
  private func server(_ answer: @escaping @Sendable (ControlMessage) -> [UInt8]) throws -> ControlClient {
    let path = folder["line"]
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let isBound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
    #expect(isBound && listen(listener, 1) == 0)
    Thread.detachNewThread {
      let peer = accept(listener, nil, nil)
      close(listener)
      var reader = FrameReader()
      var byte: UInt8 = 0
      while read(peer, &byte, 1) == 1 {
        guard reader.take(byte), let message = ControlMessage(reader) else { continue }
        let bytes = answer(message)
        guard send(peer, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { break }
      }
      close(peer)
    }
    return ControlClient(
      try #require(try ControlLine(path: path)), phone: "phone.yaml", patience: .milliseconds(500))
  }

  private static func frame(
    _ message: ControlMessage, _ fill: (inout FrameWriter, inout Line) -> Void = { _, _ in }
  )
    -> [UInt8]
  {
    var line = Line()
    var writer = message.begin(to: &line)
    fill(&writer, &line)
    writer.finish(to: &line)
    return line.bytes
  }

  private struct Line: ByteSink {
    var bytes: [UInt8] = []
    mutating func append(_ byte: UInt8) { bytes.append(byte) }
  }

  private static func name(_ text: String) -> InlineArray<16, UInt8> {
    let bytes = Array(text.utf8)
    return InlineArray { $0 < bytes.count ? bytes[$0] : 0 }
  }

  /// Two VMs, work and a steward.
  private static func honest(_ message: ControlMessage) -> [UInt8] {
    switch message.kind {
    case .hello:
      var answer = message.answer(number: 1000)
      answer.machine = 2
      return frame(answer)
    case .describe:
      var report = MachineReport()
      report.name = name(message.machine == 0 ? "work" : "steward")
      report.phase = 2
      report.isServer = message.machine == 1
      report.memory = 256 << 20
      return frame(message.answer(number: 5000)) { report.append(to: &$0, &$1) }
    case .stop where message.machine == 1: return frame(message.answer(.notPossible))
    default: return frame(message.answer())
    }
  }

  @Test func machinesByName() throws {
    let control = try PhoneControl(server { Self.honest($0) })
    #expect(try control.machines().map(\.name) == ["work", "steward"])
    let work = try control.machine("work")
    #expect(work.state == "running" && work.memory == "256MiB" && work.place == 0)
    #expect(
      failure { _ = try control.machine("wrok") }
        == "the phone has no VM `wrok`, but work, steward; did you mean `work`?")
    try control.command(.pause, work, refusal: "no")
    #expect(
      failure { try control.command(.stop, control.machine("steward"), refusal: "not this one") }
        == "not this one")
  }

  /// Noise, answers to other requests and output before the answer are no answer.
  @Test func noiseIsNoAnswer() throws {
    let control = try PhoneControl(
      server { message in
        var stranger = message.answer(.unknownMachine)
        stranger.tag &+= 1
        let output = Self.frame(ControlMessage(.output, machine: 0)) { $0.append(65, to: &$1) }
        return [0x7E, 1, 2, 3, 0x7D] + Self.frame(stranger) + output + [0x7D, 0x7E] + Self.honest(message)
      })
    #expect(try control.machine("work").name == "work")
    #expect(control.client.takeOutput().allSatisfy { $0.bytes == [65] })
  }

  @Test func silenceEnds() throws {
    let client = try server { _ in [0x7E, 0x7E] }
    #expect(
      failure { _ = try PhoneControl(client) }.hasPrefix("the device server of phone.yaml does not answer"))
  }

  @Test func nonsenseIsAnError() throws {
    let client = try server { Self.frame($0.answer(number: 0)) }
    #expect(failure { _ = try PhoneControl(client) }.hasPrefix("the device server makes no sense"))
  }

  /// Names that would play with a terminal are not shown.
  @Test func namesAreNotTrusted() throws {
    let control = try PhoneControl(
      server { message in
        guard message.kind == .describe else { return Self.honest(message) }
        var report = MachineReport()
        report.name[0] = 0x1B
        report.phase = 99
        return Self.frame(message.answer()) { report.append(to: &$0, &$1) }
      })
    #expect(try control.machines().map(\.name) == ["vm0", "vm1"])
    #expect(try control.machines()[0].state == "unknown (99)")
  }

  private func status(_ place: UInt8, _ name: String, ticks: UInt64, exits: UInt64, at counter: UInt64)
    -> MachineStatus
  {
    var report = MachineReport()
    report.name = Self.name(name)
    report.phase = 2
    report.ticks[1] = ticks
    report.exits = exits
    report.memory = 4 << 20
    var line = Line()
    var writer = ControlMessage(.describe).answer(number: counter).begin(to: &line)
    report.append(to: &writer, &line)
    writer.finish(to: &line)
    var reader = FrameReader()
    let isFound = line.bytes.contains { reader.take($0) }
    #expect(isFound)
    return MachineStatus(place, ReceivedMessage(reader)!)!
  }

  @Test func loads() {
    let earlier = [
      status(0, "a", ticks: 100, exits: 10, at: 1000), status(1, "b", ticks: 0, exits: 0, at: 1000),
    ]
    let now = [status(0, "a", ticks: 350, exits: 20, at: 2000), status(1, "b", ticks: 500, exits: 4, at: 2000)]
    let lines = LoadTable(machines: now, earlier: earlier, frequency: 500).lines
    #expect(lines[0] == "CPU 1 75.0 %")
    #expect(lines[2] == "b   running   50.0   0:01.00        2    4MiB")
    #expect(lines[3] == "a   running   25.0   0:00.70        5    4MiB")
    #expect(LoadTable.time(90_061, 1000) == "1:30.06")
  }
}
