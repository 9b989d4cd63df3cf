import Foundation

/// A connection to the monitor of a running QEMU (QEMU: Documentation, QEMU Machine Protocol).
struct EmulatorMonitor {
  private let socket: UnixSocket

  /// - Parameter path: of its socket.
  /// - Throws: `InputError` when QEMU does not answer.
  init(path: String) throws {
    socket = try UnixSocket(path: path)
    _ = try socket.readLine()
    try execute("qmp_capabilities")
  }

  /// Has QEMU do something, and waits until it is done.
  /// - Throws: `InputError` with QEMU's words when it fails.
  func execute(_ command: String, _ arguments: [String: Any] = [:]) throws {
    let request: [String: Any] = ["execute": command, "arguments": arguments]
    try socket.write(Array(JSONSerialization.data(withJSONObject: request)) + [UInt8(ascii: "\n")])
    while true {
      let answer = try JSONSerialization.jsonObject(with: Data(socket.readLine())) as? [String: Any]
      if answer?["return"] != nil { return }
      guard let error = answer?["error"] as? [String: Any] else { continue }
      throw InputError("QEMU: \(error["desc"] ?? "\(command) failed")")
    }
  }
}
