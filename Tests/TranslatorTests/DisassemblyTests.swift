import SeededRandom
import Testing
import Translator

/// The decoders against another reader of the manual, on random encodings.
@Suite(.enabled(if: Disassembler.isInstalled), .serialized) struct DisassemblyTests {
  /// An encoding, what we say of it, and what the disassembler says.
  struct Case {
    let encoding: UInt32
    let instruction: Instruction
    let line: Disassembler.Line
    /// What it reads from the PC.
    let programCounter: UInt32
    let isA32: Bool

    var isCopied: Bool { instruction.operation == .copy }
    /// Where a direct branch goes; BLX changes the instruction set.
    var target: UInt32 {
      let isThumb = isA32 == line.mnemonic.hasPrefix("blx")
      return (isThumb ? programCounter : programCounter & ~3) &+ (line.immediate ?? 0) | (isThumb ? 1 : 0)
    }
    func isOf(_ space: Space) -> Bool { space.isA32 == isA32 && encoding & space.mask == space.value }
    var description: String { "\(String(encoding, radix: 16)) \(line.text ?? "invalid"): \(instruction)" }
  }

  /// Encodings whose bits of `mask` are those of `value`.
  struct Space {
    let isA32: Bool
    let mask: UInt32
    let value: UInt32

    static func a32(_ mask: UInt32, _ value: UInt32) -> Self { Self(isA32: true, mask: mask, value: value) }
    static func t32(_ mask: UInt32, _ value: UInt32) -> Self { Self(isA32: false, mask: mask, value: value) }
  }

  /// What we copy and the disassembler does not know: it has nothing to do with the PC. It is UNDEFINED, in User mode
  /// too, or has bits that should be zero or one and are not.
  private static let copied: [Space] = [
    // VFP and Advanced SIMD.
    .a32(0xFE00_0000, 0xF200_0000), .a32(0xFF10_0000, 0xF400_0000), .a32(0x0C00_0E00, 0x0C00_0A00),
    .t32(0xEF00_0000, 0xEF00_0000), .t32(0xFF10_0000, 0xF900_0000), .t32(0xFC00_0E00, 0xEC00_0A00),
    // Multiplication and synchronization; halfword multiplication; media.
    .a32(0x0E00_00F0, 0x0000_0090), .a32(0x0F90_0090, 0x0100_0080), .a32(0x0E00_0010, 0x0600_0010),
    // Moves and CLZ with an Rn, hints and MSR with an Rd, barriers with registers.
    .a32(0x0DA0_0000, 0x01A0_0000), .a32(0x0FF0_00F0, 0x0160_0010), .a32(0x0FF0_0000, 0x0320_0000),
    .a32(0xFFF0_0000, 0xF570_0000),
    // Saturation and hints.
    .t32(0xFF70_F0C0, 0xF320_0000), .t32(0xFFF0_D700, 0xF3A0_8000),
  ]
  /// What the disassembler shows and we do not copy, since bits that should be zero are not: halfword multiplication, MSR
  /// without fields, RFE of the PC, shifted registers, SBFX and UBFX.
  private static let left: [Space] = [
    .a32(0x0F90_F090, 0x0100_F080), .a32(0x0FBF_0000, 0x0320_0000), .a32(0x0FBF_00F0, 0x0120_0000),
    .a32(0xFE1F_0000, 0xF81F_0000), .t32(0xFE00_8000, 0xEA00_8000), .t32(0xFB70_8020, 0xF340_0020),
    .t32(0xFFE0_DF20, 0xF380_8000),
  ]

  /// Leading letters of what must not be copied. The rest of a name is its condition, type or width.
  private static let sensitive = [
    "bkpt", "bl", "bx", "cbz", "cbnz", "tbb", "tbh", "cps", "mrs", "msr", "srs", "rfe", "eret", "isb", "setend",
    "svc", "smc", "hvc", "udf", "trap", "__brkdiv", "wfi", "wfe", "it", "adr", "mrc", "mcr", "mrrc", "mcrr",
    "ldc", "stc", "cdp",
    "pld", "pli", "ldrt", "ldrbt", "ldrht", "ldrsbt", "ldrsht", "strt", "strbt", "strht",
  ]
  private static let conditions = [
    "eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "",
  ]

  private static func isSensitive(_ line: Disassembler.Line) -> Bool {
    let name = line.mnemonic.split(separator: ".").first.map(String.init) ?? ""
    return line.names("pc") || line.isOfUserMode || conditions.contains { name == "b" + $0 }
      || (sensitive.contains(where: name.hasPrefix) && !name.hasPrefix("bic"))
  }

  /// What is wrong with a case, if anything is.
  private static func complaint(_ test: Case) -> String? {
    if test.line.text == nil {
      return test.isCopied && !copied.contains(where: test.isOf) ? "copied, but does not exist" : nil
    }
    if isSensitive(test.line) {
      if test.isCopied { return isAllowed(test) ? nil : "copied, but sensitive" }
      if isMissing(test) { return "exists, but undefined" }
      return isBranchElsewhere(test) ? "branches elsewhere" : nil
    }
    let isLeft = test.line.isUnpredictable || left.contains(where: test.isOf)
    return test.isCopied || isLeft ? nil : "harmless, but not copied"
  }

  /// Of the sensitive ones: MSR of flags, and ARMv6's barriers. Of the two fields that name the Rm of RBIT the
  /// disassembler makes one.
  private static func isAllowed(_ test: Case) -> Bool {
    !test.isA32 && test.encoding & 0xFFF0_F0C0 == 0xFA90_F080
      || test.line.mnemonic.hasPrefix("msr") && !test.line.names("SPSR")
        && test.encoding >> (test.isA32 ? 16 : 8) & 3 == 0
      || test.line.mnemonic.hasPrefix("mcr") && test.encoding & 0xFFF_0FDF == 0xE07_0F9A
  }

  /// The disassembler shows the PC and User mode's registers in places too where the manual forbids them.
  private static func isMissing(_ test: Case) -> Bool {
    test.instruction.operation == .leave(.undefined) && !test.line.isUnpredictable
      && !test.line.names("pc") && !test.line.isOfUserMode && !left.contains(where: test.isOf)
      && !absent.contains(where: test.line.mnemonic.hasPrefix)
  }

  /// Instructions that the translator does not know on purpose: coprocessors that are not there, and SETEND.
  private static let absent = ["cdp", "ldc", "stc", "mcr", "mrc", "mrrc", "setend", "udf", "trap", "__brkdiv"]

  /// A direct branch has one immediate, the offset from the PC.
  private static func isBranchElsewhere(_ test: Case) -> Bool {
    switch test.instruction.operation {
    case .branch(let target): target != test.target
    case .call(let target): target != test.target
    case .compareAndBranch(_, _, let target): target != test.target
    default: false
    }
  }

  @Test func narrow() throws {
    // The disassembler remembers IT.
    let words = (0..<0xE800 as Range<UInt32>).filter { $0 & 0xFF00 != 0xBF00 || $0 & 0xF == 0 }
    try check(words, isA32: false)
  }

  @Test func wide() throws {
    var generator = SeededGenerator(seed: 1)
    let words = (0xE800...0xFFFF as ClosedRange<UInt32>).flatMap { first in
      (0..<10).map { _ in first << 16 | Self.halfword(&generator) }
    }
    try check(words, isA32: false)
  }

  /// Every value of bits 27:20 and 7:4 with each condition, and more of those without.
  @Test func a32() throws {
    var generator = SeededGenerator(seed: 2)
    let words = (0..<0x1000 as Range<UInt32>).flatMap { operation in
      (0..<24 as Range<UInt32>).map { condition in
        let rest = Self.halfword(&generator) & 0xFF0F | Self.halfword(&generator) << 16 & 0xF_0000
        return rest | (operation >> 4) << 20 | (operation & 0xF) << 4 | min(condition, 15) << 28
      }
    }
    try check(words, isA32: true)
  }

  /// Random, but fields are often 15 or 0.
  private static func halfword(_ generator: inout SeededGenerator) -> UInt32 {
    [0, 4, 8, 12].reduce(0) { word, place in
      word | [15, 0, UInt32.random(in: 0..<16, using: &generator)].randomElement(using: &generator)! << place
    }
  }

  private func check(_ words: [UInt32], isA32: Bool) throws {
    let lines = try Disassembler(architecture: isA32 ? "armv7a" : "thumbv7a").lines(
      of: words.map { isA32 ? littleEndian($0, 4) : halves($0) })
    var complaints: [String] = []
    for (word, line) in zip(words, lines) {
      let test = Case(
        encoding: word, instruction: isA32 ? A32Decoder.decode(word, at: 0x7FFC) : decode(word), line: line,
        programCounter: 0x8004, isA32: isA32)
      if let text = Self.complaint(test) { complaints.append("\(text): \(test.description)") }
    }
    #expect(complaints.isEmpty, "\(complaints.count), the first: \(complaints.prefix(10))")
  }

  private func decode(_ word: UInt32) -> Instruction {
    let first = UInt16(truncatingIfNeeded: word > 0xFFFF ? word >> 16 : word)
    return T32Decoder.decode(first, UInt16(truncatingIfNeeded: word), at: 0x8000)
  }

  private func halves(_ word: UInt32) -> [UInt8] {
    word > 0xFFFF ? littleEndian(word >> 16, 2) + littleEndian(word, 2) : littleEndian(word, 2)
  }

  private func littleEndian(_ word: UInt32, _ count: UInt32) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
  }
}
