import ArgumentParser
import Foundation

/// `pocketvisor top`
struct TopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "Watch what the VMs of a running phone cost.",
    discussion: """
      CPU % is of one CPU: a VM on two CPUs has up to 200. The first table is about the time since the phone was \
      started, the others about the time since the one before. q ends it. Into a file or a pipe the tables are \
      written one below the other.

      Examples:
        pocketvisor top
        pocketvisor top --interval 0.5
        pocketvisor top --count 2
      """)

  @OptionGroup var running: RunningPhoneArguments

  @Option(help: ArgumentHelp("Seconds from one table to the next, 0.1 to 3600.", valueName: "seconds"))
  var interval = 2.0

  @Option(help: ArgumentHelp("End after this many tables.", valueName: "n"))
  var count: Int?

  func validate() throws {
    guard (0.1...3600).contains(interval) else { throw ValidationError("--interval must be 0.1 to 3600") }
    guard count ?? 1 > 0 else { throw ValidationError("--count must be at least 1") }
  }

  func run() throws {
    Signals.watch()
    let control = try PhoneControl(running.find())
    let terminal = Terminal(raw: STDIN_FILENO)
    defer { extendLifetime(terminal) }
    var earlier: [MachineStatus] = []
    var left = count ?? .max
    while true {
      let machines = try control.machines()
      show(LoadTable(machines: machines, earlier: earlier, frequency: control.frequency).lines)
      earlier = machines
      left -= 1
      if left == 0 || isEnded(within: interval) { return }
    }
  }

  /// On a terminal in place of what was shown before.
  private func show(_ lines: [String]) {
    let isTerminal = isatty(STDOUT_FILENO) == 1
    let end = isTerminal ? "\u{1B}[K\r\n" : "\n"
    let text = lines.map { $0 + end }.joined()
    let whole = isTerminal ? "\u{1B}[H" + text + "\u{1B}[J" : text + "\n"
    try? FileHandle.standardOutput.write(contentsOf: Data(whole.utf8))
  }

  /// Waits; true when the user pressed q or Ctrl-C, or a signal came.
  private func isEnded(within seconds: Double) -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
      if Signals.pending != nil { return true }
      let left = max(1, min(250, Int32((end - .now) / .milliseconds(1))))
      guard isatty(STDIN_FILENO) == 1 else {
        Thread.sleep(forTimeInterval: Double(left) / 1000)
        continue
      }
      var source = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
      var key: UInt8 = 0
      if poll(&source, 1, left) > 0, read(STDIN_FILENO, &key, 1) == 1, key == UInt8(ascii: "q") || key == 3 {
        return true
      }
    }
    return false
  }
}
