/// The name of a system register, at the places that a trapped access's syndrome has it (ESR_EL2.ISS of class
/// 0x18): op0 21:20, op2 19:17, op1 16:14, CRn 13:10, CRm 4:1.
public struct SystemRegister: Equatable, Sendable {
  public let encoding: UInt32

  @inline(__always)
  public init(_ op0: UInt32, _ op1: UInt32, _ cn: UInt32, _ cm: UInt32, _ op2: UInt32) {
    encoding = op0 &<< 20 | op2 &<< 17 | op1 &<< 14 | cn &<< 10 | cm &<< 1
  }

  @inline(__always) init(syndrome: UInt32) { encoding = syndrome & 0x3F_FC1E }

  public static func == (left: Self, right: Self) -> Bool { left.encoding == right.encoding }

  /// op0 2: debug and trace registers.
  @inline(__always) public var isDebug: Bool { encoding &>> 20 == 2 }
  /// Whether it lies in the identification space that HCR_EL2.TID3 traps: op0 3, op1 0, CRn 0, CRm 1…7.
  @inline(__always) public var isIdentification: Bool { encoding & 0x31_FC00 == 0x30_0000 }
  /// `CRm:op2` of an identification register.
  @inline(__always) public var identificationIndex: UInt32 { (encoding &>> 1 & 15) &<< 3 | encoding &>> 17 & 7 }

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
