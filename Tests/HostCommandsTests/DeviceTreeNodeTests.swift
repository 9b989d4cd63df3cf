import Foundation
import Testing

@testable import HostCommands

/// Our writer and reader against Debian's `dtc`.
@Suite struct DeviceTreeNodeTests {
  private func guest(generation: Int = 3) -> DeviceTreeNode {
    GuestDeviceTree(
      cpus: 3, memoryBase: 0x4000_0000, memorySize: 0x1000_0000, commandLine: "console=ttyAMA0", ramdisk: 1..<2,
      interruptControllerGeneration: generation
    ).root
  }

  private func read(_ bytes: [UInt8]) throws -> DeviceTreeNode {
    try DeviceTreeNode(reading: InputFile(path: "tree", data: Data(bytes)))
  }

  /// Through dtc and back, in the given formats.
  private func dtc(_ input: Data, from: String, to: String) throws -> Data {
    let folder = Workspace()
    folder.write("in", input)
    let outcome = try runProgram("dtc", ["-q", "-I", from, "-O", to, "-o", folder["out"], folder["in"]])
    #expect(outcome.status == 0, "\(outcome.error)")
    return try #require(folder.read("out"))
  }

  @Test func comesBackAsWritten() throws {
    #expect(try read(guest().flattened()).withoutOffsets == guest())
  }

  @Test(arguments: [2, 3]) func dtcReadsWhatWeWrite(generation: Int) throws {
    let source = try dtc(Data(guest(generation: generation).flattened()), from: "dtb", to: "dts")
    let text = String(decoding: source, as: UTF8.self)
    // Three CPUs: a GICv2's tree names them in bits 15:8, as QEMU's does.
    let flags = generation == 3 ? "0x04" : "0x704"
    let timers = ["0x0d", "0x0e", "0x0b", "0x0a"].map { "0x01 \($0) \(flags)" }.joined(separator: " ")
    #expect(text.contains("interrupts = <\(timers)>;"))
    #expect(text.contains(generation == 3 ? "arm,gic-v3" : "arm,cortex-a15-gic"))
    #expect(
      text.contains(
        "reg = <0x00 0x8000000 0x00 0x10000 0x00 \(generation == 3 ? "0x80a0000 0x00 0x60000" : "0x8010000 0x00 0x2000")>;"
      ))
  }

  @Test func everyMachineHasAWatchdog() throws {
    let watchdog = try #require(guest().node("watchdog@90d0000"))
    #expect(watchdog.string("compatible") == "arm,sbsa-gwdt")
    #expect(watchdog.cell("reg", 1) == 0x90D_0000)
    #expect(watchdog.cell("reg", 5) == 0x90C_0000)
    #expect((0..<3).map { watchdog.cell("interrupts", $0) } == [0, 9, 4])
  }

  @Test func weReadWhatDtcWrites() throws {
    let through = try dtc(try dtc(Data(guest().flattened()), from: "dtb", to: "dts"), from: "dts", to: "dtb")
    #expect(try read(Array(through)).withoutOffsets == guest())
  }

  @Test func offsetsPointAtTheValues() throws {
    let bytes = guest().flattened()
    let arguments = try #require(try read(bytes).node("chosen")?.property("bootargs"))
    #expect(Array(bytes[arguments.offset...].prefix(arguments.value.count)) == arguments.value)
    #expect(arguments.offset % 4 == 0)
  }

  @Test func saysWhatIsWrong() {
    #expect(failure { _ = try read([]) }.contains("is no device tree"))
    #expect(failure { _ = try read(Array("hello".utf8)) }.contains("is no device tree"))
    #expect(failure { _ = try read(Array(guest().flattened().dropLast(9))) }.contains("cut short"))
  }

  @Test func refusesTreesThatAreTooDeep() {
    let deep = (0..<100).reduce(DeviceTreeNode("leaf")) { child, _ in
      var parent = DeviceTreeNode("node")
      parent.children = [child]
      return parent
    }
    #expect(failure { _ = try read(deep.flattened()) }.contains("damaged"))
  }
}

extension DeviceTreeNode {
  /// As it was before it was written.
  var withoutOffsets: DeviceTreeNode {
    var node = self
    for index in node.properties.indices { node.properties[index].offset = 0 }
    node.children = children.map(\.withoutOffsets)
    return node
  }
}
