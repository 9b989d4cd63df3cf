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
  public var memory: MemorySize
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
    for (index, other) in phone.virtualMachines.enumerated() where machine.rules.calls.contains(other.name) {
      partners |= 1 << UInt8(index)
    }
    for (index, window) in phone.windows.enumerated() {
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
  public var windows: [WindowDescription]

  /// Where guest memory begins, with the device tree (DESIGN §4).
  public static let memoryBase: UInt64 = 0x4000_0000
  /// The 2 MiB boundary that kernels count their text offset from.
  public static let kernelBase: UInt64 = 0x4020_0000
  /// The hypervisor's own memory, its stack and tables, and what rounding to 2 MiB blocks costs at most.
  static let reserve = MemorySize.mebibytes(8)

  /// Loads the software of all VMs and lays it out.
  /// - Throws: `InputError` for what is missing, no kernel, does not fit, or would starve others.
  public init(_ phone: PhoneDescription, for board: BoardDescription) throws {
    self.board = board
    windows = phone.windows
    machines = []
    var nextCPU = 0
    for machine in phone.virtualMachines {
      let layout = try LoadedMachine(machine, in: phone).layout(for: board, firstCPU: nextCPU)
      nextCPU += layout.placement.count
      machines.append(layout)
    }
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

  /// Of all VMs, the windows that they share included.
  private var guestMemory: MemorySize {
    let shared = UInt64(windows.count) * PhoneLimits.memoryGranule
    return MemorySize(bytes: machines.reduce(shared) { $0 + $1.memory.bytes })
  }
}
