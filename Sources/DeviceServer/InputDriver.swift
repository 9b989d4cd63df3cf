// The board's virtio-input devices, as their driver.

import Drivers
import Virtio

/// A keyboard, a touch screen or a tablet of the board.
public struct InputDriver<Machine: ServerMachine> {
  private let transport: DriverTransport<Machine.Registers>
  private let device: BoardDevice
  private let memory: MemoryView
  private var queue: DriverQueue
  /// Of the buffers, one for each descriptor.
  private let buffers: UInt64
  /// The device has got buffers that it was not told of.
  private var hasNews = true

  /// Events that the device can report before they are taken.
  static var queueSize: UInt32 { 32 }

  /// - Returns: nil where the slot has no input device, or one that does not work.
  public init?(_ device: BoardDevice, machine: Machine, arena: inout Arena) {
    let transport = DriverTransport(machine.registers(at: device.address))
    guard transport.device == DeviceKind.input,
      let rings = arena.take(DriverQueue.bytes(Self.queueSize)),
      let buffers = arena.take(UInt64(Self.queueSize) &* InputEvent.size)
    else { return nil }
    self.transport = transport
    self.device = device
    self.buffers = buffers
    memory = arena.memory
    queue = DriverQueue(memory: arena.memory, at: rings, size: Self.queueSize)
    guard start() else { return nil }
    if device.interrupt != 0 { machine.enable(interrupt: device.interrupt) }
  }

  private mutating func start() -> Bool {
    do {
      _ = try transport.negotiate(wanted: Feature.version1, required: Feature.version1)
      for head in 0..<Self.queueSize { give(UInt16(head)) }
      try transport.install(queue, as: 0)
    } catch {
      return false
    }
    transport.start()
    return true
  }

  private func buffer(_ head: UInt16) -> UInt64 { buffers &+ UInt64(head) &* InputEvent.size }

  /// Gives the device a buffer. The descriptor that became free last is used first, so a buffer keeps its number.
  private mutating func give(_ head: UInt16) {
    queue.append(memory.busAddress(of: buffer(head)), UInt32(InputEvent.size), isWritable: true)
    _ = queue.submit()
    hasNews = true
  }

  /// What has happened next.
  public mutating func next() -> InputEvent? {
    guard let used = queue.takeUsed() else { return nil }
    let event = InputEvent(rawValue: memory.load64(buffer(used.head)))
    give(used.head)
    return event
  }

  public var hasMore: Bool { queue.hasUsed }

  /// Tells the device of new buffers.
  public mutating func notify(_ machine: Machine) {
    guard hasNews else { return }
    hasNews = false
    machine.barrier()
    if queue.wantsNotification { transport.notify(0) }
  }

  /// - Parameter interrupts: of all devices of the board: bit n for number 32 + n.
  public func acknowledge(_ interrupts: UInt64) {
    if interrupts & device.event != 0 { _ = transport.acknowledge() }
  }
}
