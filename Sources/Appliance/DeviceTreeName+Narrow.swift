// Names that only boards without virtualization extensions are searched for: an image that has no use for them has no table
// of them either.

extension DeviceTreeName {
  /// `ranges`
  public static var ranges: Self { Self(place: 25) }
  /// `interrupts-extended`
  public static var interruptsExtended: Self { Self(place: 26) }
  /// `cpu-offset`
  public static var cpuOffset: Self { Self(place: 27) }
  // From here on what a node can be.
  /// `arm,cortex-a9-gic`
  public static var cortexA9GIC: Self { Self(place: 28) }
  /// `allwinner,sun4i-a10-ic`
  public static var allwinnerInterruptController: Self { Self(place: 29) }
  /// `samsung,exynos4210-uart`
  public static var exynosUART: Self { Self(place: 30) }
  /// `arm,sp804`
  public static var dualTimer: Self { Self(place: 31) }
  /// `samsung,exynos4210-mct`
  public static var multiCoreTimer: Self { Self(place: 32) }
  /// `allwinner,sun4i-a10-timer`
  public static var allwinnerTimer: Self { Self(place: 33) }
  /// `samsung,exynos4210-pmu`
  public static var exynosPowerController: Self { Self(place: 34) }
  /// `arm,vexpress-sysreg`
  public static var versatileSystemRegisters: Self { Self(place: 35) }

  /// Whether a node's `compatible` says by this name that it is a device of such boards alone.
  public var isNarrowDevice: Bool { place >= Self.cortexA9GIC.place }

  /// The hashes of the names above, in their order.
  fileprivate static let narrowHashes: InlineArray<11, UInt32> = [
    0x8967_E173, 0x7591_2115, 0x4F14_1137, 0x1E5F_2F7B, 0x3B44_2428, 0x2088_31B5, 0x297D_EE0C, 0x3E63_C64F,
    0x0DCB_2AA1, 0xC8F2_CAC9, 0xA4DF_59CD,
  ]
}

extension Blob {
  /// The zero-terminated string that comes next, as one of these names.
  @inline(never) public mutating func narrowName() -> DeviceTreeName {
    let hash = hash()
    var index = DeviceTreeName.narrowHashes.count
    while index > 0, DeviceTreeName.narrowHashes[index &- 1] != hash { index &-= 1 }
    return DeviceTreeName(place: index == 0 ? 0 : UInt8(truncatingIfNeeded: index &+ 24))
  }
}
