/// The board's UART: PrimeCell UART (PL011) Technical Reference Manual, DDI 0183. The boot loader has set
/// its speed.
public struct PL011<Registers: DeviceRegisters> {
  private let registers: Registers

  private enum Offset {
    static var data: UInt32 { 0x00 }
    static var flags: UInt32 { 0x18 }
    static var interruptMask: UInt32 { 0x38 }
  }

  public init(_ registers: Registers) { self.registers = registers }

  /// Asks for an interrupt when characters come (RXIM, RTIM), and, if `transmit`, when there is room (TXIM).
  @inline(__always) public func interrupt(transmit: Bool) {
    registers.write32(Offset.interruptMask, transmit ? 0x70 : 0x50)
  }

  /// Whether the transmit FIFO has room (not TXFF).
  @inline(__always) public var canSend: Bool { registers.read32(Offset.flags) & 0x20 == 0 }

  /// Sends; the caller has seen that there is room.
  @inline(__always) public func send(_ character: UInt8) {
    registers.write32(Offset.data, UInt32(character))
  }

  /// A character that came, or nil (RXFE).
  @inline(__always) public func receive() -> UInt8? {
    guard registers.read32(Offset.flags) & 0x10 == 0 else { return nil }
    return UInt8(truncatingIfNeeded: registers.read32(Offset.data))
  }
}
