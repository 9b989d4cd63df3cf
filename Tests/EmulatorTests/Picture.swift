import Foundation

@testable import HostCommands

/// What a screen shows.
struct Picture: Equatable {
  let columns: Int
  let rows: Int
  /// Red, green and blue of each pixel.
  private let bytes: Data

  /// The strip that tells who is in front, but for the darker line at its lower edge.
  private static let strip = 0..<30
  /// What belongs to the persona in front.
  private static let page = 32..<800

  /// - Parameter file: a portable pixmap with 255 as the largest value (`P6`), as QEMU writes it.
  init(portablePixmap file: Data) throws {
    let header = file.prefix(64).split(separator: 0x0A, maxSplits: 3, omittingEmptySubsequences: false)
    let size = header.count == 4 ? String(decoding: header[1], as: UTF8.self).split(separator: " ") : []
    guard header.first == Data("P6".utf8), size.count == 2, let columns = Int(size[0]), let rows = Int(size[1])
    else { throw InputError("no portable pixmap") }
    let start = header[3].startIndex
    self.columns = columns
    self.rows = rows
    bytes = Data(file[start...])
    guard bytes.count == columns * rows * 3 else { throw InputError("a pixmap of \(bytes.count) bytes") }
  }

  private func rows(_ range: Range<Int>) -> Data {
    bytes.dropFirst(range.lowerBound * columns * 3).prefix(range.count * columns * 3)
  }

  /// How often each colour (0xRRGGBB) is in the strip.
  var stripColours: [Int: Int] { Self.colours(of: rows(Self.strip)) }

  /// The same for the page below.
  var pageColours: [Int: Int] { Self.colours(of: rows(Self.page)) }

  /// The page below the strip.
  var page: Data { rows(Self.page) }

  /// The colour that the whole page has; nil where it has several.
  var onlyColour: Int? {
    let page = page
    let pixel = page.prefix(3)
    guard page.elementsEqual(page.dropFirst(3) + pixel) else { return nil }
    return pixel.reduce(0) { $0 << 8 | Int($1) }
  }

  /// The colour that most of the strip has, if that is more than half of it.
  var stripColour: Int? {
    stripColours.first { $0.value * 2 > columns * Self.strip.count }?.key
  }

  private static func colours(of bytes: Data) -> [Int: Int] {
    let values = Array(bytes)
    var counts: [Int: Int] = [:]
    for place in stride(from: 0, to: values.count, by: 3) {
      counts[Int(values[place]) << 16 | Int(values[place + 1]) << 8 | Int(values[place + 2]), default: 0] += 1
    }
    return counts
  }
}
