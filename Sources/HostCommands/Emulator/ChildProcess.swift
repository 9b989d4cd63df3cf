import Foundation

/// A program that ends with this process, however that ends.
final class ChildProcess {
  private let identifier: pid_t
  private var status: Int32?

  /// Starts `program`.
  /// - Parameters:
  ///   - package: of Debian that it comes in.
  ///   - error: where its messages go, if not where ours do.
  /// - Throws: `InputError` when it cannot be started.
  init(
    _ program: String, _ arguments: [String], package: String, input: Int32, output: Int32, error: Int32? = nil
  ) throws {
    guard let path = Self.find(program) else {
      throw InputError(
        "\(program) is not installed; on Debian: apt-get install \(package) (or `make prerequisites`)")
    }
    identifier = try Self.spawn(
      Self.tied([path] + arguments),
      [(input, STDIN_FILENO), (output, STDOUT_FILENO)]
        + (error.map { [($0, STDERR_FILENO)] } ?? []))
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

  /// In a process group of its own: Ctrl-C at a terminal is for us, and we end the child in order.
  /// - Parameter files: what is to be which descriptor.
  private static func spawn(_ command: [String], _ files: [(Int32, Int32)]) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (file, descriptor) in files { posix_spawn_file_actions_adddup2(&actions, file, descriptor) }
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

  /// Ends it if it still runs.
  func stop() {
    if status == nil { kill(identifier, SIGKILL) }
    _ = wait()
  }
}
