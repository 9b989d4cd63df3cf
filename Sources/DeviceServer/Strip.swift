// The strip above every client's picture: it says who is in front, and no client can paint there.

import Appliance
import Virtio

/// 32 rows of the screen.
public struct Strip {
  private let memory: MemoryView
  /// 0xRRGGBB.
  private let colour: UInt32

  /// Pixels of the screen for a pixel of the font.
  private static let scale: UInt32 = 2
  private static let margin: UInt32 = 12
  private static let top = (ScreenLayout.stripRows - 2 - Font.rows * scale) / 2
  private static let step = Font.advance * scale
  private static let product: StaticString = "Pocketvisor"
  private static let productColumn = ScreenLayout.columns - margin - UInt32(product.utf8CodeUnitCount) * step
  /// Letters of a name that fit.
  static let nameLimit = Int((productColumn - 2 * margin) / step)

  /// - Parameter memory: its bytes, from address 0 on.
  public init(_ memory: MemoryView, colour: UInt32) {
    self.memory = memory
    self.colour = colour & 0xFF_FFFF
  }

  /// Paints the name of a client, in capitals, on its colour.
  public func paint(_ name: TreeText, in tree: Blob) {
    fill()
    for index in 0..<min(name.length, Self.nameLimit) {
      draw(capital(tree.byte(at: name.offset &+ index)), at: Self.margin &+ UInt32(index) &* Self.step)
    }
    for index in 0..<Self.product.utf8CodeUnitCount {
      // In bounds by the loop's range.
      let character = unsafe Self.product.utf8Start[index]
      draw(character, at: Self.productColumn &+ UInt32(index) &* Self.step)
    }
  }

  /// The colour, and a darker line at the lower edge.
  private func fill() {
    let edge = UInt64(ScreenLayout.stride &* (ScreenLayout.stripRows &- 2))
    var place: UInt64 = 0
    while place < ScreenLayout.stripBytes {
      memory.store32(place, place < edge ? colour : colour &>> 1 & 0x7F_7F7F)
      place &+= 4
    }
  }

  private func capital(_ character: UInt8) -> UInt8 {
    character >= UInt8(ascii: "a") && character <= UInt8(ascii: "z") ? character &- 32 : character
  }

  private func draw(_ character: UInt8, at column: UInt32) {
    let letter = Font.letter(character)
    for row in 0..<Font.rows &* Self.scale {
      for step in 0..<Font.columns &* Self.scale
      where Font.hasInk(letter, column: step / Self.scale, row: row / Self.scale) {
        let offset = (Self.top &+ row) &* ScreenLayout.stride &+ (column &+ step) &* 4
        memory.store32(UInt64(offset), ink)
      }
    }
  }

  /// White on dark colours, black on light ones.
  private var ink: UInt32 {
    let brightness = 2 &* (colour &>> 16) &+ 5 &* (colour &>> 8 & 0xFF) &+ colour & 0xFF
    return brightness < 8 * 150 ? 0xFF_FFFF : 0
  }
}
