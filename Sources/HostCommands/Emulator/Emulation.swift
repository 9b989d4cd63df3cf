import Foundation

/// One run of a phone on QEMU: the device image is made in a folder that is gone afterwards.
struct Emulation {
  var options: EmulatorOptions
  private let folders: [TemporaryFolder]
  /// What other verbs find it by; nil without a device server.
  let running: RunningPhone?

  /// Makes the device image of a phone, and its disk if there is none yet.
  /// - Parameter path: of its phone.yaml.
  /// - Throws: `InputError` for mistakes in the phone, where it does not fit the board or its disk, and without a
  ///   hypervisor.
  init(_ phone: PhoneDescription, path: String, board: BoardArguments) throws {
    let kernel = try HypervisorFile.locate(board.hypervisor, generation: board.gic, board: board.board)
    let tree = try board.board == .virt ? nil : board.board.locateTree(board.deviceTree)
    var layout = try PhoneLayout(phone, for: Self.description(board))
    let image = try DeviceImage(layout)
    if board.board == .virt {
      layout.board.memory = board.memory ?? Self.enough(for: layout, imageSize: image.tree.size)
    }
    let disk = try Self.disk(of: phone, path: path, board)
    running = try phone.deviceServer.map { _ in
      try RunningPhone(phone: path, machines: phone.virtualMachines.map(\.name), disk: disk, in: .standard)
    }
    let folder = try TemporaryFolder()
    folders = [folder] + (running.map { [TemporaryFolder(path: $0.folder)] } ?? [])
    let software = try Self.software(board.loader, kernel: kernel, image, for: layout.board, in: folder.path)
    options = EmulatorOptions(
      board: board.board, deviceTree: tree, software: software, cpus: layout.board.cpus,
      memory: layout.board.memory,
      interruptControllerGeneration: board.gic, cpuModel: board.cpu, countsInstructions: board.icount,
      devices: running.map { EmulatedDevices(disk: disk, monitor: $0.monitor, controls: $0.controls) },
      extra: []
    )
  }

  private static func description(_ board: BoardArguments) -> BoardDescription {
    guard board.board == .virt else { return board.board.description }
    return .virt(cpus: board.cpus ?? 2, memory: board.memory ?? MemorySize(bytes: .max), gic: board.gic)
  }

  /// Path of the phone's disk, which is made if it is not there; nil where no VM has one.
  private static func disk(of phone: PhoneDescription, path: String, _ board: BoardArguments) throws -> String?
  {
    guard let disk = PhoneDisk(phone, path: path) else { return nil }
    let file = board.disk ?? PhoneDisk.defaultPath(besides: path)
    if FileManager.default.fileExists(atPath: file) {
      try disk.check(file)
    } else {
      try NewDisk.make(disk, at: file)
    }
    return file
  }

  /// Writes what the loader takes; the arguments that name it.
  private static func software(
    _ loader: BootLoader, kernel: String, _ image: DeviceImage, for board: BoardDescription, in folder: String
  ) throws -> [String] {
    switch loader {
    case .direct:
      let path = folder + "/phone.fit"
      try OutputFile.replace(path) { try image.tree.write(to: $0) }
      return ["-kernel", kernel, "-initrd", path]
    case .uBoot:
      let path = folder + "/phone.itb"
      let boot = try BootImage(hypervisor: InputFile(path: kernel), device: image, for: board)
      try OutputFile.replace(path) { try boot.tree.write(to: $0) }
      return try UBoot(starting: path, environmentFile: folder + "/environment").arguments
    }
  }

  /// The gap that QEMU leaves below a ramdisk, which VMs may be too large for, and the phone itself.
  private static func enough(for layout: PhoneLayout, imageSize: Int) -> MemorySize {
    let needed = layout.memoryNeeded(imageSize: imageSize)
    return MemorySize(bytes: needed.bytes + (136 << 20)).rounded(upTo: 128 << 20)
  }

  /// Starts QEMU and runs the session to its end.
  func run<Listener: ConsoleListener>(_ session: inout ConsoleSession<Listener>) throws -> SessionEnd {
    defer { extendLifetime(folders) }
    Signals.watch()
    let emulator = try EmulatorProcess(options.board.program, options.arguments)
    return session.run(emulator)
  }
}
