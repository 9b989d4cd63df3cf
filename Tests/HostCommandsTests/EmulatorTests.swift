import Foundation
import Testing

@testable import HostCommands

@Suite struct EmulatorOptionsTests {
  private let options = EmulatorOptions(
    software: ["-kernel", "k"], cpus: 3, memory: .mebibytes(768), interruptControllerGeneration: 2,
    cpuModel: "max",
    countsInstructions: false, devices: nil, extra: ["-d", "int"])

  @Test func arguments() {
    let line = options.arguments.joined(separator: " ")
    #expect(line.hasPrefix("-M virt,virtualization=on,gic-version=2 -cpu max -smp 3 -m 768M "))
    #expect(line.hasSuffix("-kernel k -d int"))
    #expect(!line.contains("icount"))
  }

  /// Each of the boards without virtualization extensions is QEMU's machine of that name with its own tree.
  @Test(arguments: BoardModel.allCases.filter { $0 != .virt }) func otherBoards(_ board: BoardModel) {
    var other = options
    other.board = board
    other.deviceTree = "board.dtb"
    let line = other.arguments.joined(separator: " ")
    #expect(line.hasPrefix("-M \(board.rawValue) -m 1024M -dtb board.dtb "))
    #expect(line.hasSuffix("-kernel k -d int"))
    #expect(!line.contains("virt"))
  }

  @Test func countingIsSingleThreaded() {
    var counting = options
    counting.countsInstructions = true
    #expect(
      counting.arguments.joined(separator: " ").contains("-accel tcg,thread=single -icount shift=0,sleep=off"))
  }
}

@Suite struct ConsoleTests {
  @Test func keysToQuit() {
    var filter = KeyFilter()
    #expect(filter.filter([0x61, 0x1D]) == [0x61])
    #expect(filter.filter([0x31, 0x71]) == [0x1D, 0x31, 0x71])
    #expect(filter.filter([0x1D, 0x1D, 0x71]) == [0x1D, 0x1D, 0x71])
    #expect(filter.filter([0x1D, 0x71]) == nil)
  }

  @Test func untilWaitsForAllTexts() {
    var listener = UntilListener(texts: ["alpha", "beta"])
    func hear(_ text: String) -> ConsoleVerdict {
      listener.heard(Array(text.utf8)[...], at: .zero, type: { _ in })
    }
    #expect(hear("xxbe") == .goOn)
    #expect(hear("taxx") == .goOn)
    #expect(listener.missing == ["alpha"])
    #expect(hear(String(repeating: "-", count: 10_000)) == .goOn)
    #expect(hear("alp") == .goOn)
    #expect(hear("ha") == .done)
  }

  @Test func withoutTextsOnlyTheDeviceEnds() {
    var listener = UntilListener(texts: [])
    #expect(listener.heard([1], at: .zero, type: { _ in }) == .goOn)
  }

  @Test func smokeFollowsTheVMs() {
    var listener = SmokeListener(machines: [("work", nil), ("personal", nil)], ready: "is up", command: "off")
    var typed = ""
    func hear(_ text: String, _ seconds: Int) -> ConsoleVerdict {
      listener.heard(Array(text.utf8)[...], at: .seconds(seconds)) {
        typed += String(decoding: $0, as: UTF8.self)
      }
    }
    #expect(hear("[pocketvisor] hello\r\nwork| it is up\r\npersonal| not yet\r\n", 1) == .goOn)
    #expect(typed.isEmpty)
    #expect(hear("personal| it ", 2) == .goOn)
    #expect(hear("is up\r\n", 3) == .goOn)
    #expect(typed == "\u{1D}1off\r")
    #expect(hear("", 4) == .goOn)
    #expect(hear("off\r\n[pocketvisor] work stopped: SYSTEM_OFF\r\n", 5) == .goOn)
    #expect(typed == "\u{1D}1off\r\u{1D}2off\r")
    #expect(hear("", 26) == .goOn)
    #expect(typed == "\u{1D}1off\r\u{1D}2off\r\u{1D}2off\r")
    #expect(hear("[pocketvisor] personal stopped: SYSTEM_OFF\n", 27) == .goOn)
    #expect(hear("", 36) == .goOn)
    #expect(hear("", 38) == .done)
    #expect(
      listener.machines.map(\.description) == [
        "work: ok: up after 1.0 s, stopped after 5.0 s: SYSTEM_OFF",
        "personal: ok: up after 3.0 s, stopped after 27.0 s: SYSTEM_OFF",
      ])
  }

  /// A service is not told to power off, nor waited for.
  @Test func smokeLeavesServicesAlone() {
    var listener = SmokeListener(
      machines: [("vault", "paid"), ("work", nil)], ready: "is up", command: "off")
    var typed = ""
    func hear(_ text: String, _ seconds: Int) -> ConsoleVerdict {
      listener.heard(Array(text.utf8)[...], at: .seconds(seconds)) {
        typed += String(decoding: $0, as: UTF8.self)
      }
    }
    #expect(hear("vault| is up\nwork| is up\n", 1) == .goOn)
    #expect(typed.isEmpty)
    #expect(hear("vault| paid, MAC ok\n", 2) == .goOn)
    #expect(typed == "\u{1D}2off\r")
    #expect(hear("[pocketvisor] work stopped: SYSTEM_OFF\n", 3) == .done)
    #expect(listener.machines.map(\.isGood) == [true, true])
    #expect(listener.machines[0].description == "vault: ok: up after 2.0 s, never stopped")
  }

  @Test func aServiceThatFailsIsAFailure() {
    var listener = SmokeListener(machines: [("vault", "paid"), ("payer", "ok")], ready: "", command: "")
    let text = Array("vault| paid\npayer| ok\n[pocketvisor] vault stopped: watchdog\n".utf8)
    #expect(listener.heard(text[...], at: .seconds(1), type: { _ in }) == .done)
    #expect(listener.machines.map(\.isGood) == [false, true])
  }

  @Test func aVMThatDiesEarlyIsAFailure() {
    var listener = SmokeListener(machines: [("work", nil)], ready: "is up", command: "off")
    let text = Array("[pocketvisor] work stopped: SError\n".utf8)
    #expect(listener.heard(text[...], at: .seconds(1), type: { _ in }) == .goOn)
    #expect(listener.machines[0].isGood == false)
    #expect(
      listener.machines[0].description == "work: FAILED: never printed `is up`, stopped after 1.0 s: SError")
  }
}

