import Appliance
import Foundation
import Testing

@testable import DeviceServer

/// The hashes in `TreeName.swift` are those of the names in its doc comments.
@Suite struct TreeNameTests {
  @Test func hashesAreThoseOfTheNames() throws {
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Sources/DeviceServer/TreeName.swift")
    let lines = try String(contentsOf: source, encoding: .utf8).components(separatedBy: "\n")
    var names = 0
    for (comment, declaration) in zip(lines, lines.dropFirst()) where comment.hasPrefix("  /// `") {
      let text = comment.components(separatedBy: "`")[1]
      let bytes = Array(text.utf8) + [0]
      let hash = bytes.withUnsafeBytes { Blob(base: $0.baseAddress!, count: $0.count).treeName(at: 0).hash }
      let digits = declaration.components(separatedBy: "0x")[1].prefix { $0.isHexDigit || $0 == "_" }
      #expect(UInt32(digits.replacingOccurrences(of: "_", with: ""), radix: 16) == hash, "\(text)")
      names += 1
    }
    #expect(names >= 20)
  }
}
