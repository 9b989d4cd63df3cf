import Foundation

/// The other end of TCP streams: a server on this host's loopback. The first byte of a connection says what it does:
/// "r" receives until the other side closes, "s" sends until then.
final class StreamServer {
  let port: UInt16

  /// Listens at a free port until this process ends.
  init() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, size) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &size) == 0
      }
    }
    guard isBound else { throw BenchmarkError("no port for a server: \(String(cString: strerror(errno)))") }
    port = UInt16(bigEndian: address.sin_port)
    signal(SIGPIPE, SIG_IGN)
    Thread.detachNewThread { Self.accept(at: listener) }
  }

  private static func accept(at listener: Int32) {
    while true {
      let connection = Foundation.accept(listener, nil, nil)
      guard connection >= 0 else { continue }
      Thread.detachNewThread { serve(connection) }
    }
  }

  private static func serve(_ connection: Int32) {
    defer { close(connection) }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    guard read(connection, &buffer, 1) == 1 else { return }
    if buffer[0] == UInt8(ascii: "r") {
      while read(connection, &buffer, buffer.count) > 0 {}
    } else {
      while write(connection, buffer, buffer.count) > 0 {}
    }
  }
}
