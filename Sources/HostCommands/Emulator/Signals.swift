import Foundation
import Synchronization

/// Turns the signals that end a program into something a loop can ask for, so that the terminal is put
/// right and QEMU ended first.
enum Signals {
  static let ending = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

  private static let received = Atomic<Int32>(0)

  /// From here on these signals are only noted, even when our parent had blocked them.
  static func watch() {
    signal(SIGPIPE, SIG_IGN)
    var set = sigset_t()
    sigemptyset(&set)
    for number in ending {
      signal(number) { Signals.received.store($0, ordering: .relaxed) }
      sigaddset(&set, number)
    }
    sigprocmask(SIG_UNBLOCK, &set, nil)
  }

  /// The signal that asked us to end, if one did.
  static var pending: Int32? {
    let number = received.load(ordering: .relaxed)
    return number == 0 ? nil : number
  }
}
