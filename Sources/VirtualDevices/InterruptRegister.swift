// The register map of the GICv3 distributor and of a redistributor's SGI frame, which repeats the
// distributor's first bank. GIC Architecture Specification (IHI 0069) 12.8 to 12.11.

/// What lies at an offset of a GIC frame.
public struct InterruptRegister: Equatable {
  /// The first seven have a bit for each interrupt of a bank; their number is the offset divided by 0x80.
  public struct Kind: Equatable, Sendable {
    public let number: UInt32

    public static let group = Kind(number: 1)
    public static let setEnable = Kind(number: 2)
    public static let clearEnable = Kind(number: 3)
    public static let setPending = Kind(number: 4)
    public static let clearPending = Kind(number: 5)
    public static let setActive = Kind(number: 6)
    public static let clearActive = Kind(number: 7)
    /// Four priorities.
    public static let priority = Kind(number: 8)
    /// Trigger configuration of sixteen interrupts.
    public static let configuration = Kind(number: 9)
    /// The lower word of GICD_IROUTER for a shared interrupt.
    public static let route = Kind(number: 10)
    public static let control = Kind(number: 11)
    public static let type = Kind(number: 12)
    public static let implementer = Kind(number: 13)
    /// PIDR2, which names the architecture's version.
    public static let architecture = Kind(number: 14)
    /// Reserved or not implemented: reads as zero, ignores writes.
    public static let none = Kind(number: 15)
    /// Four bytes of target CPUs, in a GICv2.
    public static let targets = Kind(number: 16)
    /// GICD_SGIR of a GICv2.
    public static let softwareInterrupt = Kind(number: 17)

    /// ICPIDR2 of a GICv2, in its frame of 4 KiB.
    public static let secondArchitecture = Kind(number: 18)

    /// Whether a GICv2 alone has it.
    public var isSecond: Bool { number >= 16 }
  }

  public let kind: Kind
  /// The bank of 32 interrupts that it belongs to.
  public let bank: UInt32
  /// Its place in the bank: which word of priorities (0…7), which half (0, 1), which interrupt (0…31).
  public let place: UInt32

  /// The pending state of software-generated and private interrupts.
  @inline(__always) public var isPrivatePending: Bool {
    bank == 0 && kind.number & ~1 == Kind.setPending.number
  }

  @inline(__always) private init(_ kind: Kind, bank: UInt32 = 0, place: UInt32 = 0) {
    self.kind = kind
    self.bank = bank
    self.place = place
  }

  /// Decodes a word offset within a distributor frame.
  /// - Parameter generation: the interrupt controller's: 2 or 3.
  @inline(__always) public static func decode(offset: UInt32, generation: UInt32) -> InterruptRegister {
    switch offset &>> 7 {
    case 1...7:
      return InterruptRegister(Kind(number: offset &>> 7), bank: offset &>> 2 & 31)
    case 8...15: return InterruptRegister(.priority, bank: offset &>> 5 & 31, place: offset &>> 2 & 7)
    case 16...23 where generation == 2:
      return InterruptRegister(.targets, bank: offset &>> 5 & 31, place: offset &>> 2 & 7)
    case 24...25: return InterruptRegister(.configuration, bank: offset &>> 3 & 31, place: offset &>> 2 & 1)
    case 192...255 where generation == 3:
      guard offset & 7 == 0 else { return InterruptRegister(.none) }
      return InterruptRegister(.route, bank: offset &>> 8 & 31, place: offset &>> 3 & 31)
    default: return identification(offset: offset, generation: generation)
    }
  }

  /// What belongs to no interrupt.
  private static var noBank: UInt32 { 31 }

  @inline(__always) private static func identification(offset: UInt32, generation: UInt32) -> InterruptRegister
  {
    switch offset {
    case 0: InterruptRegister(.control, bank: noBank)
    case 4: InterruptRegister(.type, bank: noBank)
    case 8: InterruptRegister(.implementer, bank: noBank)
    case 0xF00 where generation == 2: InterruptRegister(.softwareInterrupt, bank: noBank)
    case 0xFE8 where generation == 2: InterruptRegister(.secondArchitecture, bank: noBank)
    case 0xFFE8 where generation == 3: InterruptRegister(.architecture, bank: noBank)
    default: InterruptRegister(.none, bank: noBank)
    }
  }
}
