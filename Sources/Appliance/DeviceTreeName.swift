/// Names in device trees that the device looks for, as numbers: a name is compared as its 32-bit FNV-1a hash, which
/// costs one comparison where strings would cost a loop. A host test computes them from the names.
public struct DeviceTreeName: Equatable, Sendable {
  public let hash: UInt32

  /// `#address-cells`
  public static let addressCells = DeviceTreeName(hash: 0x51FE_9F22)
  /// `#size-cells`
  public static let sizeCells = DeviceTreeName(hash: 0xAE5E_E4B3)
  /// `compatible`
  public static let compatible = DeviceTreeName(hash: 0xD697_FC33)
  /// `device_type`
  public static let deviceType = DeviceTreeName(hash: 0x465F_47CC)
  /// `interrupts`
  public static let interrupts = DeviceTreeName(hash: 0xE9BD_4619)
  /// `method`
  public static let method = DeviceTreeName(hash: 0xAB45_F730)
  /// `reg`
  public static let reg = DeviceTreeName(hash: 0x43F4_8595)
  /// `rng-seed`
  public static let rngSeed = DeviceTreeName(hash: 0x1807_29B4)
  /// `status`
  public static let status = DeviceTreeName(hash: 0xBA4B_77EF)
  /// `linux,initrd-start`
  public static let initrdStart = DeviceTreeName(hash: 0x97F0_79BA)
  /// `linux,initrd-end`
  public static let initrdEnd = DeviceTreeName(hash: 0x37AD_944F)
  /// `memory`
  public static let memory = DeviceTreeName(hash: 0x84E9_F1AE)
  /// `cpu`
  public static let cpu = DeviceTreeName(hash: 0xF94A_F989)
  /// `smc`
  public static let smc = DeviceTreeName(hash: 0xEB3A_C8FA)
  /// `okay`
  public static let okay = DeviceTreeName(hash: 0xBA9E_EB49)
  /// `ok`
  public static let ok = DeviceTreeName(hash: 0x6634_37AF)
  /// `reserved-memory`
  public static let reservedMemory = DeviceTreeName(hash: 0x90DD_6653)
  /// `arm,gic-v3`
  public static let gicV3 = DeviceTreeName(hash: 0xE5A0_BA04)
  /// `arm,gic-400`
  public static let gic400 = DeviceTreeName(hash: 0xD9D5_B0CD)
  /// `arm,cortex-a15-gic`
  public static let cortexA15GIC = DeviceTreeName(hash: 0x57C6_71DA)
  /// `arm,pl011`
  public static let pl011 = DeviceTreeName(hash: 0x6978_2F87)
  /// `ns16550a`
  public static let ns16550a = DeviceTreeName(hash: 0xC084_8DB8)
  /// `snps,dw-apb-uart`
  public static let designWareUART = DeviceTreeName(hash: 0x46E2_CF41)
  /// `arm,armv8-timer`
  public static let armv8Timer = DeviceTreeName(hash: 0x8755_C8E1)
}

extension Blob {
  /// The zero-terminated string at `offset` as a name.
  @inline(never) public func name(at offset: Int) -> DeviceTreeName {
    var hash: UInt32 = 0x811C_9DC5
    var position = offset
    while true {
      let character = byte(at: position)
      guard character != 0 else { return DeviceTreeName(hash: hash) }
      hash = (hash ^ UInt32(character)) &* 0x0100_0193
      position &+= 1
    }
  }
}
