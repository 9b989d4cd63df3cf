import ArgumentParser
import Foundation

/// `pocketvisor vm console`
struct VMConsoleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "console",
    abstract: "Connect this terminal with a VM's console.",
    discussion: """
      Everything typed goes to the VM, Ctrl-C too; Ctrl-] detaches. What it printed before is shown by \
      `pocketvisor vm log`. Keys from a file or a pipe are typed, and then this ends when the VM was silent for a \
      second.

      Examples:
        pocketvisor vm console work
        echo uptime | pocketvisor vm console work
      """)

  @OptionGroup var arguments: MachineArguments

  func run() throws {
    Signals.watch()
    let (control, machine) = try arguments.find()
    var console = AttachedConsole(control, machine, keyboard: STDIN_FILENO)
    let terminal = Terminal(raw: STDIN_FILENO)
    defer { extendLifetime(terminal) }
    tell("The console of \(machine.name). Ctrl-] detaches.\r\n")
    try console.run()
    tell("\r\n")
  }

  /// Nothing, where nobody sits at a terminal.
  private func tell(_ text: String) {
    if isatty(STDIN_FILENO) == 1 { FileHandle.standardOutput.write(Data(text.utf8)) }
  }
}

/// `pocketvisor vm log`
struct VMLogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log",
    abstract: "Show what a VM's console printed lately.",
    discussion: """
      The device server keeps the last 16 KiB of every console, over restarts of the VM and of itself.

      Examples:
        pocketvisor vm log work
        pocketvisor vm log work --follow
      """)

  @OptionGroup var arguments: MachineArguments

  @Flag(name: .shortAndLong, help: "Go on with what it prints from now on, until Ctrl-C.")
  var follow = false

  func run() throws {
    Signals.watch()
    let (control, machine) = try arguments.find()
    var position: UInt64 = 0
    while Signals.pending == nil {
      let (start, bytes) = try control.log(machine, from: position)
      // From a device server that counts backwards nothing new is to be expected.
      guard start >= position else { throw InputError("the device server makes no sense: its log goes back") }
      position = start &+ UInt64(bytes.count)
      try? FileHandle.standardOutput.write(contentsOf: Data(bytes))
      guard bytes.isEmpty else { continue }
      guard follow else { return }
      Thread.sleep(forTimeInterval: 0.1)
    }
  }
}
