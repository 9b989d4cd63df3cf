import Foundation
import Testing

/// The built images: what no compiler flag promises.
@Suite(.enabled(if: BuiltImage.exist(BuiltImage.all))) struct ImageTests {
  private let budget: SizeBudget

  init() throws {
    budget = try JSONDecoder().decode(SizeBudget.self, from: Data(contentsOf: BuiltImage.budgetFile))
  }

  @Test(arguments: BuiltImage.all) func size(_ name: String) throws {
    let image = try BuiltImage(name)
    if name == BuiltImage.narrow {
      // The translator in it is not privileged.
      #expect(try image.privilegedBytes() <= budget.armv7)
      #expect(try image.bytes.count - image.privilegedBytes() <= budget.translator + 4096)
    } else {
      #expect(image.bytes.count <= budget.limit)
    }
    #expect(budget.limit + budget.reserved <= budget.total)
    #expect(budget.parts.map(\.bytes).reduce(0, +) <= budget.limit)
  }

  /// An arm64 Linux Image: a branch over the header, its magic, little-endian, anywhere in memory.
  @Test(arguments: BuiltImage.names) func header(_ name: String) throws {
    let image = try BuiltImage(name)
    #expect(image.number(at: 56, bytes: 4) == 0x644D_5241)
    #expect(image.number(at: 0, bytes: 4) >> 26 == 0b000101)
    #expect(image.number(at: 24, bytes: 8) == 0xA)
    #expect(image.number(at: 16, bytes: 8) >= UInt64(image.bytes.count))
    #expect(image.number(at: 16, bytes: 8) <= 2 << 20)
  }

  /// A zImage: a branch over the vectors, its magic, from its first byte on, little-endian (Linux:
  /// arch/arm/boot/compressed/head.S).
  @Test func narrowHeader() throws {
    let image = try BuiltImage(BuiltImage.narrow)
    #expect(image.number(at: 0, bytes: 4) >> 24 == 0xEA)
    #expect(image.number(at: 0x24, bytes: 4) == 0x016F_2818)
    #expect(image.number(at: 0x28, bytes: 4) == 0)
    #expect(image.number(at: 0x2C, bytes: 4) == UInt64(image.bytes.count))
    #expect(image.number(at: 0x30, bytes: 4) == 0x0403_0201)
  }

  /// The floating-point unit is the guests' there too: it is switched, its values are saved and loaded in one place, and
  /// what it is can be read.
  @Test func narrowFloatingPointRegisters() throws {
    let image = try BuiltImage(BuiltImage.narrow)
    let saving = try [image.range(of: "save_vectors"), image.range(of: "load_vectors")]
    let used = image.instructions.filter { instruction in
      instruction.text.contains(/(^ *v[a-z]|[ ,{][qds][0-9]+[ ,}\]-]|fpscr)/)
        && !saving.contains { $0.contains(instruction.address) }
    }
    #expect(used.map(\.text).filter { !$0.contains(/fpexc|fpsid|mvfr/) } == [])
  }

  /// A check that should never fail is an undefined instruction.
  @Test func narrowTrapInstructions() throws {
    let image = try BuiltImage(BuiltImage.narrow)
    #expect(image.instructions.count > 2_000)
    #expect(
      image.instructions.filter { $0.text.hasPrefix("udf") || $0.text.hasPrefix("trap") }.count <= budget.traps)
  }

  /// The LLVM of Swift 6.3 may write an address that it steps back into the register of the caller's `self`, R10, as if it
  /// were its own (Decision 24): whoever changes R10 has saved it.
  @Test func narrowSelfRegister() throws {
    let image = try BuiltImage(BuiltImage.narrow)
    let changes = /^(?:stm\S* r10!|ldm\S* r10!|str\S* .*\[r10.*\]!|str\S* .*\[r10\],)/
    let writes = /^(?!str|stm|ldm|cmp|cmn|tst|teq|cb)[a-z.]+ r10,/
    var checked = 0
    // Pieces that the linker outlined belong to functions that have saved it.
    for function in try image.functions() where !function.name.hasPrefix("OUTLINED_FUNCTION_") {
      let body = image.instructions.filter { function.addresses.contains($0.address) }.map(\.text)
      guard let change = body.first(where: { $0.contains(changes) || $0.contains(writes) }) else { continue }
      checked += 1
      let isSaved = body.prefix(4).contains { $0.contains(/^(push|str|stmdb)/) && $0.contains("r10") }
      #expect(isSaved, "\(function.name): \(change)")
    }
    #expect(checked > 20)
  }

  /// No relocation, no table of offsets, no initialised data: nothing in the image is ever written.
  @Test(arguments: BuiltImage.all) func sections(_ name: String) throws {
    let image = try BuiltImage(name)
    for line in try image.tool("llvm-objdump", ["-h"]).split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count >= 4, let size = UInt64(words[2], radix: 16), size > 0 else { continue }
      #expect(Self.expectedSections.contains(String(words[1])), "\(line)")
    }
  }

  private static let expectedSections = [
    ".text", ".rodata", ".bss", ".translator", ".ARM.attributes", ".symtab", ".strtab", ".shstrtab",
  ]

  @Test(arguments: BuiltImage.all) func symbolsAreDefined(_ name: String) throws {
    let image = try BuiltImage(name)
    #expect(try image.tool("llvm-nm", ["--undefined-only"]).isEmpty)
  }

  /// Nothing is ever allocated or counted.
  @Test(arguments: BuiltImage.all) func noHeap(_ name: String) throws {
    let image = try BuiltImage(name)
    let symbols = try image.tool("llvm-nm", ["--format=just-symbols"]).split(separator: "\n")
    #expect(symbols.count > 50)
    #expect(symbols.filter { $0.contains(BuiltImage.heap) } == [])
  }

  /// V0…V31 are the guests': only what saves and loads them names them.
  @Test(arguments: BuiltImage.names) func floatingPointRegisters(_ name: String) throws {
    let image = try BuiltImage(name)
    let allowed = try ["save_vectors", "load_vectors"].map(image.range(of:))
    let register = /(^|[ ,{\[])[qvdshb]([0-9]|[12][0-9]|3[01])([ ,.}\]]|$)/
    let users = image.instructions.filter { instruction in
      instruction.text.contains(register) && !allowed.contains { $0.contains(instruction.address) }
    }
    #expect(users.map(\.text) == [])
    let saving = image.instructions.filter { instruction in
      allowed.contains { $0.contains(instruction.address) }
    }
    #expect(saving.filter { $0.text.contains(register) }.count == 32)
  }

  /// Each is a check that should never fail; fewer is better.
  @Test(arguments: BuiltImage.names) func trapInstructions(_ name: String) throws {
    let image = try BuiltImage(name)
    let traps = image.instructions.filter { $0.text.hasPrefix("brk") }
    #expect(traps.count <= budget.traps)
  }

  /// A fault of the hypervisor stops the guest that it was for, unless the console is locked then. So nothing
  /// that runs with the lock held has a check that could fail.
  @Test(arguments: BuiltImage.names) func trapsWithTheConsoleLocked(_ name: String) throws {
    let image = try BuiltImage(name)
    let locked = try image.functions().filter { Self.runsLocked($0.name) }
    #expect(locked.count > 15)
    let traps = image.instructions.filter { $0.text.hasPrefix("brk") || $0.text.hasPrefix("udf") }
    for trap in traps {
      let place = locked.first { $0.addresses.contains(trap.address) }
      #expect(place == nil, "\(place?.name ?? "") has a trap at 0x\(String(trap.address, radix: 16))")
    }
  }

  /// By a part of the mangled name.
  private static func runsLocked(_ name: String) -> Bool {
    let ofEveryCore = [
      "4pump", "11setDraining", "4show", "8moveLine", "5typed", "7command", "5bring", "7message", "3put",
      "7endLine", "7putName",
    ].map { "10Hypervisor4CoreV" + $0 }
    let ofCore = ["9serveUART", "10recordStop", "18accessUARTRegister", "14changeUARTLine"]
      .map { "10Hypervisor4CoreVA2A24VirtualizationExtensionsRzrlE" + $0 }
    let others = [
      "10Hypervisor7ConsoleV3put", "14VirtualDevices14ConsoleChannelV", "14VirtualDevices0A5PL011V",
      "7Drivers4UARTV",
    ]
    return (ofEveryCore + ofCore + others).contains { name.contains($0) }
  }
}

