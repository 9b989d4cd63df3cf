import Foundation
import Testing

@testable import HostCommands

/// A folder that is gone after the test.
final class Workspace {
  let path: String

  init() {
    path = NSTemporaryDirectory() + "/pocketvisor-test-" + UUID().uuidString
    try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  subscript(name: String) -> String { path + "/" + name }

  func write(_ name: String, _ data: Data) {
    _ = FileManager.default.createFile(atPath: self[name], contents: data)
  }

  func write(_ name: String, _ text: String) {
    write(name, Data(text.utf8))
  }

  func read(_ name: String) -> Data? { FileManager.default.contents(atPath: self[name]) }

  var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path))?.sorted() ?? [] }
}

extension Workspace {
  /// A folder with a kernel, a ramdisk and a phone of two VMs.
  static func withPhone() -> Workspace {
    let folder = Workspace()
    folder.write("Image", Samples.kernel())
    folder.write("initrd.gz", Data((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7) }))
    folder.write("phone.yaml", Samples.phone)
    return folder
  }
}

enum Samples {
  static let phone = """
    vms:
      work: { kernel: Image, ramdisk: initrd.gz, cmdline: console=ttyAMA0, memory: 16MiB, cpus: 2 }
      personal: { kernel: Image, ramdisk: initrd.gz, memory: 32MiB, priority: 3, budget: 50% }
    """

  /// An arm64 Image: a header, and zeros up to `size`.
  static func kernel(size: Int = 8192, textOffset: UInt64 = 0, imageSize: UInt64 = 0x5000) -> Data {
    var data = Data(count: size)
    let numbers = [(8, textOffset), (16, imageSize), (24, 0x0A)]
    for (offset, number) in numbers {
      data.replaceSubrange(offset..<offset + 8, with: withUnsafeBytes(of: number.littleEndian) { Data($0) })
    }
    data.replaceSubrange(56..<60, with: Data("ARM\u{64}".utf8))
    return data
  }

  /// An ARM zImage.
  /// - Parameter table: text offset (nil for a table that does not say it), unpacked size, size of zeroed data and of the
  ///   heap; nil for no table.
  static func compressedKernel(size: Int = 8192, table: [UInt32?]?) -> Data {
    var data = Data(count: size)
    func put(_ numbers: [UInt32], at offset: Int) {
      let bytes = numbers.flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0) } }
      data.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
    put([0x016F_2818, 0, UInt32(size), 0x0403_0201], at: 36)
    guard let table, let unpacked = table[1], let zeroed = table[2] else { return data }
    put([0x4545_4545, 0x400], at: 52)
    let tag =
      [0x5A53_4C4B, 0x600, zeroed] + (table[0].map { [$0] } ?? []) + table.dropFirst(3).compactMap(\.self)
    put([UInt32(tag.count + 1)] + tag, at: 0x400)
    put([unpacked], at: 0x600)
    return data
  }

  static func file(_ path: String, _ text: String) -> InputFile { InputFile(path: path, data: Data(text.utf8)) }
}

/// What a program printed, and how it ended.
struct Outcome {
  var status: Int32
  var output: String
  var error: String
}

/// Runs a program to its end.
func runProgram(_ program: String, _ arguments: [String], in folder: String? = nil) throws -> Outcome {
  let process = Process()
  let output = Pipe()
  let error = Workspace()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [program] + arguments
  if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
  error.write("error", "")
  process.standardInput = FileHandle.nullDevice
  process.standardOutput = output
  process.standardError = FileHandle(forWritingAtPath: error["error"])
  try process.run()
  let printed = try output.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  return Outcome(
    status: process.terminationStatus, output: String(decoding: printed, as: UTF8.self),
    error: String(decoding: error.read("error") ?? Data(), as: UTF8.self))
}

/// The program under test, beside the tests.
let pocketvisorPath =
  URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path + "/pocketvisor"

/// The repository.
let repositoryPath = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path

/// The sentence that `body` fails with.
func failure(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "no failure"
  } catch {
    return "\(error)"
  }
}
