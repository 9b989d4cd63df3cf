/// A GIC without virtualization: the distributor from 0 on, the CPU interface from 0x1000 on; what a second CPU has of both,
/// 0x8000 behind.
public final class ScriptedGIC: ScriptedDevice {
  /// The wires of shared interrupts, by number.
  public var wires: (UInt32) -> Bool = { _ in false }
  /// Told of a CPU that gets a software-generated interrupt.
  public var alerted: (Int) -> Void = { _ in }
  private var registers: [UInt32: UInt32] = [:]
  private var active: [[UInt32]] = [[], []]
  /// Software-generated interrupts that were not taken yet, as they are acknowledged.
  private var generated: [[UInt32]] = [[], []]

  public init() {}

  /// Where a register is kept that a CPU reaches at an offset: some are its own.
  private func place(_ cpu: Int, _ offset: UInt32) -> UInt32 {
    let isOwn = offset >= 0x1000 || offset & ~0x80 == 0x100 || (0x400..<0x420).contains(offset)
    return isOwn ? offset | UInt32(cpu) << 15 : offset
  }

  private func bit(_ cpu: Int, _ row: UInt32, _ interrupt: UInt32) -> Bool {
    (registers[place(cpu, row + interrupt / 32 * 4)] ?? 0) >> (interrupt & 31) & 1 != 0
  }

  private func byte(_ cpu: Int, _ row: UInt32, _ interrupt: UInt32) -> UInt32 {
    (registers[place(cpu, row + (interrupt & ~3))] ?? 0) >> (interrupt % 4 * 8) & 0xFF
  }

  /// The first enabled one that is raised, goes to this CPU, passes the mask and is not active.
  private func signalled(_ cpu: Int) -> UInt32 {
    guard (registers[0] ?? 0) & 1 != 0, (registers[place(cpu, 0x1000)] ?? 0) & 1 != 0 else { return 1023 }
    func passes(_ interrupt: UInt32) -> Bool {
      bit(cpu, 0x100, interrupt) && byte(cpu, 0x400, interrupt) < registers[place(cpu, 0x1004)] ?? 0
    }
    if let first = generated[cpu].first(where: { passes($0 & 15) }) { return first }
    return (32..<96).first { interrupt in
      wires(interrupt) && passes(interrupt) && byte(cpu, 0x800, interrupt) >> cpu & 1 != 0
        && !active[0].contains(interrupt) && !active[1].contains(interrupt)
    } ?? 1023
  }

  public func load(_ offset: UInt32) -> UInt32 {
    let cpu = Int(offset >> 15)
    switch offset & 0x7FFF {
    case 0x004: return 2
    case 0x800: return 0x0101_0101 << cpu
    case 0x100C:
      let interrupt = signalled(cpu)
      generated[cpu].removeAll { $0 == interrupt }
      if interrupt != 1023 { active[cpu].append(interrupt) }
      return interrupt
    case let offset: return registers[place(cpu, offset)] ?? 0
    }
  }

  public func store(_ offset: UInt32, _ value: UInt32) {
    let cpu = Int(offset >> 15)
    let offset = offset & 0x7FFF
    let place = place(cpu, offset)
    switch offset {
    case 0x100..<0x180: registers[place] = (registers[place] ?? 0) | value
    case 0x180..<0x200:
      let enabled = self.place(cpu, offset - 0x80)
      registers[enabled] = (registers[enabled] ?? 0) & ~value
    case 0x1010: active[cpu].removeAll { $0 == value }
    case 0xF00:
      for target in 0..<2 where value >> (16 + target) & 1 != 0 {
        generated[target].append(value & 15 | UInt32(cpu) << 10)
        alerted(target)
      }
    default: registers[place] = value
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
