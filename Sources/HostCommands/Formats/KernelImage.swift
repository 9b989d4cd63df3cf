import Foundation

/// What a kernel needs. An arm64 Linux `Image` says so in its header (Linux:
/// Documentation/arch/arm64/booting.rst), an ARM `zImage` in its header and a table.
public struct KernelImage: Equatable, Sendable {
  public let architecture: Architecture
  /// Bytes from the first byte of the VM's memory to the image's first byte.
  public let offset: UInt64
  /// Bytes of memory that the kernel takes from its first byte on, its zeroed data included.
  public let memorySize: UInt64
  /// Whether it writes to the memory before its first byte, too: it unpacks itself to there.
  public let isCompressed: Bool

  /// The header's size.
  public static let headerSize = 64

  /// - Throws: `InputError` for a file that is none of this form.
  init(_ file: InputFile, form: KernelForm) throws {
    switch form.format {
    case .image where file.isCompressedImage: try self.init(compressed: file)
    case .image: try self.init(file)
    case .raw: try self.init(raw: file, architecture: form.architecture ?? .arm64)
    }
    if let said = form.architecture, said != architecture {
      throw InputError("\(file.path): is a kernel for \(architecture), but `architecture` says \(said)")
    }
  }

  private init(_ architecture: Architecture, offset: UInt64, memorySize: UInt64, isCompressed: Bool = false) {
    self.architecture = architecture
    self.offset = offset
    self.memorySize = memorySize
    self.isCompressed = isCompressed
  }

  private init(raw file: InputFile, architecture: Architecture) throws {
    guard !file.data.isEmpty else { throw InputError("\(file.path): is empty") }
    self.init(architecture, offset: PhoneLayout.kernelOffset, memorySize: UInt64(file.data.count))
  }

  /// Reads the header of an arm64 `Image`.
  /// - Throws: `InputError` that says what the file is instead.
  public init(_ file: InputFile) throws {
    guard file.data.count >= Self.headerSize, file.magic(at: 56, is: "ARM\u{64}") else {
      throw InputError("\(file.path): is no arm64 kernel Image\(Self.explain(file))")
    }
    let declared = file.littleEndian(8, at: 16)
    // Kernels before 3.17 declare no size; they start at the offset that all had then.
    let textOffset = declared == 0 ? 0x8_0000 : file.littleEndian(8, at: 8)
    let memorySize = max(declared, UInt64(file.data.count))
    guard textOffset < 2 << 20, memorySize < 1 << 36 else {
      throw InputError(
        "\(file.path): is damaged: its header asks for an offset of \(textOffset) and \(declared) bytes")
    }
    self.init(.arm64, offset: PhoneLayout.kernelOffset + textOffset, memorySize: memorySize)
  }

  /// Reads the header of an ARM `zImage`: it goes behind what it unpacks itself to.
  private init(compressed file: InputFile) throws {
    let image = try CompressedImage(file)
    self.init(.arm, offset: image.offset, memorySize: image.memorySize, isCompressed: true)
  }

  private static func explain(_ file: InputFile) -> String {
    if file.data.count < headerSize { return " (only \(file.data.count) bytes)" }
    if file.isCompressedImage { return ": it is an ARM zImage" }
    if file.data.starts(with: [0x1F, 0x8B]) { return ": it is compressed, unpack it first with `gunzip`" }
    if file.data.starts(with: [0x7F, 0x45, 0x4C, 0x46]) {
      return ": it is an ELF file, convert it with `llvm-objcopy -O binary`"
    }
    if file.data.starts(with: [0xD0, 0x0D, 0xFE, 0xED]) {
      return ": it is a FIT image, name it as `appliance:`"
    }
    if file.magic(at: 4, is: "zimg") { return ": it is an EFI zboot image, unpack it first" }
    return """
      : it lacks the magic number at byte 56, and that of an ARM zImage at byte 36 \
      (a binary without a header is `kernel-format: raw`)
      """
  }
}

extension InputFile {
  fileprivate func magic(at offset: Int, is text: String) -> Bool {
    data.dropFirst(offset).starts(with: Array(text.utf8))
  }

  fileprivate var isCompressedImage: Bool {
    data.count >= KernelImage.headerSize && littleEndian(4, at: 36) == CompressedImage.magic
  }

  /// A number of some bytes; zeros where the file is shorter.
  func littleEndian(_ count: Int, at offset: Int) -> UInt64 {
    data.dropFirst(offset).prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
