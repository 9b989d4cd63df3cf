import Foundation

/// LLVM's disassembler: what another reader of the manual says of an encoding.
struct Disassembler {
  /// What it says of one instruction.
  struct Line {
    /// nil where there is no such instruction.
    var text: String?
    /// It has an encoding that the manual forbids, but is shown.
    var isUnpredictable = false

    var mnemonic: String { text?.prefix { $0 != "\t" && $0 != " " }.lowercased() ?? "" }
    /// LDM and STM with the S bit.
    var isOfUserMode: Bool { text?.hasSuffix("^") == true }
    /// The last of its immediates, which a direct branch has only one of.
    var immediate: UInt32? {
      guard let digits = text?.split(separator: "#").last, let number = Int32(digits) else { return nil }
      return UInt32(bitPattern: number)
    }

    /// Whether a register or an operand of this name is in it, written as the disassembler does.
    func names(_ operand: String) -> Bool {
      guard let text, text.contains(operand) else { return false }
      let words = text.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
      return words.dropFirst().contains { $0 == operand || $0.hasPrefix(operand + "_") }
    }
  }

  static let path = "/usr/bin/llvm-mc"
  static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: path) }

  /// A32 is "armv7a", T32 "thumbv7a".
  let architecture: String

  /// Disassembles each of some instructions on its own.
  func lines(of encodings: [[UInt8]]) throws -> [Line] {
    let folder = NSTemporaryDirectory() + "/disassembly-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let input = encodings.map { "[" + $0.map { "0x" + String($0, radix: 16) }.joined(separator: " ") + "]\n" }
    try Data(input.joined().utf8).write(to: URL(fileURLWithPath: folder + "/input"))
    try run(in: folder)
    return lines(
      encodings.count, output: try String(contentsOfFile: folder + "/output", encoding: .utf8),
      warnings: try String(contentsOfFile: folder + "/warnings", encoding: .utf8))
  }

  private func run(in folder: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Self.path)
    process.arguments = [
      "--disassemble", "-triple=\(architecture)-none-eabi", "-mattr=+trustzone,+neon,+mp,+fp16,+vfp3",
      folder + "/input",
    ]
    for name in ["output", "warnings"] {
      _ = FileManager.default.createFile(atPath: folder + "/" + name, contents: nil)
    }
    process.standardOutput = FileHandle(forWritingAtPath: folder + "/output")
    process.standardError = FileHandle(forWritingAtPath: folder + "/warnings")
    try process.run()
    process.waitUntilExit()
  }

  /// - Parameter warnings: each begins with `path:line:column: warning:`.
  private func lines(_ count: Int, output: String, warnings: String) -> [Line] {
    var lines = [Line](repeating: Line(), count: count)
    var isInstruction = [Bool](repeating: true, count: count)
    for warning in warnings.split(separator: "\n") where warning.hasSuffix("instruction encoding") {
      guard let number = Int(warning.split(separator: ":")[1]) else { continue }
      lines[number - 1].isUnpredictable = warning.contains("potentially")
      isInstruction[number - 1] = lines[number - 1].isUnpredictable
    }
    let texts = output.split(separator: "\n").filter { $0.hasPrefix("\t") && !$0.hasPrefix("\t.") }
    for (index, text) in zip(isInstruction.indices.filter { isInstruction[$0] }, texts) {
      lines[index].text = String(text.dropFirst())
    }
    precondition(texts.count == isInstruction.count { $0 }, "one line for each instruction")
    return lines
  }
}
