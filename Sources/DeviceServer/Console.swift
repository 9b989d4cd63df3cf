// The consoles of the clients: what outlives the server, what it keeps of each, and the numbers of the console device.

import Virtio

/// Numbers of a console device (virtio 5.3).
enum ConsoleDevice {
  /// VIRTIO_CONSOLE_F_MULTIPORT
  static let portsFeature: UInt64 = 1 << 1
  /// Offset in its configuration: how many ports it may have.
  static let portLimit: UInt32 = 4
  /// Descriptors of each queue.
  static let queueSize: UInt32 = 64

  /// Queues: of port 0, of the ports' events, of port 1.
  static let receive = 0
  static let transmit = 1
  static let receiveEvents = 2
  static let transmitEvents = 3
  static let receiveVault = 4
  static let transmitVault = 5
}

/// What the two sides say about ports (virtio 5.3.6.2).
enum PortEvent {
  /// The driver is ready for events.
  static let deviceReady: UInt16 = 0
  static let add: UInt16 = 1
  static let ready: UInt16 = 3
  /// The port is a console.
  static let console: UInt16 = 4
  /// The sender's side is open, or closed.
  static let open: UInt16 = 6
  /// The port's name follows.
  static let name: UInt16 = 7
  /// Bytes: 4 of the port, 2 of the event, 2 of its value.
  static let size: UInt32 = 8
}

/// What outlives the server, of each client.
struct KeptConsole: BitwiseCopyable {
  /// Bytes that its console printed since the phone was started.
  var printed: UInt64 = 0
  /// Events that the driver is yet to be told: bit port · 8 + event.
  var events: UInt32 = 0
  /// 1: a request of its program is before the vault. A number, as any pattern may be kept.
  var isAsking: UInt32 = 0
}

/// All of them.
struct KeptConsoles: BitwiseCopyable {
  /// By client; mask it with 7.
  var clients = InlineArray<8, KeptConsole>(repeating: KeptConsole())
}

/// What a server keeps of one client's console.
struct ConsoleState: BitwiseCopyable {
  /// What was typed and not yet taken by the client: from `taken` to `typed` of the stream.
  let input: ConsoleRing
  var typed: UInt64 = 0
  var taken: UInt64 = 0
  /// What was printed.
  let log: ConsoleRing
  var vault: VaultPort

  /// Bytes that can be typed now.
  var room: UInt64 { input.capacity &- (typed &- taken) }

  mutating func type(_ byte: UInt8) {
    input.store(byte, at: typed)
    typed &+= 1
  }
}

/// The consoles of all clients.
struct Consoles {
  /// Bytes of a client's log.
  static var logSize: UInt64 { 0x4000 }
  private static var inputSize: UInt64 { 512 }

  let kept: Resident<KeptConsoles>
  /// By client; mask it with 7.
  var clients: InlineArray<8, ConsoleState>
  /// Where an event is put together.
  let event: MemoryView

  /// - Returns: nil where there is no memory for them.
  init?(kept: MemoryView, arena: inout Arena) {
    guard let pointer = unsafe kept.pointer(KeptPlace.control, as: KeptConsoles.self),
      let inputs = arena.take(8 &* Self.inputSize), let event = arena.take(16),
      let ports = arena.take(8 &* VaultPort.size)
    else { return nil }
    self.kept = unsafe Resident(pointer)
    self.event = arena.memory.part(at: event, size: 16, start: 0)
    let memory = arena.memory
    clients = InlineArray { client in
      let client = UInt64(client)
      let input = memory.part(at: inputs &+ client &* Self.inputSize, size: Self.inputSize, start: 0)
      let log = kept.part(at: KeptPlace.logs &+ client &* Self.logSize, size: Self.logSize, start: 0)
      let port = memory.part(at: ports &+ client &* VaultPort.size, size: VaultPort.size, start: 0)
      return ConsoleState(input: ConsoleRing(input), log: ConsoleRing(log), vault: VaultPort(port))
    }
  }
}
