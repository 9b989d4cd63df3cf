// AArch32 as EL2 sees it: the program status that an exception saved, conditions, banked registers, and how an exception
// is entered. Pure. Arm ARM (DDI 0487) C5.2.20 (SPSR_EL2), F1.4 (IT), G1.13 (exceptions), D1.21.1 (register mapping).

/// SPSR_EL2 of an exception from AArch32.
public struct NarrowState: Equatable, Sendable {
  public var rawValue: UInt64

  @inline(__always) public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Supervisor mode with SErrors, IRQs and FIQs masked.
  public static var supervisor: UInt64 { 0x1D3 }
  /// SCTLR at reset: MMU and caches off.
  public static var control: UInt64 { 0xC5_0838 }

  @inline(__always) public var isThumb: Bool { rawValue & 1 << 5 != 0 }
  /// The IT state; 0 outside of an IT block.
  @inline(__always) private var block: UInt64 { rawValue &>> 8 & 0xFC | rawValue &>> 25 & 3 }

  /// The state behind an instruction of an IT block; the same outside of one.
  @inline(__always) public var advanced: Self {
    let next = block & 7 == 0 ? 0 : block & 0xE0 | block &<< 1 & 0x1F
    return Self(rawValue & ~0x600_FC00 | (next & 0xFC) &<< 8 | (next & 3) &<< 25)
  }

  /// Whether an instruction is executed that trapped with this syndrome: a CPU may trap one whose condition fails.
  @inline(__always) public func passes(_ syndrome: ExceptionSyndrome) -> Bool {
    guard syndrome.hasCondition else { return true }
    let inBlock: UInt64 = block == 0 ? 0xE : block &>> 4
    let condition = syndrome.rawValue & 1 << 24 != 0 ? syndrome.rawValue &>> 20 & 0xF : inBlock
    // For each pair of conditions a bit for each value of NZCV: EQ, CS, MI, VS; HI, GE, GT, AL.
    let tables: UInt64 = condition & 8 == 0 ? 0xAAAA_FF00_CCCC_F0F0 : 0xFFFF_0A05_AA55_0C0C
    let holds = tables &>> ((condition &<< 3 & 0x30) &+ (rawValue &>> 28 & 0xF)) & 1
    return holds != (condition >= 0xE ? 0 : condition & 1)
  }

  /// A syndrome with the register of a data abort as QEMU means it: in Supervisor mode SP and LR are x19 and x18, but QEMU 7.2
  /// names them by the instruction's numbers, 13 and 14. Those no CPU means there.
  @inline(__always) public func banked(_ syndrome: ExceptionSyndrome) -> ExceptionSyndrome {
    let number = syndrome.rawValue &>> 16 & 31
    guard syndrome.isDataAbort, rawValue & 0x1F == 0x13, number &- 13 < 2 else { return syndrome }
    return ExceptionSyndrome(syndrome.rawValue & ~(31 &<< 16) | (32 &- number) &<< 16)
  }

  /// The state in which an exception's handler begins.
  /// - Parameters:
  ///   - mode: Abort or Undefined, with what it masks.
  ///   - control: SCTLR, whose TE and EE say instruction set and byte order.
  @inline(__always) public func entering(_ mode: UInt64, control: UInt64) -> Self {
    Self(rawValue & ~0x710_FE3F | mode | control &>> 25 & 0x20 | control &>> 16 & 0x200)
  }
}

/// An exception that a guest in AArch32 takes.
public struct NarrowException: Sendable {
  /// What its mode and the masked interrupts are in the program status.
  public let mode: UInt64
  /// Of its vector.
  public let offset: UInt64
  /// From the instruction to what LR gets.
  public let link: UInt64
  /// LR of its mode.
  public let linkRegister: Int

  /// - Parameter syndrome: what the same exception would be in AArch64.
  @inline(__always) public init(syndrome: UInt64, isThumb: Bool) {
    let isAbort = syndrome &>> 31 != 0
    let isData = syndrome &>> 28 & 1 & syndrome &>> 31
    mode = isAbort ? 0x197 : 0x9B
    offset = isAbort ? 12 &+ 4 &* isData : 4
    link = isAbort ? 4 &+ 4 &* isData : isThumb ? 2 : 4
    linkRegister = isAbort ? 20 : 22
  }
}
