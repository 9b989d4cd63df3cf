import Foundation

/// A kernel's table of its own functions, as it keeps it for its stack traces (Linux: kernel/kallsyms.c,
/// scripts/kallsyms.c). Names are made of 256 tokens; each 256th name's place stands in a table of markers.
struct KernelSymbols {
  struct Symbol {
    let address: UInt32
    let name: String
  }

  /// In order of their addresses.
  let all: [Symbol]

  subscript(name: String) -> UInt32? { all.first { $0.name == name }?.address }

  init?(_ image: Data) {
    let image = [UInt8](image)
    guard let tokens = Tokens(image), let names = Names(image, before: tokens.start) else { return nil }
    // Before the names: their number, the base of the addresses, and one offset from it for each.
    let base = image.word(at: names.start - 8)
    let offsets = names.start - 8 - 4 * names.count
    var place = names.start
    var symbols: [Symbol] = []
    for index in 0..<names.count {
      let name = names.next(image, &place).map { tokens.all[Int($0)] }.joined()
      symbols.append(
        Symbol(address: base &+ image.word(at: offsets + 4 * index), name: String(name.dropFirst())))
    }
    all = symbols
  }

  private struct Tokens {
    private(set) var start = 0
    private(set) var all: [String] = []

    /// Those of the digits are the digits, one after the other.
    init?(_ image: [UInt8]) {
      let digits = Data((0..<10).flatMap { [0x30 + $0, 0] })
      var rest = Data(image)[...]
      while let found = rest.range(of: digits) {
        var first = found.lowerBound
        for _ in 0..<0x30 { first = image[..<(first - 1)].lastIndex(of: 0)! + 1 }
        start = first
        if read(image) { return }
        rest = rest[(found.lowerBound + 1)...]
      }
      return nil
    }

    /// - Returns: whether the index behind them says where they are.
    private mutating func read(_ image: [UInt8]) -> Bool {
      var place = start
      var places: [UInt32] = []
      all = []
      for _ in 0..<256 {
        let end = image[place...].firstIndex(of: 0)!
        places.append(UInt32(place - start))
        all.append(String(decoding: image[place..<end], as: UTF8.self))
        place = end + 1
      }
      let index = (place + 3) & ~3
      return places.enumerated().allSatisfy { image.word(at: index + 2 * $0.offset) & 0xFFFF == $0.element }
    }
  }

  private struct Names {
    let start: Int
    let count: Int

    /// Between markers and tokens stands how to find a name; before the markers, the names.
    init?(_ image: [UInt8], before end: Int) {
      for markers in stride(from: end & ~3, to: end - (1 << 20), by: -4) where image.word(at: markers) == 0 {
        var last = markers
        while (256..<25600).contains(Int(image.word(at: last + 4)) - Int(image.word(at: last))) { last += 4 }
        if last - markers < 400 { continue }
        let size = Int(image.word(at: last))
        let range = ((last - markers) / 4 * 256 + 1)...((last - markers) / 4 * 256 + 256)
        // Their number stands before them.
        for first in stride(from: (markers - size) & ~3, to: markers - size - 25600, by: -4)
        where range.contains(Int(image.word(at: first - 4))) {
          self.init(start: first, count: Int(image.word(at: first - 4)))
          if ends(image, at: markers) { return }
        }
      }
      return nil
    }

    private init(start: Int, count: Int) {
      self.start = start
      self.count = count
    }

    private func ends(_ image: [UInt8], at end: Int) -> Bool {
      var place = start
      for _ in 0..<count {
        guard place < end else { return false }
        _ = next(image, &place)
      }
      return (place + 3) & ~3 == end
    }

    /// A name: the number of its tokens in one byte or two, and the tokens.
    func next(_ image: [UInt8], _ place: inout Int) -> ArraySlice<UInt8> {
      var length = Int(image[place])
      place += 1
      if length & 0x80 != 0 {
        length = length & 0x7F | Int(image[place]) << 7
        place += 1
      }
      place += length
      return image[(place - length)..<place]
    }
  }
}

extension [UInt8] {
  /// A little-endian word.
  func word(at place: Int) -> UInt32 {
    unsafe withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: place, as: UInt32.self) }
  }
}
