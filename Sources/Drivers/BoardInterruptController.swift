import ArmArchitecture

/// One of the interrupt controllers of boards without virtualization extensions, as one CPU has it.
public struct BoardInterruptController<Registers: DeviceRegisters> {
  /// A GIC without virtualization, or Allwinner's.
  public enum Kind: Sendable { case generic, allwinner }

  private let kind: Kind
  private let registers: Registers
  private let interface: CPUInterface<Registers>

  /// - Parameters: the registers of the controller, of a GIC its distributor's, and those of a GIC's CPU interface.
  public init(_ kind: Kind, _ registers: Registers, interface: Registers) {
    self.kind = kind
    self.registers = registers
    self.interface = CPUInterface(interface)
  }

  private var distributor: Distributor<Registers> { Distributor(registers) }
  private var allwinner: AllwinnerInterruptController<Registers> { AllwinnerInterruptController(registers) }

  /// Takes from it what it has for the CPU that executes this: software-generated interrupts with a number, and a shared one.
  /// - Parameter isFirst: whether it is to deliver nothing else to anybody.
  public func start(_ alert: InterruptNumber, _ alarm: InterruptNumber, isFirst: Bool) {
    switch kind {
    case .generic:
      if isFirst { distributor.start(generation: 2) }
      PrivateInterrupts(registers).start(alert.bit, generation: 2)
      interface.start()
    case .allwinner: allwinner.start()
    }
    enable(alarm)
  }

  /// Generates an interrupt of other CPUs, of a GIC.
  /// - Parameter command: GICD_SGIR.
  public func alert(_ command: UInt32) { distributor.alert(command) }

  /// Lets it deliver a shared interrupt to the CPU that executes this.
  @inline(never) public func enable(_ interrupt: InterruptNumber) {
    switch kind {
    case .generic: distributor.enable(interrupt, targets: distributor.ownTarget)
    case .allwinner: allwinner.enable(interrupt)
    }
  }

  /// The most urgent interrupt, with what `end` has to be told besides.
  public func acknowledge() -> UInt32 {
    kind == .generic ? interface.acknowledge() : allwinner.raised.rawValue
  }

  /// What was acknowledged is over: its device raises it no more.
  public func end(_ acknowledged: UInt32) {
    if kind == .generic { interface.end(acknowledged) }
  }
}
