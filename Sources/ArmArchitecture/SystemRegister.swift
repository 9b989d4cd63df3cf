/// The encoding of a system register, packed as `op0:op1:CRn:CRm:op2` in 16 bits.
public struct SystemRegister: Equatable, Sendable {
  public let encoding: UInt32

  @inline(__always)
  public init(_ op0: UInt32, _ op1: UInt32, _ cn: UInt32, _ cm: UInt32, _ op2: UInt32) {
    encoding = op0 &<< 14 | op1 &<< 11 | cn &<< 7 | cm &<< 3 | op2
  }

  /// From the syndrome of a trapped access: op0 21:20, op2 19:17, op1 16:14, CRn 13:10, CRm 4:1.
  @inline(__always) init(syndrome: UInt32) {
    encoding =
      (syndrome &>> 20 & 3) &<< 14 | (syndrome &>> 14 & 7) &<< 11 | (syndrome &>> 10 & 15) &<< 7
      | (syndrome &>> 1 & 15) &<< 3 | syndrome &>> 17 & 7
  }

  public static func == (left: Self, right: Self) -> Bool { left.encoding == right.encoding }

  /// op0: 2 for debug and trace registers.
  public var isDebug: Bool { encoding &>> 14 == 2 }
  /// Whether it lies in the identification space that HCR_EL2.TID3 traps: op0 3, op1 0, CRn 0, CRm 1…7.
  public var isIdentification: Bool { encoding &>> 7 == 0x180 }
  /// `CRm:op2` of an identification register.
  public var identificationIndex: UInt32 { encoding & 0x7F }

  /// ACTLR_EL1.
  public static let auxiliaryControl = SystemRegister(3, 0, 1, 0, 1)
  /// MDSCR_EL1.
  public static let monitorDebugControl = SystemRegister(2, 0, 0, 2, 2)
  /// ICC_SGI1R_EL1.
  public static let softwareInterruptGroup1 = SystemRegister(3, 0, 12, 11, 5)
  /// ICC_ASGI1R_EL1.
  public static let softwareInterruptAlias = SystemRegister(3, 0, 12, 11, 6)
  /// ICC_SGI0R_EL1.
  public static let softwareInterruptGroup0 = SystemRegister(3, 0, 12, 11, 7)
}
