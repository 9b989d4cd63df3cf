import ArmArchitecture

/// One of the interrupt controllers of boards without virtualization extensions, as one CPU has it.
public enum BoardInterruptController<Registers: DeviceRegisters> {
  /// A GIC without virtualization: the distributor, as one device and as the CPU's private interrupts, and the CPU interface.
  case generic(Distributor<Registers>, PrivateInterrupts<Registers>, CPUInterface<Registers>)
  case allwinner(AllwinnerInterruptController<Registers>)

  /// Takes every interrupt from it that is enabled from now on.
  public func start() {
    switch self {
    case .generic(let distributor, let own, let interface):
      distributor.start(generation: 2)
      own.start(0, generation: 2)
      interface.start()
    case .allwinner(let controller): controller.start()
    }
  }

  /// Lets it deliver a shared interrupt to the CPU that executes this.
  public func enable(_ interrupt: InterruptNumber) {
    switch self {
    case .generic(let distributor, _, _): distributor.enable(interrupt, targets: distributor.ownTarget)
    case .allwinner(let controller): controller.enable(interrupt)
    }
  }

  /// The most urgent interrupt, with what `end` has to be told besides.
  public func acknowledge() -> UInt32 {
    switch self {
    case .generic(_, _, let interface): interface.acknowledge()
    case .allwinner(let controller): controller.raised.rawValue
    }
  }

  /// What was acknowledged is over: its device raises it no more.
  public func end(_ acknowledged: UInt32) {
    if case .generic(_, _, let interface) = self { interface.end(acknowledged) }
  }
}
