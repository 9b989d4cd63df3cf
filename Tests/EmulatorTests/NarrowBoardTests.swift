import Foundation
import Testing

@testable import HostCommands

/// The image for CPUs without virtualization extensions, on QEMU's boards that have such.
@Suite(.enabled(if: DebianAssets.armhf.isThere && Repository.hasNarrowHypervisor)) struct NarrowBoardTests {
  static let boards = BoardModel.allCases.filter { $0 != .virt }
  /// What it says when every VM is prepared.
  private static let end = "[pocketvisor] RAM taken: 0x"

  /// Starts it until it says something.
  /// - Parameter image: bytes of a device image; nil for none.
  private func run(
    _ board: BoardModel, image: Data?, until texts: String..., counting: Bool = false,
    timeout: Duration = .seconds(60)
  ) throws -> Recording {
    let path = NSTemporaryDirectory() + "/pocketvisor-phone-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try image?.write(to: URL(fileURLWithPath: path))
    return try EmulatedBoard(countsInstructions: counting, timeout: timeout).run(
      narrowImage: image == nil ? nil : path, on: board, script: Script(until: texts))
  }

  /// A phone with Debian's kernel for 32-bit ARM.
  private static func image(gic: Int = 2, second: String? = nil, for model: BoardModel = .vexpress) throws
    -> Data
  {
    var text = PhoneText.phone(PhoneText.debian("legacy", cpus: 1, mebibytes: 128, of: .armhf))
    if let second { text += PhoneText.debian(second, cpus: 1, mebibytes: 128, of: .armhf) }
    var board = model.description
    board.interruptControllerGeneration = gic
    let path = try EmulatedBoard.writeImage(text, for: board)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try Data(contentsOf: URL(fileURLWithPath: path))
  }

  /// The board's tree is read, its timer interrupts, and the device image is good.
  @Test(arguments: boards, [false, true]) func readsTheDeviceImage(_ board: BoardModel, counting: Bool) throws {
    let recording = try run(board, image: Self.image(), until: Self.end, counting: counting)
    #expect(recording.missing.isEmpty, "\(recording.end)")
  }

  @Test(arguments: boards) func saysWhatIsMissing(_ board: BoardModel) throws {
    let none = try run(board, image: nil, until: "no device image: pass it as ramdisk")
    #expect(none.missing.isEmpty, "\(none.end)")
    var damaged = try Self.image()
    damaged[0] ^= 1
    let recording = try run(board, image: damaged, until: "the image has no valid phone record")
    #expect(recording.missing.isEmpty, "\(recording.end)")
    let other = try run(board, image: Self.image(gic: 3), until: "the image is for boards with another GIC")
    #expect(other.missing.isEmpty, "\(other.end)")
  }

  /// The guests' time goes on, and a key arrives: by each board's own timer and UART.
  @Test(arguments: boards) func takesWhatIsTyped(_ board: BoardModel) throws {
    let running = try RunningProgram(
      path: Repository.path + "/Phones/armv7/phone.yaml", arguments: ["--board", board.rawValue])
    try #require(running.waits(for: "Memory: "), "\(running.tail)")
    running.type("", at: 0)
    #expect(running.waits(for: "in front: work", "all VMs together"), "\(running.tail)")
  }

  /// Two of Debian's own kernels run translated, on one CPU, to their user spaces: on every board the same image.
  @Test(arguments: boards) func debianRunsTranslated(on board: BoardModel) throws {
    let recording = try run(
      board, image: Self.image(second: "other"), until: "Debian userland is up on legacy",
      "Debian userland is up on other", timeout: .seconds(1700))
    #expect(recording.missing.isEmpty, "\(recording.end)")
  }

  /// The same on a CPU each.
  @Test func debianOnACPUEach() throws {
    let recording = try run(
      .smdkc210, image: Self.image(second: "other", for: .smdkc210), until: "Debian userland is up on legacy",
      "Debian userland is up on other", timeout: .seconds(1700))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  /// All that Linux changes in its own code: the package's modules come and go, a static key is turned on, a probe is put into
  /// a function and taken out again.
  private static let changingItsCode = """
    set -e
    while read -r module; do insmod $module; done </modules/order
    grep -w ext4 /proc/filesystems
    [ -d /sys/bus/platform/drivers/virtio-mmio ]
    echo 1 >/proc/sys/kernel/sched_schedstats
    ls / >/dev/null
    [ "$(sed -n 's/^cpu0 .* \\([0-9]*\\)$/\\1/p' /proc/schedstat)" -gt 0 ]
    echo 0 >/proc/sys/kernel/sched_schedstats
    mount -t tracefs tracefs /sys/kernel/tracing
    cd /sys/kernel/tracing
    echo "p:seen getname_flags" >kprobe_events
    hits() { sed -n 's/^ *seen *\\([0-9]*\\) .*/\\1/p' kprobe_profile; }
    ls -l /proc >/dev/null; [ "$(hits)" = 0 ]
    echo 1 >events/kprobes/enable; ls -l /proc >/dev/null; echo 0 >events/kprobes/enable
    hits=$(hits); [ "$hits" -ge 10 ]
    ls -l /proc >/dev/null; [ "$(hits)" = "$hits" ]
    echo >kprobe_events
    rmmod ext4; ! grep -w ext4 /proc/filesystems
    insmod /modules/ext4.ko; grep -w ext4 /proc/filesystems
    echo "every change was seen: $hits hits"

    """

  @Test func debianChangesItsCode() throws {
    let ramdisk = try DebianRamdisk(["start": Self.changingItsCode], of: .armhf)
    let recording = try EmulatedBoard(timeout: .seconds(1100)).run(
      narrow: PhoneText.phone(PhoneText.debian("work", running: ramdisk)),
      script: Script(until: ["every change was seen: "], failures: ["built-in shell"]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }
}
