// The board's interrupt controller, GIC Architecture Specification (IHI 0069, for GICv2 IHI 0048): the distributor and
// the redistributors in memory. The CPU interfaces are `Hardware`, but for that of a GIC without virtualization.

import ArmArchitecture

/// The distributor: shared interrupts.
public struct Distributor<Registers: DeviceRegisters> {
  private let registers: Registers

  public init(_ registers: Registers) { self.registers = registers }

  /// What ICC_SGI1R_EL1 takes to send a software-generated interrupt to the CPU with this affinity (12.2.31).
  public static func softwareInterrupt(_ interrupt: InterruptNumber, to affinity: UInt64) -> UInt64 {
    1 &<< (affinity & 15) | (affinity &>> 8 & 0xFF) &<< 16 | (affinity &>> 16 & 0xFF) &<< 32
      | (affinity &>> 32 & 0xFF) &<< 48 | (affinity &>> 4 & 15) &<< 44 | UInt64(interrupt.rawValue) &<< 24
  }

  /// Generates a software-generated interrupt where the controller has no affinity routing (GICD_SGIR).
  func alert(_ command: UInt32) { registers.write32(0xF00, command) }

  /// Forwards Group 1 with affinity routing (GICD_CTLR: ARE_NS, EnableGrp1), every shared interrupt off; the only group
  /// there is for us in a GICv2.
  public func start(generation: UInt32) {
    registers.write32(0, 0)
    waitForWrites()
    let words = registers.read32(4) & 31
    var word: UInt32 = 1
    while word <= words {
      registers.write32(0x180 &+ word &* 4, ~0)
      if generation == 3 { registers.write32(0x80 &+ word &* 4, ~0) }
      word &+= 1
    }
    registers.write32(0, generation == 3 ? 0x12 : 1)
    waitForWrites()
  }

  /// Delivers a shared interrupt to the CPU with this affinity, at the middle priority.
  public func enable(_ interrupt: InterruptNumber, affinity: UInt64) {
    registers.write64(0x6000 &+ interrupt.rawValue &* 8, affinity)
    enable(interrupt)
  }

  /// The same for the CPU interfaces of a GICv2 that `targets` names.
  public func enable(_ interrupt: InterruptNumber, targets: UInt32) {
    setByte(0x800, interrupt, targets)
    enable(interrupt)
  }

  private func enable(_ interrupt: InterruptNumber) {
    setByte(0x400, interrupt, 0x80)
    registers.write32(0x100 &+ interrupt.rawValue &>> 5 &* 4, interrupt.bit)
  }

  /// Ends the active state of the shared interrupts, up to a bank of 32 (GICD_ICACTIVER).
  @inline(never) public func deactivateBanks(_ last: UInt32) {
    var bank = last
    while bank != 0 {
      registers.write32(0x380 &+ bank &* 4, ~0)
      bank &-= 1
    }
  }

  /// Sets the byte of an interrupt in a row of them.
  private func setByte(_ row: UInt32, _ interrupt: InterruptNumber, _ value: UInt32) {
    let shift = (interrupt.rawValue & 3) &* 8
    let offset = row &+ interrupt.rawValue & ~3
    registers.write32(offset, registers.read32(offset) & ~(0xFF &<< shift) | value &<< shift)
  }

  /// The bit of the CPU that reads it, among the CPU interfaces of a GICv2 (GICD_ITARGETSR0).
  public var ownTarget: UInt32 { registers.read32(0x800) & 0xFF }

  /// RWP: earlier writes have not yet taken effect everywhere.
  private func waitForWrites() { registers.wait(until: 0, lacks: 1 << 31) }
}

/// One CPU's redistributor: software-generated and private interrupts.
public struct Redistributor<Registers: DeviceRegisters> {
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

  /// Wakes it up (GICR_WAKER).
  public func wake() {
    registers.write32(0x14, registers.read32(0x14) & ~2)
    registers.wait(until: 0x14, lacks: 4)
  }
}

/// One CPU's software-generated and private interrupts: a frame of its redistributor, or the first words of a GICv2's
/// distributor.
public struct PrivateInterrupts<Registers: DeviceRegisters> {
  private let registers: Registers

  /// Where they lie in a redistributor.
  public static var offset: UInt32 { 0x1_0000 }

  public init(_ registers: Registers) { self.registers = registers }

  /// Enables just these interrupts, all at the middle priority, in Group 1 where there are groups.
  public func start(_ interrupts: UInt32, generation: UInt32) {
    registers.write32(0x180, ~0)
    registers.write32(0x380, ~0)
    if generation == 3 { registers.write32(0x80, ~0) }
    var word: UInt32 = 0
    while word < 32 {
      registers.write32(0x400 &+ word, 0x8080_8080)
      word &+= 4
    }
    registers.write32(0x100, interrupts)
  }

  /// Makes private interrupts active, as they were when their virtual CPU was taken off.
  @inline(__always) public func activate(_ interrupts: UInt32) { registers.write32(0x300, interrupts) }
}

/// The CPU interface of a GICv1 or GICv2 (IHI 0048 4.4): registers in memory.
public struct CPUInterface<Registers: DeviceRegisters> {
  private let registers: Registers

  public init(_ registers: Registers) { self.registers = registers }

  /// Takes interrupts of all priorities (GICC_PMR, GICC_CTLR).
  public func start() {
    registers.write32(0x04, 0xF0)
    registers.write32(0x00, 1)
  }

  /// GICC_IAR.
  public func acknowledge() -> UInt32 { registers.read32(0x0C) }

  /// GICC_EOIR.
  public func end(_ acknowledged: UInt32) { registers.write32(0x10, acknowledged) }
}
