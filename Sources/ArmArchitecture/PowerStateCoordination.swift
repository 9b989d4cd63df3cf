// Function numbers and return codes of the firmware interface: PSCI 1.1 (DEN 0022), SMC Calling Convention
// 1.2 (DEN 0028).

/// What a guest asks of its firmware, by `HVC` or `SMC`.
public enum FirmwareFunction {
  public static let callingConventionVersion: UInt32 = 0x8000_0000
  public static let callingConventionFeatures: UInt32 = 0x8000_0001
  public static let version: UInt32 = 0x8400_0000
  public static let suspend: UInt32 = 0x8400_0001
  public static let cpuOff: UInt32 = 0x8400_0002
  public static let cpuOn: UInt32 = 0x8400_0003
  public static let affinityInfo: UInt32 = 0x8400_0004
  public static let migrateInfoType: UInt32 = 0x8400_0006
  public static let systemOff: UInt32 = 0x8400_0008
  public static let systemReset: UInt32 = 0x8400_0009
  public static let features: UInt32 = 0x8400_000A
  /// Set in a number whose arguments are 64 bits wide.
  public static let wide: UInt32 = 0x4000_0000

  /// Whether a function exists: SMCCC_VERSION and SMCCC_ARCH_FEATURES; of PSCI, by the last byte of the number,
  /// 0…4, 6, 8, 9, 10 in the 32-bit convention and 1, 3, 4 in the 64-bit one.
  @inline(__always) public static func exists(_ number: UInt32) -> Bool {
    let functions: UInt32 = number & wide == 0 ? 0x75F : 0x1A
    let place = (number & ~wide) &- version
    return place < 32 && functions &>> place & 1 != 0 || number & ~1 == callingConventionVersion
  }
}

/// What the firmware answers.
public enum FirmwareResult {
  public static let success: Int64 = 0
  public static let notSupported: Int64 = -1
  public static let invalidParameters: Int64 = -2
  public static let alreadyOn: Int64 = -4
  public static let onPending: Int64 = -5
  public static let invalidAddress: Int64 = -9
  /// PSCI 1.1.
  public static let version: Int64 = 0x1_0001
  /// SMCCC 1.2.
  public static let callingConventionVersion: Int64 = 0x1_0002
  /// AFFINITY_INFO.
  public static let on: Int64 = 0
  public static let off: Int64 = 1
  public static let isPending: Int64 = 2
  /// MIGRATE_INFO_TYPE: the trusted OS does not migrate, or there is none.
  public static let migrationNotRequired: Int64 = 2
}
