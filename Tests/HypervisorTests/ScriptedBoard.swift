import ArmArchitecture
import Drivers
import Foundation
import Hypervisor

/// The board around the scripted CPUs: memory, a GICv3's frames, a UART, firmware, and a clock that stands
/// until a test moves it.
final class ScriptedBoard {
  static let memoryBase: UInt64 = 0x4000_0000
  static let memorySize: UInt64 = 512 << 20
  /// The hypervisor's image and arena.
  static let own = PhysicalRange(start: memoryBase + 0x20_0000, size: 0x20_0000)
  static let arenaSize = 0x5_0000
  static let treeAddress = memoryBase + 0x40_0000
  static let imageAddress = memoryBase + 0x400_0000
  static let uartAddress: UInt64 = 0x0900_0000
  static let distributorAddress: UInt64 = 0x0800_0000
  static let translationServiceAddress: UInt64 = 0x0808_0000
  static let redistributorAddress: UInt64 = 0x080A_0000
  static let secondaryEntry: UInt64 = own.start + 0x100

  struct FirmwareCall: Equatable {
    var function: UInt32
    var arguments: [UInt64]
  }

  let memory: UnsafeMutableRawPointer
  let cpuCount: Int
  var clock: UInt64 = 1_000
  var uart = ScriptedUART()
  var firmwareCalls: [FirmwareCall] = []
  var firmwareAnswer: Int64 = 0
  var isOff = false
  /// What a correct hypervisor never does; tests expect it to stay empty.
  var violations: [String] = []
  /// Registers of devices that have no script, by address.
  var registers: [UInt64: UInt32] = [:]
  private var mapped: [Int: UInt64] = [:]
  /// CPU_ON, SGIs and the UART's interrupt find their CPU here.
  var cpus: [ScriptedMachine] = []

  init(cpuCount: Int) {
    self.cpuCount = cpuCount
    memory = mmap(
      nil, Int(Self.memorySize), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    registers[Self.distributorAddress + 4] = 2
  }

  /// Gives the memory back. Whoever left by `escape_leave` may keep the object itself alive.
  func unmap() { munmap(memory, Int(Self.memorySize)) }

  // MARK: Memory

  func contains(_ address: UInt64, _ count: UInt64) -> Bool {
    address >= Self.memoryBase && address - Self.memoryBase <= Self.memorySize
      && count <= Self.memorySize - (address - Self.memoryBase)
  }

  /// A view of memory; where there is none, of zeros at the end of it.
  func pointer(_ address: UInt64) -> UnsafeMutableRawPointer {
    guard contains(address, 1) else {
      violations.append("no memory at \(String(address, radix: 16))")
      return memory + Int(Self.memorySize - 0x40_0000)
    }
    return memory + Int(address - Self.memoryBase)
  }

  func address(_ pointer: UnsafeRawPointer) -> UInt64 {
    Self.memoryBase + UInt64(UnsafeRawPointer(pointer) - UnsafeRawPointer(memory))
  }

  func write(_ bytes: [UInt8], at address: UInt64) {
    bytes.withUnsafeBytes { self.pointer(address).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
  }

  func read(_ address: UInt64, _ count: Int) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: pointer(address), count: count))
  }

  // MARK: Devices

  func map(_ slot: DeviceSlot, at address: UInt64) { mapped[slot.rawValue] = address & ~0x1F_FFFF }

  func deviceAddress(_ slot: DeviceSlot, _ offset: UInt32) -> UInt64 {
    guard let base = mapped[slot.rawValue] else {
      violations.append("device \(slot) used before it was mapped")
      return 0
    }
    if offset >= 0x40_0000 {
      violations.append("offset \(offset) of device \(slot) lies outside of what is mapped")
    }
    return base + UInt64(offset)
  }

  func load32(_ address: UInt64) -> UInt32 {
    if let offset = offset(address, in: Self.uartAddress, 0x1000) { return uart.read(offset) }
    if let (cpu, offset) = redistributor(address), offset == 0x08 || offset == 0x0C {
      let isLast = cpu == cpuCount - 1
      return offset == 8 ? UInt32(cpu) << 8 | (isLast ? 0x10 : 0) : UInt32(cpu)
    }
    return registers[address] ?? 0
  }

  func store32(_ address: UInt64, _ value: UInt32) {
    if let offset = offset(address, in: Self.uartAddress, 0x1000) { return uart.write(offset, value) }
    if let (cpu, offset) = redistributor(address), offset == 0x1_0300, cpu < cpus.count {
      for interrupt in 0..<32 as Range<UInt32> where value >> interrupt & 1 != 0 {
        cpus[cpu].active.insert(interrupt)
      }
    }
    registers[address] = value
  }

  private func offset(_ address: UInt64, in base: UInt64, _ size: UInt64) -> UInt32? {
    address >= base && address < base + size ? UInt32(address - base) : nil
  }

  private func redistributor(_ address: UInt64) -> (cpu: Int, offset: UInt32)? {
    offset(address, in: Self.redistributorAddress, 0x2_0000 * UInt64(cpuCount)).map {
      (Int($0 >> 17), $0 & 0x1_FFFF)
    }
  }

  /// The CPU that the UART's shared interrupt (33) is routed to.
  var uartCPU: Int { Int(registers[Self.distributorAddress + 0x6000 + 33 * 8] ?? 0) & 0xFF }
}

/// A PL011 with a wire on which a test listens and types.
struct ScriptedUART {
  var printed: [UInt8] = []
  var typed: [UInt8] = []
  var mask: UInt32 = 0
  /// Characters that fit before the transmit FIFO is full.
  var room = Int.max
  /// Looks at the flags while it was full: a real wire moves on meanwhile.
  private var patience = 0

  var isInterrupting: Bool {
    (typed.isEmpty ? 0 : 0x50) & mask != 0 || (room > 0 ? 0x20 : 0) & mask != 0
  }

  mutating func read(_ offset: UInt32) -> UInt32 {
    switch offset {
    case 0x00: return typed.isEmpty ? 0 : UInt32(typed.removeFirst())
    case 0x18: return flags()
    default: return 0
    }
  }

  private mutating func flags() -> UInt32 {
    patience = room > 0 ? 0 : patience + 1
    if patience > 1_000 { room = 16 }
    return (typed.isEmpty ? 0x10 : 0) | (room > 0 ? 0 : 0x20)
  }

  mutating func write(_ offset: UInt32, _ value: UInt32) {
    if offset == 0x38 { mask = value }
    guard offset == 0 else { return }
    printed.append(UInt8(truncatingIfNeeded: value))
    if room != .max { room -= 1 }
  }
}

/// A device's registers as the hypervisor holds them.
struct ScriptedRegisters: DeviceRegisters {
  let board: ScriptedBoard
  let slot: DeviceSlot
  let offset: UInt32

  private func address(_ register: UInt32) -> UInt64 { board.deviceAddress(slot, offset + register) }

  func read32(_ offset: UInt32) -> UInt32 { board.load32(address(offset)) }
  func write32(_ offset: UInt32, _ value: UInt32) { board.store32(address(offset), value) }

  func read64(_ offset: UInt32) -> UInt64 {
    UInt64(board.load32(address(offset))) | UInt64(board.load32(address(offset) + 4)) << 32
  }

  func write64(_ offset: UInt32, _ value: UInt64) {
    board.store32(address(offset), UInt32(truncatingIfNeeded: value))
    board.store32(address(offset) + 4, UInt32(value >> 32))
  }
}
