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
    EmulatedBoard.places.wait()
    defer { EmulatedBoard.places.signal() }
    let path = NSTemporaryDirectory() + "/pocketvisor-phone-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try image?.write(to: URL(fileURLWithPath: path))
    let software = ["-kernel", Repository.narrowHypervisor] + (image == nil ? [] : ["-initrd", path])
    let options = EmulatorOptions(
      board: board, deviceTree: try board.locateTree(nil), software: software, cpus: 1,
      memory: BoardModel.memory,
      interruptControllerGeneration: 2, cpuModel: "", countsInstructions: counting, devices: nil, extra: [])
    var session = ConsoleSession(
      listener: UntilListener(texts: texts), keyboard: nil, screen: nil, timeout: timeout)
    let end = session.run(try EmulatorProcess(board.program, options.arguments))
    return Recording(end: end, output: "", missing: session.listener.missing)
  }

  /// A phone with Debian's kernel for 32-bit ARM.
  private static func image(gic: Int = 2, second: String? = nil) throws -> Data {
    var text = PhoneText.phone(PhoneText.debian("legacy", cpus: 1, mebibytes: 128, of: .armhf))
    if let second { text += PhoneText.debian(second, cpus: 1, mebibytes: 128, of: .armhf) }
    let file = InputFile(path: Repository.path + "/phone.yaml", data: Data(text.utf8))
    var board = BoardModel.vexpress.description
    board.interruptControllerGeneration = gic
    let path = NSTemporaryDirectory() + "/pocketvisor-image-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let image = try DeviceImage(PhoneLayout(PhoneDescription(reading: file), for: board))
    try OutputFile.replace(path) { try image.tree.write(to: $0) }
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

  /// Two of Debian's own kernels run translated, on one Cortex-A9, to their user spaces.
  @Test(.timeLimit(.minutes(20))) func debianRunsTranslated() throws {
    let recording = try run(
      .vexpress, image: Self.image(second: "other"), until: "Debian userland is up on legacy",
      "Debian userland is up on other", timeout: .seconds(1100))
    #expect(recording.missing.isEmpty, "\(recording.end)")
  }
}
