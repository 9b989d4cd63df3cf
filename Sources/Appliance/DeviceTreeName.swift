/// Names in device trees that the device looks for, as their places in a table of 32-bit FNV-1a hashes: comparing
/// strings would take their text and a loop. A host test computes the hashes from the names.
public struct DeviceTreeName: Equatable, Sendable {
  /// From 1 on; 0 for a name that nobody looks for.
  public let place: UInt8

  init(place: UInt8) { self.place = place }

  public static var unknown: Self { Self(place: 0) }
  /// `compatible`
  public static var compatible: Self { Self(place: 1) }
  /// `device_type`
  public static var deviceType: Self { Self(place: 2) }
  /// `status`
  public static var status: Self { Self(place: 3) }
  /// `#address-cells`
  public static var addressCells: Self { Self(place: 4) }
  /// `#size-cells`
  public static var sizeCells: Self { Self(place: 5) }
  /// `reg`
  public static var reg: Self { Self(place: 6) }
  /// `interrupts`
  public static var interrupts: Self { Self(place: 7) }
  /// `method`
  public static var method: Self { Self(place: 8) }
  /// `linux,initrd-start`
  public static var initrdStart: Self { Self(place: 9) }
  /// `linux,initrd-end`
  public static var initrdEnd: Self { Self(place: 10) }
  /// `rng-seed`
  public static var rngSeed: Self { Self(place: 11) }
  /// `reserved-memory`
  public static var reservedMemory: Self { Self(place: 12) }
  /// `okay`
  public static var okay: Self { Self(place: 13) }
  /// `ok`
  public static var ok: Self { Self(place: 14) }
  /// `smc`
  public static var smc: Self { Self(place: 15) }
  // From here on what a node can be.
  /// `memory`
  public static var memory: Self { Self(place: 16) }
  /// `cpu`
  public static var cpu: Self { Self(place: 17) }
  /// `arm,armv8-timer`
  public static var armv8Timer: Self { Self(place: 18) }
  /// `arm,gic-v3`
  public static var gicV3: Self { Self(place: 19) }
  /// `arm,gic-400`
  public static var gic400: Self { Self(place: 20) }
  /// `arm,cortex-a15-gic`
  public static var cortexA15GIC: Self { Self(place: 21) }
  /// `arm,pl011`
  public static var pl011: Self { Self(place: 22) }
  /// `ns16550a`
  public static var ns16550a: Self { Self(place: 23) }
  /// `snps,dw-apb-uart`
  public static var designWareUART: Self { Self(place: 24) }

  /// Whether a node's `compatible` or `device_type` says by this name what the node is.
  public var isKindOfNode: Bool { place >= Self.memory.place }
  public var isInterruptController: Bool { place >= Self.gicV3.place && !isUART }
  public var isUART: Bool { place >= Self.pl011.place }

  /// The hashes of the names above, in their order.
  fileprivate static let hashes: InlineArray<24, UInt32> = [
    0xD697_FC33, 0x465F_47CC, 0xBA4B_77EF, 0x51FE_9F22, 0xAE5E_E4B3, 0x43F4_8595, 0xE9BD_4619,
    0xAB45_F730,
    0x97F0_79BA, 0x37AD_944F, 0x1807_29B4, 0x90DD_6653, 0xBA9E_EB49, 0x6634_37AF, 0xEB3A_C8FA,
    0x84E9_F1AE,
    0xF94A_F989, 0x8755_C8E1, 0xE5A0_BA04, 0xD9D5_B0CD, 0x57C6_71DA, 0x6978_2F87, 0xC084_8DB8,
    0x46E2_CF41,
  ]
}

extension Blob {
  /// The hash of the zero-terminated string that comes next.
  @inline(__always) mutating func hash() -> UInt32 {
    var hash: UInt32 = 0x811C_9DC5
    while true {
      let character = byte(at: position)
      position &+= 1
      guard character != 0 else { return hash }
      hash = (hash ^ UInt32(character)) &* 0x0100_0193
    }
  }

  /// The zero-terminated string that comes next, as a name.
  @inline(never) public mutating func name() -> DeviceTreeName {
    let hash = hash()
    var place = DeviceTreeName.hashes.count
    while place > 0, DeviceTreeName.hashes[place &- 1] != hash { place &-= 1 }
    return DeviceTreeName(place: UInt8(truncatingIfNeeded: place))
  }
}
