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

  /// The PSCI functions that exist, a bit each by the last byte of their number: in the 32-bit convention (0…4, 6, 8, 9,
  /// 10) and in the 64-bit one (suspend, CPU_ON, AFFINITY_INFO).
  public static let narrowFunctions: UInt32 = 0x75F
  public static let wideFunctions: UInt32 = 0x1A

  /// Whether the number of the 32-bit convention is a PSCI function of the set.
  @inline(__always) public static func isPowerFunction(_ number: UInt32, of set: UInt32) -> Bool {
    number &- version < 32 && set &>> (number & 31) & 1 != 0
  }
}

/// What the firmware answers.
public enum FirmwareResult {
  public static let success: Int64 = 0
  public static let notSupported: Int64 = -1
  public static let invalidParameters: Int64 = -2
  public static let denied: Int64 = -3
  public static let alreadyOn: Int64 = -4
  public static let onPending: Int64 = -5
  public static let invalidAddress: Int64 = -9
  /// PSCI 1.1.
  public static let version: Int64 = 0x1_0001
  /// SMCCC 1.1.
  public static let callingConventionVersion: Int64 = 0x1_0001
  /// AFFINITY_INFO.
  public static let on: Int64 = 0
  public static let off: Int64 = 1
  public static let isPending: Int64 = 2
  /// MIGRATE_INFO_TYPE: the trusted OS does not migrate, or there is none.
  public static let migrationNotRequired: Int64 = 2
}
