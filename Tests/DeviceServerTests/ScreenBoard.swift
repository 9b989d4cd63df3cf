// A board of data for the screen and the input of the device server: fw_cfg with a ramfb, and virtio input devices.

import Appliance
import Drivers
import HostCommands
import Virtio

@testable import DeviceServer

/// Bytes at a fixed place, from `start` on.
final class Bytes {
  let base: UnsafeMutableRawPointer
  let view: MemoryView

  init(_ count: Int, start: UInt64 = 0, bus: UInt64 = 0) {
    base = .allocate(byteCount: count, alignment: 4096)
    base.initializeMemory(as: UInt8.self, repeating: 0, count: count)
    view = unsafe MemoryView(base: base, start: start, size: UInt64(count), busStart: bus)
  }

  deinit { base.deallocate() }
}

/// QEMU's fw_cfg with three files.
final class FakeFirmware {
  static let address: UInt64 = 0x902_0000
  static let ramfb: UInt16 = 0x2A
  /// Where DMA goes.
  let memory: MemoryView
  var files: [(name: String, key: UInt16)] = [
    ("bootorder", 0x20), ("etc/ramfb-old", 0x21), ("etc/ramfb", ramfb),
  ]
  var signature: UInt32 = 0x554D_4551
  var isBroken = false
  /// Numbers of files that the directory claims beyond those that it has.
  var invented: UInt32 = 0
  private(set) var written: [[UInt8]] = []
  private var source: [UInt8] = []
  private var selected: UInt16 = 0

  init(memory: MemoryView) { self.memory = memory }

  private var directory: [UInt8] {
    func big(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    return big(UInt32(files.count) + invented)
      + files.flatMap { file in
        let name = Array(file.name.utf8)
        return big(28) + big(UInt32(file.key) << 16) + name + Array(repeating: 0, count: 56 - name.count)
      }
  }

  /// A store of the DMA register: the address of a descriptor, big-endian.
  func start(_ value: UInt64) {
    let descriptor = value.byteSwapped
    let control = memory.load32(descriptor).byteSwapped
    let count = UInt64(memory.load32(descriptor + 4).byteSwapped)
    let address = memory.load64(descriptor + 8).byteSwapped
    guard !isBroken else { return memory.store32(descriptor, UInt32(1).byteSwapped) }
    if control & 8 != 0 {
      selected = UInt16(control >> 16)
      source = selected == 0x19 ? directory : []
    }
    for index in 0..<count where control & 2 != 0 {
      memory.store8(address + index, source.isEmpty ? 0 : source.removeFirst())
    }
    if control & 16 != 0, selected == Self.ramfb {
      written.append((0..<count).map { memory.load8(address + $0) })
    }
    memory.store32(descriptor, 0)
  }
}

/// A virtio-mmio input device.
final class FakeInput {
  let memory: MemoryView
  private var registers: [UInt32: UInt32] = [0: 0x7472_6976, 4: 2, 8: 18, 0x34: 64]
  private var taken: UInt16 = 0
  private(set) var notifications = 0

  init(memory: MemoryView) { self.memory = memory }

  func read(_ offset: UInt32) -> UInt32 {
    offset == 0x10 ? (registers[0x14] == 1 ? 1 : 0) : registers[offset] ?? 0
  }

  func write(_ offset: UInt32, _ value: UInt32) {
    registers[offset] = value
    if offset == 0x50 { notifications += 1 }
  }

  private func address(_ offset: UInt32) -> UInt64 {
    UInt64(registers[offset] ?? 0) | UInt64(registers[offset + 4] ?? 0) << 32
  }

  /// Reports events, as far as the driver has given buffers. Answers how many there were.
  @discardableResult
  func report(_ events: [InputEvent]) -> Int {
    let size = UInt64(registers[0x38] ?? 1)
    for (count, event) in events.enumerated() {
      guard memory.load16(address(0x90) + 2) != taken else { return count }
      let head = memory.load16(address(0x90) + 4 + UInt64(taken) % size * 2)
      memory.store64(memory.load64(address(0x80) + UInt64(head) * 16), event.rawValue)
      memory.store32(address(0xA0) + 4 + UInt64(taken) % size * 8, UInt32(head))
      memory.store32(address(0xA0) + 8 + UInt64(taken) % size * 8, 8)
      taken &+= 1
      memory.store16(address(0xA0) + 2, taken)
    }
    return events.count
  }

  func key(_ code: UInt16, _ isDown: Bool) { report([InputEvent(1, code, isDown ? 1 : 0), .report]) }
  func tap(_ code: UInt16) {
    key(code, true)
    key(code, false)
  }