/// `Firmware/SizeBudget.json`.
struct SizeBudget: Decodable {
  struct Part: Decodable { var name: String, bytes: Int }
  var total: Int, limit: Int, reserved: Int, traps: Int
  var steward: Int, armv7: Int, translator: Int
  var parts: [Part]
}

/// The hypervisor as `make firmware` builds it, for one GIC, or the steward as `make guests` does, and its ELF file.
struct BuiltImage {
  /// Of the hypervisor's ELF files.
  static let names = ["Pocketvisor", "PocketvisorGICv2"]
  /// That for CPUs without virtualization extensions.
  static let narrow = "PocketvisorARMv7"
  static let all = names + [narrow]
  static let translator = "PocketvisorTranslator"
  static let steward = "Steward"
  /// Names of what allocates or counts.
  static var heap: Regex<Substring> {
    /malloc|free$|swift_(?:alloc|retain|release|dealloc|slowAlloc)|posix_memalign|_Znw/
  }

  struct Function {
    let name: String
    let addresses: Range<UInt64>
  }

  struct Instruction {
    let address: UInt64
    let text: String
  }

  let bytes: [UInt8]
  private(set) var instructions: [Instruction] = []

  private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  static let budgetFile = repository.appendingPathComponent("Firmware/SizeBudget.json")
  private let executable: URL

