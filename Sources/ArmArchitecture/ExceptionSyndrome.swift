// ESR_EL2 decoded. Pure: what happened, in the field's words; what to do about it is decided elsewhere.
// Arm ARM (DDI 0487) D24.2.40.

/// Why a guest came to the hypervisor.
public enum Trap: Equatable {
  /// `WFI` or `WFE`.
  case wait
  case hypervisorCall
  case secureMonitorCall
  case systemRegister(SystemRegisterAccess)
  case floatingPoint
  case dataAbort(DataAbort)
  case instructionAbort
  /// Everything that is undefined on the machine that the guest sees.
  case undefined
}

/// A trapped `MRS` or `MSR`.
public struct SystemRegisterAccess: Equatable {
  /// The syndrome's lower 25 bits.
  let syndrome: UInt32

  @inline(__always) public var register: SystemRegister { SystemRegister(syndrome: syndrome) }
  public var isRead: Bool { syndrome & 1 != 0 }
  /// The general-purpose register read or written.
  public var transfer: RegisterIndex { RegisterIndex(syndrome &>> 5) }
}

/// The registers of a trapped `MCRR` or `MRRC`.
public struct RegisterPair: Equatable {
  public let lower: RegisterIndex
  public let upper: RegisterIndex
}

/// A data abort at stage 2.
public struct DataAbort: Equatable {
  let syndrome: UInt32

  /// - Parameter syndrome: of a data abort.
  @inline(__always) public init(_ syndrome: ExceptionSyndrome) {
    self.syndrome = UInt32(truncatingIfNeeded: syndrome.rawValue) & 0x1FF_FFFF
  }

  /// log₂ of the access's bytes (SAS): 0…3.
  public var sizeShift: UInt32 { syndrome &>> 22 & 3 }
  public var isSignExtended: Bool { syndrome & 1 << 21 != 0 }
  /// Whether a sign is extended to 64 bits instead of 32 (SF).
  public var isSixtyFourBit: Bool { syndrome & 1 << 15 != 0 }
  public var transfer: RegisterIndex { RegisterIndex(syndrome &>> 16) }
  public var isWrite: Bool { syndrome & 1 << 6 != 0 }
  /// Whether it is a cache maintenance instruction (CM).
  public var isCacheMaintenance: Bool { syndrome & 1 << 8 != 0 }
  /// Whether the address translated to nothing (DFSC 0b0001xx), in an access of the program's own that the
  /// syndrome describes: then a device can be emulated.
  @inline(__always) public var isEmulatable: Bool { syndrome & 0x0100_00BC == 0x0100_0004 }
  /// Whether the access is not allowed there (DFSC 0b0011xx, not in a table walk).
  public var isPermissionFault: Bool { syndrome & 0xBC == 0x0C }

  /// What a load leaves in its register: `value` cut to the access's size and extended as the syndrome says, in the width of
  /// the hypervisor's own registers.
  @inline(__always) public func extend(_ value: UInt64) -> UInt64 {
    let unused = UInt(UInt.bitWidth) &- 8 &<< UInt(sizeShift)
    let shifted = UInt(truncatingIfNeeded: value) &<< unused
    guard isSignExtended else { return UInt64(shifted &>> unused) }
    let extended = UInt64(UInt(bitPattern: Int(bitPattern: shifted) &>> Int(unused)))
    return isSixtyFourBit ? extended : extended & 0xFFFF_FFFF
  }
}

/// ESR_EL2: the syndrome of an exception taken to EL2.
public struct ExceptionSyndrome {
  public let rawValue: UInt64

  public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Bytes of the instruction that trapped: 4, or 2 for a short Thumb instruction (IL).
  @inline(__always) public var instructionSize: UInt64 { (rawValue &>> 24 & 2) &+ 2 }

  /// Of a trapped wait: `WFE`, not `WFI` (TI).
  @inline(__always) public var isEventWait: Bool { rawValue & 1 != 0 }

  @inline(__always) private var kind: UInt64 { rawValue &>> 26 & 0x3F }
  @inline(__always) public var isFloatingPoint: Bool { kind == 0x07 }
  @inline(__always) public var isDataAbort: Bool { kind == 0x24 }
  /// Whether it is of an instruction of AArch32 that may trap though its condition fails: an access of CP15 or CP14 (classes
  /// 0x03 to 0x08) or `SMC` (0x13).
  @inline(__always) public var hasCondition: Bool { kind &- 3 < 6 || kind == 0x13 }
  @inline(__always) public var registerPair: RegisterPair? {
    let syndrome = UInt32(truncatingIfNeeded: rawValue)
    guard kind == 0x04 else { return nil }
    return RegisterPair(lower: RegisterIndex(syndrome &>> 5), upper: RegisterIndex(syndrome &>> 10))
  }

  @inline(__always) public var trap: Trap {
    let syndrome = UInt32(truncatingIfNeeded: rawValue) & 0x1FF_FFFF
    switch kind {
    case 0x01: return .wait
    // Those of AArch32's CP15 and CP14 that trap have the encodings of AArch64 with op0 3 and 2.
    case 0x03: return .systemRegister(SystemRegisterAccess(syndrome: syndrome & 0xF_FFFF | 3 &<< 20))
    case 0x04:
      // Of those of two registers only ICC_SGI1R, ICC_ASGI1R and ICC_SGI0R exist: CRm 12, Opc1 0 to 2. What else traps
      // gets the name of nothing.
      let name = SystemRegister(3, 0, 12, (syndrome &>> 1 &- 1) & 15, (syndrome &>> 16 &+ 5) & 7)
      return .systemRegister(SystemRegisterAccess(syndrome: name.encoding | syndrome & 0x3E1))
    case 0x05: return .systemRegister(SystemRegisterAccess(syndrome: syndrome & 0xF_FFFF | 2 &<< 20))
    case 0x08:  // VMRS of MVFR2, MVFR1, MVFR0: 5, 6, 7
      let name = SystemRegister(3, 0, 0, 3, ~(syndrome &>> 10) & 7)
      return .systemRegister(SystemRegisterAccess(syndrome: name.encoding | syndrome & 0x3E1))
    case 0x07: return .floatingPoint
    case 0x12, 0x16: return .hypervisorCall
    case 0x13, 0x17: return .secureMonitorCall
    case 0x18: return .systemRegister(SystemRegisterAccess(syndrome: syndrome))
    case 0x20: return .instructionAbort
    case 0x24: return .dataAbort(DataAbort(self))
    default: return .undefined
    }
  }
}
