import Foundation
import Testing

@testable import HostCommands

@Suite struct RunningPhoneTests {
  private let folder = Workspace()

  private var root: RuntimeFolder { RuntimeFolder(path: folder["run"]) }

  private func start(_ phone: String) throws -> RunningPhone {
    try RunningPhone(phone: phone, machines: ["steward", "work"], disk: nil, in: root)
  }

  @Test func isFoundAgain() throws {
    let phone = try start("/a/phone.yaml")
    #expect(try RunningPhone.find(nil, in: root) == phone)
    #expect(try RunningPhone.find("/a/./b/../phone.yaml", in: root) == phone)
    #expect(phone.process == ProcessInfo.processInfo.processIdentifier)
    #expect(phone.monitor.hasPrefix(folder["run"]))
    #expect(
      failure { _ = try RunningPhone.find("/b/phone.yaml", in: root) }
        == "/b/phone.yaml does not run; start it with `pocketvisor run`")
  }

  @Test func noneRuns() {
    #expect(
      failure { _ = try RunningPhone.find(nil, in: root) }
        == "no phone with a device server runs; start it with `pocketvisor run`")
  }

  @Test func severalMustBeTold() throws {
    _ = try start("/a/phone.yaml")
    var other = try start("/b/phone.yaml")
    other.process = getppid()
    let place = folder["run/\(other.process)"]
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    try JSONEncoder().encode(other).write(to: URL(fileURLWithPath: place + "/phone.json"))
    _ = try start("/a/phone.yaml")
    let told = failure { _ = try RunningPhone.find(nil, in: root) }
    #expect(told.hasPrefix("2 phones run; name one with --phone: "), "\(told)")
    #expect(try RunningPhone.find("/b/phone.yaml", in: root) == other)
  }

  /// Of a process that was killed.
  @Test func whatIsLeftOfOthersGoesAway() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["true"]
    try process.run()
    process.waitUntilExit()
    var dead = try start("/a/phone.yaml")
    dead.process = process.processIdentifier
    try JSONEncoder().encode(dead).write(to: URL(fileURLWithPath: dead.folder + "/phone.json"))
    #expect(RunningPhone.all(in: root) == [])
    #expect(!FileManager.default.fileExists(atPath: dead.folder))
  }

  /// Who connects to the sockets rules the phone.
  @Test func nobodyElseMayLookIn() throws {
    let phone = try start("/a/phone.yaml")
    let mode = try FileManager.default.attributesOfItem(atPath: folder["run"])[.posixPermissions] as? Int
    #expect(mode == 0o700)
    #expect(try FileManager.default.attributesOfItem(atPath: phone.folder)[.posixPermissions] as? Int == 0o700)
    #expect(chmod(folder["run"], 0o755) == 0)
    #expect(failure { _ = try start("/a/phone.yaml") }.contains("is no folder that only you may use"))
    #expect(symlink(folder.path, folder["link"]) == 0)
    let linked = RuntimeFolder(path: folder["link"])
    #expect(throws: InputError.self) {
      _ = try RunningPhone(phone: "", machines: [], disk: nil, in: linked)
    }
  }

  @Test func longPathsAreRefused() {
    let path = folder[String(repeating: "x", count: 100)]
    let told = failure {
      _ = try RunningPhone(phone: "", machines: [], disk: nil, in: RuntimeFolder(path: path))
    }
    #expect(told.contains("is too long a path for sockets"), "\(told)")
  }
}

@Suite struct EmulatedDevicesTests {
  private let devices = EmulatedDevices(
    disk: "/a,b/d.raw", monitor: "/r/monitor", controls: ["/r/c1", "/r/c2"])

  private func line(_ devices: EmulatedDevices) -> String { devices.arguments.joined(separator: " ") }

