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
    #expect(mistake("vms: { a: { kernel: a, budgte: 20% } }").contains("did you mean `budget`?"))
  }

  @Test(arguments: [
    ("vms:\n  a: { kernel: a, memory: 3MiB }", "2:27: `memory` of VM `a` must be a multiple of 2MiB"),
    ("vms:\n  a: { kernel: a, memory: 256 }", "2:27: `memory` of VM `a` must be a size such as 256MiB"),
    ("vms:\n  a: { kernel: a, memory: 99999999999999GiB }", "must be a size"),
    ("vms:\n  a: { kernel: a, cpus: 9 }", "2:25: `cpus` of VM `a` must be a number from 1 to 8"),
    ("vms:\n  a: { kernel: a, cpus: two }", "must be a number from 1 to 8"),
    ("vms:\n  a: { kernel: a, priority: 256 }", "must be a number from 0 to 255"),
    ("vms:\n  a: { kernel: a, placement: 0 }", "must be a list"),
    ("vms:\n  a: { kernel: a, budget: 20 }", "2:27: `budget` of VM `a` must be from 1% to 100%"),
    ("vms:\n  a: { kernel: a, budget: 0% }", "must be from 1% to 100%"),
    ("vms:\n  a: { kernel: a, budget: 101% }", "must be from 1% to 100%"),
    ("vms:\n  a: { kernel: a, budget: [20%] }", "must be from 1% to 100%"),
    (
      "vms:\n  a: { kernel: a, budget: 1%, period: 0ms }", "2:39: `period` of VM `a` must be from 1ms to 1000ms"
    ),
    ("vms:\n  a: { kernel: a, budget: 1%, period: 1s }", "must be from 1ms to 1000ms"),
    ("vms:\n  a: { kernel: a, period: 5ms }", "2:27: VM `a` has a `period` but no `budget`"),
    (
      "vms:\n  a: { kernel: a, restart: often }",
      "2:28: `restart` of VM `a` must be one of `never`, `on-failure`, `always`"
    ),
    ("vms:\n  a: { kernel: a, restart: [never] }", "`restart` of VM `a` must be one of"),
    (
      "vms:\n  a: { kernel: a, restart: { policy: no } }",
      "2:38: `policy` of `restart` of VM `a` must be one of"
    ),
    ("vms:\n  a: { kernel: a, restart: { limit: 256 } }", "must be a number from 0 to 255"),
    ("vms:\n  a: { kernel: a, restart: { delay: 60001ms } }", "must be from 0ms to 60000ms"),
    ("vms:\n  a: { kernel: a, restart: { delays: 1ms } }", "did you mean `delay`?"),
    ("vms:\n  a: { kernel: a, key: yes }", "2:24: `key` of VM `a` must be true or false"),
    ("vms:\n  a: { kernel: a, calls: b }", "2:26: `calls` of VM `a` must be a list such as [work]"),
    ("vms:\n  a: { kernel: a, calls: [b] }", "2:27: `calls` of VM `a`: there is no VM `b`"),
    (
      "vms:\n  vault: { kernel: a }\n  a: { kernel: a, calls: [vualt] }",
      "3:27: `calls` of VM `a`: there is no VM `vualt`; did you mean `vault`?"
    ),
    ("vms:\n  a: { kernel: a, calls: [a] }", "2:26: `calls` of VM `a`: a VM cannot call itself"),
    (
      "vms:\n  a: { kernel: a, calls: [b, b] }\n  b: { kernel: a }",
      "2:30: `calls` of VM `a` names `b` twice"
    ),
    (
      "vms:\n  a: { kernel: a, kernel-format: elf }",
      "2:34: `kernel-format` of VM `a` must be one of `image`, `raw`"
    ),
    ("vms:\n  a: { appliance: b, kernel-format: raw }", "brings its own kernel"),
    ("windows: []\nvms: { a: { kernel: a } }", "1:10: `windows` must be a list of"),
    ("windows: { Pay: { write: [a] } }\nvms: { a: { kernel: a } }", "1:12: `Pay` is no name for a window"),
    ("windows: { pay: {} }\nvms: { a: { kernel: a } }", "1:12: window `pay` is for no VM"),
    (
      "windows: { pay: { write: [b] } }\nvms: { a: { kernel: a } }",
      "1:27: `write` of window `pay`: there is no VM `b`"
    ),
    (
      "windows: { pay: { write: [a], read: [a] } }\nvms: { a: { kernel: a } }",
      "1:37: window `pay` names `a` under `write` and `read`"
    ),
    ("windows: { pay: { wirte: [a] } }\nvms: { a: { kernel: a } }", "did you mean `write`?"),
    (
      "windows: { a: {}, b: {}, c: {}, d: {}, e: {}, f: {}, g: {}, h: {}, i: {} }\nvms: { a: { kernel: a } }",
      "9 windows; a phone has at most 8"
    ),
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

  @Test func rulesOfAVM() throws {
    let phone = try read(
      """
      windows: { notes: { read: [b] }, pay: { write: [a], read: [b] } }
      vms:
        a: { kernel: x, calls: [b], restart: { policy: always, limit: 5, delay: 100ms }, ready: up }
        b: { kernel: x, kernel-format: raw, budget: 20%, period: 5ms, restart: never, key: true }
      """)
    let (first, second) = (phone.virtualMachines[0].rules, phone.virtualMachines[1].rules)
    #expect(first.calls == ["b"])
    #expect(first.restart == RestartRule(.always, limit: 5, delay: 100))
    #expect(first.ready == "up")
    #expect(first.budget == nil)
    #expect(!first.hasKey)
    #expect(phone.virtualMachines[1].software == .kernel("folder/x", form: KernelForm(.raw), ramdisk: nil))
    #expect(second.budget == Budget(percent: 20, period: 5))
    #expect(second.budget?.microseconds == 1000)
    #expect(second.restart == RestartRule(.never))
    #expect(second.hasKey)
    #expect(phone.windows.map(\.name) == ["notes", "pay"])
    #expect(phone.windows[1] == WindowDescription(name: "pay", writers: ["a"], readers: ["b"]))
  }

  @Test func whatHoldsUnlessSaidOtherwise() throws {
    let rules = try #require(try read("vms: { a: { kernel: x, budget: 3% } }").virtualMachines.first).rules
    #expect(rules.budget == Budget(percent: 3, period: 10))
    #expect(rules.restart == RestartRule(.onFailure, limit: 0, delay: 0))
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
    for manifest in [
      ApplianceManifest(settings: settings, form: KernelForm(.raw, architecture: .arm)), ApplianceManifest(),
    ] {
      #expect(try ApplianceManifest(parsing: manifest.text(), of: "x.fit") == manifest)
    }
  }

  /// What concerns neighbours and board is for the phone to say.
  @Test(arguments: ["budget: 100%", "restart: always", "calls: [a]", "key: true", "placement: [0]"])
  func manifestsCannotTakeWhatIsThePhones(text: String) {
    let told = failure { _ = try ApplianceManifest(parsing: text, of: "x.fit") }
    #expect(told.contains("x.fit (manifest):1:1: unknown key"), "\(told)")
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
