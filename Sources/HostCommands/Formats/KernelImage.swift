import Foundation

/// What a kernel needs. An arm64 Linux `Image` says so in its header (Linux:
/// Documentation/arch/arm64/booting.rst).
public struct KernelImage: Equatable, Sendable {
  /// Bytes from a 2 MiB boundary to the image's first byte.
  public let textOffset: UInt64
  /// Bytes of memory that the kernel takes from its first byte on, its zeroed data included.
  public let memorySize: UInt64

  /// The header's size.
  public static let headerSize = 64

  /// - Throws: `InputError` for a file that is none of this format.
  init(_ file: InputFile, format: KernelFormat) throws {
    switch format {
    case .image: try self.init(file)
    case .raw: try self.init(raw: file)
    }
  }

  private init(raw file: InputFile) throws {
    guard !file.data.isEmpty else { throw InputError("\(file.path): is empty") }
    textOffset = 0
    memorySize = UInt64(file.data.count)
  }

  /// Reads the header of an `Image`.
  /// - Throws: `InputError` that says what the file is instead.
  public init(_ file: InputFile) throws {
    guard file.data.count >= Self.headerSize, file.magic(at: 56, is: "ARM\u{64}") else {
      throw InputError("\(file.path): is no arm64 kernel Image\(Self.explain(file))")
    }
    let declared = file.littleEndian64(at: 16)
    // Kernels before 3.17 declare no size; they start at the offset that all had then.
    textOffset = declared == 0 ? 0x8_0000 : file.littleEndian64(at: 8)
    memorySize = max(declared, UInt64(file.data.count))
    guard textOffset < 2 << 20, memorySize < 1 << 36 else {
      throw InputError(
        "\(file.path): is damaged: its header asks for an offset of \(textOffset) and \(declared) bytes")
    }
  }

  private static func explain(_ file: InputFile) -> String {
    if file.data.count < headerSize { return " (only \(file.data.count) bytes)" }
    if file.data.starts(with: [0x1F, 0x8B]) { return ": it is compressed, unpack it first with `gunzip`" }
    if file.data.starts(with: [0x7F, 0x45, 0x4C, 0x46]) {
      return ": it is an ELF file, convert it with `llvm-objcopy -O binary`"
    }
    if file.data.starts(with: [0xD0, 0x0D, 0xFE, 0xED]) {
      return ": it is a FIT image, name it as `appliance:`"
    }
    if file.magic(at: 4, is: "zimg") { return ": it is an EFI zboot image, unpack it first" }
    return ": it lacks the magic number at byte 56 (a binary without a header is `kernel-format: raw`)"
  }
}

extension InputFile {
  fileprivate func magic(at offset: Int, is text: String) -> Bool {
    data.dropFirst(offset).starts(with: Array(text.utf8))
  }

  fileprivate func littleEndian64(at offset: Int) -> UInt64 {
    data.dropFirst(offset).prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
