/// A board's UART, whose speed the boot loader has set.
public protocol SerialPort {
  /// Asks for an interrupt when characters come, and, if `transmit`, when there is room.
  func interrupt(transmit: Bool)
  /// Whether the transmit FIFO has room.
  var canSend: Bool { get }
  /// Sends; the caller has seen that there is room.
  func send(_ character: UInt8)
  /// A character that came, or nil.
  func receive() -> UInt8?
}

/// A PrimeCell UART (PL011, DDI 0183), or an 8250 with registers of 32 bits at multiples of 4 (16550A, DesignWare APB
/// UART).
public struct UART<Registers: DeviceRegisters>: SerialPort {
  private let registers: Registers
  private let is8250: Bool

  public init(_ registers: Registers, is8250: Bool) {
    self.registers = registers
    self.is8250 = is8250
  }

  /// Asks for an interrupt when characters come (RXIM, RTIM; ERBFI), and, if `transmit`, when there is room (TXIM; ETBEI).
  @inline(__always) public func interrupt(transmit: Bool) {
    if is8250 {
      registers.write32(0x04, transmit ? 3 : 1)
    } else {
      registers.write32(0x38, transmit ? 0x70 : 0x50)
    }
  }

  /// UARTFR: TXFF 5, RXFE 4. An 8250's Line Status Register says the opposite of both, in THRE 5 and DR 0.
  @inline(never) private var flags: UInt32 {
    guard is8250 else { return registers.read32(0x18) }
    let status = ~registers.read32(0x14)
    return status & 0x20 | (status & 1) &<< 4
  }

  /// Whether the transmit FIFO has room.
  @inline(__always) public var canSend: Bool { flags & 0x20 == 0 }

  /// Sends; the caller has seen that there is room.
  @inline(__always) public func send(_ character: UInt8) { registers.write32(0, UInt32(character)) }

  /// A character that came, or nil.
  @inline(__always) public func receive() -> UInt8? {
    guard flags & 0x10 == 0 else { return nil }
    return UInt8(truncatingIfNeeded: registers.read32(0))
  }
}
