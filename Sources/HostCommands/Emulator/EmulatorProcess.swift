import Foundation

/// A running QEMU whose serial line is a pair of pipes. It ends with this process, however that ends.
final class EmulatorProcess {
  /// Reads what the device prints.
  let output: Int32
  /// Writes what is typed.
  let input: Int32
  private let child: ChildProcess

  /// Starts `program` with its standard input and output on pipes.
  /// - Throws: `InputError` when it cannot be started.
  init(_ program: String, _ arguments: [String]) throws {
    let typed = try Pipe.open()
    let printed = try Pipe.open()
    defer {
      close(typed.read)
      close(printed.write)
    }
    input = typed.write
    output = printed.read
    child = try ChildProcess(
      program, arguments, package: "qemu-system-arm", input: typed.read, output: printed.write)
  }

  /// What QEMU prints before it ends by itself.
  static func output(of program: String, _ arguments: [String]) throws -> String {
    let process = try EmulatorProcess(program, arguments)
    defer { process.stop() }
    let data = try FileHandle(fileDescriptor: process.output, closeOnDealloc: false).readToEnd()
    return String(decoding: data ?? Data(), as: UTF8.self)
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
  func wait() -> Int32 { child.wait() }

  /// Ends QEMU if it still runs, and closes the pipes.
  func stop() {
    child.stop()
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
