import DeviceServer
import Drivers
import ScriptedVirtio
import Virtio

/// A board, its server, and clients that drive their devices with our own drivers.
final class ScriptedPhone {
  let board: ScriptedBoard
  private(set) var server: DeviceServer<ScriptedBoard>
  private let boardTree = ScriptedTrees.board()
  private let serverTree = ScriptedTrees.server()

  init(disk: ScriptedDisk.Content = .init(), prepare: (ScriptedBoard) -> Void = { _ in }) {
    board = ScriptedBoard(disk: disk)
    prepare(board)
    server = Self.server(board, serverTree, boardTree)
    for client in 0..<ScriptedBoard.clients { board.powerOn(client) }
    run()
  }

  private static func server(
    _ board: ScriptedBoard, _ tree: TreeBlob, _ boardTree: TreeBlob
  ) -> DeviceServer<ScriptedBoard> {
    var server = DeviceServer(
      machine: board, memory: board.serverMemory, tree: tree.blob, boardTree: boardTree.blob)!
    server.start()
    return server
  }

  /// The server dies, and a new one takes its place.
  func restartServer() {
    server = Self.server(board, serverTree, boardTree)
    run()
  }

  /// Lets the server and the board work until nothing happens any more; answers how many turns that took.
  @discardableResult
  func run(limit: Int = 10_000) -> Int {
    var turns = 0
    var isBusy = true
    while turns < limit {
      let events = board.events(sleeping: false)
      guard isBusy || events.devices != 0 || turns < 2 else { break }
      isBusy = server.turn(events)
      turns += 1
    }
    return turns
  }

  /// One turn in which the board's devices do nothing.
  func turn(_ events: ServerEvents = ServerEvents()) { _ = server.turn(events) }
}

/// A client's access to the registers of one of its places, as the hypervisor answers it.
struct ClientRegisters: DeviceRegisters {
  let phone: ScriptedPhone
  let client: Int
  let place: Int

  private var page: MemoryView { phone.board.page(client) }
  private func address(_ offset: UInt32) -> UInt64 { UInt64(place) * 0x200 + UInt64(offset) }

  func read32(_ offset: UInt32) -> UInt32 { page.load32(address(offset)) }

  func write32(_ offset: UInt32, _ value: UInt32) {
    switch offset {
    case TransportRegister.queueNotify:
      page.store64(0xE40, page.load64(0xE40) | 1 << UInt64(place * 8 + Int(value)))
    case TransportRegister.interruptAcknowledge:
      page.store32(address(0x60), read32(0x60) & ~value)
    default:
      beginStore(offset, value)
      phone.run()
    }
  }

  /// The virtual CPU stores and waits.
  func beginStore(_ offset: UInt32, _ value: UInt32) {
    page.store64(0xE80, UInt64(value))
    page.store32(0xE88, UInt32(address(offset)))
    page.store32(0xE8C, 1)
  }

  /// Whether the store is answered.
  var isAnswered: Bool { page.load32(0xE8C) == 0 }

  func read64(_ offset: UInt32) -> UInt64 { UInt64(read32(offset)) | UInt64(read32(offset + 4)) << 32 }
  func write64(_ offset: UInt32, _ value: UInt64) { write32(offset, UInt32(truncatingIfNeeded: value)) }
}

/// A driver in a client.
final class ClientDriver {
  let phone: ScriptedPhone
  let client: Int
  let place: Int
  /// By the client's own addresses, which it also gives to its devices.
  let memory: MemoryView
  let transport: DriverTransport<ClientRegisters>
  let registers: ClientRegisters
  var queues: [DriverQueue] = []

  static let start: UInt64 = 0x4000_0000

  init(_ phone: ScriptedPhone, client: Int, place: Int, queues count: Int, size: UInt32) throws {
    self.phone = phone
    self.client = client
    self.place = place
    let bus = ScriptedBoard.busStart + ScriptedBoard.ownSize + UInt64(client) * ScriptedBoard.sharedSize
    let shared = phone.board.ram.view.part(at: bus, size: ScriptedBoard.sharedSize, start: Self.start)
    memory = MemoryView(
      base: UnsafeMutableRawPointer(bitPattern: UInt(shared.address))!, start: Self.start, size: shared.size,
      busStart: Self.start)
    registers = ClientRegisters(phone: phone, client: client, place: place)
    transport = DriverTransport(registers)
    let accept = Feature.version1 | Feature.accessPlatform
    _ = try transport.negotiate(wanted: ~0 & ~(1 << 28 | 1 << 29), required: client == 2 ? 1 << 32 : accept)
    for index in 0..<count {
      let base = Self.start + UInt64(place) * 0x1_0000 + UInt64(index) * 0x8000
      queues.append(DriverQueue(memory: memory, at: base, size: size))
      try transport.install(queues[index], as: UInt32(index))
    }
    transport.start()
  }

  /// Where a driver's buffers may lie.
  var buffers: UInt64 { Self.start + 0x8_0000 + UInt64(place) * 0x1_0000 }

  func write(_ bytes: [UInt8], at address: UInt64) {
    for (offset, byte) in bytes.enumerated() { memory.store8(address + UInt64(offset), byte) }
  }

  func read(_ count: Int, at address: UInt64) -> [UInt8] {
    (0..<count).map { memory.load8(address + UInt64($0)) }
  }

  /// Submits what was appended, and lets the phone work.
  func submit(_ queue: Int = 0) -> UInt16? {
    let head = queues[queue].submit()
    transport.notify(UInt32(queue))
    phone.run()
    return head
  }

  func takeUsed(_ queue: Int = 0) -> UsedChain? { queues[queue].takeUsed() }

  var interruptStatus: UInt32 { registers.read32(TransportRegister.interruptStatus) }
  var status: UInt32 { registers.read32(TransportRegister.status) }
}
