/// Why cached code left by SVC: the 24 bits of its immediate.
///
/// With bit 4 it is an MCR or MRC of coprocessor 14 or 15, and these are the lower 24 bits of the instruction; the bits
/// 27:24 are 14. Everything else is numbered here.
public enum ExitCode {
  /// A direct branch that was not yet taken.
  static var link: UInt32 { 1 }
  /// An indirect branch that did not find its target.
  static var miss: UInt32 { 2 }
  /// A block that was dropped.
  static var stale: UInt32 { 3 }
  /// An instruction that the translator does itself.
  static var emulate: UInt32 { 4 }
  /// Plus a `Departure`.
  static var departure: UInt32 { 8 }

  /// The departure that an exit is, if it is one.
  public static func departure(_ code: UInt32) -> Departure? { Departure(rawValue: code &- departure) }

  public static func isCoprocessor(_ code: UInt32) -> Bool { code & 0x10 != 0 }
}
