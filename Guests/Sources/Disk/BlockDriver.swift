// A driver for this VM's disk: the block device at the first place (virtio 5.2), with up to 32 requests in flight.

import Drivers
import GuestMachine
import GuestSupport
import Virtio

/// Registers of a place.
struct PlaceRegisters: DeviceRegisters {
  let base: UInt64

  func read32(_ offset: UInt32) -> UInt32 { GuestMachine.read32(base &+ UInt64(offset)) }
  func write32(_ offset: UInt32, _ value: UInt32) { GuestMachine.write32(base &+ UInt64(offset), value) }
  func read64(_ offset: UInt32) -> UInt64 { GuestMachine.read64(base &+ UInt64(offset)) }
  func write64(_ offset: UInt32, _ value: UInt64) { GuestMachine.write64(base &+ UInt64(offset), value) }
}

enum RequestKind {
  static let read: UInt32 = 0
  static let write: UInt32 = 1
  static let flush: UInt32 = 4
}

struct BlockDriver {
  static let registers = PlaceRegisters(base: 0x0A00_0000)
  static let interrupt: UInt64 = 48
  static let queueSize: UInt32 = 128
  /// Requests that may be in flight.
  static let slots: UInt64 = 32
  /// Bytes of a request's data.
  static let blockSize: UInt64 = 4096
  static let sectorsPerBlock: UInt64 = 8
  private static let flushFeature: UInt64 = 1 << 9

  let transport = DriverTransport(registers)
  /// What the device server sees of this VM.
  let memory = SharedMemory.view
  private var queue: DriverQueue
  private var slotOfHead = InlineArray<128, UInt8>(repeating: 0)
  private(set) var inFlight = 0
  /// Blocks of the disk.
  let blocks: UInt64

  /// Resets the device and begins anew; nil where there is none.
  init?() {
    queue = DriverQueue(memory: SharedMemory.view, at: SharedMemory.view.start, size: Self.queueSize)
    guard transport.device == DeviceKind.block else { return nil }
    do {
      _ = try transport.negotiate(
        wanted: Feature.version1 | Feature.accessPlatform | Self.flushFeature, required: Feature.version1)
      try transport.install(queue, as: 0)
    } catch { return nil }
    transport.start()
    blocks = transport.configuration64(0) / Self.sectorsPerBlock
    Self.letInterruptThrough()
  }

  /// The interrupt stays masked: it ends the waiting and is never taken.
  private static func letInterruptThrough() {
    initializeInterrupts()
    Distributor.initializeGroup()
    write8(Distributor.priority(interrupt), 0xA0)
    Distributor.route(interrupt, to: 0)
    // Edge-triggered: two bits for each interrupt, the upper one.
    let configuration = Distributor.configuration(interrupt >> 4)
    write32(configuration, read32(configuration) | 2 << UInt32(interrupt & 15) * 2)
    write32(Distributor.setEnable(interrupt >> 5), 1 << UInt32(interrupt & 31))
  }

  // MARK: Requests

  private func header(_ slot: UInt64) -> UInt64 { memory.start + 0x2000 + slot * 32 }

  /// Where a slot's data lies: a block of its own.
  func data(_ slot: UInt64) -> UInt64 { memory.start + 0x1_0000 + slot * Self.blockSize }

  /// What the device answered: 0 where all went well.
  func status(_ slot: UInt64) -> UInt8 { memory.load8(header(slot) + 16) }

  /// Asks for a slot's block to be read or written, or for a flush.
  mutating func start(_ kind: UInt32, block: UInt64 = 0, slot: UInt64) {
    let header = header(slot)
    memory.store32(header, kind)
    memory.store32(header + 4, 0)
    memory.store64(header + 8, block &* Self.sectorsPerBlock)
    memory.store8(header + 16, 0xFF)
    queue.append(header, 16, isWritable: false)
    if kind != RequestKind.flush {
      queue.append(data(slot), UInt32(Self.blockSize), isWritable: kind == RequestKind.read)
    }
    queue.append(header + 16, 1, isWritable: true)
    guard let head = queue.submit() else { return }
    slotOfHead[Int(head & 127)] = UInt8(slot)
    inFlight += 1
    memory_barrier()
    if queue.wantsNotification { transport.notify(0) }
  }

  /// Waits for the next request that is answered; nil where the device wants to be reset.
  mutating func finish() -> UInt64? {
    while true {
      if let used = queue.takeUsed() {
        inFlight -= 1
        return UInt64(slotOfHead[Int(used.head & 127)])
      }
      guard !Self.needsReset else { return nil }
      wait_for_interrupt()
      acknowledge()
    }
  }

  /// Waits for all that is in flight; answers whether all went well.
  mutating func finishAll() -> Bool {
    var isGood = true
    while inFlight != 0 {
      guard let slot = finish() else { return false }
      if status(slot) != 0 { isGood = false }
    }
    return isGood
  }

  /// Flushes; answers whether that went well.
  mutating func flush() -> Bool {
    start(RequestKind.flush, slot: 0)
    return finishAll()
  }

  static var needsReset: Bool { registers.read32(TransportRegister.status) & DeviceStatus.needsReset != 0 }

  private func acknowledge() {
    let interrupt = ProcessorInterface.acknowledge()
    guard interrupt < ProcessorInterface.spurious - 3 else { return }
    _ = transport.acknowledge()
    ProcessorInterface.end(interrupt)
  }
}

/// The memory that the device server sees: the DMA window, or what follows the image where all is shared.
enum SharedMemory {
  static let size: UInt64 = 0x20_0000
  private static let window: UInt64 = 0x4000_0000

  static var view: MemoryView {
    let behind = (image_end_address() + size - 1) & ~(size - 1)
    let start = image_address() < 0x8000_0000 ? behind : window
    // Not 0, and nothing else of this guest lies there.
    return MemoryView(
      base: UnsafeMutableRawPointer(bitPattern: UInt(start)).unsafelyUnwrapped, start: start, size: size,
      busStart: start)
  }
}
