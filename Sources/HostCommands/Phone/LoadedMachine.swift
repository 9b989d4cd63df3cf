import Appliance
import Foundation

/// One VM with its software loaded and its settings complete.
struct LoadedMachine {
  let name: String
  let place: SourcePlace
  let kernel: InputFile
  let header: KernelImage
  let ramdisk: InputFile?
  let settings: MachineSettings
  let rules: MachineRules
  let memory: MemorySize
  let access: MachineAccess
  let windows: [GuestDeviceTree.SharedWindow]

  init(_ machine: VirtualMachineDescription, in phone: PhoneDescription) throws {
    let software = try Self.load(machine.software)
    name = machine.name
    place = machine.place
    kernel = software.kernel
    header = try software.header
    ramdisk = software.ramdisk
    settings = machine.settings.filled(from: software.manifest.settings)
    rules = machine.rules
    guard let memory = settings.memory else { throw InputError("VM `\(name)` needs `memory`", at: place) }
    self.memory = memory
    access = MachineAccess(machine, in: phone)
    windows = Self.windows(access, in: phone)
  }

  private static func load(_ software: VirtualMachineDescription.Software) throws -> ApplianceFile {
    switch software {
    case .appliance(let path): try ApplianceFile(reading: InputFile(path: path))
    case .kernel(let kernel, let format, let ramdisk):
      try ApplianceFile(
        kernel: InputFile(path: kernel), ramdisk: ramdisk.map(InputFile.init(path:)),
        manifest: ApplianceManifest(kernelFormat: format))
    }
  }

  private static func windows(
    _ access: MachineAccess, in phone: PhoneDescription
  ) -> [GuestDeviceTree.SharedWindow] {
    phone.windows.enumerated().filter { access.readableWindows >> $0.offset & 1 != 0 }.map { index, window in
      GuestDeviceTree.SharedWindow(
        name: window.name, guestAddress: WindowDescription.guestAddress(of: index),
        isWritable: access.writableWindows >> index & 1 != 0)
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
      entry: kernel.guestAddress, deviceTree: tree, kernel: kernel, ramdisk: ramdisk, seeds: seeds,
      budget: rules.budget, restart: rules.restart, access: access)
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
    let placement = rules.placement ?? (0..<cpus).map { (firstCPU + $0) % board.cpus }
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
      interruptControllerGeneration: board.interruptControllerGeneration,
      key: rules.hasKey ? Self.freshKey() : nil,
      windows: windows)
    let blob = Data(tree.root.flattened())
    let chosen = try DeviceTreeNode(reading: InputFile(path: "device tree of \(name)", data: blob)).node(
      "chosen")
    let seeds = GuestDeviceTree.seeds.compactMap { chosen?.property($0.name) }.map {
      MachineLayout.SeedPlace(guestAddress: PhoneLayout.memoryBase + UInt64($0.offset), size: $0.value.count)
    }
    return (PlacedContent(content: blob, guestAddress: PhoneLayout.memoryBase), seeds)
  }

  /// 256 bits from the host's generator for cryptography.
  private static func freshKey() -> [UInt8] {
    var random = SystemRandomNumberGenerator()
    return (0..<32).map { _ in random.next() }
  }
}
