// A load or store that aborted, where no hardware describes it.

/// What an instruction of one register does to memory.
public struct RegisterTransfer: Equatable, Sendable {
  /// 1, 2 or 4.
  public var bytes: UInt32
  public var isSigned: Bool
  public var register: UInt32
  public var isWrite: Bool
  /// Of the instruction: 2 or 4 bytes.
  public var size: UInt32

  /// log₂ of its bytes.
  public var sizeShift: UInt32 { bytes &>> 1 }

  /// What a load of `value` leaves in its register.
  public func extend(_ value: UInt32) -> UInt32 {
    let unused = 32 &- bytes &* 8
    let shifted = value &<< unused
    return isSigned
      ? UInt32(bitPattern: Int32(bitPattern: shifted) &>> Int32(bitPattern: unused)) : shifted &>> unused
  }

  /// An A32 instruction without write-back; nil for every other.
  public init?(a32 word: UInt32) {
    let writesBack = word & 1 &<< 24 == 0 || word & 1 &<< 21 != 0
    guard word &>> 28 != 15, !writesBack, word &>> 12 & 15 != 15 else { return nil }
    register = word &>> 12 & 15
    size = 4
    isWrite = word & 1 &<< 20 == 0
    switch word &>> 25 & 7 {
    case 2, 3:
      guard word & 0x0200_0010 != 0x0200_0010 else { return nil }
      bytes = word & 1 &<< 22 != 0 ? 1 : 4
      isSigned = false
    case 0:
      // Bits 6:5: halfword, signed byte, signed halfword; stores of the last two are of two registers.
      let kind = word &>> 5 & 3
      guard word & 0x90 == 0x90, kind != 0, !isWrite || kind == 1 else { return nil }
      bytes = kind == 2 ? 1 : 2
      isSigned = kind != 1
    default: return nil
    }
  }

  /// A T32 instruction likewise.
  public init?(t32 first: UInt32, _ second: UInt32) {
    if first &>> 11 > 0x1C {
      self.init(wide: first, second)
    } else {
      self.init(narrow: first)
    }
  }

  /// A6.2.4.
  private init?(narrow word: UInt32) {
    size = 2
    register = word & 7
    isSigned = false
    switch word &>> 11 {
    case 0xA, 0xB:
      // Register offset: STR, STRH, STRB, LDRSB, LDR, LDRH, LDRB, LDRSH.
      let kind = word &>> 9 & 7
      isWrite = kind < 3
      isSigned = kind == 3 || kind == 7
      bytes = kind & 3 == 0 ? 4 : kind == 1 || kind == 5 || kind == 7 ? 2 : 1
    case 0xC, 0xD: (bytes, isWrite) = (4, word & 0x800 == 0)
    case 0xE, 0xF: (bytes, isWrite) = (1, word & 0x800 == 0)
    case 0x10, 0x11: (bytes, isWrite) = (2, word & 0x800 == 0)
    case 0x12, 0x13:
      (bytes, isWrite) = (4, word & 0x800 == 0)
      register = word &>> 8 & 7
    default: return nil
    }
  }

  /// A6.3.7 to A6.3.10: 1111 100.
  private init?(wide first: UInt32, _ second: UInt32) {
    guard first & 0xFE00 == 0xF800, second &>> 12 != 15 else { return nil }
    // An immediate of 12 bits, a negative one of 8 bits, or a register; the rest writes back.
    let isLong = first & 0x80 != 0
    guard isLong || second & 0xF00 == 0xC00 || second & 0xFC0 == 0 else { return nil }
    register = second &>> 12
    size = 4
    isWrite = first & 0x10 == 0
    isSigned = first & 0x100 != 0
    let kind = first &>> 5 & 3
    guard kind != 3, !(isSigned && (isWrite || kind == 2)) else { return nil }
    bytes = 1 &<< kind
  }
}
