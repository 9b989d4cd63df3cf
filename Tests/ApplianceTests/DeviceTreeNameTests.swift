import Appliance
import Foundation
import Testing

/// The hashes in `DeviceTreeName.swift` and its extension are those of the names that stand above them.
@Suite struct DeviceTreeNameTests {
  private static let sources = ["DeviceTreeName.swift", "DeviceTreeName+Server.swift"].map {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Sources/Appliance/" + $0)
  }

  /// Pairs of a name in a doc comment and the hash in the line below it.
  private func declared() throws -> [(name: String, hash: UInt32)] {
    let lines = try Self.sources.flatMap {
      try String(contentsOf: $0, encoding: .utf8).components(separatedBy: "\n")
    }
    return zip(lines, lines.dropFirst()).compactMap { comment, declaration in
      guard comment.hasPrefix("  /// `"), let start = declaration.range(of: "(hash: 0x") else { return nil }
      let digits = declaration[start.upperBound...].prefix { $0.isHexDigit || $0 == "_" }
      guard let hash = UInt32(digits.replacingOccurrences(of: "_", with: ""), radix: 16) else { return nil }
      return (comment.components(separatedBy: "`")[1], hash)
    }
  }

  @Test func hashesAreThoseOfTheNames() throws {
    let declared = try declared()
    #expect(declared.count >= 40)
    for (name, hash) in declared {
      #expect(TestBlob(Array(name.utf8) + [0]).blob.name(at: 0).hash == hash, "\(name)")
    }
    #expect(Set(declared.map(\.hash)).count == declared.count)
  }

  @Test func namesEndAtTheirZero() {
    let blob = TestBlob(Array("xreg\0s".utf8)).blob
    #expect(blob.name(at: 1) == .reg)
    #expect(blob.name(at: 0) != .reg)
    #expect(blob.name(at: -5) == blob.name(at: 100))
  }
}
