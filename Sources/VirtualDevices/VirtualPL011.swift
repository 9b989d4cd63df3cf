// A PL011 UART as the guest sees it: PrimeCell UART (PL011) Technical Reference Manual, DDI 0183, revision
// r1p5 with FIFOs 32 deep. What it sends goes to a `ConsoleChannel`, which stands for the transmit FIFO; as
// long as that has room the wire is infinitely fast.

/// The registers' state. The interrupt line is `isInterrupting` after every access.
public struct VirtualPL011 {
  /// Characters received and not yet read: the FIFO's 32, and behind them what is still on the wire.
  private var received = InlineArray<256, UInt8>(repeating: 0)
  private var receivedFirst: UInt32 = 0
  private var receivedCount: UInt32 = 0
  private var overrun = false
  private var raised: UInt32 = 0
  /// UARTIBRD, UARTFBRD, UARTLCR_H, UARTCR, UARTIFLS, UARTIMSC: offsets 0x24 to 0x38.
  private var settings = Self.firstSettings
  private static var firstSettings: InlineArray<8, UInt32> { [0, 0, 0, 0x300, 0x12, 0, 0, 0] }
  private static var settingBits: InlineArray<8, UInt32> { [0xFFFF, 0x3F, 0xFF, 0xFFFF, 0x3F, 0x7FF, 0, 0] }

  private var lineControl: UInt32 { settings[2] }
  private var levelSelect: UInt32 { settings[4] }
  private var mask: UInt32 { settings[5] }

  /// Bits of UARTRIS and the registers of its form.
  enum Interrupt {
    static let receive: UInt32 = 1 << 4
    static let transmit: UInt32 = 1 << 5
    static let receiveTimeout: UInt32 = 1 << 6
    static let overrun: UInt32 = 1 << 10
  }

  public init() {}

  /// The state at power-on.
  public mutating func reset() {
    receivedCount = 0
    overrun = false
    raised = 0
    settings = Self.firstSettings
  }

  /// UARTMIS is not zero.
  public var isInterrupting: Bool { raised & mask != 0 }

  /// RXFF.
  var isReceiverFull: Bool { receivedCount >= receiverDepth }

  /// 32 characters, or one with the FIFOs off (UARTLCR_H.FEN).
  private var receiverDepth: UInt32 { lineControl & 0x10 != 0 ? 32 : 1 }

  /// A character came from the wire. One that does not fit is lost, as on the wire, and says so (OE).
  @inline(never) public mutating func receive(_ character: UInt8) {
    guard receivedCount < 256 else {
      overrun = true
      raised |= Interrupt.overrun
      return
    }
    received[Int((receivedFirst &+ receivedCount) & 255)] = character
    receivedCount &+= 1
    updateReceiveInterrupts()
  }

  /// Room appeared in the transmit FIFO.
  public mutating func transmitted() { raised |= Interrupt.transmit }

  /// Reads any register but UARTFR at `offset`, a multiple of 4.
  public mutating func read(offset: UInt32) -> UInt32 {
    switch offset {
    case 0x00: return takeReceived()
    case 0x04: return overrun ? 8 : 0
    case 0x24...0x38: return settings[Int((offset &- 0x24) &>> 2 & 7)]
    case 0x3C: return raised
    case 0x40: return raised & mask
    case 0xFE0...0xFFF: return Self.identification(offset: offset)
    default: return 0
    }
  }

  /// Writes any register but UARTDR.
  public mutating func write(_ value: UInt32, offset: UInt32) {
    switch offset {
    case 0x04: overrun = false
    case 0x24...0x38:
      let place = Int((offset &- 0x24) &>> 2 & 7)
      settings[place] = value & Self.settingBits[place]
      if lineControl & 0x10 == 0 { receivedCount = min(receivedCount, 1) }  // the FIFOs are off
    case 0x44: raised &= ~value
    default: break
    }
    updateReceiveInterrupts()
  }

  /// The offset of UARTFR.
  public static var flagRegister: UInt32 { 0x18 }

  /// UARTFR: TXFE 7, RXFF 6, TXFF 5, RXFE 4, BUSY 3.
  @inline(__always) public func flags(isTransmitterFull: Bool) -> UInt32 {
    (isTransmitterFull ? 0x28 : 0x80) | (receivedCount == 0 ? 0x10 : isReceiverFull ? 0x40 : 0)
  }

  private mutating func takeReceived() -> UInt32 {
    guard receivedCount != 0 else { return 0 }
    let character = UInt32(received[Int(receivedFirst & 255)])
    receivedFirst &+= 1
    receivedCount &-= 1
    let error: UInt32 = overrun ? 0x800 : 0
    overrun = false
    updateReceiveInterrupts()
    return character | error
  }

  /// The receive interrupt follows the level that UARTIFLS chooses; the time-out comes at once.
  @inline(never) private mutating func updateReceiveInterrupts() {
    let level = lineControl & 0x10 == 0 ? 1 : Self.receiveLevel(levelSelect &>> 3 & 7)
    raised &= ~(Interrupt.receive | Interrupt.receiveTimeout)
    if receivedCount >= level { raised |= Interrupt.receive }
    if receivedCount != 0 { raised |= Interrupt.receiveTimeout }
  }

  /// UARTIFLS.RXIFLSEL: 1/8, 1/4, 1/2, 3/4, 7/8 of 32.
  private static func receiveLevel(_ select: UInt32) -> UInt32 {
    UInt32(truncatingIfNeeded: 0x1C_1810_0804 as UInt64 &>> UInt64(min(select, 4) &* 8)) & 0xFF
  }

  /// UARTPeriphID0…3 (r1p5: 0x11, 0x10, 0x34, 0x00) and UARTPCellID0…3, a byte each.
  private static func identification(offset: UInt32) -> UInt32 {
    UInt32(truncatingIfNeeded: 0xB105_F00D_0034_1011 as UInt64 &>> UInt64((offset &- 0xFE0) &* 2)) & 0xFF
  }
}
