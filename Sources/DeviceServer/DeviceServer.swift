// The device server: it owns the board's devices and serves virtio devices to the other VMs. Everything that a client
// writes is hostile; a client that breaks a rule loses the device that it broke it with, until it resets it.

import Appliance
import Drivers
import Virtio

/// The memory that the server works with, as the machine finds it at the start.
public struct ServerMemory {
  /// Free RAM of the server, zeroed, where devices reach it.
  public var own: MemoryView
  /// Window 0, from address 0 on.
  public var kept: MemoryView
  /// The register pages of all VMs, from address 0 on.
  public var pages: MemoryView
  /// The page of the clients' clock, from address 0 on.
  public var clock: MemoryView

  public init(own: MemoryView, kept: MemoryView, pages: MemoryView, clock: MemoryView) {
    self.own = own
    self.kept = kept
    self.pages = pages
    self.clock = clock
  }
}

/// One VM as the server sees it.
public struct Client {
  public let description: ClientDescription
  public let page: RegisterPage
  /// What it shares, by its own addresses.
  public internal(set) var memory = MemoryView.empty
  /// Its transports, in window 0.
  public let kept: Resident<KeptClient>
  /// What it is told at the end of this turn.
  public var signal = Signal()
  /// Doorbells that are not yet served: bit n · 8 + q.
  public var doorbells: UInt64 = 0
  /// It runs, and its devices are not to be reset: its memory may be used in this turn.
  public internal(set) var isAlive = false
  /// Devices that it broke the rules with, since it started.
  public internal(set) var faults: UInt32 = 0
}

/// The server's state.
public struct DeviceServer<Machine: ServerMachine> {
  public static var clientLimit: Int { 8 }

  public let machine: Machine
  public let board: BoardDevices
  /// By place in the phone; mask it with 7.
  public var clients: InlineArray<8, Client>
  /// VMs that there is a node for, a bit each.
  public let served: UInt32
  public var arena: Arena
  public let memory: ServerMemory
  /// By client; mask it with 7.
  var partitions = InlineArray<8, Partition>(repeating: Partition())
  var disk: Resident<Disk<Machine.Registers>>?
  var network: Resident<NetworkSwitch<Machine.Registers>>?
  var entropy: Resident<EntropySource<Machine.Registers>>?
  /// Nothing is reported about failures before this time.
  private var quietUntil: UInt64 = 0
  /// The server's own tree, which `TreeText`s are in.
  public let tree: Blob

  /// - Parameters:
  ///   - tree: the server's own device tree.
  ///   - boardTree: the copy of the board's.
  /// - Returns: nil where the memory is too small.
  public init?(machine: Machine, memory: ServerMemory, tree: Blob, boardTree: Blob) {
    let description = ServerDescription(tree)
    guard let first = Self.client(0, description, memory) else { return nil }
    clients = InlineArray(repeating: first)
    var served: UInt32 = 0
    for index in 0..<8 {
      guard let client = Self.client(index, description, memory) else { return nil }
      clients[index] = client
      if client.description.isThere { served |= 1 &<< UInt32(index) }
    }
    self.served = served
    self.machine = machine
    self.memory = memory
    self.tree = tree
    board = BoardDevices(boardTree)
    arena = Arena(memory.own)
  }

  /// Starts the board's devices, and goes on where a server before this one has stopped.
  public mutating func start() {
    startDisk()
    startNetwork()
    startEntropy()
    resume()
    tick()
  }

  /// Whether a failure may be reported now: one line a second, so that no client makes the server print all day.
  mutating func mayReport() -> Bool {
    let now = machine.counter
    guard now >= quietUntil else { return false }
    quietUntil = now &+ machine.frequency
    return true
  }

  /// A line on the server's console.
  func report(_ text: StaticString) {
    machine.write("steward: ")
    machine.write(text)
    machine.write("\n")
  }

  /// Why a device of the board is not used.
  func report(_ device: StaticString, _ error: DriverError) {
    machine.write("steward: ")
    machine.write(device)
    switch error {
    case .legacy: machine.write(" is a legacy device: start QEMU with -global virtio-mmio.force-legacy=false\n")
    case .features: machine.write(" lacks features\n")
    case .queue: machine.write(" has too short queues\n")
    case .silent: machine.write(" does not answer\n")
    }
  }

  private static func client(
    _ index: Int, _ description: ServerDescription, _ memory: ServerMemory
  ) -> Client? {
    let address = KeptPlace.clients &+ UInt64(index) &* 0x1000
    guard let kept = unsafe memory.kept.pointer(address, as: KeptClient.self) else { return nil }
    let page = memory.pages.part(
      at: UInt64(index) &* RegisterPage.size, size: RegisterPage.size, start: 0)
    return Client(
      description: description.clients[index], page: RegisterPage(page), kept: unsafe Resident(kept))
  }
}
