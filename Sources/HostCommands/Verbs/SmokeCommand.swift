import ArgumentParser
import Foundation

/// `pocketvisor smoke`: the whole life of a phone, without a person.
struct SmokeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "smoke",
    abstract: "Start a phone, wait until every VM is up, power all off; one line per VM.",
    discussion: """
      A VM is up when it printed what phone.yaml says as `ready`. One without `ready` is taken for a Linux \
      with a shell, which then gets the command to power off.

      The exit status is 0 when every VM came up and those with a shell powered off.

      Example:
        pocketvisor smoke Phones/default/phone.yaml --cpus 1 --cpu cortex-a53
      """)

  @Argument(help: "The phone's description.")
  var phone: String

  @OptionGroup(title: "Board")
  var board: BoardArguments

  @Option(help: ArgumentHelp("What a VM without `ready` prints when it is up.", valueName: "text"))
  var ready = "userland is up"

  @Option(help: ArgumentHelp("What to type at a VM to power it off.", valueName: "text"))
  var command = "poweroff -f"

  @Option(help: ArgumentHelp("Give up after this many seconds.", valueName: "seconds"))
  var timeout: Double = 300

  @Flag(help: "Show the console too.")
  var verbose = false

  func validate() throws {
    try Timeout.check(timeout)
  }

  func run() throws {
    let description = try PhoneDescription(reading: InputFile(path: phone))
    let emulation = try Emulation(description, path: phone, board: board)
    let listener = SmokeListener(
      machines: description.virtualMachines.map { ($0.name, $0.rules.ready) }, ready: ready, command: command)
    var session = ConsoleSession(
      listener: listener, keyboard: nil, screen: verbose ? STDOUT_FILENO : nil, timeout: .seconds(timeout))
    if board.board == .virt { session.nudge = Nudge(interruptControllerGeneration: board.gic) }
    let end = try emulation.run(&session)
    for machine in session.listener.machines { print(machine) }
    try conclude(end, session.listener)
  }

  private func conclude(_ end: SessionEnd, _ listener: SmokeListener) throws {
    if case .signal(let number) = end { throw ExitCode(128 + number) }
    let isOff = end == .emulatorEnded(0)
    // Nothing turns those boards off yet that have no PSCI.
    let mayStayOn = end == .done && (board.board != .virt || listener.machines.contains { $0.stopped == nil })
    if isOff || mayStayOn, listener.machines.allSatisfy(\.isGood) { return }
    let console = verbose ? [] : ["The console's last lines:"] + listener.recentLines.map { "  \($0)" }
    FileHandle.standardError.write(Data(console.map { $0 + "\n" }.joined().utf8))
    switch end {
    case .timeout: throw InputError("the phone was not done after \(timeout) seconds")
    case .done where !mayStayOn: throw InputError("all VMs stopped, but the board was not powered off")
    case .done, .emulatorEnded(0): throw InputError("not every VM came up and powered off")
    default: throw InputError("QEMU ended by itself: \(end)")
    }
  }
}

extension SmokeListener.Progress: CustomStringConvertible {
  /// Up, and then stopped by its own request or, without a shell, not at all.
  var isGood: Bool { up != nil && (stopped?.reason.hasPrefix("SYSTEM_OFF") ?? !hasShell) }

  var description: String {
    let up = up.map { "up after \($0.seconds) s" } ?? "never printed `\(ready)`"
    let stopped = stopped.map { "stopped after \($0.time.seconds) s: \($0.reason)" } ?? "never stopped"
    return "\(name): \(isGood ? "ok" : "FAILED"): \(up), \(stopped)"
  }
}

extension Duration {
  /// Seconds with one decimal place.
  fileprivate var seconds: String {
    let tenths = (self / .seconds(1) * 10).rounded() / 10
    return String(tenths)
  }
}
