import Foundation
import Testing

@testable import HostCommands

/// What U-Boot starts: written, read by its own tools, and started by Debian's U-Boot.
@Suite struct BootImageTests {
  private let folder = Workspace.withPhone()

  private func image(_ board: BoardDescription = .virt(cpus: 2, memory: .mebibytes(1024))) throws -> BootImage {
    let phone = try PhoneDescription(reading: InputFile(path: folder["phone.yaml"]))
    let device = try DeviceImage(PhoneLayout(phone, for: board))
    let boot = try BootImage(hypervisor: InputFile(path: folder["Image"]), device: device, for: board)
    try OutputFile.replace(folder["phone.itb"]) { try boot.tree.write(to: $0) }
    return boot
  }

  @Test func debianToolsReadIt() throws {
    _ = try image()
    let list = try runProgram("mkimage", ["-l", folder["phone.itb"]])
    #expect(list.status == 0)
    #expect(list.output.contains("Load Address: 0x40200000\n  Entry Point:  0x40200000"))
    #expect(list.output.contains("Kernel:       hypervisor\n  Init Ramdisk: device"))
    #expect(list.output.contains("Default Configuration: 'c'"))
    let extract = try runProgram(
      "dumpimage", ["-T", "flat_dt", "-p", "1", "-o", folder["device.fit"], folder["phone.itb"]])
    #expect(extract.status == 0)
    let device = try ImageFile(verifying: InputFile(path: folder["device.fit"]))
    #expect(try PhoneContent(device).machines.count == 2)
  }

  /// U-Boot may leave the ramdisk in place, and the device looks for its record at a multiple of 4096.
  @Test func theDeviceImageIsAligned() throws {
    #expect(try image().tree.positions.allSatisfy { $0 % 4096 == 0 })
  }

  @Test func verifyLooksInside() throws {
    _ = try image()
    let path = folder["phone.itb"]
    #expect(
      try runProgram(pocketvisorPath, ["verify", path]).output
        == "\(path): a sound image for U-Boot, with a phone of 2 VMs\n")
    let inspect = try runProgram(pocketvisorPath, ["inspect", path]).output
    #expect(inspect.contains("bootm ADDRESS#c ADDRESS#c $fdtcontroladdr"))
    #expect(inspect.contains("device image, 2 VMs, GICv3"))
    var data = try #require(folder.read("phone.itb"))
    data[data.count - 1] ^= 1
    #expect(throws: InputError.self) { _ = try CheckedImage(InputFile(path: "x", data: data)) }
  }

  /// On a whole 2 MiB behind where the board's memory begins, also beyond 32 bits.
  @Test(
    arguments: [(0, 0x20_0000), (0x8000_0000, 0x8020_0000), (0x80_0010_0000, 0x80_0040_0000)]
      as [(UInt64, UInt64)])
  func loadAddressFollowsTheBoard(base: UInt64, address: UInt64) throws {
    var board = BoardDescription.virt(cpus: 2, memory: .mebibytes(1024))
    board.memoryBase = base
    #expect(BootImage.loadAddress(on: board) == address)
    _ = try image(board)
    let list = try runProgram("mkimage", ["-l", folder["phone.itb"]]).output
    let digits = String(address, radix: 16)
    let padded = String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    #expect(list.contains("Load Address: 0x\(padded)\n"), "\(list)")
  }

  /// Against `mkenvimage`, which comes with U-Boot's tools.
  @Test func environmentIsUBoots() throws {
    folder.write("variables", "bootdelay=-2\nbootcmd=bootm 1#c\n")
    let tool = try runProgram(
      "mkenvimage", ["-s", "0x40000", "-p", "0", "-o", folder["environment"], folder["variables"]])
    #expect(tool.status == 0, "\(tool.error)")
    let ours = UBoot.environment([("bootdelay", "-2"), ("bootcmd", "bootm 1#c")])
    #expect(ours == folder.read("environment"))
  }
}

/// Debian's U-Boot on QEMU starts what we wrote; nobody types.
@Suite(.enabled(if: FileManager.default.fileExists(atPath: UBoot.firmware))) struct UBootTests {
  /// A kernel in the hypervisor's place, which prints a letter: `mov w1, #65; movz x0, #0x900, lsl #16;
  /// str w1, [x0]; b .`
  private static let letter: [UInt32] = [0x5280_0821, 0xD2A1_2000, 0xB900_0001, 0x1400_0000]

  @Test(arguments: [2, 3]) func startsTheHypervisor(generation: Int) throws {
    let folder = Workspace.withPhone()
    var kernel = Samples.kernel()
    kernel.replaceSubrange(0..<4, with: UInt32(0x1400_0010).littleEndianBytes)
    kernel.replaceSubrange(64..<80, with: Self.letter.flatMap(\.littleEndianBytes))
    folder.write("hypervisor", kernel)
    let run = try runProgram(
      pocketvisorPath,
      [
        "run", folder["phone.yaml"], "--headless", "--loader", "u-boot", "--hypervisor", folder["hypervisor"],
        "--gic", "\(generation)", "--until", "Starting kernel ...\r\n\r\nA", "--timeout", "60",
      ])
    #expect(run.status == 0, "\(run.output) \(run.error)")
    #expect(run.output.contains("sha256+ OK"))
  }
}

/// U-Boot as a guest, on QEMU's own `virt` with our guests' device tree, where a VM has both.
@Suite(.enabled(if: FileManager.default.fileExists(atPath: UBoot.firmware))) struct UBootGuestTests {
  @Test(arguments: [2, 3]) func runsOnTheGuestsMachine(generation: Int) throws {
    let folder = Workspace()
    let board = BoardDescription.virt(cpus: 1, memory: .mebibytes(256), gic: generation)
    let text = "vms: { loader: { kernel: \(UBoot.firmware), kernel-format: raw, memory: 64MiB } }"
    let layout = try PhoneLayout(PhoneDescription(reading: Samples.file("phone.yaml", text)), for: board)
    let loader = layout.machines[0]
    folder.write("guest.dtb", loader.deviceTree.content)
    let place = "loader,file=\(UBoot.firmware),addr=\(loader.entry),cpu-num=0,force-raw=on"
    let machine = ["-M", "virt,gic-version=\(generation)", "-cpu", "cortex-a57", "-m", "64M"]
    let console = ["-display", "none", "-monitor", "none", "-serial", "stdio", "-nic", "none"]
    var session = ConsoleSession(
      listener: UntilListener(texts: ["devicetree: board", "Hit any key"]), keyboard: nil, screen: nil,
      timeout: .seconds(60))
    let software = ["-device", place, "-dtb", folder["guest.dtb"]]
    let end = session.run(try EmulatorProcess(BoardModel.virt.program, machine + console + software))
    #expect(end == .done, "\(session.listener.missing)")
  }
}

extension UInt32 {
  fileprivate var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }
}
