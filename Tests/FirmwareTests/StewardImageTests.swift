import Foundation
import Testing

/// The steward's built image: what no compiler flag promises.
@Suite(.enabled(if: BuiltImage.exist([BuiltImage.steward]))) struct StewardImageTests {
  private let image: BuiltImage

  init() throws { image = try BuiltImage(BuiltImage.steward) }

  @Test func size() throws {
    let budget = try JSONDecoder().decode(SizeBudget.self, from: Data(contentsOf: BuiltImage.budgetFile))
    #expect(budget.steward == 65_536)
    #expect(image.bytes.count <= budget.steward)
  }

  /// An arm64 Linux Image, whose memory takes all that is loaded, and more.
  @Test func header() {
    #expect(image.number(at: 56, bytes: 4) == 0x644D_5241)
    #expect(image.number(at: 16, bytes: 8) > UInt64(image.bytes.count))
  }

  @Test func symbolsAreDefined() throws {
    #expect(try image.tool("llvm-nm", ["--undefined-only"]).isEmpty)
  }

  /// Nothing is ever allocated or counted.
  @Test func noHeap() throws {
    let symbols = try image.tool("llvm-nm", ["--format=just-symbols"]).split(separator: "\n")
    #expect(symbols.count > 50)
    #expect(symbols.filter { $0.contains(BuiltImage.heap) } == [])
  }

  /// The table of vectors begins with the image: an exception at EL1 with SP_EL1 finds a branch in its place.
  @Test func vectors() throws {
    for offset in stride(from: 0x200, to: 0x400, by: 0x80) {
      // stp x0, x1, [sp, #-192]!; movz x1, #offset; b …
      #expect(image.number(at: offset, bytes: 4) == 0xA9B4_07E0)
      #expect(image.number(at: offset + 4, bytes: 4) == 0xD280_0001 | UInt64(offset) << 5)
      #expect(image.number(at: offset + 8, bytes: 4) >> 26 == 0b000101)
    }
  }
}
