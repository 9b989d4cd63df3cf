import Foundation
import Testing

@testable import HostCommands

@Suite struct KernelImageTests {
  private func mistake(_ data: Data) -> String {
    failure { _ = try KernelImage(InputFile(path: "Image", data: data), form: KernelForm()) }
  }

  @Test func readsTheHeader() throws {
    let image = try KernelImage(
      InputFile(path: "Image", data: Samples.kernel(textOffset: 0x8_0000, imageSize: 0x10_0000)))
    #expect(image.architecture == .arm64)
    #expect(image.offset == 0x28_0000)
    #expect(image.memorySize == 0x10_0000)
    #expect(!image.isCompressed)
  }

  @Test func neverTakesLessMemoryThanTheFileHas() throws {
    let image = try KernelImage(InputFile(path: "Image", data: Samples.kernel(size: 9000, imageSize: 64)))
    #expect(image.memorySize == 9000)
  }

  @Test func oldKernelsDeclareNoSize() throws {
    let image = try KernelImage(InputFile(path: "Image", data: Samples.kernel(textOffset: 5, imageSize: 0)))
    #expect(image.offset == 0x28_0000)
  }

  @Test func saysWhatElseItIs() {
    #expect(mistake(Data([1, 2, 3])) == "Image: is no arm64 kernel Image (only 3 bytes)")
    #expect(mistake(Data([0x1F, 0x8B]) + Data(count: 100)).contains("gunzip"))
    #expect(mistake(Data([0x7F]) + Data("ELF".utf8) + Data(count: 100)).contains("ELF"))
    #expect(mistake(Data([0xD0, 0x0D, 0xFE, 0xED]) + Data(count: 100)).contains("appliance:"))
    #expect(mistake(Data("MZ\0\0zimg".utf8) + Data(count: 100)).contains("zboot"))
    #expect(mistake(Data(count: 100)).contains("magic number"))
  }

  @Test func refusesDamagedHeaders() {
    #expect(mistake(Samples.kernel(textOffset: 1 << 40)).contains("damaged"))
    #expect(mistake(Samples.kernel(imageSize: .max)).contains("damaged"))
  }

  // MARK: 32-bit

  private func read(_ data: Data, _ form: KernelForm = KernelForm()) throws -> KernelImage {
    try KernelImage(InputFile(path: "zImage", data: data), form: form)
  }

  /// The first 2 MiB boundary behind what it unpacks; stack and heap behind itself.
  @Test func compressedKernelsGoBehindWhatTheyUnpack() throws {
    let image = try read(Samples.compressedKernel(table: [0x20_8000, 0x13A_10B4, 0x5_E4D4, 0x2_0000]))
    #expect(image.architecture == .arm)
    #expect(image.isCompressed)
    #expect(image.offset == 0x180_0000)
    #expect(image.memorySize == 8192 + 0x1000 + 0x2_0000)
  }

  /// 0x8000 + 0x1F_0000 + 0x8000 is exactly 2 MiB.
  @Test func theBoundaryItself() throws {
    #expect(try read(Samples.compressedKernel(table: [0x8000, 0x1F_0000, 0x8000])).offset == 0x20_0000)
    #expect(try read(Samples.compressedKernel(table: [0x8000, 0x1F_0001, 0x8000])).offset == 0x40_0000)
  }

  @Test func olderTablesAndNone() throws {
    let older = try read(Samples.compressedKernel(table: [nil, 0x3F_0000, 0x8000]))
    #expect(older.offset == 0x40_0000)
    let none = try read(Samples.compressedKernel(size: 1 << 20, table: nil))
    #expect(none.offset == 0x60_0000)
    #expect(none.memorySize == 1 << 20 + 0x1_1000)
  }

  @Test func refusesDamagedCompressedKernels() {
    let whole = Samples.compressedKernel(table: [0x8000, 0x1000, 0x1000])
    let told = failure { _ = try read(whole.dropLast()) }
    #expect(told == "zImage: is damaged: an ARM zImage of 8192 bytes that has only 8191")
    let huge = Samples.compressedKernel(table: [0x8000, 0x7FF_0000, 0x1_0000])
    #expect(failure { _ = try read(huge) } == "zImage: is damaged: an ARM zImage that unpacks to 129 MiB")
    for offset in stride(from: 36, to: 8192, by: 4) {
      var damaged = whole
      damaged.replaceSubrange(offset..<offset + 4, with: [0xFF, 0xFF, 0xFF, 0xFF])
      _ = try? read(damaged)
    }
  }

  @Test func theArchitectureMustBeTheHeaders() throws {
    let compressed = Samples.compressedKernel(table: [0x8000, 0x1000, 0x1000])
    #expect(try read(compressed, KernelForm(architecture: .arm)).architecture == .arm)
    #expect(
      failure { _ = try read(compressed, KernelForm(architecture: .arm64)) }
        == "zImage: is a kernel for arm, but `architecture` says arm64")
    #expect(
      failure { _ = try read(Samples.kernel(), KernelForm(architecture: .arm)) }
        == "zImage: is a kernel for arm64, but `architecture` says arm")
    #expect(try read(Data([1]), KernelForm(.raw)).architecture == .arm64)
    #expect(try read(Data([1]), KernelForm(.raw, architecture: .arm)).architecture == .arm)
  }

  /// A hypervisor is an arm64 Image.
  @Test func compressedKernelsAreNoHypervisors() {
    let file = InputFile(path: "zImage", data: Samples.compressedKernel(table: nil))
    #expect(failure { _ = try KernelImage(file) } == "zImage: is no arm64 kernel Image: it is an ARM zImage")
  }
}
