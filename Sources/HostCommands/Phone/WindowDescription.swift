import Appliance
import Yams

/// A window of memory that VMs of a phone share.
public struct WindowDescription: Equatable, Sendable {
  public var name: String
  /// Names of the VMs that may write it; they may read it too.
  public var writers: [String]
  /// Names of the VMs that may only read it.
  public var readers: [String]

  public init(name: String, writers: [String], readers: [String]) {
    self.name = name
    self.writers = writers
    self.readers = readers
  }

  /// What the names of windows between the device server and a vault end in; no name of a user has a dot.
  static let mailbox = ".mailbox"

  /// Where all VMs that have it find the window with this number.
  static func guestAddress(of index: Int) -> UInt64 {
    PhoneLimits.firstWindow + UInt64(index) * PhoneLimits.memoryGranule
  }

  /// - Parameter names: of all VMs of the phone.
  init(name: String, at place: SourcePlace, _ node: Node, file: String, among names: [String]) throws {
    try PhoneDescription.check(name: name, of: "a window", at: place)
    let mapping = try YAMLMapping(node, subject: "window `\(name)`", file: file)
    try mapping.allow(only: ["write", "read"])
    self.name = name
    writers = try mapping.names("write", among: names, kind: "VM")
    readers = try mapping.names("read", among: names, kind: "VM")
    if let twice = readers.first(where: writers.contains) {
      throw InputError(
        "window `\(name)` names `\(twice)` under `write` and `read`; who may write may read",
        at: mapping.place(of: "read"))
    }
    guard !(writers + readers).isEmpty else { throw InputError("window `\(name)` is for no VM", at: place) }
  }
}
