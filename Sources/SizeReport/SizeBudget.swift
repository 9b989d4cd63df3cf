import Foundation

/// `SizeBudget.json`: how many bytes each part of the hypervisor may take.
struct SizeBudget: Decodable {
  struct Part: Decodable {
    var name: String
    /// The part's allotment.
    var bytes: UInt64
    /// Names of source files without their endings; `Core+Interrupts`.
    var files: [String]
  }

  /// The promise: all loaded bytes, with everything that is still to come.
  var total: UInt64
  /// What this version may take of it.
  var limit: UInt64
  /// What follows takes the rest: at least this much.
  var reserved: UInt64
  /// What the device server's image may take: a promise of its own.
  var steward: UInt64
  /// What the image for CPUs without virtualization extensions may take now. The promise is `total`.
  var armv7: UInt64
  /// What the translator may take, which is not privileged.
  var translator: UInt64
  var parts: [Part]

  init(path: String) throws {
    self = try JSONDecoder().decode(SizeBudget.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }
}
