import Foundation
import Testing

/// The built image: what no compiler flag promises.
@Suite(.enabled(if: BuiltImage.exists)) struct ImageTests {
  private let image: BuiltImage
  private let budget: SizeBudget

  init() throws {
    image = try BuiltImage()
    budget = try JSONDecoder().decode(SizeBudget.self, from: Data(contentsOf: BuiltImage.budgetFile))
  }

  @Test func size() {
    #expect(image.bytes.count <= budget.limit)
    #expect(budget.limit + budget.reserved <= budget.total)
    #expect(budget.parts.map(\.bytes).reduce(0, +) <= budget.limit)
  }

  /// An arm64 Linux Image: a branch over the header, its magic, little-endian, anywhere in memory.
  @Test func header() {
    #expect(image.number(at: 56, bytes: 4) == 0x644D_5241)
    #expect(image.number(at: 0, bytes: 4) >> 26 == 0b000101)
    #expect(image.number(at: 24, bytes: 8) == 0xA)
    #expect(image.number(at: 16, bytes: 8) >= UInt64(image.bytes.count))
    #expect(image.number(at: 16, bytes: 8) <= 2 << 20)
  }

  /// No relocation, no table of offsets, no initialised data: nothing in the image is ever written.
  @Test func sections() throws {
    for line in try image.tool("llvm-objdump", ["-h"]).split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count >= 4, let size = UInt64(words[2], radix: 16), size > 0 else { continue }
      #expect([".text", ".rodata", ".bss", ".symtab", ".strtab", ".shstrtab"].contains(words[1]), "\(line)")
    }
  }

  @Test func symbolsAreDefined() throws {
    #expect(try image.tool("llvm-nm", ["--undefined-only"]).isEmpty)
  }

  /// Nothing is ever allocated or counted.
  @Test func noHeap() throws {
    let forbidden = /malloc|free$|swift_(alloc|retain|release|dealloc|slowAlloc)|posix_memalign|_Znw/
    let symbols = try image.tool("llvm-nm", ["--format=just-symbols"]).split(separator: "\n")
    #expect(symbols.count > 50)
    #expect(symbols.filter { $0.contains(forbidden) } == [])
  }

  /// V0…V31 are the guests': only what saves and loads them names them.
  @Test func floatingPointRegisters() throws {
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
  @Test func trapInstructions() {
    let traps = image.instructions.filter { $0.text.hasPrefix("brk") }
    #expect(traps.count <= budget.traps)
  }
}

/// `Firmware/SizeBudget.json`.
struct SizeBudget: Decodable {
  struct Part: Decodable { var name: String, bytes: Int }
  var total: Int, limit: Int, reserved: Int, traps: Int
  var parts: [Part]
}

/// The hypervisor as `make firmware` builds it, and its ELF file.
struct BuiltImage {
  struct Instruction {
    let address: UInt64
    let text: String
  }

  let bytes: [UInt8]
  private(set) var instructions: [Instruction] = []

  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Firmware")
  static let budgetFile = folder.appendingPathComponent("SizeBudget.json")
  private static let file = folder.appendingPathComponent(".build/pocketvisor.aarch64.img")
  private static let executable = folder.appendingPathComponent(
    ".build/aarch64-none-none-elf/release/Pocketvisor")

  static var exists: Bool {
    [file, executable].allSatisfy { FileManager.default.fileExists(atPath: $0.path) }
  }

  init() throws {
    bytes = try Array(Data(contentsOf: Self.file))
    let listing = try tool("llvm-objdump", ["-d", "--no-show-raw-insn"])
    instructions = listing.split(separator: "\n").compactMap(Self.instruction)
  }

  /// `  200138:      	stp	q0, q1, [x0]`; data (`.word`) and labels are none.
  private static func instruction(_ line: Substring) -> Instruction? {
    let parts = line.split(separator: ":", maxSplits: 1)
    guard parts.count == 2, let address = UInt64(parts[0].drop { $0 == " " }, radix: 16) else { return nil }
    let text = parts[1].drop { $0 == " " || $0 == "\t" }.replacing("\t", with: " ")
    guard !text.contains(".word") else { return nil }
    return Instruction(address: address, text: String(text.prefix { $0 != "<" }))
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

  /// What a tool of the toolchain prints about the ELF file.
  func tool(_ name: String, _ arguments: [String]) throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [name] + arguments + [Self.executable.path]
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(name) failed")
    return String(decoding: data, as: UTF8.self)
  }
}