  /// The pointer at a pixel of the screen, with the button as it is said.
  func point(_ x: UInt32, _ y: UInt32, _ isDown: Bool) {
    report([
      InputEvent(3, 0, x * 32768 / 480), InputEvent(3, 1, (y * 32768 + 799) / 800),
      InputEvent(1, KeyCode.left, isDown ? 1 : 0), .report,
    ])
  }
}

/// Registers of one device of the board.
struct FakeRegisters: DeviceRegisters {
  let board: ScreenBoard
  let address: UInt64

  func read32(_ offset: UInt32) -> UInt32 {
    if address == FakeFirmware.address { return offset == 0x10 ? board.firmware.signature : 0 }
    return board.inputs[address]?.read(offset) ?? 0
  }
  func write32(_ offset: UInt32, _ value: UInt32) { board.inputs[address]?.write(offset, value) }
  func read64(_ offset: UInt32) -> UInt64 { 0 }
  func write64(_ offset: UInt32, _ value: UInt64) {
    if address == FakeFirmware.address, offset == 0x10 { board.firmware.start(value) }
  }
}

/// A board with a screen, a keyboard and a tablet, and a phone on it: work (0) and personal (2) have screens, vault (1) has
/// none.
final class ScreenBoard: ServerMachine {
  static let windowsOnBus: UInt64 = 0x5000_0000
  let own = Bytes(1 << 20, start: 0x4000_0000, bus: 0x7000_0000)
  let kept = Bytes(1 << 21)
  let pages = Bytes(8 * 0x1000)
  let clock = Bytes(0x1000)
  let windows = Bytes(8 << 21)
  let clientMemories = (0..<8).map { _ in Bytes(1 << 16, start: 0x4000_0000) }
  let firmware: FakeFirmware
  var inputs: [UInt64: FakeInput] = [:]
  private(set) var signals: [(client: Int, signal: Signal)] = []
  private let trees: (server: Bytes, board: Bytes)

  init(keyboards: Int = 1) {
    // What devices reach: the server's memory, at its address on the bus.
    let bus = unsafe MemoryView(base: own.base, start: 0x7000_0000, size: 1 << 20)
    firmware = FakeFirmware(memory: bus)
    trees = (Self.bytes(Self.serverTree()), Self.bytes(Self.boardTree()))
    for index in 0..<keyboards + 1 {
      inputs[0xA00_0000 + UInt64(index) * 0x200] = FakeInput(memory: bus)
    }
    for client in 0..<8 {
      let page = UInt64(client) * 0x1000
      pages.view.store64(page + 0xE08, 1 << 16)
      pages.view.store64(page + 0xE10, Self.windowsOnBus)
      pages.view.store32(page + 0xE18, MachinePhase.running)
      pages.view.store32(page + 0xE80 + 8, WaitingStore.powerOn)
      pages.view.store32(page + 0xE80 + 12, 1)
    }
  }

  var keyboard: FakeInput { inputs[0xA00_0000]! }
  var tablet: FakeInput { inputs[0xA00_0200]! }

  private static func bytes(_ tree: DeviceTreeNode) -> Bytes {
    let flat = tree.flattened()
    let bytes = Bytes(flat.count)
    bytes.base.copyMemory(from: flat, byteCount: flat.count)
    return bytes
  }

  private static func serverTree() -> DeviceTreeNode {
    var server = DeviceTreeNode("device-server")
    for (place, name, screen, colour) in [
      (0, "work", 1, 0x2E7D32), (1, "vault", 0, 0), (2, "personal", 3, 0xF57C00),
    ] as [(UInt32, String, UInt32, UInt32)] {
      var node = DeviceTreeNode("vm@\(place)")
      node.set("label", name)
      node.set("memory", numbers: [1 << 16])
      if screen != 0 {
        node.set("screen", cells: [screen])
        node.set("colour", cells: [colour])
      }
      server.children.append(node)
    }
    var root = DeviceTreeNode("")
    root.children = [server]
    return root
  }

  private static func boardTree() -> DeviceTreeNode {
    var root = DeviceTreeNode("")
    var firmware = DeviceTreeNode("fw-cfg@9020000")
    firmware.set("compatible", "qemu,fw-cfg-mmio")
    firmware.set("reg", numbers: [FakeFirmware.address, 0x18])
    root.children = [firmware]
    for index in UInt32(0)..<8 {
      var slot = DeviceTreeNode("virtio_mmio@a000\(index)00")
      slot.set("compatible", "virtio,mmio")
      slot.set("reg", numbers: [0xA00_0000 + UInt64(index) * 0x200, 0x200])
      slot.set("interrupts", cells: [0, 16 + index, 1])
      root.children.append(slot)
    }
    return root
  }

