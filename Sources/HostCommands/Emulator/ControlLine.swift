import Foundation

/// A connection to a control port of a running phone, and the lock that keeps other programs from it: QEMU would let
/// them wait without a word.
final class ControlLine {
  let socket: UnixSocket
  private let lock: Int32

  /// - Parameter path: of the port's socket.
  /// - Returns: nil when another program uses it.
  /// - Throws: `InputError` when QEMU does not listen.
  init?(path: String) throws {
    lock = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else {
      throw InputError("\(path).lock: cannot be made: \(String(cString: strerror(errno)))")
    }
    do {
      guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
        close(lock)
        return nil
      }
      socket = try UnixSocket(path: path)
    } catch {
      close(lock)
      throw error
    }
  }

  deinit { close(lock) }
}
