import Foundation
import Testing

@testable import HostCommands

/// The clock and the random numbers that Debian gets.
@Suite(.enabled(if: Repository.hasDebian)) struct ClockTests {
  private static let script = """
    hwclock -u -s
    echo "clock: $(cat /sys/class/rtc/rtc0/name) $(cat /sys/class/rtc/rtc0/since_epoch) $(date -u +%F)"
    echo "entropy: $(cat /sys/class/misc/hw_random/rng_current)"
    for i in 1 2 3 4; do
      dd if=/dev/hwrng of=/tmp/bytes bs=32 count=1 iflag=fullblock 2>/dev/null
      echo "random: $(wc -c </tmp/bytes) $(sha256sum </tmp/bytes)"
    done
    echo "numbers: all"
    """

  private func phone(_ ramdisk: DebianRamdisk, _ names: String...) -> String {
    let machines = names.map { PhoneText.debian($0, running: ramdisk, devices: "entropy: true") }
    return "vms:\n" + PhoneText.steward() + machines.joined()
  }

  /// The PL031 has the board's time, whatever that is; what two VMs draw from their sources is never the same.
  @Test func theBoardsTimeAndRandomNumbers() throws {
    let ramdisk = try DebianRamdisk(["start": Self.script])
    defer { extendLifetime(ramdisk) }
    let running = try RunningProgram(
      phone(ramdisk, "work", "personal"), arguments: ["--", "-rtc", "base=2031-05-06T07:08:09"])
    #expect(running.waits(for: "work| numbers: all", "personal| numbers: all"), "\(running.tail)")
    let clocks = running.output.matches(of: /clock: (.*) ([0-9]+) 2031-05-06\n/)
    #expect(clocks.count == 2, "\(running.tail)")
    #expect(clocks.allSatisfy { $0.1.contains("pl031") }, "\(running.tail)")
    #expect(running.output.matches(of: /entropy: virtio_rng/).count == 2, "\(running.tail)")
    let drawn = running.output.matches(of: /random: 32 ([0-9a-f]{64})/).map { String($0.1) }
    #expect(drawn.count == 8 && Set(drawn).count == 8, "\(drawn)")
  }

  /// Without a word to QEMU that is the host's time.
  @Test func theHostsTime() throws {
    let ramdisk = try DebianRamdisk(["start": Self.script])
    defer { extendLifetime(ramdisk) }
    let running = try RunningProgram(phone(ramdisk, "work"))
    #expect(running.waits(for: "work| numbers: all"), "\(running.tail)")
    let clock = try #require(running.output.firstMatch(of: /clock: .* ([0-9]+) [0-9]+-/), "\(running.tail)")
    let seconds = try #require(Double(clock.1))
    #expect(abs(seconds - Date().timeIntervalSince1970) < 86_400)
  }
}
