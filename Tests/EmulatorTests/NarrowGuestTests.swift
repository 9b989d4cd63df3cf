import Foundation
import Testing

@testable import HostCommands

/// Debian's own 32-bit kernel, unmodified, beside its 64-bit one.
@Suite(.enabled(if: Repository.hasDebian && DebianAssets.armhf.isThere)) struct NarrowGuestTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let model: String
    let cpus: Int
    let virtual: Int
    let gic: Int
    var testDescription: String { "\(model), \(cpus) CPUs, \(virtual) virtual each, GICv\(gic)" }
  }

  static let cases = [
    Case(model: "cortex-a57", cpus: 2, virtual: 2, gic: 3),
    Case(model: "cortex-a57", cpus: 1, virtual: 1, gic: 2),
    Case(model: "cortex-a53", cpus: 1, virtual: 1, gic: 3),
    Case(model: "cortex-a53", cpus: 2, virtual: 2, gic: 2),
    Case(model: "cortex-a72", cpus: 2, virtual: 2, gic: 3),
    Case(model: "cortex-a72", cpus: 2, virtual: 1, gic: 2),
  ]

  private static func both(cpus: Int) -> String {
    PhoneText.phone(
      PhoneText.debian("work", cpus: cpus), PhoneText.debian("legacy", cpus: cpus, mebibytes: 128, of: .armhf))
  }

  /// Both reach user space, see their CPUs, and power off when told to; then the board is off.
  @Test(arguments: cases) func bothComeUp(_ test: Case) throws { try expectBoth(test) }

  /// The same with two of the 32-bit VM's virtual CPUs on one CPU. QEMU 7.2 keeps the SPSR of the mode that AArch32 is in
  /// where EL2 neither reads nor writes it (`SPSR_abt` and its like are those of the other modes): a guest that is
  /// interrupted between an exception and its reading of the SPSR finds that of the virtual CPU before it.
  @Test(
    .disabled("QEMU 7.2 does not hand the current mode's SPSR to EL2"),
    arguments: [
      Case(model: "cortex-a57", cpus: 1, virtual: 2, gic: 2),
      Case(model: "cortex-a72", cpus: 1, virtual: 2, gic: 3),
    ])
  func twoVirtualCPUsOnOneCPU(_ test: Case) throws { try expectBoth(test) }

  private func expectBoth(_ test: Case) throws {
    let script = Script(
      until: [
        "work| Debian userland is up on work", "legacy| Debian userland is up on legacy",
        "legacy| CPUs: \(test.virtual),", "armv7l GNU/Linux", "aarch64 GNU/Linux", "work stopped: SYSTEM_OFF",
        "legacy stopped: SYSTEM_OFF", "the board goes off",
      ],
      reactions: [
        ("is up on", ""), ("is up on", "\u{1D}2poweroff -f\r"), ("legacy stopped", "\u{1D}1poweroff -f\r"),
      ])
    let recording = try EmulatedBoard(
      cpus: test.cpus, model: test.model, gic: test.gic, mebibytes: 768, timeout: .seconds(300)
    ).run(phone: Self.both(cpus: test.virtual), script: script)
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  /// The 32-bit one restarts, with both of its CPUs, while the other goes on.
  @Test(arguments: [2, 3]) func restart(gic: Int) throws {
    let script = Script(
      until: ["legacy stopped: SYSTEM_RESET", "again: 2 armv7l", "still: 2 aarch64"],
      reactions: [
        ("is up on", ""), ("is up on", "\u{1D}2reboot -f\r"),
        ("legacy stopped: SYSTEM_RESET", ""), ("is up on legacy", "\u{1D}2echo again: $(nproc) $(uname -m)\r"),
        ("again: 2 armv7l", "\u{1D}1echo still: $(nproc) $(uname -m)\r"),
      ])
    let recording = try EmulatedBoard(cpus: 2, gic: gic, mebibytes: 768, timeout: .seconds(300)).run(
      phone: Self.both(cpus: 2), script: script)
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  /// A CPU whose EL1 is 64-bit alone says so, and starts nothing.
  @Test(arguments: [2, 3]) func aCPUWithoutAArch32(gic: Int) throws {
    let script = Script(until: ["a VM is 32-bit, but this CPU is not"], failures: ["Booting Linux"])
    let recording = try EmulatedBoard(model: "cortex-a76", gic: gic, mebibytes: 768).run(
      phone: Self.both(cpus: 1), script: script)
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  // MARK: Devices

  /// What both do once they are up: an address by DHCP, a second one, and a greeting for whoever connects.
  private static let start = """
    ip link set lo up
    ip link set eth0 up
    udhcpc -n -q -t 10 -i eth0 -s /test/udhcpc.script
    echo "$(hostname) leased: $(ip -4 -o address show dev eth0 | awk '{ print $4 }')"
    ip address add 10.9.0.$(sed 's/.*:0//' /sys/class/net/eth0/address)/24 dev eth0
    (while true; do echo "greetings from a $(uname -m)" | nc -l -p 7000; done) &
    echo "$(hostname) network: up"
    """

  private static func disk(mark: String, of assets: DebianAssets) throws -> DebianDisk {
    let lease = InputFile.resolve("Guests/Linux/Personas/udhcpc.script", besides: Repository.path + "/x")
    let files = [
      "start": start, "udhcpc.script": String(decoding: try InputFile(path: lease).data, as: UTF8.self),
    ]
    return try DebianDisk(mark: mark, of: assets, files: files)
  }

  /// Both start from disks of their own, keep what they write there, reach the host, and each other.
  @Test func diskAndNetwork() throws {
    let disks = (try Self.disk(mark: "ours", of: .arm64), try Self.disk(mark: "theirs", of: .armhf))
    defer { extendLifetime(disks) }
    let running = try RunningProgram(
      PhoneText.phone(
        PhoneText.steward(),
        PhoneText.debian(
          "work", on: disks.0, mebibytes: 17, more: ", network: { host: true, reach: [legacy] }, console: true"),
        PhoneText.debian(
          "legacy", on: disks.1, mebibytes: 19,
          more: ", network: { host: true, reach: [work] }, console: true, entropy: true, share: all")))
    try #require(running.waits(for: "work network: up", "legacy network: up"), "\(running.tail)")
    #expect(running.output.matches(of: /leased: 10\.0\.2\.[0-9]+\/24/).count == 2, "\(running.tail)")
    running.type("echo heard: $(nc -w 30 10.9.0.2 7000 </dev/null)", at: 2)
    #expect(running.waits(for: "heard: greetings from a aarch64\n"), "\(running.tail)")
    running.type("echo heard: $(nc -w 30 10.9.0.3 7000 </dev/null)", at: 1)
    #expect(running.waits(for: "heard: greetings from a armv7l\n"), "\(running.tail)")
    try expectDisk(running)
  }

  private func expectDisk(_ running: RunningProgram) throws {
    let write =
      "dd if=/dev/urandom of=/root/file bs=64k count=32; md5sum /root/file >/root/sum; sync; reboot -f"
    running.type("echo sees: $(cat /sys/block/vda/size) $(cat /mark); \(write)", at: 2)
    try #require(running.waits { $0.matches(of: /legacy network: up\n/).count == 2 }, "\(running.tail)")
    #expect(running.output.contains("sees: 38912 theirs\n"), "\(running.tail)")
    running.type("md5sum -c /root/sum", at: 2)
    #expect(running.waits(for: "/root/file: OK\n"), "\(running.tail)")
  }
}
