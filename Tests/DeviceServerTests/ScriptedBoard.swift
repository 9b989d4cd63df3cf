import Appliance
import DeviceServer
import Drivers
import HostCommands
import ScriptedVirtio
import Virtio

/// What stands behind an address of the board.
enum ScriptedRegisters: DeviceRegisters {
  case slot(LoopedRegisters)
  case clock(UInt32)

  func read32(_ offset: UInt32) -> UInt32 {
    switch self {
    case .slot(let registers): registers.read32(offset)
    case .clock(let seconds): offset == 0 ? seconds : 0
    }
  }

  func write32(_ offset: UInt32, _ value: UInt32) {
    if case .slot(let registers) = self { registers.write32(offset, value) }
  }

  func read64(_ offset: UInt32) -> UInt64 { UInt64(read32(offset)) }
  func write64(_ offset: UInt32, _ value: UInt64) { write32(offset, UInt32(truncatingIfNeeded: value)) }
}

/// A board with a disk, a network interface and a source of random numbers, and the hypervisor's side of the register pages.
final class ScriptedBoard: ServerMachine {
  static let busStart: UInt64 = 0x8000_0000
  static let ownSize: UInt64 = 2 << 20
  static let sharedSize: UInt64 = 1 << 20
  static let clients = 3

  /// RAM by its addresses on the bus: first the server's, then what each client shares.
  let ram = TestMemory(
    size: Int(ownSize) + clients * Int(sharedSize), start: busStart)
  let pages = TestMemory(size: 8 * 4096, start: 0)
  let kept = TestMemory(size: 2 << 20, start: 0)
  let clock = TestMemory(size: 4096, start: 0)
  let windows = TestMemory(size: 16 << 20, start: 0)
  /// The server itself.
  let place = 7
  let disk: ScriptedDisk
  let network: ScriptedInterface
  let entropy: ScriptedEntropy
  var signals: [Int: [Signal]] = [:]
  var output = ""
  var counter: UInt64 = 0
  let frequency: UInt64 = 1000
  var enabled: Set<UInt32> = []
  /// VMs that may notify the server.
  var accepted: Set<Int> = []
  /// Interrupts of devices that the server has taken and not ended do not come again meanwhile; a bit each.
  private var active: UInt64 = 0
  private var pending: UInt64 = 0
  /// The board's devices do nothing while this is set.
  var isHeld = false

  init(disk: ScriptedDisk.Content = .init()) {
    self.disk = ScriptedDisk(ram.view, disk)
    network = ScriptedInterface(ram.view)
    entropy = ScriptedEntropy(ram.view)
    for client in 0..<8 { powerOn(client, phase: MachinePhase.stopped) }
  }

  /// The server's own memory.
  var serverMemory: ServerMemory {
    ServerMemory(
      own: ram.view.part(at: Self.busStart, size: Self.ownSize, start: 0x4000_0000),
      kept: kept.view, pages: pages.view, clock: clock.view, windows: windows.view)
  }

  func page(_ client: Int) -> MemoryView {
    pages.view.part(at: UInt64(client) * 4096, size: 4096, start: 0)
  }

  /// The hypervisor starts a client: its page says where its memory is, and its first virtual CPU waits.
  func powerOn(_ client: Int, phase: UInt32 = MachinePhase.running) {
    let page = page(client)
    let isThere = client < Self.clients
    page.store64(0xE00, Self.busStart + Self.ownSize + UInt64(client) * Self.sharedSize)
    page.store64(0xE08, isThere ? Self.sharedSize : 0)
    page.store32(0xE18, phase)
    guard phase == MachinePhase.running else { return }
    page.store32(0xE88, WaitingStore.powerOn)
    page.store32(0xE8C, 1)
  }

  // MARK: ServerMachine

  func registers(at address: UInt64) -> ScriptedRegisters {
    switch address {
    case 0x0A00_0200: .slot(LoopedRegisters(device: disk.device))
    case 0x0A00_0400: .slot(LoopedRegisters(device: network.device))
    case 0x0A00_0600: .slot(LoopedRegisters(device: entropy.device))
    case 0x0901_0000: .clock(1_700_000_000)
    default: .slot(LoopedRegisters(device: nil))
    }
  }

