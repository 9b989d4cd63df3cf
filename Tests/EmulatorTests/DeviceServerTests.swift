import Foundation
import Testing

@testable import HostCommands

/// What a device server that dies, or turns hostile, does to others; and what a hostile client does to it.
@Suite(.enabled(if: Repository.isBuilt)) struct DeviceServerTests {
  // MARK: It dies

  /// The server is made to jump to nowhere ten times while a guest reads and writes without end: it is started again each
  /// time, the guest goes on, and its blocks are as it wrote them.
  @Test(arguments: 1...(Repository.isLongRun ? 10 : 2) as ClosedRange<Int>) func theServerDies(seed: Int) throws
  {
    let phone = PhoneText.phone(
      PhoneText.steward(restart: "{ policy: always, limit: 0, delay: 0ms }"),
      PhoneText.disk("checker", "mode=check seed=\(seed) count=0 chatter=50"))
    let recording = try run(phone, killing: 10, seed: seed, until: ["disk: alive, 400 rounds"])
    #expect(recording.missing.isEmpty, "\(recording.tail)")
    #expect(!recording.contains("disk: the disk fails"), "\(recording.tail)")
  }

  /// The same with a Debian: files are written again and again, read back from the disk, and compared.
  @Test(.enabled(if: Repository.hasDebian)) func theServerDiesUnderDebian() throws {
    let root = try DebianDisk(mark: "work")
    let phone = PhoneText.phone(
      PhoneText.steward(restart: "{ policy: always, limit: 0, delay: 0ms }"),
      PhoneText.debian("work", on: root, mebibytes: 32))
    // Shorter than the 256 characters that a VM may leave unread, for its server may just be dead.
    let command =
      "cd /root; n=1; while :; do rm -f s; for i in 1 2 3 4 5 6 7 8; do dd if=/dev/urandom of=$i bs=64k count=16 "
      + "2>/dev/null; md5sum $i >>s; sync; echo 3 >/proc/sys/vm/drop_caches; done; "
      + "md5sum -c -s s && echo turn-$n-right; n=$((n+1)); done\r"
    let recording = try run(
      phone, killing: 10, seed: 3, until: (1...6).map { "turn-\($0)-right" },
      reactions: [("is up on work", "\u{1D}2" + command)])
    #expect(recording.missing.isEmpty, "\(recording.tail)")
    #expect(!recording.contains("I/O error"), "\(recording.tail)")
  }

  private func run(
    _ phone: String, killing count: Int, seed: Int, until: [String],
    reactions: [(text: String, keys: String)] = []
  ) throws -> Recording {
    let disk = try DiskFile(for: phone)
    let killer = ServerKiller(count: count, seed: seed)
    let board = EmulatedBoard(
      mebibytes: 512, devices: disk.arguments() + killer.arguments, timeout: .seconds(240))
    killer.start()
    var script = Script(until: until, reactions: reactions)
    // The guest's work has no end: it goes on until all are done, however fast the host is.
    script.least = ("] steward stopped: ", count)
    let recording = try board.run(phone: phone, script: script)
    killer.end()
    #expect(killer.kills == count, "\(killer.failure)")
    return recording
  }

  // MARK: It is hostile

  /// It reaches nothing but what it is given, and the others notice nothing.
  @Test(arguments: 1...(Repository.isLongRun ? 20 : 2) as ClosedRange<Int>, [2, 3])
  func aHostileServer(seed: Int, gic: Int) throws {
    let console = ", devices: { console: true }"
    let phone =
      "windows:\n  secret: { write: [client], read: [stranger] }\n"
      + PhoneText.phone(
        PhoneText.guest(
          "rogue", "seed=\(seed) clients=10 puppet=3 count=100",
          more: ", role: device-server, priority: 1, budget: 50%"),
        PhoneText.guest("neighbour", as: "client", "ticks=3000", more: console),
        PhoneText.guest("neighbour", as: "stranger", "ticks=3000"),
        PhoneText.guest("load", as: "puppet", "mode=spin", more: console))
    let recording = try EmulatedBoard(cpus: 2, gic: gic, timeout: .seconds(240)).run(
      phone: phone,
      script: Script(until: [
        "rogue: refused 10000 times, overwrote 5000 words", "client| neighbour: fine, 3000 ticks",
        "stranger| neighbour: fine, 3000 ticks",
      ]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  // MARK: A client is hostile

  /// It breaks every rule of its disk's rings: its device stops until it is reset, and who uses the disk beside it notices
  /// nothing.
  @Test(arguments: 1...(Repository.isLongRun ? 20 : 2) as ClosedRange<Int>, [1, 2])
  func aHostileClient(seed: Int, cpus: Int) throws {
    let phone = PhoneText.phone(
      PhoneText.steward(), PhoneText.disk("checker", "mode=check count=100"),
      PhoneText.disk("attacker", "mode=hostile seed=\(seed) count=160", mebibytes: 4))
    let disk = try DiskFile(for: phone)
    let board = EmulatedBoard(cpus: cpus, mebibytes: 512, devices: disk.arguments(), timeout: .seconds(240))
    let recording = try board.run(
      phone: phone,
      script: Script(until: [
        "disk: errors: 0", "checker| disk: fine, 100 rounds", "attacker| disk: served again",
      ]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }
}
