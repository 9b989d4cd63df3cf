import Foundation
import Testing

@testable import HostCommands

/// The phone that `make run` starts.
@Suite(.enabled(if: Repository.hasPersonas)) struct DefaultPhoneTests {
  private static let path = Repository.path + "/Phones/default/phone.yaml"
  private static let ready = [
    "steward| steward: ready", "work| Debian userland is up on work",
    "personal| Debian userland is up on personal", "vault| vault: authenticated a payment", "client: paid",
    "stranger| client: refused",
  ]
  private static let (workStrip, personalStrip) = (0x1565C0, 0x2E7D32)

  /// All VMs come up, the payments are as they must be, and each persona shows a page of its own below its own strip.
  @Test(arguments: [2, 3]) func itIsAPhone(gic: Int) throws {
    let running = try RunningProgram(path: Self.path, arguments: ["--gic=\(gic)"])
    try #require(running.waits(for: Self.ready), "\(running.tail)")
    // Whoever starts it where there is no desktop is told how to see it.
    #expect(running.output.contains("--web"))
    try expectPayments(running)
    try expectPages(running)
  }

  /// Work pays. The personal persona may ask, and is refused.
  private func expectPayments(_ running: RunningProgram) throws {
    running.type("pay 1250 shop", at: 1)
    #expect(running.waits { $0.contains(/paid [0-9a-f]{64}\n/) }, "\(running.tail)")
    running.type("pay 1250 shop", at: 2)
    // `client: refused` is another VM's.
    #expect(running.waits { $0.contains(#/(?:\n|\| )refused: /#) }, "\(running.tail)")
    #expect(running.output.matches(of: /paid [0-9a-f]{64}\n/).count == 1, "\(running.tail)")
  }

  private func expectPages(_ running: RunningProgram) throws {
    let monitor = try running.monitor()
    let work = try running.picture(by: monitor) { isPage($0, below: Self.workStrip) }
    #expect(isPage(work, below: Self.workStrip), "\(work.stripColours) \(work.pageColours)")
    #expect(work.stripColours[Self.personalStrip] == nil)
    try monitor.press("ac_home")
    let personal = try running.picture(by: monitor) { isPage($0, below: Self.personalStrip) }
    #expect(isPage(personal, below: Self.personalStrip), "\(personal.stripColours) \(personal.pageColours)")
    #expect(personal.stripColours[Self.workStrip] == nil)
    #expect(work.page != personal.page)
  }

  /// A page has text and pictures: several colours, and none of them covers nearly all of it.
  private func isPage(_ picture: Picture, below strip: Int) -> Bool {
    guard picture.stripColour == strip else { return false }
    let colours = picture.pageColours
    return colours.count > 16 && (colours.values.max() ?? 0) < 480 * 768 * 95 / 100
  }
}

extension Repository {
  /// Whether the disks of the default phone's personas were built.
  fileprivate static let hasPersonas =
    hasDebian
    && ["work", "personal"].allSatisfy {
      FileManager.default.fileExists(atPath: "\(path)/.cache/personas/\($0).ext4")
    }
}
