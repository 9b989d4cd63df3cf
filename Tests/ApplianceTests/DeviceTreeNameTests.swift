import Appliance
import Foundation
import Testing

/// The hashes in `DeviceTreeName.swift` are those of the names in its doc comments.
@Suite struct DeviceTreeNameTests {
  private static let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Sources/Appliance/DeviceTreeName.swift")

  /// Pairs of a name in a doc comment and the place in the line below it.
  private func declared() throws -> [(name: String, place: UInt8)] {
    let lines = try String(contentsOf: Self.source, encoding: .utf8).components(separatedBy: "\n")
    return zip(lines, lines.dropFirst()).compactMap { comment, declaration in
      guard comment.hasPrefix("  /// `"), let start = declaration.range(of: "(place: ") else {
        return nil
      }
      guard let place = UInt8(declaration[start.upperBound...].prefix { $0.isNumber }) else {
        return nil
      }
      return (comment.components(separatedBy: "`")[1], place)
    }
  }

  @Test func hashesAreThoseOfTheNames() throws {
    let declared = try declared()
    #expect(declared.count >= 20)
    for (name, place) in declared {
      #expect(TestBlob(Array(name.utf8) + [0]).blob.name(at: 0).place == place, "\(name)")
    }
    #expect(declared.map(\.place) == Array(1...UInt8(declared.count)))
  }

  @Test func unknownNames() {
    for name in ["", "regs", "re", "Reg", "okay "] {
      #expect(TestBlob(Array(name.utf8) + [0]).blob.name(at: 0) == .unknown)
    }
  }

  @Test func namesEndAtTheirZero() {
    let blob = TestBlob(Array("xreg\0s".utf8)).blob
    #expect(blob.name(at: 1) == .reg)
    #expect(blob.name(at: 0) != .reg)
    #expect(blob.name(at: -5) == .unknown && blob.name(at: 100) == .unknown)
  }
}
