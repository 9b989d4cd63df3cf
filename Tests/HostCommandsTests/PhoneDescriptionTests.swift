import Testing

@testable import HostCommands

@Suite struct PhoneDescriptionTests {
  private func read(_ text: String) throws -> PhoneDescription {
    try PhoneDescription(reading: Samples.file("folder/phone.yaml", text))
  }

  private func mistake(_ text: String) -> String { failure { _ = try read(text) } }

  @Test func smallestPhone() throws {
    let phone = try read(
      "vms:\n  work: { kernel: Image, ramdisk: initrd.gz, cmdline: console=ttyAMA0, memory: 256MiB, cpus: 2 }\n"
    )
    let work = try #require(phone.virtualMachines.first)
    #expect(work.name == "work")
    #expect(work.software == .kernel("folder/Image", ramdisk: "folder/initrd.gz"))
    #expect(work.settings == MachineSettings(commandLine: "console=ttyAMA0", memory: .mebibytes(256), cpus: 2))
  }

  @Test func keepsTheOrder() throws {
    let phone = try read("vms: { zebra: { kernel: a }, ant: { kernel: a }, m: { appliance: /b.fit } }")
    #expect(phone.virtualMachines.map(\.name) == ["zebra", "ant", "m"])
    #expect(phone.virtualMachines[2].software == .appliance("/b.fit"))
  }

  @Test func unknownKeysAreNamedWithLineAndSuggestion() {
    let text = "vms:\n  work:\n    kernel: Image\n    memroy: 256MiB\n"
    #expect(mistake(text) == "folder/phone.yaml:4:5: unknown key `memroy` in VM `work`; did you mean `memory`?")
    #expect(mistake("vm: {}").contains("did you mean `vms`?"))
    #expect(mistake("vms: { a: { kernel: a, bananas: 3 } }").contains("there is `kernel`, `ramdisk`"))
  }

  @Test(arguments: [
    ("vms:\n  a: { kernel: a, memory: 3MiB }", "2:27: `memory` of VM `a` must be a multiple of 2MiB"),
    ("vms:\n  a: { kernel: a, memory: 256 }", "2:27: `memory` of VM `a` must be a size such as 256MiB"),
    ("vms:\n  a: { kernel: a, memory: 99999999999999GiB }", "must be a size"),
    ("vms:\n  a: { kernel: a, cpus: 9 }", "2:25: `cpus` of VM `a` must be a number from 1 to 8"),
    ("vms:\n  a: { kernel: a, cpus: two }", "must be a number from 1 to 8"),
    ("vms:\n  a: { kernel: a, priority: 256 }", "must be a number from 0 to 255"),
    ("vms:\n  a: { kernel: a, placement: 0 }", "must be a list"),
    ("vms:\n  a: { kernel: }", "`kernel` of VM `a` must be a text"),
    ("vms:\n  a: { kernel: [x] }", "`kernel` of VM `a` must be a text"),
    ("vms:\n  a: { memory: 2MiB }", "2:3: VM `a` needs a `kernel` or an `appliance`"),
    ("vms:\n  a: { kernel: a, appliance: b }", "brings its own kernel"),
    ("vms:\n  a: { appliance: b, ramdisk: c }", "brings its own kernel"),
    ("vms:\n  a: hello", "VM `a` must be a list of `key: value`"),
    ("vms: []", "1:6: `vms` must be a list of"),
    ("vms: {}", "`vms` is empty"),
    ("{}", "the phone has no `vms`"),
    ("", "is empty"),
    ("vms:\n  Work: { kernel: a }", "2:3: `Work` is no name for a VM"),
    ("vms:\n  this-name-is-too-long: { kernel: a }", "is no name"),
    ("vms:\n  a: { kernel: a }\n  a: { kernel: b }", "`a` stands"),
    ("vms:\n  a: { kernel: a", "phone.yaml:"),
    (
      "vms: {a: {kernel: a}, b: {kernel: a}, c: {kernel: a}, d: {kernel: a}, e: {kernel: a}, f: {kernel: a}, g: {kernel: a}, h: {kernel: a}, i: {kernel: a}}",
      "9 VMs; a phone has at most 8"
    ),
  ])
  func mistakes(text: String, sentence: String) {
    let told = mistake(text)
    #expect(told.contains(sentence), "\(told)")
    #expect(!told.contains("\n"))
  }

  @Test func everyNonsenseIsRefusedWithoutATrap() {
    let pieces = [
      "vms:", " ", "\n", "a: ", "{", "}", "[", "]", "kernel: x", "&a", "*a", "!!int", "\t", "'", "\"", "? ",
      "- ", "\u{0}", "é",
    ]
    var state: UInt64 = 42
    for _ in 0..<3000 {
      var text = "vms:\n  "
      for _ in 0..<8 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        text += pieces[Int(state >> 33) % pieces.count]
      }
      _ = try? read(text)
    }
  }

  @Test func manifestsComeBack() throws {
    let settings = MachineSettings(
      commandLine: "a=\"b: c\" # 'd'", memory: .mebibytes(64), cpus: 3, priority: 7)
    #expect(try MachineSettings(manifest: settings.manifest(), of: "x.fit") == settings)
    let empty = MachineSettings()
    #expect(try MachineSettings(manifest: empty.manifest(), of: "x.fit") == empty)
  }

  @Test func sizes() {
    #expect(MemorySize("256MiB") == .mebibytes(256))
    #expect(MemorySize("1 GiB") == .mebibytes(1024))
    #expect(MemorySize("1.5GiB") == nil)
    #expect(MemorySize("MiB") == nil)
    #expect(MemorySize.mebibytes(1536).description == "1536MiB")
    #expect(MemorySize.mebibytes(2048).description == "2GiB")
    #expect(MemorySize(bytes: 1000).description == "1000 bytes")
  }

  @Test func spelling() {
    #expect(Spelling.distance("kitten", "sitting") == 3)
    #expect(Spelling.nearest(to: "cpu", among: MachineSettings.keys) == "cpus")
    #expect(Spelling.nearest(to: "xyzzy", among: MachineSettings.keys) == nil)
  }
}
