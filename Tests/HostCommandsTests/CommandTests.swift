import Foundation
import Testing

@testable import HostCommands

/// The program as its users see it: what it prints, its status, what it leaves behind.
@Suite struct CommandTests {
  private let folder = Workspace.withPhone()

  private func pocketvisor(_ arguments: String...) throws -> Outcome {
    try runProgram(pocketvisorPath, arguments, in: folder.path)
  }

  @Test func aWholeLife() throws {
    let pack = try pocketvisor(
      "pack", "--kernel", "Image", "--ramdisk", "initrd.gz", "--memory", "16MiB", "--cmdline", "quiet", "-o",
      "a.fit")
    #expect(pack.status == 0, "\(pack.error)")
    #expect(try pocketvisor("verify", "a.fit").output == "a.fit: a sound appliance\n")
    #expect(try pocketvisor("inspect", "a.fit").output.contains("cmdline: \"quiet\""))
    folder.write("phone.yaml", "vms: { one: { appliance: a.fit }, two: { appliance: a.fit, cpus: 2 } }")
    let image = try pocketvisor("image", "phone.yaml", "-o", "phone.fit")
    #expect(image.status == 0, "\(image.error)")
    #expect(try pocketvisor("verify", "phone.fit").output == "phone.fit: a sound device image of 2 VMs\n")
    let inspect = try pocketvisor("inspect", "phone.fit").output
    #expect(
      inspect.contains("  two  16MiB   0x40000000  2     1,0  0         0x40200000  arm64\n"), "\(inspect)")
    #expect(inspect.contains("  two  -       on-failure  -      -        -\n"), "\(inspect)")
  }

  @Test func inspectShowsTheRulesButNoKey() throws {
    folder.write(
      "phone.yaml",
      """
      windows: { pay: { write: [work], read: [vault] } }
      vms:
        work: { kernel: Image, memory: 16MiB, calls: [vault], restart: { policy: always, limit: 5, delay: 100ms } }
        vault: { kernel: Image, memory: 4MiB, priority: 1, budget: 20%, key: true }
      """)
    #expect(try pocketvisor("image", "phone.yaml", "--gic", "2", "-o", "phone.fit").status == 0)
    let inspect = try pocketvisor("inspect", "phone.fit").output
    #expect(inspect.contains("device image, 2 VMs, GICv2\n"))
    #expect(
      inspect.contains("  work   -            always, 5 times, after 100ms  vault  pay (write)  -\n"),
      "\(inspect)")
    #expect(inspect.contains("  vault  20% of 10ms  on-failure                    -      pay (read)   yes\n"))
    let phone = try ImageFile(verifying: InputFile(path: folder["phone.fit"]))
    let entry = try #require(phone.entry("fdt-vault"))
    let tree = try DeviceTreeNode(reading: InputFile(path: "tree", data: phone.data(of: entry)))
    let key = try #require(tree.node("chosen")?.property("pocketvisor,key")?.value)
    let digits = key.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    #expect(!inspect.contains(digits.prefix(8)))
  }

  @Test func newWritesAPhoneThatCanBeMade() throws {
    #expect(try pocketvisor("new", "fresh.yaml").status == 0)
    #expect(try pocketvisor("image", "fresh.yaml", "-o", "fresh.fit").status == 0)
    let again = try pocketvisor("new", "fresh.yaml")
    #expect(again.status == 1)
    #expect(again.error == "Error: fresh.yaml: exists already; name another file or remove it\n")
  }

  @Test func failuresWriteNothingOver() throws {
    folder.write("out.fit", "precious")
    let before = folder.names
    let attempts = [
      ["image", "missing.yaml", "-o", "out.fit"],
      ["image", "phone.yaml", "--memory", "32MiB", "-o", "out.fit"],
      ["image", "initrd.gz", "-o", "out.fit"], ["pack", "--kernel", "initrd.gz", "-o", "out.fit"],
      ["pack", "--kernel", "Image", "--memory", "3MiB", "-o", "out.fit"],
      ["pack", "--kernel", "Image", "--cpus", "99", "-o", "out.fit"],
      ["image", "phone.yaml", "--loader", "u-boot", "--hypervisor", "initrd.gz", "-o", "out.fit"],
    ]
    for arguments in attempts {
      let outcome = try runProgram(pocketvisorPath, arguments, in: folder.path)
      #expect(outcome.status == 1, "\(arguments)")
      #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
    }
    #expect(folder.read("out.fit") == Data("precious".utf8))
    #expect(folder.names == before)
  }

  @Test func aFullDiskLeavesTheOldFile() throws {
    folder.write("out.fit", "precious")
    struct Full: Error {}
    #expect(throws: InputError.self) {
      try OutputFile.replace(folder["out.fit"]) {
        try $0.write(contentsOf: Data("half".utf8))
        throw Full()
      }
    }
    #expect(folder.read("out.fit") == Data("precious".utf8))
    #expect(
      failure { try OutputFile.replace("/nowhere/at/all") { _ in } } == "/nowhere/at/all: cannot be written")
  }

  @Test func mistakesAreToldInOneLine() throws {
    folder.write("phone.yaml", "vms:\n  work: { kernel: Image, memory: 16MiB, cpu: 2 }\n")
    let outcome = try pocketvisor("image", "phone.yaml", "-o", "x.fit")
    #expect(outcome.error == "Error: phone.yaml:2:41: unknown key `cpu` in VM `work`; did you mean `cpus`?\n")
    #expect(try pocketvisor("verify", "nothing.fit").error == "Error: nothing.fit: no such file\n")
    #expect(try pocketvisor("run", "nothing.yaml").error == "Error: nothing.yaml: no such file\n")
  }

  @Test func runNeedsAHypervisor() throws {
    let outcome = try pocketvisor("run", "phone.yaml", "--hypervisor", "none.img", "--headless")
    #expect(outcome.error == "Error: none.img: no such file\n")
    #expect(outcome.status == 1)
    #expect(try pocketvisor("run", "phone.yaml", "--cpus", "9").status == 64)
    #expect(try pocketvisor("run", "phone.yaml", "--gic", "4").status == 64)
    #expect(try pocketvisor("image", "phone.yaml", "--gic", "1", "-o", "x.fit").status == 64)
    #expect(try pocketvisor("run", "phone.yaml", "--loader", "grub").status == 64)
    #expect(try pocketvisor("run", "phone.yaml", "--board", "nexus").status == 64)
    #expect(try pocketvisor("run", "phone.yaml", "--board", "smdkc210", "--cpus", "2").status == 64)
    #expect(try pocketvisor("run", "phone.yaml", "--device-tree", "board.dtb").status == 64)
    for timeout in ["inf", "nan", "soon", "1e300"] {
      #expect(try pocketvisor("run", "phone.yaml", "--timeout", timeout).status == 64)
    }
  }

  /// An image for each generation of the interrupt controller.
  @Test func theHypervisorFitsTheBoard() {
    #expect(HypervisorFile.defaultPath(generation: 2) == "Firmware/.build/pocketvisor.aarch64-gicv2.img")
    #expect(HypervisorFile.defaultPath(generation: 3) == "Firmware/.build/pocketvisor.aarch64.img")
  }

  @Test(arguments: ["new", "pack", "image", "inspect", "verify", "disk", "run", "smoke", "screenshot"])
  func everyVerbHasHelpWithAnExample(verb: String) throws {
    let help = try pocketvisor(verb, "--help")
    #expect(help.status == 0)
    #expect(help.output.contains("Example"))
    #expect(help.output.contains("  pocketvisor \(verb) "))
  }
}
