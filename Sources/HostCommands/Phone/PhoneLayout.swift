import Appliance
import Foundation

/// A piece of content and its place in a VM's memory.
public struct PlacedContent: Equatable, Sendable {
  public var content: Data
  public var guestAddress: UInt64

  var end: UInt64 { guestAddress + UInt64(content.count) }
}

/// One VM laid out: what lies where in its memory, and which physical CPU runs which virtual one.
public struct MachineLayout: Sendable {
  public var name: String
  /// Of the bank that begins at `memoryBase`.
  public var memory: MemorySize
  public var memoryBase: UInt64
  /// What the device server sees of it; nil where it is no client.
  public var sharing: MemorySharing?
  public var architecture: Architecture
  public var priority: Int
  /// The physical CPU of each virtual CPU.
  public var placement: [Int]
  public var entry: UInt64
  public var deviceTree: PlacedContent
  public var kernel: PlacedContent
  public var ramdisk: PlacedContent?
  public var seeds: [SeedPlace]
  public var budget: Budget?
  public var restart: RestartRule
  public var access: MachineAccess
  /// Whether it is the device server.
  public var isDeviceServer: Bool

  /// Of all its memory.
  var memoryNeeded: UInt64 { memory.bytes + (sharing?.window?.bytes ?? 0) }

  /// A place that the device fills with random bytes.
  public struct SeedPlace: Equatable, Sendable {
    public var guestAddress: UInt64
    public var size: Int
  }
}

/// What a VM may reach outside its own memory; a bit for each VM or window, by place in the phone.
public struct MachineAccess: Equatable, Sendable {
  public var partners: UInt8 = 0
  public var readableWindows: UInt8 = 0
  public var writableWindows: UInt8 = 0

  init(_ machine: VirtualMachineDescription, in phone: PhoneDescription) {
    // A vault tells the device server that it has answered what clients asked through it.
    let server = phone.mailbox(of: machine.name) == nil ? nil : phone.deviceServer?.name
    let partners = Set(machine.rules.calls + [server].compactMap(\.self))
    for (index, other) in phone.virtualMachines.enumerated() where partners.contains(other.name) {
      self.partners |= 1 << UInt8(index)
    }
    for (index, window) in phone.allWindows.enumerated() {
      if window.writers.contains(machine.name) { writableWindows |= 1 << UInt8(index) }
      if window.readers.contains(machine.name) { readableWindows |= 1 << UInt8(index) }
    }
    readableWindows |= writableWindows
  }
}

/// Lays a phone out for a board: everything that the device would otherwise have to decide.
public struct PhoneLayout: Sendable {
  public var board: BoardDescription
  public var machines: [MachineLayout]
  /// By number.
  public var windows: [WindowDescription]

  /// From the device tree at the start of a VM's memory to the 2 MiB boundary that kernels count their text offset
  /// from (DESIGN §4).
  public static let kernelOffset: UInt64 = 0x20_0000
  /// The hypervisor's own memory, its stack and tables, and what rounding to 2 MiB blocks costs at most.
  static let reserve = MemorySize.mebibytes(8)

  /// Loads the software of all VMs and lays it out.
  /// - Throws: `InputError` for what is missing, no kernel, does not fit, or would starve others.
  public init(_ phone: PhoneDescription, for board: BoardDescription) throws {
    self.board = board
    windows = phone.allWindows
    machines = []
    var nextCPU = 0
    let loaded = try phone.virtualMachines.map { try LoadedMachine($0, in: phone) }
    let deviceServer = DeviceServerNode(phone: phone, memory: loaded.map(\.memoryNeeded)).node
    for machine in loaded {
      let layout = try machine.layout(for: board, firstCPU: nextCPU, deviceServer: deviceServer)
      nextCPU += layout.placement.count
      machines.append(layout)
    }
    if !board.hasVirtualizationExtensions { try NarrowBoardLimits(board: board.name).check(phone, machines) }
    guard nextCPU <= PhoneLimits.virtualCPUs else {
      throw InputError(
        "the VMs have \(nextCPU) virtual CPUs together; a phone has at most \(PhoneLimits.virtualCPUs)")
    }
    try FairShares(machines, phone.virtualMachines.map(\.place)).check()
  }

  /// Checks that the VMs, their windows and an image of this size fit the board.
  func checkMemory(imageSize: Int) throws {
    let needed = memoryNeeded(imageSize: imageSize)
    guard needed <= board.memory else {
      let image = MemorySize(bytes: UInt64(imageSize))
      throw InputError(
        """
        the phone needs \(needed.roundedDescription) of memory, \(board.name) has \(board.memory.roundedDescription): \
        VMs \(guestMemory.roundedDescription), image \(image.roundedDescription), \
        hypervisor and rounding \(Self.reserve.roundedDescription)
        """)
    }
  }

  func memoryNeeded(imageSize: Int) -> MemorySize {
    MemorySize(bytes: guestMemory.bytes + UInt64(imageSize) + Self.reserve.bytes)
  }

  /// Of all VMs, the windows that they share and what the hypervisor needs for each included.
  private var guestMemory: MemorySize {
    let shared = UInt64(windows.count) * PhoneLimits.memoryGranule
    let overhead = board.hasVirtualizationExtensions ? 0 : NarrowBoardLimits.overhead.bytes
    return MemorySize(bytes: machines.reduce(shared) { $0 + $1.memoryNeeded + overhead })
  }
}
