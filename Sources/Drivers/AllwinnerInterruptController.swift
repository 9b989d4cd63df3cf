import ArmArchitecture

/// Allwinner's interrupt controller (A10 user manual, 12): 96 interrupts, by level, without priorities or an active state.
/// They are numbered from 32 on, like the shared interrupts of a GIC.
public struct AllwinnerInterruptController<Registers: DeviceRegisters> {
  private let registers: Registers

  public init(_ registers: Registers) { self.registers = registers }

  /// INTC_EN, INTC_MASK, INTC_SEL: all off, as IRQ.
  public func start() {
    var word: UInt32 = 0
    while word < 12 {
      registers.write32(0x40 &+ word, 0)
      registers.write32(0x50 &+ word, ~0)
      registers.write32(0x30 &+ word, 0)
      word &+= 4
    }
  }

  @inline(never) public func enable(_ interrupt: InterruptNumber) {
    let word = interrupt.rawValue &>> 5 &* 4 &- 4
    registers.write32(0x40 &+ word, registers.read32(0x40 &+ word) | interrupt.bit)
    registers.write32(0x50 &+ word, registers.read32(0x50 &+ word) & ~interrupt.bit)
  }

  /// Until it is enabled again. An interrupt whose device somebody else ends has to wait so.
  @inline(never) public func disable(_ interrupt: InterruptNumber) {
    let word = interrupt.rawValue &>> 5 &* 4 &- 4
    registers.write32(0x40 &+ word, registers.read32(0x40 &+ word) & ~interrupt.bit)
    registers.write32(0x50 &+ word, registers.read32(0x50 &+ word) | interrupt.bit)
  }

  /// INTC_VECTOR: the most urgent enabled interrupt that is raised, four times its number. 0 is also what it says without
  /// one; number 0, the NMI, is never enabled.
  public var raised: InterruptNumber {
    let vector = registers.read32(0x00) & 0x1FC
    return vector == 0 ? .none : InterruptNumber(32 &+ vector &>> 2)
  }
}