  @Test func allThatADeviceServerServes() {
    let line = line(devices)
    #expect(line.hasPrefix("-global virtio-mmio.force-legacy=false "))
    #expect(
      line.contains(
        "cache=writeback,discard=unmap,file=/a,,b/d.raw "
          + "-device virtio-blk-device,drive=disk,werror=report,rerror=report"))
    for device in ["net-device,netdev=network", "rng-device", "keyboard-device", "tablet-device"] {
      #expect(line.contains("-device virtio-\(device)"))
    }
    #expect(line.contains("-device ramfb"))
    #expect(line.contains("-chardev socket,id=control1,server=on,wait=off,path=/r/c2"))
    #expect(line.contains("-device virtserialport,nr=2,chardev=control1,name=pocketvisor.control.2"))
    #expect(line.contains("-qmp unix:/r/monitor,server=on,wait=off"))
    #expect(line.hasSuffix("-display none"))
  }

  @Test func withoutADiskThereIsNoDrive() {
    var devices = devices
    devices.disk = nil
    #expect(!line(devices).contains("virtio-blk"))
  }

  @Test func displays() {
    var devices = devices
    devices.display = .window
    #expect(line(devices).hasSuffix("-display gtk"))
    devices.display = .socket("/r/vnc")
    #expect(line(devices).hasSuffix("-display none -vnc unix:/r/vnc"))
  }

  /// A board of this kind starts, is looked at, and is gone.
  @Test func qemuTakesThem() throws {
    let folder = Workspace()
    folder.write("d.raw", Data(count: 1 << 20))
    let devices = EmulatedDevices(
      disk: folder["d.raw"], monitor: folder["m"], controls: [folder["c"], folder["c2"]])
    let process = try EmulatorProcess(
      "qemu-system-aarch64", ["-M", "virt", "-cpu", "cortex-a57", "-S", "-nic", "none"] + devices.arguments)
    defer { process.stop() }
    for _ in 0..<200 where !FileManager.default.fileExists(atPath: folder["m"]) { usleep(50_000) }
    let monitor = try EmulatorMonitor(path: folder["m"])
    try monitor.execute("screendump", ["filename": folder["s.png"], "format": "png"])
    #expect(folder.read("s.png")?.starts(with: [0x89, 0x50, 0x4E, 0x47]) == true)
    #expect(failure { try monitor.execute("no-such-thing") }.hasPrefix("QEMU: "))
    let first = try ControlLine(path: folder["c"])
    #expect(first != nil)
    #expect(try ControlLine(path: folder["c"]) == nil)
    #expect(try ControlLine(path: folder["c2"]) != nil)
    #expect(failure { _ = try ControlLine(path: folder["c3"]) }.contains("no connection"))
    extendLifetime(first)
  }

  @Test func nobodyListens() {
    let folder = Workspace()
    #expect(failure { _ = try UnixSocket(path: folder["x"]) }.contains("no connection: No such file"))
    let long = String(repeating: "y", count: 200)
    #expect(failure { _ = try UnixSocket(path: folder[long]) }.contains("is too long for a socket"))
  }
}

/// Verbs that talk to a running phone, and `run` with a device server, on a board whose kernel is no hypervisor.
@Suite(.enabled(if: FileManager.default.fileExists(atPath: repositoryPath + "/.cache/debian/vmlinuz")))
struct RunWithDevicesTests {
  private let folder = Workspace.withPhone()
  private let kernel = repositoryPath + "/.cache/debian/vmlinuz"

  private static let phone = """
    vms:
      steward: { role: device-server, kernel: Image, memory: 4MiB }
      work: { kernel: Image, memory: 16MiB, devices: { disk: { partition: work.root, size: 1MiB }, screen: true } }
    """

  private func process(_ arguments: [String]) -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: pocketvisorPath)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    process.environment = ProcessInfo.processInfo.environment.merging(["XDG_RUNTIME_DIR": folder.path]) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    return process
  }

  private func ends(_ arguments: String...) throws -> Int32 {
    let process = process(arguments)
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  @Test func screenshotsOfARunningPhone() throws {
    folder.write("phone.yaml", Self.phone)
    let running = process(["run", "phone.yaml", "--headless", "--hypervisor", kernel, "--timeout", "60"])
    #expect(try ends("screenshot", "s.png") == 1)
    try running.run()
    var status: Int32 = 1
    for _ in 0..<200 where status != 0 {
      usleep(100_000)
      status = try ends("screenshot", "s.png")
    }
    #expect(folder.read("s.png")?.starts(with: [0x89, 0x50, 0x4E, 0x47]) == true)
    #expect(try ends("screenshot", "t.png", "--phone", "phone.yaml") == 0)
    #expect(try ends("disk", "phone.yaml", "--force") == 1)
    running.terminate()
    running.waitUntilExit()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder["pocketvisor"]) == [])
    #expect(folder.read(".build/phone.disk")?.count == 3 << 20)
  }

  @Test func aDiskThatDoesNotFitIsNotStarted() throws {
    folder.write("phone.yaml", Self.phone)
    folder.write("d.raw", "precious")
    #expect(
      try ends("run", "phone.yaml", "--headless", "--hypervisor", kernel, "--disk", "d.raw", "--timeout", "9")
        == 1)
    #expect(folder.read("d.raw") == Data("precious".utf8))
  }

  @Test func theWebNeedsAScreen() throws {
    #expect(try ends("run", "phone.yaml", "--hypervisor", kernel, "--web", "6080") == 1)
    #expect(try ends("run", "phone.yaml", "--hypervisor", kernel, "--web", "0") == 64)
  }
}
