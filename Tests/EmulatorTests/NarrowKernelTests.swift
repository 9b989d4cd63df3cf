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

  /// When the last VM has stopped these boards go off: QEMU ends by itself, for nobody prints what is waited for.
  @Test(arguments: [BoardModel.vexpress, .smdkc210]) func theBoardGoesOff(_ board: BoardModel) throws {
    let recording = try EmulatedBoard().run(
      narrow: PhoneText.phone(PhoneText.narrow("small", "ticks=20")), on: board, script: Script(until: ["\0"]))
    #expect(recording.end == .emulatorEnded(0))
    #expect(recording.contains("every VM has stopped: the board goes off"), "\(recording.tail)")
  }

  /// Its kernel is T32, theirs is A32: all three come up, and it goes on watching.
  @Test func besideTwoDebians() throws {
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

  // MARK: A second CPU

  /// Which CPUs took a supervisor call, by what QEMU writes down of the blocks that it executes at that vector.
  private func busyCPUs(_ phone: String, counting: Bool) throws -> Set<Substring> {
    let path = NSTemporaryDirectory() + "/pocketvisor-blocks-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let board = EmulatedBoard(
      countsInstructions: counting, devices: ["-d", "exec", "-dfilter", "0xfff00008+4", "-D", path])
    let script = Script(until: ["one| small: fine", "two| small: fine"])
    let recording = try board.run(narrow: phone, on: .smdkc210, script: script)
    #expect(recording.missing.isEmpty, "\(recording.tail)")
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    return Set(lines.filter { $0.hasPrefix("Trace ") }.compactMap { $0.split(separator: ":").first })
  }

  /// Each VM has its own CPU, as the tool places them; with both on one, the other CPU sleeps.
  @Test(arguments: [false, true]) func aCPUEach(counting: Bool) throws {
    let phone = PhoneText.phone(
      PhoneText.narrow("small", as: "one", "ticks=100"), PhoneText.narrow("small", as: "two", "ticks=100"))
    #expect(try busyCPUs(phone, counting: counting) == ["Trace 0", "Trace 1"])
  }

  @Test func oneCPUForBoth() throws {
    let placed = ", placement: [0]"
    let phone = PhoneText.phone(
      PhoneText.narrow("small", as: "one", "ticks=100", more: placed),
      PhoneText.narrow("small", as: "two", "ticks=100", more: placed))
    #expect(try busyCPUs(phone, counting: false) == ["Trace 0"])
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

  // MARK: Attacks

  /// A VM that starts again whenever an attack ends it, beside one that must not notice. Where it starts is different each
  /// time; it says where.
  /// - Parameter places: the CPUs of both.
  private func expectUnharmed(
    _ arguments: String, ticks: Int, on board: BoardModel = .vexpress, places: (Int, Int) = (0, 0)
  ) throws {
    let phone = PhoneText.phone(
      PhoneText.narrow(
        "hostile32", "count=100 chatter=20 \(arguments)", mebibytes: 8,
        more: ", restart: always, placement: [\(places.0)]"),
      PhoneText.narrow("small", "ticks=\(ticks)", mebibytes: 8, more: ", placement: [\(places.1)]"))
    let script = Script(
      until: ["small: fine", "hostile32: seed"],
      failures: ["small: DAMAGED", "small: FAIL", "a fault of the hypervisor"])
    let recording = try EmulatedBoard(timeout: .seconds(Repository.isLongRun ? 600 : 120)).run(
      narrow: phone, on: board, script: script)
    #expect(recording.missing.isEmpty, "\(recording.tail)")
    #expect(!recording.contains("a fault of the hypervisor"), "\(recording.tail)")
  }

  static let seeds = Repository.isLongRun ? 1...100 : 1...4 as ClosedRange<Int>
  static let ticks = Repository.isLongRun ? 3000 : 300

  @Test(arguments: seeds) func hostile(seed: Int) throws {
    try expectUnharmed("seed=\(seed)", ticks: Self.ticks)
  }

  /// On another CPU than its neighbour: on the boot CPU, and on the second one.
  @Test(arguments: seeds) func hostileOnItsOwnCPU(seed: Int) throws {
    let places = seed & 1 == 0 ? (0, 1) : (1, 0)
    try expectUnharmed("seed=\(seed)", ticks: Self.ticks, on: .smdkc210, places: places)
  }

  /// Only what it can do to the translator that serves it, which ends it most of the times.
  @Test(arguments: seeds) func hostileToItsTranslator(seed: Int) throws {
    try expectUnharmed("seed=\(seed) only=15", ticks: Self.ticks)
  }

  /// Instructions at the ends of pages that have nothing behind them, in User mode and in the kernel.
  @Test(arguments: [1, 3]) func hostileAtEdges(kind: Int) throws {
    try expectUnharmed("seed=1 only=\(kind)", ticks: Self.ticks)
  }
}
