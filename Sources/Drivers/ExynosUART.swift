/// Samsung's UART (Exynos 4210 user's manual, chapter 28), whose speed the boot loader has set.
public struct ExynosUART<Registers: DeviceRegisters>: SerialPort {
  private let registers: Registers

  public init(_ registers: Registers) { self.registers = registers }

  /// UCON: both directions by interrupt (0x5), both interrupts by level, with a receive time-out of 4 frames; UFCON: the FIFOs
  /// are on, for without them UFSTAT counts nothing; UINTM: TXD 2, RXD 0.
  public func interrupt(transmit: Bool) {
    registers.write32(0x04, 0x3385)
    registers.write32(0x08, 1)
    registers.write32(0x38, transmit ? 0xA : 0xE)
    registers.write32(0x30, 0xF)
  }

  /// UFSTAT: transmit FIFO full 24.
  public var canSend: Bool { registers.read32(0x18) & 1 << 24 == 0 }

  /// UTXH.
  @inline(__always) public func send(_ character: UInt8) { registers.write32(0x20, UInt32(character)) }

  /// UFSTAT: receive FIFO full 8, characters in it 7:0; URXH. When there is none, UINTP, whose bits stay until they are
  /// written, is cleared, and then there may be one.
  public func receive() -> UInt8? {
    if registers.read32(0x18) & 0x1FF == 0 {
      registers.write32(0x30, 0xF)
      guard registers.read32(0x18) & 0x1FF != 0 else { return nil }
    }
    return UInt8(truncatingIfNeeded: registers.read32(0x24))
  }
}
