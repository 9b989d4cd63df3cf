import Foundation
import Testing

@testable import HostCommands

/// What VMs do for each other, and what the hypervisor does for one that fails.
@Suite(.enabled(if: Repository.isBuilt)) struct ServiceTests {
  private static let neighbour = PhoneText.guest("neighbour", "ticks=300")

  // MARK: FF-A

  /// One client may call the vault, the other may not.
  @Test(arguments: [1, 2], [3, 2]) func vault(cpus: Int, gic: Int) throws {
    let phone =
      "windows:\n  payments: { write: [client], read: [vault] }\n"
      + PhoneText.phone(
        PhoneText.guest("vault", more: ", priority: 1, budget: 50%, restart: always, key: true"),
        PhoneText.guest("client", "count=100 off", more: ", calls: [vault]"),
        PhoneText.guest("client", as: "stranger", "off"))
    let recording = try EmulatedBoard(cpus: cpus, gic: gic).run(
      phone: phone,
      script: Script(until: [
        "client: paid, MAC ok", "client: 100 payments", "client stopped: SYSTEM_OFF",
        "stranger| client: refused", "stranger stopped: SYSTEM_OFF",
      ]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
    #expect(!recording.contains("stranger| client: paid"))
  }

  // MARK: Restarts

  /// How often a VM that resets itself at once begins anew before its neighbour is done.
  private func restarts(ticks: Int, timeout: Duration) throws -> Int {
    let phone = PhoneText.phone(
      PhoneText.guest("crash", "mode=again", more: ", restart: { policy: on-failure, limit: 0, delay: 0ms }"),
      PhoneText.guest("neighbour", "ticks=\(ticks)"))
    // By instructions: how many begin anew meanwhile does not depend on the host's load.
    let recording = try EmulatedBoard(cpus: 1, countsInstructions: true, timeout: timeout).run(
      phone: phone, script: Script(until: ["neighbour: fine, \(ticks) ticks"]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
    return recording.output.components(separatedBy: "crash stopped: SYSTEM_RESET").count - 1
  }

  @Test func restartsBesideANeighbour() throws {
    #expect(try restarts(ticks: 2_000, timeout: .seconds(300)) >= 100)
  }

  @Test(.enabled(if: Repository.isLongRun)) func aThousandRestarts() throws {
    #expect(try restarts(ticks: 10_000, timeout: .seconds(600)) >= 1_000)
  }

  @Test func watchdog() throws {
    let phone = PhoneText.phone(
      PhoneText.guest("crash", "mode=watchdog", more: ", restart: { policy: on-failure, limit: 2 }"),
      Self.neighbour)
    let recording = try EmulatedBoard().run(
      phone: phone,
      script: Script(until: ["crash: watchdog", "crash stopped: watchdog", "neighbour: fine, 300 ticks"]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  // MARK: Faults of the hypervisor

  /// Where the guest's call is handled, its VM stops and nothing else does.
  @Test func faultForAGuest() throws {
    let planted = try PlantedTrap(in: "E13callPartition")
    let phone = PhoneText.phone(PhoneText.guest("client", "off", more: ", restart: never"), Self.neighbour)
    let script = Script(
      until: ["client stopped: fault of the hypervisor", "neighbour: fine, 300 ticks"], failures: ["DAMAGED"])
    let recording = try EmulatedBoard(hypervisor: planted.path).run(phone: phone, script: script)
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  /// With the console's lock held there is no way on: the board goes off.
  @Test func faultWithTheConsoleLocked() throws {
    let planted = try PlantedTrap(in: "CoreV4show")
    let recording = try EmulatedBoard(hypervisor: planted.path, timeout: .seconds(20)).run(
      phone: PhoneText.phone(Self.neighbour),
      script: Script(until: ["a fault of the hypervisor", "never printed"], failures: []))
    #expect(recording.contains("a fault of the hypervisor"), "\(recording.tail)")
    #expect(recording.end == .emulatorEnded(0), "\(recording.tail)")
  }
}

/// A copy of the hypervisor with `brk #0` for the first instruction of a function.
private struct PlantedTrap: ~Copyable {
  let path = NSTemporaryDirectory() + "/pocketvisor-planted-\(UUID().uuidString)"

  /// - Parameter function: a part of its mangled name.
  init(in function: String) throws {
    var image = try Data(contentsOf: URL(fileURLWithPath: Repository.hypervisor(gic: 3)))
    let offset = try Self.address(of: function) - 0x20_0000
    image.replaceSubrange(offset..<offset + 4, with: [0x00, 0x00, 0x20, 0xD4])
    try image.write(to: URL(fileURLWithPath: path))
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  private static func address(of function: String) throws -> Int {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "llvm-nm", Repository.path + "/Firmware/.build/aarch64-none-none-elf/release/Pocketvisor",
    ]
    process.standardOutput = output
    try process.run()
    let lines = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    let line = try #require(lines.split(separator: "\n").first { $0.contains(function) })
    return try #require(Int(line.prefix(16), radix: 16))
  }
}
