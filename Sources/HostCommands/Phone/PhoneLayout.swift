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

  /// A place that the device fills with random bytes.
  public struct SeedPlace: Equatable, Sendable {
    public var guestAddress: UInt64
    public var size: Int
  }
}

/// Lays a phone out for a board: everything that the device would otherwise have to decide.
public struct PhoneLayout: Sendable {
  public var board: BoardDescription
  public var machines: [MachineLayout]

  /// Where guest memory begins, with the device tree (DESIGN §4).
  public static let memoryBase: UInt64 = 0x4000_0000
  /// The 2 MiB boundary that kernels count their text offset from.
  public static let kernelBase: UInt64 = 0x4020_0000
  /// The hypervisor's own memory, its stack and tables, and what rounding to 2 MiB blocks costs at most.
  static let reserve = MemorySize.mebibytes(8)

  /// Loads the software of all VMs and lays it out.
  /// - Throws: `InputError` for what is missing, no kernel, or does not fit.
  public init(_ phone: PhoneDescription, for board: BoardDescription) throws {
    self.board = board
    machines = []
    var nextCPU = 0
    for machine in phone.virtualMachines {
      let loaded = try LoadedMachine(machine)
      let layout = try loaded.layout(for: board, firstCPU: nextCPU)
      nextCPU += layout.placement.count
      machines.append(layout)
    }
    guard nextCPU <= PhoneLimits.virtualCPUs else {
      throw InputError(
        "the VMs have \(nextCPU) virtual CPUs together; a phone has at most \(PhoneLimits.virtualCPUs)")
    }
  }

  /// Checks that the VMs and an image of this size fit the board.
  func checkMemory(imageSize: Int) throws {
    let needed = Self.memoryNeeded(by: machines, imageSize: imageSize)
    guard needed <= board.memory else {
      let machines = MemorySize(bytes: self.machines.reduce(0) { $0 + $1.memory.bytes })
      let image = MemorySize(bytes: UInt64(imageSize))
      throw InputError(
        """
        the phone needs \(needed.roundedDescription) of memory, \(board.name) has \(board.memory.roundedDescription): \
        VMs \(machines.roundedDescription), image \(image.roundedDescription), \
        hypervisor and rounding \(Self.reserve.roundedDescription)
        """)
    }
  }

  static func memoryNeeded(by machines: [MachineLayout], imageSize: Int) -> MemorySize {
    let memory = machines.reduce(0) { $0 + $1.memory.bytes }
    return MemorySize(bytes: memory + UInt64(imageSize) + reserve.bytes)
  }
}

/// One VM with its software loaded and its settings complete.
struct LoadedMachine {
  let name: String
  let place: SourcePlace
  let kernel: InputFile
  let header: KernelImage
  let ramdisk: InputFile?
  let settings: MachineSettings
  let memory: MemorySize

  init(_ machine: VirtualMachineDescription) throws {
    let software = try Self.load(machine.software)
    name = machine.name
    place = machine.place
    kernel = software.kernel
    header = try KernelImage(software.kernel)
    ramdisk = software.ramdisk
    settings = machine.settings.filled(from: software.manifest)
    guard let memory = settings.memory else { throw InputError("VM `\(name)` needs `memory`", at: place) }
    self.memory = memory
  }

  private static func load(_ software: VirtualMachineDescription.Software) throws -> ApplianceFile {
    switch software {
    case .appliance(let path): try ApplianceFile(reading: InputFile(path: path))
    case .kernel(let kernel, let ramdisk):
      try ApplianceFile(
        kernel: InputFile(path: kernel), ramdisk: ramdisk.map(InputFile.init(path:)),
        manifest: MachineSettings())
    }
  }

  func layout(for board: BoardDescription, firstCPU: Int) throws -> MachineLayout {
    let kernel = PlacedContent(
      content: self.kernel.data, guestAddress: PhoneLayout.kernelBase + header.textOffset)
    let ramdisk = self.ramdisk.map {
      PlacedContent(content: $0.data, guestAddress: afterKernel(at: kernel.guestAddress))
    }
    try checkFit(end: ramdisk?.end ?? kernel.guestAddress + header.memorySize)
    let placement = try placement(on: board, firstCPU: firstCPU)
    let (tree, seeds) = try deviceTree(for: board, ramdisk: ramdisk.map { $0.guestAddress..<$0.end })
    return MachineLayout(
      name: name, memory: memory, priority: settings.priority ?? 0, placement: placement,
      entry: kernel.guestAddress, deviceTree: tree, kernel: kernel, ramdisk: ramdisk, seeds: seeds)
  }

  private func afterKernel(at address: UInt64) -> UInt64 {
    MemorySize(bytes: address + header.memorySize).rounded(upTo: 2 << 20).bytes
  }

  private func checkFit(end: UInt64) throws {
    let needed = MemorySize(bytes: end - PhoneLayout.memoryBase)
    guard needed <= memory else {
      let parts = ramdisk == nil ? "its kernel needs" : "its kernel and ramdisk need"
      throw InputError("VM `\(name)` has \(memory) of memory; \(parts) \(needed.roundedDescription)", at: place)
    }
    guard PhoneLayout.memoryBase + memory.bytes <= PhoneLimits.guestAddressEnd else {
      throw InputError("VM `\(name)`: memory of more than 63GiB", at: place)
    }
  }

  /// What the phone says, or round-robin over the board's CPUs from where the VM before it ended.
  private func placement(on board: BoardDescription, firstCPU: Int) throws -> [Int] {
    let cpus = settings.cpus ?? 1
    let placement = settings.placement ?? (0..<cpus).map { (firstCPU + $0) % board.cpus }
    guard placement.count == cpus else {
      throw InputError(
        "VM `\(name)`: `placement` names \(placement.count) CPUs for \(cpus) virtual ones", at: place)
    }
    if let missing = placement.first(where: { $0 >= board.cpus }) {
      throw InputError(
        "VM `\(name)` is placed on CPU \(missing); \(board.name) has CPUs 0 to \(board.cpus - 1)", at: place)
    }
    return placement
  }

  private func deviceTree(
    for board: BoardDescription, ramdisk: Range<UInt64>?
  ) throws -> (PlacedContent, [MachineLayout.SeedPlace]) {
    let tree = GuestDeviceTree(
      cpus: settings.cpus ?? 1, memoryBase: PhoneLayout.memoryBase, memorySize: memory.bytes,
      commandLine: settings.commandLine ?? "", ramdisk: ramdisk,
      interruptControllerGeneration: board.interruptControllerGeneration)
    let blob = Data(tree.root.flattened())
    let chosen = try DeviceTreeNode(reading: InputFile(path: "device tree of \(name)", data: blob)).node(
      "chosen")
    let seeds = GuestDeviceTree.seeds.compactMap { chosen?.property($0.name) }.map {
      MachineLayout.SeedPlace(guestAddress: PhoneLayout.memoryBase + UInt64($0.offset), size: $0.value.count)
    }
    return (PlacedContent(content: blob, guestAddress: PhoneLayout.memoryBase), seeds)
  }
}
