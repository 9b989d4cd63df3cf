import Foundation

/// What a start needs of QEMU beyond a serial line.
struct Board {
  /// Further arguments.
  var extra: [String] = []
  /// What the guest prints when it waits for the home key to be pressed, again and again.
  var homeKey: String?

  /// Devices as a phone with a device server has them, at the places where that one's clients see them.
  static func nativeDevices(disk: String) -> [String] {
    let places = ["virtio-blk-device,drive=disk", "virtio-net-device,netdev=network", "virtio-serial-device"]
    return [
      "-global", "virtio-mmio.force-legacy=false",
      "-drive", "if=none,id=disk,format=raw,cache=writeback,discard=unmap,file=\(disk)",
      "-netdev", "user,id=network",
    ] + places.enumerated().flatMap { ["-device", "\($1),bus=virtio-mmio-bus.\($0)"] }
      + ["-chardev", "null,id=console", "-device", "virtconsole,chardev=console"]
  }
}

/// Presses the home key of a running QEMU, by its monitor at two pipes.
struct HomeKey {
  private let pipes: NamedPipes
  private let mark: String

  /// - Parameters:
  ///   - path: of the pipes, without `.in` and `.out`.
  ///   - mark: what the guest prints when it waits for the key.
  init(path: String, mark: String) throws {
    pipes = try NamedPipes(path: path)
    self.mark = mark
  }

  /// Arguments of QEMU.
  var arguments: [String] {
    ["-chardev", "pipe,id=keys,path=\(pipes.path)", "-mon", "chardev=keys,mode=readline"]
  }

  /// Presses it again and again while the process runs, once it has printed the mark.
  /// - Parameter log: path of what it prints.
  func press(while process: Process, log: String) {
    let pipe = pipes.open("in")
    defer { close(pipe) }
    let command = Array("sendkey ac_home 1\n".utf8)
    while process.isRunning {
      usleep(250_000)
      let console = FileManager.default.contents(atPath: log) ?? Data()
      if console.contains(text: mark) { _ = write(pipe, command, command.count) }
    }
  }
}

extension Data {
  func contains(text: String) -> Bool { range(of: Data(text.utf8)) != nil }
}
