/// Why cached code left by SVC: the 24 bits of its immediate.
///
/// With bit 4 it is a `SystemEffect`, bits 15:12, of the register in bits 11:8. Everything else is numbered here; with bit 5
/// the word behind the SVC is the guest's PC, its ITSTATE is 0 and no register is spilled.
public enum ExitCode {
  /// A direct branch that was not yet taken.
  static var link: UInt32 { 1 }
  /// An indirect branch that did not find its target.
  static var miss: UInt32 { 2 }
  /// A block that was dropped.
  static var stale: UInt32 { 3 }
  /// An instruction that the translator does itself.
  static var emulate: UInt32 { 4 }
  /// The end of an exception, to `StateSlot.target`; the registers are what they are to be. The hypervisor does it, or asks.
  public static var exceptionReturn: UInt32 { 5 }
  /// Plus a `Departure`.
  static var departure: UInt32 { 8 }

  /// The departure that an exit is, if it is one.
  public static func departure(_ code: UInt32) -> Departure? { Departure(rawValue: code &- departure) }

  public static func isSystem(_ code: UInt32) -> Bool { code & 0x10 != 0 }

  static func system(_ effect: SystemEffect, _ register: UInt32) -> UInt32 {
    0x10 | register &<< 8 | effect.rawValue &<< 12
  }

  /// The register whose value the effect is about, 0…14.
  public static func register(_ code: UInt32) -> UInt32 { min(code &>> 8 & 15, 14) }

  public static var known: UInt32 { 0x20 }
  static func isKnown(_ code: UInt32) -> Bool { code & known != 0 }
}
