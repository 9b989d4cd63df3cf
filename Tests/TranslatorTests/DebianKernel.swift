import Foundation

/// Debian's kernel for ARMv7, as `make assets` leaves it: a zImage, with modules beside it.
struct DebianKernel {
  private static let folder =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/.cache/debian-armhf"
  private static let path = folder + "/vmlinuz"

  static var isThere: Bool { FileManager.default.fileExists(atPath: path) }
  static var modules: [String] {
    ["ext4", "jbd2", "virtio_net", "virtio_blk", "evdev"].map { "\(folder)/initramfs/modules/\($0).ko" }
  }

  /// The words of the zImage's program, which unpacks the rest.
  let decompressor: [UInt32]
  /// The unpacked kernel.
  let image: Data
  /// Where its first byte stands once its MMU is on.
  let start: UInt32

  init() throws {
    let file = try Data(contentsOf: URL(fileURLWithPath: Self.path))
    // The first is in the program's text.
    guard
      let payload = file.range(
        of: Data("\u{FD}7zXZ\0".unicodeScalars.map { UInt8($0.value) }), options: .backwards)
    else { throw CocoaError(.fileReadCorruptFile) }
    decompressor = Self.words(file[..<payload.lowerBound])
    image = try Self.unpack(file[payload.lowerBound...])
    // The table of sizes: its own length in words, "KLSZ", where the kernel's size stands, of its zeroed data, and where
    // the kernel is unpacked to from the start of memory.
    let table = Int(decompressor[56 / 4]) / 4
    start = 0xC000_0000 + decompressor[table + 4]
  }

  /// The decompressor's code, which ends with the table of sizes. Headers are behind its first words; its table of
  /// processors has entries of five words, two numbers and three branches, until one of zeros.
  func decompressorText() -> TextSection {
    let words = Array(decompressor.prefix(Int(decompressor[56 / 4]) / 4))
    var data: [Range<UInt32>] = [0x24..<0x200]
    let first = words.indices.first { words[$0] == 0x4100_7000 && words[$0 + 1] == 0xFFF8_FE00 } ?? words.count
    for entry in stride(from: first, to: words.count, by: 5) {
      data.append(UInt32(entry) * 4..<UInt32(entry) * 4 + 8)
      if words[entry] == 0 { break }
    }
    return TextSection(words, at: 0, data: data)
  }

  static func words(_ data: Data) -> [UInt32] {
    data.prefix(data.count & ~3).withUnsafeBytes { [UInt32]($0.assumingMemoryBound(to: UInt32.self)) }
  }

  func words(from first: UInt32, to end: UInt32) -> [UInt32] {
    Self.words(image.dropFirst(Int(first - start)).prefix(Int(end - first)))
  }

  /// The kernel that ARMv7 kernels were measured by.
  var isMeasured: Bool { image.range(of: Data("Linux version 6.1.0-50-armmp".utf8)) != nil }

  /// All code, as arch/arm/kernel/vmlinux.lds.S arranges it.
  func sections() throws -> [TextSection] {
    guard let symbols = KernelSymbols(image), let text = symbols["_stext"],
      let end = symbols["__proc_info_end"],
      let initial = symbols["_sinittext"], let exit = symbols["_einittext"]
    else { throw CocoaError(.fileReadCorruptFile) }
    let addresses = symbols.all.map(\.address)
    var data = symbols.all.indices.filter { Self.isData(symbols.all[$0].name) }.map {
      addresses[$0]..<addresses[$0 + 1]
    }
    // A table of opcodes, twelve words, ends this function.
    if let index = symbols.all.firstIndex(where: { $0.name == "call_fpe" }) {
      data.append(addresses[index + 1] - 48..<addresses[index + 1])
    }
    func section(_ first: UInt32, _ end: UInt32, at address: UInt32? = nil) -> TextSection {
      TextSection(
        words(from: first, to: end), at: address ?? first, symbols: addresses, code: text..<exit,
        data: data.filter { first..<end ~= $0.lowerBound })
    }
    // The page of vectors is followed by two others of which one may replace it, and the stubs, which lie behind it.
    let vectors = initial & ~0xFFF
    return [
      section(start, start + 0x280), section(text, end), section(vectors, vectors + 0x20, at: 0xFFFF_0000),
      section(vectors + 0x60, initial, at: 0xFFFF_1000), section(initial, exit),
      section(exit, endOfExit(exit)),
    ]
  }

  /// Behind what modules' exit functions would be stand descriptions of machines: the first has no number.
  private func endOfExit(_ start: UInt32) -> UInt32 {
    start + UInt32(words(from: start, to: start + 0x10000).firstIndex(of: 0xFFFF_FFFF) ?? 0) * 4
  }

  /// Data among the functions that is not reached from code nearby.
  private static func isData(_ name: String) -> Bool {
    name.hasSuffix("_proc_info") || name.hasPrefix("sdrc_")
      || ["__kprobes_text_end", "cpu_v7_name", "v7wbi_tlb_fns", "am33xx_pm_sram"].contains(name)
  }

  private static func unpack(_ payload: Data) throws -> Data {
    let folder = NSTemporaryDirectory() + "/kernel-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try payload.write(to: URL(fileURLWithPath: folder + "/payload"))
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["xz", "--decompress", "--stdout", "--single-stream"]
    process.standardInput = FileHandle(forReadingAtPath: folder + "/payload")
    process.standardOutput = output
    try process.run()
    let image = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return image
  }
}
