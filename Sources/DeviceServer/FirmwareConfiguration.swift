// QEMU's fw_cfg by DMA (QEMU, docs/specs/fw_cfg): a descriptor in memory, whose address on the bus is stored into a
// register. The device is the board's; what it answers is bounded, not believed.

import Drivers
import Virtio

/// The fw_cfg device of the board.
public struct FirmwareConfiguration<Machine: ServerMachine> {
  private let machine: Machine
  private let registers: Machine.Registers
  /// Holds the descriptor of 16 bytes at `descriptor`, then the buffer.
  private let memory: MemoryView
  private let descriptor: UInt64

  /// Bytes that one transfer can move.
  static var bufferSize: UInt32 { 64 }

  /// - Parameter address: of its registers.
  /// - Returns: nil where there is no such device that can do DMA, or no memory.
  public init?(machine: Machine, address: UInt64, arena: inout Arena) {
    guard address != 0, let descriptor = arena.take(16 &+ UInt64(Self.bufferSize)) else { return nil }
    self.machine = machine
    self.descriptor = descriptor
    registers = machine.registers(at: address)
    memory = arena.memory
    guard registers.read32(FirmwareRegister.dma) == FirmwareRegister.signature else { return nil }
  }

  /// The buffer, which begins at address 0.
  var buffer: MemoryView {
    memory.part(at: descriptor &+ 16, size: UInt64(Self.bufferSize), start: 0)
  }

  /// The key of a file; nil where there is none of this name.
  public func key(of name: StaticString) -> UInt32? {
    guard move(.read, count: 4, from: FirmwareRegister.directory) else { return nil }
    for _ in 0..<min(buffer.load32(0).byteSwapped, 1024) {
      guard move(.read, count: 64, from: nil) else { return nil }
      if nameMatches(name) { return UInt32(buffer.load16(4).byteSwapped) }
    }
    return nil
  }

  /// Whether the entry of the directory in the buffer has this name.
  private func nameMatches(_ name: StaticString) -> Bool {
    let buffer = buffer
    for index in 0..<name.utf8CodeUnitCount {
      // In bounds by the loop's range.
      guard unsafe buffer.load8(8 &+ UInt64(index)) == name.utf8Start[index] else { return false }
    }
    return buffer.load8(8 &+ UInt64(name.utf8CodeUnitCount)) == 0
  }

  /// Writes the first bytes of the buffer to a file.
  @discardableResult
  public func write(count: UInt32, to key: UInt32) -> Bool { move(.write, count: count, from: key) }

  /// - Parameter key: the file; nil: goes on in the one that was read last.
  /// - Returns: whether the device did it.
  private func move(_ direction: FirmwareTransfer, count: UInt32, from key: UInt32?) -> Bool {
    let selection = key.map { $0 &<< 16 | FirmwareTransfer.select } ?? 0
    memory.store32(descriptor, (direction.rawValue | selection).byteSwapped)
    memory.store32(descriptor &+ 4, count.byteSwapped)
    memory.store64(descriptor &+ 8, memory.busAddress(of: descriptor &+ 16).byteSwapped)
    machine.barrier()
    registers.write64(FirmwareRegister.dma, memory.busAddress(of: descriptor).byteSwapped)
    return waitForEnd()
  }

  /// QEMU has done it when the store returns.
  private func waitForEnd() -> Bool {
    for _ in 0..<1 << 16 {
      let control = memory.acquire32(descriptor)
      if control == 0 { return true }
      guard control.byteSwapped & FirmwareTransfer.error == 0 else { return false }
    }
    return false
  }
}

/// Places in fw_cfg.
enum FirmwareRegister {
  /// The DMA address, big-endian; reads as "QEMU CFG".
  static let dma: UInt32 = 0x10
  /// "QEMU" as the first 32 bits of it read.
  static let signature: UInt32 = 0x554D_4551
  /// Key of the list of files.
  static let directory: UInt32 = 0x19
}

/// Bits of a descriptor's control word.
enum FirmwareTransfer: UInt32 {
  case read = 2
  case write = 16

  static let error: UInt32 = 1
  static let select: UInt32 = 8
}
