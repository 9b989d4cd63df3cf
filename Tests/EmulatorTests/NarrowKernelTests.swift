import Foundation
import Testing

@testable import HostCommands

/// Small 32-bit guests of ours on a Cortex-A9: their kernels are translated, their User modes run directly.
@Suite(.enabled(if: Repository.hasNarrowGuests)) struct NarrowKernelTests {
  /// The oracle: the same checks pass on QEMU's own board.
  @Test func smallNatively() throws {
    let recording = try EmulatedBoard().run(
      narrowGuest: "Small", arguments: "ticks=200", script: Script(until: ["small: fine, 200 ticks"]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  @Test func small() throws {
    let recording = try EmulatedBoard().run(
      narrow: PhoneText.phone(PhoneText.narrow("small", "ticks=200")),
      script: Script(until: ["small: fine", "small stopped: SYSTEM_OFF"]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  /// Its kernel is T32, theirs is A32: all three come up, and it goes on watching.
  @Test(.timeLimit(.minutes(30))) func besideTwoDebians() throws {
    let phone = PhoneText.phone(
      PhoneText.narrow("small", "ticks=0 chatter=50 period=100000"),
      PhoneText.debian("work", cpus: 1, mebibytes: 128, of: .armhf),
      PhoneText.debian("other", cpus: 1, mebibytes: 128, of: .armhf))
    let recording = try EmulatedBoard(timeout: .seconds(1700)).run(
      narrow: phone,
      script: Script(
        until: ["Debian userland is up on work", "Debian userland is up on other"],
        least: ("small: alive, ", 10)))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  // MARK: Code that changes

  @Test func selfModifyingNatively() throws {
    let recording = try EmulatedBoard().run(
      narrowGuest: "SelfModifying", arguments: "", script: Script(until: ["selfmodifying: fine"]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  /// Every change of its code is seen, beside a neighbour that has the CPU half of the time.
  @Test func selfModifying() throws {
    let phone = PhoneText.phone(PhoneText.narrow("selfmodifying"), PhoneText.narrow("small", "ticks=0"))
    let script = Script(
      until: ["selfmodifying: fine"],
      failures: ["FAIL", "DAMAGED", "a fault of the hypervisor", "stopped: SError"])
    let recording = try EmulatedBoard().run(narrow: phone, script: script)
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }
}