  func memory(of index: Int, size: UInt64, busStart: UInt64) -> MemoryView {
    ram.view.part(at: busStart, size: size, start: 0x4000_0000)
  }

  func signal(_ index: Int, _ signal: Signal) { signals[index, default: []].append(signal) }
  func acceptNotifications(from index: Int) { accepted.insert(index) }
  func clearNotifications() {}
  func enable(interrupt: UInt32) { enabled.insert(interrupt) }

  func events(sleeping: Bool) -> ServerEvents {
    var events = ServerEvents()
    counter += sleeping ? 100 : 0
    guard !isHeld else { return events }
    if disk.run() { pending |= 1 << (49 - 32) }
    if network.run() { pending |= 1 << (50 - 32) }
    if entropy.run() { pending |= 1 << (51 - 32) }
    events.devices = pending & ~active
    pending &= active
    active |= events.devices
    return events
  }

  func end(devices: UInt64) { active &= ~devices }
  func setAlarm(at counter: UInt64) {}
  func barrier() {}
  func clean(_ memory: MemoryView) {}
  func write(_ character: UInt8) { output.append(Character(Unicode.Scalar(character))) }
}

/// The trees that the server reads.
enum ScriptedTrees {
  static func board() -> TreeBlob {
    var root = DeviceTreeNode("")
    for slot in UInt64(0)..<5 {
      var node = DeviceTreeNode("virtio_mmio@\(slot)")
      node.set("compatible", "virtio,mmio")
      node.set("reg", numbers: [0x0A00_0000 + slot * 0x200, 0x200])
      node.set("interrupts", cells: [0, 16 + UInt32(slot), 1])
      root.children.append(node)
    }
    var clock = DeviceTreeNode("pl031@9010000")
    clock.set("compatible", "arm,pl031", "arm,primecell")
    clock.set("reg", numbers: [0x0901_0000, 0x1000])
    root.children.append(clock)
    return TreeBlob(root)
  }

  /// Three clients: `work` and `personal` with everything, `guest` with a disk that is read only. Work and personal may
  /// exchange frames. `guest` is the vault of the other two, and work may pay.
  static func server() -> TreeBlob {
    var root = DeviceTreeNode("")
    var server = DeviceTreeNode("device-server")
    server.set("compatible", "pocketvisor,device-server")
    server.set("board-tree", numbers: [0x4800_0000])
    for (index, name) in ["work", "personal", "guest"].enumerated() {
      var node = DeviceTreeNode("vm@\(index)")
      node.set("reg", cells: [UInt32(index)])
      node.set("label", name)
      node.set("memory", numbers: [index == 2 ? ScriptedBoard.sharedSize : 256 << 20])
      node.set("partition", "\(name).root")
      node.set("network")
      node.set("mac", bytes: [0x52, 0x50, 0x56, 0, 0, UInt8(index + 1)])
      node.set("reach", cells: [index == 0 ? 2 : index == 1 ? 1 : 3])
      if index == 2 { node.set("read-only") } else { node.set("host") }
      node.set("entropy")
      node.set("console")
      if index < 2 { node.set("vault", cells: [2]) } else { node.set("mailbox", cells: [4]) }
      if index == 0 { node.set("may-pay") }
      server.children.append(node)
    }
    root.children.append(server)
    return TreeBlob(root)
  }
}

/// A flattened tree that stays where it is.
final class TreeBlob {
  private let bytes: UnsafeMutableRawBufferPointer
  var blob: Blob { Blob(base: UnsafeRawPointer(bytes.baseAddress!), count: bytes.count) }

  init(_ root: DeviceTreeNode) {
    let flattened = root.flattened()
    bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: flattened.count, alignment: 8)
    bytes.copyBytes(from: flattened)
  }

  deinit { bytes.deallocate() }
}
