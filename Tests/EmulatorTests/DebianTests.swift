import Foundation
import Testing

@testable import HostCommands

/// Debian's own kernel, unmodified, twice.
@Suite(.enabled(if: Repository.hasDebian)) struct DebianTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let model: String
    let cpus: Int
    let virtual: Int
    var gic = 3
    var testDescription: String { "\(model), \(cpus) CPUs, \(virtual) virtual each, GICv\(gic)" }
  }

  /// Every model, every number of CPUs and of virtual ones, but not every combination: that takes too long.
  static let cases = [
    Case(model: "cortex-a53", cpus: 1, virtual: 1), Case(model: "cortex-a53", cpus: 2, virtual: 2),
    Case(model: "cortex-a57", cpus: 1, virtual: 2), Case(model: "cortex-a57", cpus: 4, virtual: 2),
    Case(model: "cortex-a72", cpus: 2, virtual: 1), Case(model: "cortex-a72", cpus: 1, virtual: 2),
    Case(model: "max", cpus: 1, virtual: 1), Case(model: "max", cpus: 4, virtual: 2),
    Case(model: "cortex-a57", cpus: 2, virtual: 2, gic: 2),
  ]

  /// Both reach user space; each is brought to the front, told to power off, and does; then the board is off.
  @Test(arguments: cases) func workAndPersonal(_ test: Case) throws {
    let phone = PhoneText.phone(
      PhoneText.debian("work", cpus: test.virtual), PhoneText.debian("personal", cpus: test.virtual))
    let script = Script(
      until: [
        "work| Debian userland is up on work", "personal| Debian userland is up on personal",
        "work stopped: SYSTEM_OFF",
        "personal stopped: SYSTEM_OFF", "the board goes off",
      ],
      reactions: [
        ("is up on", ""), ("is up on", "\u{1D}1poweroff -f\r"), ("work stopped", "\u{1D}2poweroff -f\r"),
      ])
    let recording = try EmulatedBoard(
      cpus: test.cpus, model: test.model, gic: test.gic, mebibytes: 1024, timeout: .seconds(240)
    ).run(
      phone: phone, script: script)
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  /// Two Debians, a neighbour and a crash on one CPU.
  @Test func fourVMsOnOneCPU() throws {
    let phone = PhoneText.phone(
      PhoneText.debian("work"), PhoneText.guest("crash", "mode=wild"), PhoneText.debian("personal"),
      PhoneText.guest("neighbour", "ticks=3000"))
    let script = Script(until: [
      "is up on work", "is up on personal", "crash: wild", "neighbour: fine, 3000 ticks",
    ])
    let recording = try EmulatedBoard(mebibytes: 1024, timeout: .seconds(240)).run(phone: phone, script: script)
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }
}