  private static func products(_ name: String) -> URL {
    repository.appendingPathComponent(name == steward ? "Guests/.build" : "Firmware/.build")
  }

  private static func file(_ name: String) -> URL {
    let files = [
      "Pocketvisor": "pocketvisor.aarch64.img", "PocketvisorGICv2": "pocketvisor.aarch64-gicv2.img",
      narrow: "pocketvisor.armv7.img", steward: "steward.img",
    ]
    return products(name).appendingPathComponent(files[name] ?? name)
  }

  static func executable(_ name: String) -> URL {
    let triple = name == narrow || name == translator ? "armv7-none-none-eabi" : "aarch64-none-none-elf"
    return products(name).appendingPathComponent("\(triple)/release/\(name)")
  }

  static func exist(_ names: [String]) -> Bool {
    names.flatMap { [file($0), executable($0)] }.allSatisfy { FileManager.default.fileExists(atPath: $0.path) }
  }

  init(_ name: String) throws {
    executable = Self.executable(name)
    bytes = try Array(Data(contentsOf: Self.file(name)))
    let listing = try tool("llvm-objdump", ["-d", "--no-show-raw-insn"])
    instructions = listing.split(separator: "\n").compactMap(Self.instruction)
  }

  /// `  200138:      	stp	q0, q1, [x0]`; data (`.word`, or bytes and their characters) and labels are none.
  private static func instruction(_ line: Substring) -> Instruction? {
    let parts = line.split(separator: ":", maxSplits: 1)
    guard parts.count == 2, let address = UInt64(parts[0].drop { $0 == " " }, radix: 16) else { return nil }
    let text = parts[1].drop { $0 == " " || $0 == "\t" }.replacing("\t", with: " ")
    guard !text.contains(".word"), !text.contains(#/^([0-9a-f]{2} )+ /#) else { return nil }
    return Instruction(address: address, text: String(text.prefix { $0 != "<" }))
  }

  /// Of the image for CPUs without virtualization extensions: what lies in front of the translator.
  func privilegedBytes() throws -> Int {
    let lines = try tool("llvm-nm", []).split(separator: "\n")
    let line = try #require(lines.first { $0.hasSuffix(" hypervisor_size") })
    return try #require(Int(line.prefix { $0 != " " }, radix: 16))
  }

  func number(at offset: Int, bytes count: Int) -> UInt64 {
    bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The addresses of a routine: to the next symbol of assembly or Swift that is not its own.
  func range(of symbol: String) throws -> Range<UInt64> {
    let lines = try tool("llvm-nm", ["--numeric-sort"]).split(separator: "\n").map { $0.split(separator: " ") }
    let symbols = lines.filter { $0.count == 3 && !$0[2].hasPrefix("$x") && !$0[2].hasPrefix("$d") }
    let place = try #require(symbols.firstIndex { $0[2] == symbol })
    let start = try #require(UInt64(symbols[place][0], radix: 16))
    let end = symbols[place...].lazy.compactMap { UInt64($0[0], radix: 16) }.first { $0 > start }
    return start..<(try #require(end))
  }

  /// Those that the compiler made: assembly's have no size.
  func functions() throws -> [Function] {
    try tool("llvm-nm", ["--print-size"]).split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 4, let start = UInt64(words[0], radix: 16), let size = UInt64(words[1], radix: 16)
      else { return nil }
      // Bit 0 of a T32 function is set.
      return Function(name: String(words[3]), addresses: start & ~1..<start & ~1 + size)
    }
  }

  /// What a tool of the toolchain prints about the ELF file.
  func tool(_ name: String, _ arguments: [String]) throws -> String {
    let (printed, status) = try Self.run("/usr/bin/env", [name] + arguments + [executable.path])
    try #require(status == 0, "\(name) failed")
    return printed
  }

  /// What a program prints, and how it ends.
  static func run(_ program: String, _ arguments: [String]) throws -> (printed: String, status: Int32) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (String(decoding: data, as: UTF8.self), process.terminationStatus)
  }
}