/// Sessions with a shell in QEMU's place.
@Suite struct ConsoleSessionTests {
  private func session(_ texts: [String] = [], timeout: Duration? = .seconds(20)) -> ConsoleSession<
    UntilListener
  > {
    ConsoleSession(listener: UntilListener(texts: texts), keyboard: nil, screen: nil, timeout: timeout)
  }

  @Test func theEmulatorsStatusIsOurs() throws {
    var session = session()
    #expect(session.run(try EmulatorProcess("sh", ["-c", "echo hello; exit 3"])) == .emulatorEnded(3))
  }

  @Test func endsAtTheText() throws {
    var session = session(["two"])
    #expect(session.run(try EmulatorProcess("sh", ["-c", "echo one two three; sleep 60"])) == .done)
  }

  @Test func endsAtTheTimeout() throws {
    var session = session(["never"], timeout: .milliseconds(300))
    #expect(session.run(try EmulatorProcess("sleep", ["60"])) == .timeout)
  }

  @Test func keysArriveAndTheQuitKeyEnds() throws {
    let keys = Pipe()
    try keys.fileHandleForWriting.write(contentsOf: Data("abc\n".utf8))
    var session = ConsoleSession(
      listener: UntilListener(texts: ["<abc>"]), keyboard: keys.fileHandleForReading.fileDescriptor,
      screen: nil,
      timeout: .seconds(20))
    #expect(session.run(try EmulatorProcess("sh", ["-c", "read x; echo \"<$x>\"; sleep 60"])) == .done)
    try keys.fileHandleForWriting.write(contentsOf: Data([0x1D, 0x71]))
    session.listener = UntilListener(texts: [])
    #expect(session.run(try EmulatorProcess("sleep", ["60"])) == .quit)
  }

  @Test func longSilencesAreNudgedAFewTimes() throws {
    var nudge = try #require(Nudge(interruptControllerGeneration: 2))
    let calls = [(30, false), (50, true), (51, true), (52, true)].map { seconds, isSilent in
      nudge.isDue(isSilent: isSilent, at: .seconds(seconds))
    }
    #expect(calls == [false, false, true, false])
    let more = (1...10).map { nudge.isDue(isSilent: true, at: .seconds(60 + 30 * $0)) }
    #expect(more.filter { $0 }.count == 4)
    #expect(Nudge(interruptControllerGeneration: 3) == nil)
  }

  @Test func aMissingProgramIsNamed() {
    #expect(failure { _ = try EmulatorProcess("no-such-qemu", []) }.hasPrefix("no-such-qemu is not installed"))
  }
}

/// Debian's kernel in QEMU itself, on the machine that our guests see: it must boot there too.
@Suite(.enabled(if: FileManager.default.fileExists(atPath: repositoryPath + "/.cache/debian/initrd.gz")))
struct GuestMachineTests {
  private let assets = repositoryPath + "/.cache/debian"

  @Test(arguments: [2, 3]) func bootsDebian(generation: Int) throws {
    let folder = Workspace()
    let tree = GuestDeviceTree(
      cpus: 2, memoryBase: 0x4000_0000, memorySize: 256 << 20, commandLine: "", ramdisk: nil,
      interruptControllerGeneration: generation)
    folder.write("guest.dtb", Data(tree.root.flattened()))
    let machine = ["-M", "virt,gic-version=\(generation)", "-cpu", "cortex-a57", "-smp", "2", "-m", "256M"]
    let console = ["-display", "none", "-monitor", "none", "-serial", "stdio", "-nic", "none"]
    let software = [
      "-kernel", assets + "/vmlinuz", "-initrd", assets + "/initrd.gz", "-dtb", folder["guest.dtb"], "-append",
      "pocketvisor.name=bare",
    ]
    var session = ConsoleSession(
      listener: UntilListener(texts: ["CPUs: 2,", "userland is up on bare"]), keyboard: nil, screen: nil,
      timeout: .seconds(120))
    #expect(session.run(try EmulatorProcess("qemu-system-aarch64", machine + console + software)) == .done)
  }

