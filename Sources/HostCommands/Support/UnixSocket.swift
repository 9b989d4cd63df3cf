import Foundation

/// A connection to a socket of the file system.
final class UnixSocket {
  let descriptor: Int32
  private var received: [UInt8] = []

  /// What an address has room for, without its zero.
  static let longestPath = 107

  /// - Parameter patience: seconds that `read` and `write` wait at most.
  /// - Throws: `InputError` when nobody listens there.
  init(path: String, patience: Int = 10) throws {
    guard path.utf8.count <= Self.longestPath else { throw InputError("\(path): is too long for a socket") }
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var timeout = timeval(tv_sec: patience, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(descriptor, SOL_SOCKET, option, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }
    guard Self.connect(descriptor, path) else {
      throw InputError("\(path): no connection: \(String(cString: strerror(errno)))")
    }
  }

  deinit { close(descriptor) }

  private static func connect(_ descriptor: Int32, _ path: String) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
  }

  /// Writes all of it.
  /// - Throws: `InputError` when nobody takes it.
  func write(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 || errno == EINTR else { throw InputError("the phone does not listen") }
      rest = rest.dropFirst(max(count, 0))
    }
  }

  /// What has arrived; waits for something.
  /// - Throws: `InputError` at the end, or when nothing comes.
  func read() throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count > 0 { return Array(buffer[..<count]) }
      guard count < 0, errno == EINTR else { throw InputError("the phone does not answer") }
    }
  }

  /// The next line, without its end.
  func readLine() throws -> [UInt8] {
    while true {
      if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(received[..<end])
        received.removeFirst(end + 1)
        return line
      }
      received += try read()
    }
  }
}
