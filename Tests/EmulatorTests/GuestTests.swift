import Foundation
import Testing

@testable import HostCommands

/// Small guests on the hypervisor, in QEMU.
@Suite(.enabled(if: Repository.isBuilt)) struct GuestTests {
  struct Board: CustomTestStringConvertible, Sendable {
    let model: String
    let cpus: Int
    var gic = 3
    var testDescription: String { "\(model), \(cpus) CPUs, GICv\(gic)" }
  }

  static let boards =
    ["cortex-a53", "cortex-a57", "cortex-a72", "max"].flatMap { model in
      [1, 2, 4].map { Board(model: model, cpus: $0) }
    } + [1, 2].map { Board(model: "cortex-a57", cpus: $0, gic: 2) }

  /// The oracle: the same checks pass on QEMU's own board.
  @Test(arguments: [1, 2, 4]) func conformanceNatively(cpus: Int) throws {
    let recording = try EmulatedBoard(cpus: cpus).run(
      guest: "conformance", arguments: "", script: Script(until: [" passed, 0 failed"]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  @Test(arguments: boards) func conformance(_ board: Board) throws {
    let phone = PhoneText.phone(PhoneText.guest("conformance", "pocketvisor", cpus: board.cpus))
    let recording = try EmulatedBoard(cpus: board.cpus, model: board.model, gic: board.gic).run(
      phone: phone, script: Script(until: [" passed, 0 failed"]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  /// Fewer CPUs than virtual ones.
  @Test(arguments: [(1, 2), (1, 4), (2, 4)]) func conformanceOnFewerCPUs(cpus: Int, virtual: Int) throws {
    let phone = PhoneText.phone(PhoneText.guest("conformance", "pocketvisor", cpus: virtual))
    let recording = try EmulatedBoard(cpus: cpus).run(
      phone: phone, script: Script(until: [" passed, 0 failed"]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  // MARK: Neighbours

  /// A VM that dies in each way beside one that must not notice.
  @Test(arguments: ["off", "cpuoff", "wild", "spin", "sleep", "reset"], [1, 2])
  func aVMThatDies(mode: String, cpus: Int) throws {
    let phone = PhoneText.phone(
      PhoneText.guest("crash", "mode=\(mode) after=20"), PhoneText.guest("neighbour", "ticks=600"))
    let recording = try EmulatedBoard(cpus: cpus).run(
      phone: phone,
      script: Script(until: ["crash: \(mode)", "neighbour: fine, 600 ticks", "neighbour stopped: SYSTEM_OFF"]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
    if mode == "off" { #expect(recording.contains("crash stopped: SYSTEM_OFF")) }
    if mode == "reset" { #expect(recording.contains("crash stopped: SYSTEM_RESET")) }
  }

  /// 100,000 operations in all; `make hostile` does four million.
  @Test(arguments: 1...5 as ClosedRange<Int>, [1, 2]) func hostile(seed: Int, cpus: Int) throws {
    let phone = PhoneText.phone(
      PhoneText.guest("hostile", "pocketvisor seed=\(seed) count=10000", cpus: 2),
      PhoneText.guest("neighbour", "ticks=1000"))
    let recording = try EmulatedBoard(cpus: cpus).run(
      phone: phone, script: Script(until: ["hostile: survived", "neighbour: fine, 1000 ticks"]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  /// Four VMs on one CPU, one of them a troublemaker.
  @Test func fourVMsOnOneCPU() throws {
    let phone = PhoneText.phone(
      PhoneText.guest("neighbour", as: "one", "ticks=300"),
      PhoneText.guest("neighbour", as: "two", "ticks=300"),
      PhoneText.guest("hostile", as: "three", "pocketvisor seed=7 count=10000"),
      PhoneText.guest("conformance", as: "four", "pocketvisor"))
    let recording = try EmulatedBoard().run(
      phone: phone,
      script: Script(until: [
        "one| neighbour: fine", "two| neighbour: fine", "hostile: survived", " passed, 0 failed",
      ]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  // MARK: Boards that lack something

  private let phone = PhoneText.phone(PhoneText.guest("neighbour"))

  private func message(_ text: String, _ board: EmulatedBoard, damage: (inout Data) -> Void = { _ in }) throws {
    let recording = try board.run(phone: phone, script: Script(until: [text]), damage: damage)
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  @Test func enteredAtEL1() throws {
    try message("entered at EL1", EmulatedBoard(machine: "virt,gic-version=3", timeout: .seconds(20)))
  }

  @Test func olderInterruptController() throws {
    try message(
      "no GICv3", EmulatedBoard(machine: "virt,virtualization=on,gic-version=2", timeout: .seconds(20)))
  }

  @Test func imageCutShort() throws {
    try message("[pocketvisor] the image", EmulatedBoard(timeout: .seconds(20))) { $0 = $0.prefix(3000) }
    try message("damaged", EmulatedBoard(timeout: .seconds(20))) { $0 = $0.prefix($0.count - 4096) }
  }
}
