import ArgumentParser
import ControlProtocol
import Foundation

/// `pocketvisor vm`: what can be done to a VM of a running phone.
struct VMCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vm",
    abstract: "List, start, stop, pause and talk to the VMs of a running phone.",
    discussion: """
      The phone's device server answers, so it must have one (`role: device-server`).

      Examples:
        pocketvisor vm list
        pocketvisor vm restart work
        pocketvisor vm console work
      """,
    subcommands: [
      VMListCommand.self, VMStartCommand.self, VMStopCommand.self, VMRestartCommand.self, VMPauseCommand.self,
      VMResumeCommand.self, VMConsoleCommand.self, VMLogCommand.self,
    ])
}

/// `pocketvisor vm list`
struct VMListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Show all VMs: state, memory, CPU time, exits.",
    discussion: """
      Example:
        pocketvisor vm list
      """)

  @OptionGroup var running: RunningPhoneArguments

  func run() throws {
    let control = try PhoneControl(running.find())
    let rows = try control.machines().map { machine in
      [
        machine.name, machine.state, machine.memory, LoadTable.time(machine.ticks, control.frequency),
        String(machine.report.exits), Self.notes(machine.report),
      ]
    }
    let header = ["VM", "STATE", "MEMORY", "CPU TIME", "EXITS", ""]
    print(TextTable.lines([header] + rows, numbers: [2, 3, 4]).joined(separator: "\n"))
  }

  private static func notes(_ report: MachineReport) -> String {
    let notes = [
      (report.isServer, "device server"), (report.isInFront, "in front"), (report.hasConsole, "console"),
    ]
    return notes.filter(\.0).map(\.1).joined(separator: ", ")
  }
}

/// A VM of a running phone.
struct MachineArguments: ParsableArguments {
  @Argument(help: "The VM's name.")
  var name: String

  @OptionGroup var running: RunningPhoneArguments

  /// A connection to the phone, and the VM.
  func find() throws -> (control: PhoneControl, machine: MachineStatus) {
    let control = try PhoneControl(running.find())
    return (control, try control.machine(name))
  }
}

/// A command to a VM, how it looks when it was followed, and how long that may take.
struct MachineOrder: Sendable {
  let kind: ControlKind
  let verb: String
  let isDone: @Sendable (MachineStatus) -> Bool

  static let limit = Duration.seconds(60)

  static let start = MachineOrder(kind: .start, verb: "started") { $0.phase == .running }
  static let stop = MachineOrder(kind: .stop, verb: "stopped") { $0.phase == .stopped }
  static let restart = MachineOrder(kind: .restart, verb: "restarted") { $0.phase == .running }
  static let pause = MachineOrder(kind: .pause, verb: "paused") { $0.report.isPaused }
  static let resume = MachineOrder(kind: .resume, verb: "resumed") { !$0.report.isPaused }

  /// Gives the command, waits until it was followed, and prints how the VM is.
  /// - Throws: `InputError` where that is not possible or takes too long.
  func carryOut(_ arguments: MachineArguments) throws {
    Signals.watch()
    let (control, machine) = try arguments.find()
    let refusal = "VM `\(machine.name)` is the device server: it cannot be \(verb) by its own word"
    try control.command(kind, machine, refusal: refusal)
    if kind == .restart { try waitForBegin(control, machine) }
    let now = try control.wait(for: machine, within: Self.limit, until: isDone)
    guard isDone(now) else {
      throw InputError("VM `\(now.name)` was not \(verb) within 60 seconds: it is \(now.state)")
    }
    print("\(now.name): \(now.state)")
  }

  /// A VM that runs may not have begun to stop; a small one may be up again before anybody looks.
  private func waitForBegin(_ control: PhoneControl, _ machine: MachineStatus) throws {
    _ = try control.wait(for: machine, within: .milliseconds(300)) { $0.phase != .running }
  }
}

/// `pocketvisor vm start`
struct VMStartCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start",
    abstract: "Start a VM that is stopped.",
    discussion: """
      Example:
        pocketvisor vm start personal
      """)

  @OptionGroup var arguments: MachineArguments

  func run() throws { try MachineOrder.start.carryOut(arguments) }
}

/// `pocketvisor vm stop`
struct VMStopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop",
    abstract: "Stop a VM at once, whatever its restart rule says.",
    discussion: """
      Its memory is overwritten. The system in it is not asked: `poweroff` at its console is gentler.

      Example:
        pocketvisor vm stop personal
      """)

  @OptionGroup var arguments: MachineArguments

  func run() throws { try MachineOrder.stop.carryOut(arguments) }
}

/// `pocketvisor vm restart`
struct VMRestartCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restart",
    abstract: "Stop a VM at once and start it again.",
    discussion: """
      Example:
        pocketvisor vm restart work
      """)

  @OptionGroup var arguments: MachineArguments

  func run() throws { try MachineOrder.restart.carryOut(arguments) }
}

/// `pocketvisor vm pause`
struct VMPauseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause",
    abstract: "Let a VM have no CPU until it is resumed.",
    discussion: """
      Example:
        pocketvisor vm pause personal
      """)

  @OptionGroup var arguments: MachineArguments

  func run() throws { try MachineOrder.pause.carryOut(arguments) }
}

/// `pocketvisor vm resume`
struct VMResumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Let a paused VM go on.",
    discussion: """
      Example:
        pocketvisor vm resume personal
      """)

  @OptionGroup var arguments: MachineArguments

  func run() throws { try MachineOrder.resume.carryOut(arguments) }
}
