/// One of the UARTs of boards without virtualization extensions.
public enum BoardPort<Registers: DeviceRegisters>: SerialPort {
  case common(UART<Registers>)
  case exynos(ExynosUART<Registers>)

  public func interrupt(transmit: Bool) {
    switch self {
    case .common(let port): port.interrupt(transmit: transmit)
    case .exynos(let port): port.interrupt(transmit: transmit)
    }
  }

  public var canSend: Bool {
    switch self {
    case .common(let port): port.canSend
    case .exynos(let port): port.canSend
    }
  }

  public func send(_ character: UInt8) {
    switch self {
    case .common(let port): port.send(character)
    case .exynos(let port): port.send(character)
    }
  }

  public func receive() -> UInt8? {
    switch self {
    case .common(let port): port.receive()
    case .exynos(let port): port.receive()
    }
  }
}
