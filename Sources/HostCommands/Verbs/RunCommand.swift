import ArgumentParser
import Foundation

/// `pocketvisor run`: starts a phone on QEMU.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Start a phone on QEMU.",
    discussion: """
      All VMs print to this terminal, each line behind the VM's name. Ctrl-] 1 to Ctrl-] 8 bring one VM to \
      the front, Ctrl-] a shows all again, Ctrl-] ? lists the keys, Ctrl-] q quits.

      The screen of a phone with a device server is shown in a window where there is a desktop, or in a browser \
      with --web. Meanwhile `pocketvisor vm`, `switch`, `top` and `screenshot` talk to the phone.

      The exit status is 0 when the phone powered off, when every --until text was seen, or when you quit; \
      124 after --timeout; 1 otherwise.

      Examples:
        pocketvisor run phone.yaml
        pocketvisor run phone.yaml --web 6080
        pocketvisor run phone.yaml --headless --until 'login:' --timeout 60
        pocketvisor run phone.yaml --cpus 1 --cpu cortex-a53 -- -d guest_errors
        pocketvisor run phone.yaml --board smdkc210
      """)

  @Argument(help: "The phone's description.")
  var phone: String

  @OptionGroup(title: "Board")
  var board: BoardArguments

  @Flag(help: "Read no keys and open no window; only print.")
  var headless = false

  @Option(
    help: ArgumentHelp(
      "Show the screen in browsers of this host, at this port (noVNC).", valueName: "port"))
  var web: UInt16?

  @Option(
    help: ArgumentHelp(
      "End with success once this was printed; with several, once all were.", valueName: "text"))
  var until: [String] = []

  @Option(help: ArgumentHelp("End with status 124 after this many seconds.", valueName: "seconds"))
  var timeout: Double?

  @Argument(parsing: .postTerminator, help: ArgumentHelp("Arguments for QEMU.", valueName: "qemu-arguments"))
  var extra: [String] = []

  func validate() throws {
    if let timeout { try Timeout.check(timeout) }
    guard web != 0 else { throw ValidationError("--web must be 1 to 65535") }
  }

  func run() throws {
    let description = try PhoneDescription(reading: InputFile(path: phone))
    guard web == nil || description.deviceServer != nil else {
      throw InputError("\(phone): has no device server, and so no screen for --web to show")
    }
    var emulation = try Emulation(description, path: phone, board: board)
    emulation.options.extra = extra
    let screen = try show(&emulation)
    defer { screen?.stop() }
    var session = ConsoleSession(
      listener: UntilListener(texts: until), keyboard: headless ? nil : STDIN_FILENO, screen: STDOUT_FILENO,
      timeout: timeout.map { .seconds($0) })
    let end = try runWithTerminal(emulation, &session)
    try conclude(end, missing: session.listener.missing)
  }

  /// Says where the screen is to be shown, and starts what shows it in browsers.
  private func show(_ emulation: inout Emulation) throws -> WebScreen? {
    guard let running = emulation.running else { return nil }
    if let web {
      let socket = running.folder + "/vnc"
      emulation.options.devices?.display = .socket(socket)
      let screen = try WebScreen(port: web, socket: socket)
      say("The screen: \(screen.address)")
      return screen
    }
    if !headless { emulation.options.devices?.display = window }
    return nil
  }

  private static var hasDesktop: Bool {
    let environment = ProcessInfo.processInfo.environment
    return ["DISPLAY", "WAYLAND_DISPLAY"].contains { !(environment[$0] ?? "").isEmpty }
  }

  /// A window, where there is a desktop and QEMU can open one.
  private var window: EmulatedDevices.Display {
    guard Self.hasDesktop else {
      say("There is no desktop for a window; --web 6080 shows the screen in a browser.")
      return .nowhere
    }
    guard EmulatedDevices.Display.hasWindows else {
      say("QEMU opens no window (on Debian: apt-get install qemu-system-gui); --web 6080 shows the screen.")
      return .nowhere
    }
    return .window
  }

  private func runWithTerminal(
    _ emulation: Emulation, _ session: inout ConsoleSession<UntilListener>
  ) throws -> SessionEnd {
    guard !headless else { return try emulation.run(&session) }
    say("Ctrl-] q quits; Ctrl-] 1 to 8 bring a VM to the front, Ctrl-] a shows all, Ctrl-] ? lists the keys.")
    let terminal = Terminal(raw: STDIN_FILENO)
    defer { extendLifetime(terminal) }
    return try emulation.run(&session)
  }

  /// Prints a line before what the phone prints.
  private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

  private func conclude(_ end: SessionEnd, missing: [String]) throws {
    let wanted = missing.map { "`\($0)`" }.joined(separator: ", ")
    switch end {
    case .done, .quit: return
    case .emulatorEnded(0) where missing.isEmpty: return
    case .emulatorEnded(0): throw InputError("the phone powered off before it printed \(wanted)")
    case .emulatorEnded(let status): throw InputError("QEMU failed with status \(status)")
    case .timeout:
      let reason = missing.isEmpty ? "" : "; not seen: \(wanted)"
      FileHandle.standardError.write(Data("Error: timeout after \(timeout ?? 0) seconds\(reason)\n".utf8))
      throw ExitCode(124)
    case .signal(let number): throw ExitCode(128 + number)
    }
  }
}