  /// A server on this board, started.
  func server() -> DeviceServer<ScreenBoard> {
    let memory = ServerMemory(
      own: own.view, kept: kept.view, pages: pages.view, clock: clock.view, windows: windows.view)
    let blobs = [trees.server, trees.board].map { unsafe Blob(base: $0.base, count: Int($0.view.size)) }
    var server = DeviceServer(machine: self, memory: memory, tree: blobs[0], boardTree: blobs[1])!
    server.start()
    _ = server.turn(ServerEvents())
    return server
  }

  /// Where the picture that is shown begins, seen from window 0.
  var shown: UInt64? {
    firmware.written.last.map { bytes in
      bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } &- Self.windowsOnBus
    }
  }

  // MARK: ServerMachine

  func registers(at address: UInt64) -> FakeRegisters { FakeRegisters(board: self, address: address) }
  func memory(of index: Int, size: UInt64, busStart: UInt64) -> MemoryView { clientMemories[index].view }
  func signal(_ index: Int, _ signal: Signal) { signals.append((index, signal)) }
  let place = 7
  func acceptNotifications(from index: Int) {}
  func clearNotifications() {}
  func enable(interrupt: UInt32) {}
  func events(sleeping: Bool) -> ServerEvents { ServerEvents() }
  func end(devices: UInt64) {}
  var counter: UInt64 { 0 }
  var frequency: UInt64 { 62_500_000 }
  func setAlarm(at counter: UInt64) {}
  func barrier() {}
  func clean(_ memory: MemoryView) {}
  func write(_ character: UInt8) {}
}

/// The driver of one input device in a client.
struct InputClient {
  let board: ScreenBoard
  let client: Int
  let place: Int
  private var given: UInt16 = 0
  private var seen: UInt16 = 0
  private static let queueSize: UInt16 = 64

  init(_ board: ScreenBoard, client: Int, place: Int) {
    self.board = board
    self.client = client
    self.place = place
  }

  var memory: MemoryView { board.clientMemories[client].view }
  var registers: MemoryView {
    board.pages.view.part(at: UInt64(client * 0x1000 + place * 0x200), size: 512, start: 0)
  }
  private var rings: UInt64 { 0x4000_0000 + UInt64(place) * 0x1000 }
  private var buffers: UInt64 { rings + 0xC00 }

  func store(_ offset: UInt32, _ value: UInt32, _ server: inout DeviceServer<ScreenBoard>) {
    let slot = UInt64(client) * 0x1000 + 0xE80
    board.pages.view.store64(slot, UInt64(value))
    board.pages.view.store32(slot + 8, UInt32(place) * 0x200 + offset)
    board.pages.view.store32(slot + 12, 1)
    _ = server.turn(ServerEvents())
  }

  /// Starts the device and gives it `count` buffers.
  mutating func start(_ server: inout DeviceServer<ScreenBoard>, buffers count: Int = 64) {
    for (offset, value) in [(0x70, 0), (0x70, 3), (0x24, 1), (0x20, 1), (0x70, 11)] as [(UInt32, UInt32)] {
      store(offset, value, &server)
    }
    let addresses = [0x80: rings, 0x90: rings + 0x400, 0xA0: rings + 0x600] as [UInt32: UInt64]
    store(0x30, 0, &server)
    store(0x38, UInt32(Self.queueSize), &server)
    for (offset, address) in addresses { store(offset, UInt32(address), &server) }
    store(0x44, 1, &server)
    store(0x70, 15, &server)
    give(count, &server)
  }

  /// Gives buffers, and rings the doorbell.
  mutating func give(
    _ count: Int, length: UInt32 = 8, flags: UInt32 = 2, _ server: inout DeviceServer<ScreenBoard>
  ) {
    for _ in 0..<count {
      let head = UInt64(given % Self.queueSize)
      memory.store64(rings + head * 16, buffers + head * 8)
      memory.store64(rings + head * 16 + 8, UInt64(length) | UInt64(flags) << 32)
      memory.store16(rings + 0x404 + head * 2, UInt16(head))
      given &+= 1
    }
    memory.store16(rings + 0x402, given)
    board.pages.view.or32(UInt64(client) * 0x1000 + 0xE40 + UInt64(place / 4) * 4, 1 << UInt32(place % 4 * 8))
    _ = server.turn(ServerEvents())
  }

  /// The events since the last time, without the ends of reports.
  mutating func events() -> [InputEvent] {
    var events: [InputEvent] = []
    while memory.load16(rings + 0x602) != seen {
      let head = UInt64(memory.load32(rings + 0x604 + UInt64(seen % Self.queueSize) * 8))
      events.append(InputEvent(rawValue: memory.load64(buffers + head * 8)))
      seen &+= 1
    }
    return events.filter { $0 != .report }
  }
}
