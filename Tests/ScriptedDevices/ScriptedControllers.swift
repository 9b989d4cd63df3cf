/// A GIC without virtualization: the distributor from 0 on, the CPU interface from 0x1000 on.
public final class ScriptedGIC: ScriptedDevice {
  /// The wires of shared interrupts, by number.
  public var wires: (UInt32) -> Bool = { _ in false }
  private var registers: [UInt32: UInt32] = [:]
  private(set) public var active: [UInt32] = []

  public init() {}

  private func bit(_ row: UInt32, _ interrupt: UInt32) -> Bool {
    (registers[row + interrupt / 32 * 4] ?? 0) >> (interrupt & 31) & 1 != 0
  }

  private func byte(_ row: UInt32, _ interrupt: UInt32) -> UInt32 {
    (registers[row + (interrupt & ~3)] ?? 0) >> (interrupt % 4 * 8) & 0xFF
  }

  /// The first enabled one that is raised, goes to this CPU, passes the mask and is not active.
  private var signalled: UInt32 {
    guard (registers[0] ?? 0) & 1 != 0, (registers[0x1000] ?? 0) & 1 != 0 else { return 1023 }
    return (32..<96).first { interrupt in
      wires(interrupt) && bit(0x100, interrupt) && byte(0x800, interrupt) & 1 != 0
        && byte(0x400, interrupt) < registers[0x1004] ?? 0 && !active.contains(interrupt)
    } ?? 1023
  }

  public func load(_ offset: UInt32) -> UInt32 {
    switch offset {
    case 0x004: return 2
    case 0x800: return 0x0101_0101
    case 0x100C:
      let interrupt = signalled
      if interrupt < 1020 { active.append(interrupt) }
      return interrupt
    default: return registers[offset] ?? 0
    }
  }

  public func store(_ offset: UInt32, _ value: UInt32) {
    switch offset {
    case 0x100..<0x180: registers[offset] = (registers[offset] ?? 0) | value
    case 0x180..<0x200: registers[offset - 0x80] = (registers[offset - 0x80] ?? 0) & ~value
    case 0x1010: active.removeAll { $0 == value }
    default: registers[offset] = value
    }
  }
}

/// Allwinner's interrupt controller.
public final class ScriptedAllwinnerController: ScriptedDevice {
  /// The wires, by number from 0 on.
  public var wires: (UInt32) -> Bool = { _ in false }
  private var registers: [UInt32: UInt32] = [:]

  public init() {}

  public func load(_ offset: UInt32) -> UInt32 {
    guard offset == 0 else { return registers[offset] ?? 0 }
    let raised = (0..<96 as Range<UInt32>).first { number in
      let word = number / 32 * 4
      let enabled = (registers[0x40 + word] ?? 0) & ~(registers[0x50 + word] ?? 0)
      let isOn = enabled >> (number & 31) & 1 != 0
      return isOn && wires(number)
    }
    return (raised ?? 0) * 4
  }

  public func store(_ offset: UInt32, _ value: UInt32) { registers[offset] = value }
}

/// Samsung's UART, whose interrupts stay pending until they are written.
public final class ScriptedExynosUART: ScriptedDevice {
  public var printed: [UInt8] = []
  public var typed: [UInt8] = [] { didSet { if !typed.isEmpty { pending |= 1 } } }
  /// Characters that fit before the transmit FIFO is full.
  public var room = Int.max
  private var pending: UInt32 = 0
  private var mask: UInt32 = 0xF
  /// UFCON's bit 0. UFSTAT counts only then.
  private var hasFIFOs = false

  public init() {}

  public var isInterrupting: Bool { pending & ~mask != 0 }

  public func load(_ offset: UInt32) -> UInt32 {
    switch offset {
    case 0x18: return (hasFIFOs ? UInt32(min(typed.count, 255)) : 0) | (room == 0 ? 1 << 24 : 0)
    case 0x24: return typed.isEmpty ? 0 : UInt32(typed.removeFirst())
    default: return 0
    }
  }

  public func store(_ offset: UInt32, _ value: UInt32) {
    switch offset {
    case 0x08: hasFIFOs = value & 1 != 0
    case 0x20:
      printed.append(UInt8(truncatingIfNeeded: value))
      if room != .max { room -= 1 }
      pending |= 4
    case 0x30: pending &= ~value
    case 0x38: mask = value
    default: break
    }
  }
}
