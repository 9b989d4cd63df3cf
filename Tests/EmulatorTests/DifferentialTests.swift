import Foundation
import Testing

@testable import HostCommands

/// Random instruction sequences, natively in a privileged mode and translated in User mode, on QEMU's `vexpress-a9`:
/// registers, flags, memory and the exception that ends them have to be the same (Guests/README.md).
@Suite(.enabled(if: FileManager.default.fileExists(atPath: Repository.guest("differential"))))
struct DifferentialTests {
  /// Which states the sequences of a seed are in.
  struct Sequences: CustomTestStringConvertible, Sendable {
    let seed: Int
    var state = ""
    var testDescription: String { "seed \(seed) \(state)" }
  }

  /// 2,400 sequences; with POCKETVISOR_LONG, or by `make differential`, 100,000.
  static let all = [
    Sequences(seed: 1), Sequences(seed: 2), Sequences(seed: 3, state: "a32"), Sequences(seed: 4, state: "t32"),
  ]
  static let count = Repository.isLongRun ? 25000 : 600

  @Test(arguments: all) func translatedIsAsNative(_ sequences: Sequences) throws {
    let recording = try EmulatedBoard(timeout: .seconds(Repository.isLongRun ? 1800 : 300)).run(
      differential: "seed=\(sequences.seed) count=\(Self.count) \(sequences.state)",
      script: Script(
        until: ["differential: \(Self.count) sequences, 0 differences"], failures: ["differences;", "FAIL"]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  /// A bit of each translated result is changed: the comparison sees every one, in both runs of each sequence.
  @Test func spoiledResultsAreSeen() throws {
    let recording = try EmulatedBoard().run(
      differential: "spoil seed=1 count=100", script: Script(until: ["100 sequences, 200 differences"]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }
}
