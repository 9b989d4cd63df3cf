// The register map of the GICv3 distributor and of a redistributor's SGI frame, which repeats the
// distributor's first bank. GIC Architecture Specification (IHI 0069) 12.8 to 12.11.

/// What lies at an offset of a GIC frame.
public enum InterruptRegister: Equatable {
  /// A word with a bit for each interrupt of a bank.
  case bits(InterruptBits, bank: UInt32)
  /// Four priorities; the word counted from the first interrupt.
  case priority(word: UInt32)
  /// Trigger configuration of sixteen interrupts.
  case configuration(half: UInt32)
  /// The lower word of GICD_IROUTER for a shared interrupt.
  case route(interrupt: UInt32)
  case control
  case type
  case implementer
  /// PIDR2, which names the architecture's version.
  case architecture
  /// Reserved or not implemented: reads as zero, ignores writes.
  case none

  /// Decodes a word offset within a distributor frame.
  public static func decode(offset: UInt32) -> InterruptRegister {
    switch offset &>> 7 {
    case 0: return identification(offset: offset)
    case 1...7:
      return .bits(InterruptBits(rawValue: UInt8(truncatingIfNeeded: offset &>> 7)), bank: offset &>> 2 & 31)
    case 8...15: return .priority(word: offset &>> 2 & 0xFF)
    case 24...25: return .configuration(half: offset &>> 2 & 0x3F)
    case 192...255: return offset & 7 == 0 ? .route(interrupt: (offset & 0x1FFF) &>> 3) : .none
    case 511: return offset == 0xFFE8 ? .architecture : .none
    default: return .none
    }
  }

  private static func identification(offset: UInt32) -> InterruptRegister {
    switch offset {
    case 0: return .control
    case 4: return .type
    case 8: return .implementer
    default: return .none
    }
  }
}

/// The registers that hold a bit for each interrupt; the raw value is the offset divided by 0x80.
public struct InterruptBits: Equatable, Sendable {
  public let rawValue: UInt8

  public static let group = InterruptBits(rawValue: 1)
  public static let setEnable = InterruptBits(rawValue: 2)
  public static let clearEnable = InterruptBits(rawValue: 3)
  public static let setPending = InterruptBits(rawValue: 4)
  public static let clearPending = InterruptBits(rawValue: 5)
  public static let setActive = InterruptBits(rawValue: 6)
  public static let clearActive = InterruptBits(rawValue: 7)
}
