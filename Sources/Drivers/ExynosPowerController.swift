/// The power management unit of Samsung's Exynos 4210 (user's manual, chapter 8), as far as it turns on the second CPU.
public struct ExynosPowerController<Registers: DeviceRegisters> {
  private let registers: Registers

  public init(_ registers: Registers) { self.registers = registers }

  /// Tells the boot ROM where the second CPU is to go (INFORM5), and gives that power (ARM_CORE1_CONFIGURATION). It looks
  /// whenever an interrupt wakes it.
  public func start(at entry: UInt32) {
    registers.write32(0x814, entry)
    registers.write32(0x2080, 3)
  }
}
