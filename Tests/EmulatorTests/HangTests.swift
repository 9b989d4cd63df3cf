import Foundation
import Testing

@testable import HostCommands

/// What a device server that hangs does to others.
@Suite(.enabled(if: Repository.isBuilt)) struct HangTests {
  /// The server is sent into an endless loop while a guest reads and writes. It no longer feeds its watchdog and is
  /// started again; the guest goes on, and its blocks are as it wrote them.
  @Test func theServerHangs() throws {
    let phone = PhoneText.phone(
      PhoneText.steward(), PhoneText.disk("checker", "mode=check count=400 chatter=50"))
    let socket = NSTemporaryDirectory() + "/pv-gdb-\(UUID().uuidString.prefix(8))"
    let board = ["--cpus", "1", "--", "-gdb", "unix:path=\(socket),server=on,wait=off"]
    let running = try RunningProgram(phone, arguments: board)
    defer { try? FileManager.default.removeItem(atPath: socket) }
    #expect(running.waits(for: "checker| disk: alive, 100 rounds"), "\(running.tail)")
    let debugger = try Debugger(path: socket)
    try hang(debugger)
    let isWell = running.waits(for: "disk: errors: 0", "checker| disk: fine, 400 rounds")
    #expect(isWell, "\(running.tail)")
    let output = running.output
    #expect(output.contains("[pocketvisor] steward stopped: watchdog"), "\(running.tail)")
    #expect(output.components(separatedBy: "steward: ready").count == 3, "\(running.tail)")
  }

  /// Where the server's image lies in its memory: there is no other image at EL1 where clients have a DMA window.
  private static let image: UInt64 = 0x4020_0000
  private static let imageLimit: UInt64 = 0x60_0000

  /// Stops the board until the server is just at work, and lets it go on in an endless loop of its own image.
  private func hang(_ debugger: Debugger) throws {
    let image = try InputFile(path: Repository.guest("steward")).data
    // `wfi`, and a branch back to it.
    let loop = try #require(image.range(of: Data([0x7F, 0x20, 0x03, 0xD5, 0xFF, 0xFF, 0xFF, 0x17])))
    for _ in 0..<10_000 {
      let (address, level) = try debugger.position()
      if level == 1, (Self.image..<Self.image + Self.imageLimit).contains(address) {
        try debugger.jump(to: Self.image + UInt64(loop.lowerBound - image.startIndex))
        return try debugger.resume()
      }
      try debugger.resume()
      usleep(1_000)
      try debugger.stop()
    }
    Issue.record("the server was never seen at work")
  }
}
