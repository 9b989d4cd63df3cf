import Foundation

/// A web server that shows a phone's screen in a browser: Debian's noVNC and websockify.
final class WebScreen {
  private static let pages = "/usr/share/novnc"
  private let server: ChildProcess
  /// What to open in a browser.
  let address: String

  /// - Parameters:
  ///   - port: of this host, for its own browsers only.
  ///   - socket: path of the socket where QEMU speaks VNC.
  /// - Throws: `InputError` when the port is taken or a package is missing.
  init(port: UInt16, socket: String) throws {
    let page = "vnc_lite.html"
    guard FileManager.default.fileExists(atPath: "\(Self.pages)/\(page)") else {
      throw InputError("\(Self.pages)/\(page): no noVNC; on Debian: apt-get install novnc websockify")
    }
    guard Self.isFree(port) else { throw InputError("port \(port) is taken; name another with --web") }
    let nowhere = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(nowhere) }
    server = try ChildProcess(
      "websockify", ["--web", Self.pages, "127.0.0.1:\(port)", "--unix-target", socket], package: "websockify",
      input: nowhere, output: nowhere, error: nowhere)
    address = "http://127.0.0.1:\(port)/\(page)?path=websockify&scale=true"
  }

  func stop() { server.stop() }

  private static func isFree(_ port: UInt16) -> Bool {
    let descriptor = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var reuse: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
