// The board's interrupt controller, GIC Architecture Specification (IHI 0069): the distributor and the
// redistributors in memory. The CPU interface is system registers (`Hardware`).

import ArmArchitecture

/// The distributor: shared interrupts.
public struct GICv3Distributor<Registers: DeviceRegisters> {
  private let registers: Registers

  public init(_ registers: Registers) { self.registers = registers }

  /// Forwards Group 1 with affinity routing (GICD_CTLR: ARE_NS, EnableGrp1), every shared interrupt off.
  public func start() {
    registers.write32(0, 0)
    waitForWrites()
    let words = registers.read32(4) & 31
    var word: UInt32 = 1
    while word <= words {
      registers.write32(0x180 &+ word &* 4, ~0)
      registers.write32(0x80 &+ word &* 4, ~0)
      word &+= 1
    }
    registers.write32(0, 0x12)
    waitForWrites()
  }

  /// Delivers a shared interrupt to the CPU with this affinity, at the middle priority.
  public func enable(_ interrupt: InterruptNumber, affinity: UInt64) {
    let word = interrupt.rawValue &>> 5 &* 4
    let shift = (interrupt.rawValue & 3) &* 8
    let priority = 0x400 &+ interrupt.rawValue & ~3
    registers.write32(priority, registers.read32(priority) & ~(0xFF &<< shift) | 0x80 &<< shift)
    registers.write64(0x6000 &+ interrupt.rawValue &* 8, affinity)
    registers.write32(0x100 &+ word, interrupt.bit)
  }

  /// RWP: earlier writes have not yet taken effect everywhere.
  private func waitForWrites() {
    var patience: UInt32 = 1 << 20
    while registers.read32(0) & 1 << 31 != 0, patience != 0 { patience &-= 1 }
  }
}

/// One CPU's redistributor: software-generated and private interrupts.
public struct GICv3Redistributor<Registers: DeviceRegisters> {
  private let registers: Registers

  /// Bytes of a redistributor: the control frame and the frame of its interrupts.
  public static var stride: UInt32 { 0x2_0000 }

  /// - Parameter registers: the redistributor's control frame.
  public init(_ registers: Registers) { self.registers = registers }

  /// GICR_TYPER: the CPU's affinity as in MPIDR, packed to 32 bits.
  public var affinity: UInt32 { UInt32(truncatingIfNeeded: registers.read64(8) &>> 32) }
  /// GICR_TYPER.Last: no further redistributor follows.
  public var isLast: Bool { registers.read64(8) & 0x10 != 0 }
  /// GICR_TYPER.VLPIS: two further frames follow.
  public var isDouble: Bool { registers.read64(8) & 2 != 0 }

  /// Wakes it up and enables just these of its interrupts, all at the middle priority in Group 1.
  public func start(_ interrupts: UInt32) {
    registers.write32(0x14, registers.read32(0x14) & ~2)
    var patience: UInt32 = 1 << 20
    while registers.read32(0x14) & 4 != 0, patience != 0 { patience &-= 1 }
    registers.write32(0x1_0180, ~0)
    registers.write32(0x1_0380, ~0)
    registers.write32(0x1_0080, ~0)
    var word: UInt32 = 0
    while word < 32 {
      registers.write32(0x1_0400 &+ word, 0x8080_8080)
      word &+= 4
    }
    registers.write32(0x1_0100, interrupts)
  }

  /// Makes private interrupts active, as they were when their virtual CPU was taken off.
  @inline(__always) public func activate(_ interrupts: UInt32) {
    registers.write32(0x1_0300, interrupts)
  }
}
