import Foundation

/// One run of a phone on QEMU: the device image is made in a folder that is gone afterwards.
struct Emulation {
  var options: EmulatorOptions
  private let folder: String

  /// Makes the device image of `phone`.
  /// - Throws: `InputError` for mistakes in the phone, where it does not fit the board, and without a hypervisor.
  init(_ phone: PhoneDescription, board: BoardArguments) throws {
    let kernel = try HypervisorFile.locate(board.hypervisor, generation: board.gic)
    let cpus = board.cpus ?? 2
    let memory = board.memory ?? MemorySize(bytes: .max)
    var layout = try PhoneLayout(phone, for: .virt(cpus: cpus, memory: memory, gic: board.gic))
    let image = try DeviceImage(layout)
    layout.board.memory = board.memory ?? Self.enough(for: layout, imageSize: image.tree.size)
    folder = try Self.makeFolder()
    let software = try Self.software(board.loader, kernel: kernel, image, for: layout.board, in: folder)
    options = EmulatorOptions(
      software: software, cpus: cpus, memory: layout.board.memory,
      interruptControllerGeneration: board.gic, cpuModel: board.cpu, countsInstructions: board.icount, extra: []
    )
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

  private static func makeFolder() throws -> String {
    var template = Array((NSTemporaryDirectory() + "/pocketvisor-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else { throw InputError("no temporary folder to be had") }
    return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Starts QEMU and runs the session to its end.
  func run<Listener: ConsoleListener>(_ session: inout ConsoleSession<Listener>) throws -> SessionEnd {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    Signals.watch()
    let emulator = try EmulatorProcess(EmulatorOptions.program, options.arguments)
    return session.run(emulator)
  }
}
