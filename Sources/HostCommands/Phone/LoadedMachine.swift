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
  /// What its device tree says of the device server; nil where it is no client.
  let client: GuestDeviceTree.Client?
  /// Whether the phone has a device server other than this VM, which keeps a clock for all.
  let hasClock: Bool

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
    let frameBuffer = phone.frameBuffer(of: name)
    windows = Self.windows(access, but: frameBuffer, in: phone)
    client = rules.devices.map { devices in
      GuestDeviceTree.Client(
        window: devices.sharing.window?.bytes, frameBuffer: frameBuffer.map(WindowDescription.guestAddress),
        places: devices.virtioPlaces)
    }
    hasClock = phone.deviceServer != nil && !rules.isDeviceServer
    try checkDevices()
    try checkArchitecture()
    try checkWindow()
  }

  /// What cannot be known before the settings are complete.
  private func checkDevices() throws {
    if rules.isDeviceServer, settings.cpus ?? 1 != 1 {
      throw InputError("VM `\(name)` is the device server: it has one CPU", at: place)
    }
    if rules.isDeviceServer || rules.devices?.sharing == .all, memory > MemorySharing.limit {
      throw InputError("VM `\(name)` has \(memory) of memory; the device server sees 3GiB at most", at: place)
    }
  }

  /// Linux keeps ordinary pages out of the window while it has more memory elsewhere.
  private func checkWindow() throws {
    guard let window = client?.window, MemorySharing.ringSize(window) > memory.bytes / 2 else { return }
    throw InputError(
      "VM `\(name)`: a `window` of \(MemorySize(bytes: window)) is too large beside \(memory) of memory",
      at: place)
  }

  /// Where its memory begins, with its device tree; its DMA window not counted.
  private var memoryBase: UInt64 {
    client?.window == nil ? PhoneLimits.memoryBase : PhoneLimits.mainBase
  }

  /// Bytes of all its memory.
  var memoryNeeded: UInt64 { memory.bytes + (client?.window ?? 0) }

  private static func load(_ software: VirtualMachineDescription.Software) throws -> ApplianceFile {
    switch software {
    case .appliance(let path): try ApplianceFile(reading: InputFile(path: path))
    case .kernel(let kernel, let form, let ramdisk):
      try ApplianceFile(
        kernel: InputFile(path: kernel), ramdisk: ramdisk.map(InputFile.init(path:)),
        manifest: ApplianceManifest(form: form))
    }
  }

  /// What nodes it gets for windows: for all that it has but its frame buffer.
  private static func windows(
    _ access: MachineAccess, but frameBuffer: Int?, in phone: PhoneDescription
  ) -> [GuestDeviceTree.SharedWindow] {
    phone.allWindows.enumerated().filter { index, _ in
      access.readableWindows >> index & 1 != 0 && index != frameBuffer
    }.map { index, window in
      GuestDeviceTree.SharedWindow(
        name: window.name, guestAddress: WindowDescription.guestAddress(of: index),
        isWritable: access.writableWindows >> index & 1 != 0)
    }
  }

  /// - Parameter deviceServer: what the device server is told.
  func layout(for board: BoardDescription, firstCPU: Int, deviceServer: DeviceTreeNode) throws -> MachineLayout
  {
    let kernel = PlacedContent(content: self.kernel.data, guestAddress: memoryBase + header.offset)
    let ramdisk = self.ramdisk.map { PlacedContent(content: $0.data, guestAddress: ramdiskAddress) }
    try checkFit(end: ramdisk?.end ?? ramdiskAddress)
    let placement = try placement(on: board, firstCPU: firstCPU)
    let (tree, seeds) = try deviceTree(
      for: board, ramdisk: ramdisk.map { $0.guestAddress..<$0.end },
      deviceServer: rules.isDeviceServer ? deviceServer : nil)
    return MachineLayout(
      name: name, memory: memory, memoryBase: memoryBase, sharing: rules.devices?.sharing,
      architecture: header.architecture, priority: settings.priority ?? 0, placement: placement,
      entry: kernel.guestAddress, deviceTree: tree, kernel: kernel, ramdisk: ramdisk, seeds: seeds,
      budget: rules.budget, restart: rules.restart, access: access,
      isDeviceServer: rules.isDeviceServer)
  }

  private var afterKernel: UInt64 {
    MemorySize(bytes: memoryBase + header.offset + header.memorySize).rounded(upTo: 2 << 20).bytes
  }

  /// At the start of memory, as on `virt`; behind a kernel that unpacks itself to there.
  private var treeAddress: UInt64 { header.isCompressed ? afterKernel : memoryBase }

  private var ramdiskAddress: UInt64 {
    header.isCompressed ? treeAddress + PhoneLayout.kernelOffset : afterKernel
  }

  private func checkFit(end: UInt64) throws {
    let needed = MemorySize(bytes: end - memoryBase)
    let parts = ramdisk == nil ? "its kernel needs" : "its kernel and ramdisk need"
    guard needed <= memory else {
      throw InputError("VM `\(name)` has \(memory) of memory; \(parts) \(needed.roundedDescription)", at: place)
    }
    let reached = MemorySize(bytes: CompressedImage.directlyMapped)
    guard !header.isCompressed || needed <= reached else {
      throw InputError(
        "VM `\(name)`: \(parts) \(needed.roundedDescription); 32-bit Linux finds its ramdisk in the first \(reached)",
        at: place)
    }
  }

  /// What a kernel of its architecture cannot have.
  private func checkArchitecture() throws {
    let architecture = header.architecture
    let most = MemorySize(bytes: architecture.addressEnd - memoryBase)
    guard memory <= most else {
      let kind = architecture == .arm ? " is 32-bit" : ""
      throw InputError("VM `\(name)`\(kind): memory of more than \(most)", at: place)
    }
    guard architecture == .arm else { return }
    if rules.isDeviceServer {
      throw InputError("VM `\(name)` is the device server: it has to be 64-bit", at: place)
    }
    // It takes no memory below its own for memory, and has no bounce buffers.
    if header.isCompressed, client?.window != nil {
      throw InputError("VM `\(name)`: 32-bit Linux cannot use a DMA window; say `share: all`", at: place)
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
    for board: BoardDescription, ramdisk: Range<UInt64>?, deviceServer: DeviceTreeNode?
  ) throws -> (PlacedContent, [MachineLayout.SeedPlace]) {
    let tree = GuestDeviceTree(
      cpus: settings.cpus ?? 1, memoryBase: memoryBase, memorySize: memory.bytes,
      commandLine: try commandLine(),
      ramdisk: ramdisk, interruptControllerGeneration: board.interruptControllerGeneration,
      hasGenericTimer: board.hasVirtualizationExtensions,
      key: rules.hasKey ? Self.freshKey() : nil, windows: windows, hasClock: hasClock, client: client,
      deviceServer: deviceServer)
    let blob = Data(tree.root.flattened())
    let chosen = try DeviceTreeNode(reading: InputFile(path: "device tree of \(name)", data: blob)).node(
      "chosen")
    let seeds = GuestDeviceTree.seeds.compactMap { chosen?.property($0.name) }.map {
      MachineLayout.SeedPlace(guestAddress: treeAddress + UInt64($0.offset), size: $0.value.count)
    }
    return (PlacedContent(content: blob, guestAddress: treeAddress), seeds)
  }

  /// What the VM says, and what the devices need of Linux.
  private func commandLine() throws -> String {
    let parts = [settings.commandLine, client?.linuxArguments].compactMap(\.self)
    let line = parts.joined(separator: " ")
    guard line.utf8.count <= MachineSettings.longestCommandLine else {
      throw InputError(
        "VM `\(name)`: `cmdline` with what the devices add is longer than the 2047 bytes that Linux takes",
        at: place)
    }
    return line
  }

  /// 256 bits from the host's generator for cryptography.
  private static func freshKey() -> [UInt8] {
    var random = SystemRandomNumberGenerator()
    return (0..<32).map { _ in random.next() }
  }
}
