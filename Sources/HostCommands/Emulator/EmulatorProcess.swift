import Foundation

/// A running QEMU whose serial line is a pair of pipes. It ends with this process, however that ends.
final class EmulatorProcess {
  /// Reads what the device prints.
  let output: Int32
  /// Writes what is typed.
  let input: Int32
  private let identifier: pid_t
  private var status: Int32?

  /// Starts `program` with its standard input and output on pipes.
  /// - Throws: `InputError` when it cannot be started.
  init(_ program: String, _ arguments: [String]) throws {
    guard let path = Self.find(program) else {
      throw InputError(
        "\(program) is not installed; on Debian: apt-get install qemu-system-arm (or `make prerequisites`)")
    }
    let typed = try Pipe.open()
    let printed = try Pipe.open()
    defer {
      close(typed.read)
      close(printed.write)
    }
    input = typed.write
    output = printed.read
    identifier = try Self.spawn(Self.tied([path] + arguments), input: typed.read, output: printed.write)
  }

  /// Has the kernel end the child when its parent dies, even by SIGKILL, where util-linux can say so.
  private static func tied(_ command: [String]) -> [String] {
    guard let setpriv = find("setpriv") else { return command }
    return [setpriv, "--pdeathsig", "KILL", "--"] + command
  }

  private static func find(_ program: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
    return folders.map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
  }

  /// In a process group of its own: Ctrl-C at a terminal is for us, and we end QEMU in order.
  private static func spawn(_ command: [String], input: Int32, output: Int32) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    var attributes = try spawnAttributes()
    defer { posix_spawnattr_destroy(&attributes) }
    var arguments = command.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var child: pid_t = 0
    let failure = posix_spawn(&child, command[0], &actions, &attributes, &arguments, environ)
    guard failure == 0 else {
      throw InputError("\(command[0]) cannot be started: \(String(cString: strerror(failure)))")
    }
    return child
  }

  private static func spawnAttributes() throws -> posix_spawnattr_t {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
    posix_spawnattr_setflags(&attributes, Int16(flags))
    posix_spawnattr_setpgroup(&attributes, 0)
    var defaults = sigset_t()
    sigemptyset(&defaults)
    for signal in [SIGPIPE] + Signals.ending { sigaddset(&defaults, signal) }
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    var blocked = sigset_t()
    sigemptyset(&blocked)
    posix_spawnattr_setsigmask(&attributes, &blocked)
    return attributes
  }

  /// Types bytes. They are dropped when QEMU has ended.
  func type(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
      guard written > 0 || errno == EINTR else { return }
      rest = rest.dropFirst(max(written, 0))
    }
  }

  /// Waits for the end; the exit status, or 128 and the signal's number.
  func wait() -> Int32 {
    if let status { return status }
    var raw: Int32 = 0
    while waitpid(identifier, &raw, 0) < 0, errno == EINTR {}
    let signal = raw & 0x7F
    let result = signal == 0 ? raw >> 8 & 0xFF : 128 + signal
    status = result
    return result
  }

  /// Ends QEMU if it still runs, and closes the pipes.
  func stop() {
    if status == nil { kill(identifier, SIGKILL) }
    _ = wait()
    close(input)
    close(output)
  }
}

/// A pipe that programs we start do not inherit, but for the ends that they are given.
private enum Pipe {
  static func open() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw InputError("no pipe to be had: \(String(cString: strerror(errno)))") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }
}
