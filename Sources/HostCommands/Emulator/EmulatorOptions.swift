/// How QEMU is to be started. A value, so that tests read the command line without running it.
public struct EmulatorOptions: Equatable, Sendable {
  public var board = BoardModel.virt
  /// Path of the device tree of a board other than virt.
  public var deviceTree: String?
  /// The arguments that name what is started.
  public var software: [String]
  public var cpus: Int
  public var memory: MemorySize
  /// 2 or 3.
  public var interruptControllerGeneration: Int
  public var cpuModel: String
  /// One nanosecond of virtual time per instruction: counts are exact and repeatable.
  public var countsInstructions: Bool
  /// For a phone with a device server; nil for a board with nothing but a serial line.
  public var devices: EmulatedDevices?
  /// Arguments of the user, last.
  public var extra: [String]

  /// What makes QEMU count: one instruction is one nanosecond.
  static let instructionClock = ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off"]

  /// The arguments behind the program's name.
  public var arguments: [String] {
    var arguments = deviceTree.map(board.arguments) ?? virt
    if countsInstructions { arguments += Self.instructionClock }
    arguments += ["-monitor", "none", "-serial", "stdio"]
    arguments += devices?.arguments ?? ["-display", "none"]
    return arguments + software + extra
  }

  private var virt: [String] {
    ["-M", "virt,virtualization=on,gic-version=\(interruptControllerGeneration)"]
      + ["-cpu", cpuModel, "-smp", String(cpus), "-m", "\(memory.bytes >> 20)M", "-nic", "none"]
  }
}
