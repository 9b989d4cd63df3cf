/// What turns a board off, and the second CPU of one on, where no firmware does.
public struct PowerController<Registers: DeviceRegisters> {
  /// The power management unit of Samsung's Exynos 4210 (user's manual, chapter 8), or the system registers of a Versatile Express
  /// motherboard (DUI 0447, chapter 4).
  public enum Kind: Sendable { case exynos, versatile }

  private let kind: Kind
  private let registers: Registers

  public init(_ kind: Kind, _ registers: Registers) {
    self.kind = kind
    self.registers = registers
  }

  /// Tells the boot ROM of an Exynos where the second CPU is to go (INFORM5), and gives that power (ARM_CORE1_CONFIGURATION). It
  /// looks whenever an interrupt wakes it.
  public func start(at entry: UInt32) {
    registers.write32(0x814, entry)
    registers.write32(0x2080, 3)
  }

  /// Lets the wire go that holds the board's power (PS_HOLD_CONTROL), or asks for a shutdown (SYS_CFGCTRL: start, write, function 8).
  public func turnOff() {
    let isExynos = kind == .exynos
    registers.write32(isExynos ? 0x330C : 0xA4, isExynos ? 0x5200 : 0xC080_0000)
  }
}