  /// A client's machine, QEMU itself being the device server: Linux finds its devices and clock, and what they see is
  /// in the DMA window, all of it and nothing else.
  @Test(arguments: [(4, 2), (6, 4), (16, 8)]) func bootsAClient(window: Int, buffers: Int) throws {
    let folder = Workspace()
    folder.write("Image", Samples.kernel())
    folder.write("phone.yaml", Self.client(window: window, assets: assets))
    let phone = try PhoneDescription(reading: InputFile(path: folder["phone.yaml"]))
    let machine = try PhoneLayout(phone, for: .virt(cpus: 2, memory: .mebibytes(1024))).machines[1]
    folder.write("disk.raw", Data(count: 1 << 20))
    let texts = [
      "mapped [mem 0x0000000040000000-0x\(hexadecimal(0x4000_0000 + buffers << 20, digits: 16))] (\(buffers)MB)",
      "cma: Reserved \(window - buffers) MiB at 0x\(hexadecimal(0x4000_0000 + buffers << 20, digits: 16))",
      "rtc-pl031 9010000.pl031: setting system clock to 20", "userland is up on client",
    ]
    var session = ConsoleSession(
      listener: UntilListener(texts: texts), keyboard: nil, screen: nil, timeout: .seconds(120))
    let end = session.run(try EmulatorProcess("qemu-system-aarch64", board(machine, in: folder)))
    #expect(end == .done, "\(session.listener.missing)")
  }

  private static func client(window: Int, assets: String) -> String {
    """
    vms:
      steward: { role: device-server, kernel: Image, memory: 4MiB }
      client:
        kernel: \(assets)/vmlinuz
        ramdisk: \(assets)/initrd.gz
        cmdline: console=ttyAMA0 pocketvisor.name=client
        memory: 128MiB
        devices: { disk: disk, network: true, window: \(window)MiB }
    """
  }

  private func hexadecimal(_ number: Int, digits: Int) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: digits - text.count) + text
  }

  /// QEMU with a VM's content at the VM's addresses, and a program that enters it as the hypervisor does.
  private func board(_ machine: MachineLayout, in folder: Workspace) -> [String] {
    // ldr x0, argument; ldr x4, entry; br x4; nop
    let instructions: [UInt32] = [0x5800_0080, 0x5800_00A4, 0xD61F_0080, 0xD503_201F]
    var stub = instructions.withUnsafeBytes { Data($0) }
    for number in [machine.deviceTree.guestAddress, machine.entry] {
      stub += withUnsafeBytes(of: number.littleEndian) { Data($0) }
    }
    let start = PlacedContent(content: stub, guestAddress: 0x4030_0000)
    var arguments = ["-M", "virt,gic-version=3", "-cpu", "cortex-a57", "-m", "1400M", "-display", "none"]
    arguments += ["-monitor", "none", "-serial", "stdio", "-nic", "none"]
    let contents = [machine.deviceTree, machine.kernel, machine.ramdisk, start].compactMap(\.self)
    for (index, content) in contents.enumerated() {
      folder.write("\(index)", content.content)
      let place = "addr=0x\(String(content.guestAddress, radix: 16)),force-raw=on"
      arguments += ["-device", "loader,file=\(folder["\(index)"]),\(place)"]
    }
    arguments[arguments.count - 1] += ",cpu-num=0"
    arguments += ["-global", "virtio-mmio.force-legacy=false"]
    arguments += ["-drive", "if=none,id=disk,format=raw,file=\(folder["disk.raw"])"]
    arguments += ["-device", "virtio-blk-device,drive=disk,bus=virtio-mmio-bus.0,iommu_platform=on"]
    arguments += ["-netdev", "user,id=net"]
    return arguments + ["-device", "virtio-net-device,netdev=net,bus=virtio-mmio-bus.1,iommu_platform=on"]
  }

  /// Killed in the middle, the tool leaves no QEMU behind.
  @Test(arguments: [SIGTERM, SIGKILL]) func leavesNoEmulatorBehind(signal: Int32) throws {
    let folder = Workspace.withPhone()
    let process = Process()
    let mark = "pocketvisor-\(UUID().uuidString)"
    process.executableURL = URL(fileURLWithPath: pocketvisorPath)
    process.arguments = [
      "run", folder["phone.yaml"], "--headless", "--hypervisor", assets + "/vmlinuz", "--", "-name", mark,
    ]
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let appeared = waits { try runProgram("pgrep", ["-f", "qemu.*\(mark)"]).status == 0 }
    #expect(appeared)
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    #expect(waits { try runProgram("pgrep", ["-f", "qemu.*-name \(mark)$"]).status != 0 })
  }

  /// Whether a condition comes true within twenty seconds.
  private func waits(for condition: () throws -> Bool) -> Bool {
    for _ in 0..<200 {
      if (try? condition()) == true { return true }
      usleep(100_000)
    }
    return false
  }
}
