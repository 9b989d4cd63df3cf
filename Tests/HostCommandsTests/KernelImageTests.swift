import Foundation
import Testing

@testable import HostCommands

@Suite struct KernelImageTests {
  private func mistake(_ data: Data) -> String {
    failure { _ = try KernelImage(InputFile(path: "Image", data: data)) }
  }

  @Test func readsTheHeader() throws {
    let image = try KernelImage(
      InputFile(path: "Image", data: Samples.kernel(textOffset: 0x8_0000, imageSize: 0x10_0000)))
    #expect(image == KernelImage(textOffset: 0x8_0000, memorySize: 0x10_0000))
  }

  @Test func neverTakesLessMemoryThanTheFileHas() throws {
    let image = try KernelImage(InputFile(path: "Image", data: Samples.kernel(size: 9000, imageSize: 64)))
    #expect(image.memorySize == 9000)
  }

  @Test func oldKernelsDeclareNoSize() throws {
    let image = try KernelImage(InputFile(path: "Image", data: Samples.kernel(textOffset: 5, imageSize: 0)))
    #expect(image.textOffset == 0x8_0000)
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
}

extension KernelImage {
  fileprivate init(textOffset: UInt64, memorySize: UInt64) {
    self = try! KernelImage(
      InputFile(path: "", data: Samples.kernel(size: 64, textOffset: textOffset, imageSize: memorySize)))
  }
}
