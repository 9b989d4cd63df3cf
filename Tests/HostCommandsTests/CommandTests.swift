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
    #expect(inspect.contains("  two  16MiB   0x40000000  2     1,0  0         0x40200000\n"), "\(inspect)")
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
    for timeout in ["inf", "nan", "soon", "1e300"] {
      #expect(try pocketvisor("run", "phone.yaml", "--timeout", timeout).status == 64)
    }
  }

  @Test(arguments: ["new", "pack", "image", "inspect", "verify", "run", "smoke"])
  func everyVerbHasHelpWithAnExample(verb: String) throws {
    let help = try pocketvisor(verb, "--help")
    #expect(help.status == 0)
    #expect(help.output.contains("Example"))
    #expect(help.output.contains("  pocketvisor \(verb) "))
  }
}
