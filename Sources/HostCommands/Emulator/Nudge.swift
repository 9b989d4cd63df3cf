/// Keys typed into a long silence, for a board with a GICv2.
///
/// QEMU 7.2 forgets a guest's timer that is due again before the guest has ended its interrupt: the end deactivates the
/// physical interrupt, but the distributor does not look at its level then (hardware does: GIC Architecture
/// Specification, version 2, 3.2.4). The guest sleeps until some other interrupt comes to the board; where no other VM
/// runs, only a key brings one. A busy host makes it likely.
struct Nudge {
  /// The hypervisor answers this with the list of its keys, and the VMs get nothing.
  static let keys = [KeyFilter.escape, UInt8(ascii: "?")]
  static let patience = Duration.seconds(20)
  /// No more than these, so that a phone whose every interrupt was lost would not come to its end.
  private var left = 5
  private var silentSince = Duration.zero

  /// Only that board needs it.
  init?(interruptControllerGeneration generation: Int) {
    guard generation == 2 else { return nil }
  }

  /// Whether to type the keys now.
  /// - Parameters:
  ///   - isSilent: nothing was printed since the last call.
  ///   - time: from the start of the session.
  mutating func isDue(isSilent: Bool, at time: Duration) -> Bool {
    guard isSilent else {
      silentSince = time
      return false
    }
    guard left > 0, time - silentSince > Self.patience else { return false }
    left -= 1
    silentSince = time
    return true
  }
}
