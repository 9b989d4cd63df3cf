import Translator

/// Code in A32 with the literals that lie in it, and what the decoder says of each word.
struct TextSection {
  let address: UInt32
  let words: [UInt32]
  /// What a word is; nil for a literal.
  private(set) var classes: [InstructionClass?]

  private let symbols: [UInt32]
  /// Addresses that tables hold.
  private let code: Range<UInt32>

  /// - Parameters:
  ///   - symbols: addresses of functions and of data between them, in order: data that is read by an address in a
  ///     register ends there at the latest.
  ///   - code: addresses that tables of branches hold, its own if nil.
  ///   - data: addresses where data is.
  init(
    _ words: [UInt32], at address: UInt32, symbols: [UInt32] = [], code: Range<UInt32>? = nil,
    data: [Range<UInt32>] = []
  ) {
    self.address = address
    self.words = words
    self.symbols = symbols
    self.code = code ?? address..<address + UInt32(words.count) * 4
    classes = []
    classes.reserveCapacity(words.count)
    var literals = [Bool](repeating: false, count: words.count)
    for range in data {
      for place in stride(from: range.lowerBound, to: range.upperBound, by: 4) where place >= address {
        literals[Int(place - address) / 4] = true
      }
    }
    for (index, word) in words.enumerated() {
      if literals[index] {
        classes.append(nil)
        continue
      }
      let instruction = A32Decoder.decode(word, at: address &+ UInt32(index) * 4)
      classes.append(InstructionClass(instruction, word))
      for literal in dataRead(by: instruction, index) where words.indices.contains(literal) {
        literals[literal] = true
        // Most are behind what reads them; others have been taken for instructions.
        if literal <= index { classes[literal] = nil }
      }
    }
  }

  /// The indices of words that an instruction reads relative to the PC, or that are read by an address it makes.
  private func dataRead(by instruction: Instruction, _ index: Int) -> Range<Int> {
    switch instruction.operation {
    case .substitute(let word, _) where word >> 25 & 7 == 3: return word & 1 << 20 != 0 ? table(index) : 0..<0
    case .substitute(let word, _): return literal(word, from: index + 2)
    case .loadedBranch(let word, _) where word >> 16 & 15 == 15:
      return word & 1 << 25 != 0 ? table(index) : literal(word, from: index + 2)
    case .constant(let register, let value): return data(at: value, in: register, index)
    default: return 0..<0
    }
  }

  /// LDR, LDRB, LDRH, LDRD, VLDR of an offset, from a base that points to a word.
  private func literal(_ word: UInt32, from base: Int) -> Range<Int> {
    let offset: UInt32
    var count = 1
    switch word >> 25 & 7 {
    case 2: offset = word & 0xFFF
    case 0 where word & 1 << 22 != 0 && word & 0x90 == 0x90:
      offset = word >> 4 & 0xF0 | word & 15
      if word & 1 << 20 == 0 { count = 2 }
    case 6:
      offset = word << 2 & 0x3FC
      if word & 0x100 != 0 { count = 2 }
    default: return 0..<0
    }
    let distance = Int(offset >> 2)
    let first = word & 1 << 23 != 0 ? base + distance : base - distance
    return first..<first + count
  }

  /// Addresses from the word after next on.
  private func table(_ index: Int) -> Range<Int> {
    var end = index + 2
    while end < words.count, words[end] & 3 == 0, code.contains(words[end]) { end += 1 }
    return index + 2..<end
  }

  /// What is read soon by an address in a register. What begins with a literal load is code that is copied.
  private func data(at value: UInt32, in register: UInt32, _ index: Int) -> Range<Int> {
    let first = Int(value &- address) / 4
    guard value & 3 == 0, words.indices.contains(first), words[first] & 0x0F7F_0000 != 0x051F_0000
    else { return 0..<0 }
    for word in words[(index + 1)...].prefix(16) where word >> 28 != 15 && word >> 16 & 15 == register {
      switch word >> 25 & 7 {
      case 4 where word & (3 << 20) == 1 << 20: return first..<first + (word & 0xFFFF).nonzeroBitCount
      case 4 where word & 1 << 20 != 0: return first..<end(value)
      case 2 where word & 0x130_0000 == 0x10_0000: return first..<end(value)
      case 2 where word & 1 << 20 != 0 && word & 0xFFF == 0: return first..<first + 1
      case 3 where word & 0x10_0010 == 0x10_0000: return first..<end(value)
      case 0 where word & 0x1F0_0FFF == 0x1C0_00D0: return first..<first + 2
      default: continue
      }
    }
    return 0..<0
  }

  /// The index of the symbol behind an address, of the next word without symbols.
  private func end(_ value: UInt32) -> Int {
    if symbols.isEmpty { return Int(value &- address) / 4 + 1 }
    var range = symbols.startIndex..<symbols.endIndex
    while !range.isEmpty {
      let middle = (range.lowerBound + range.upperBound) / 2
      range = symbols[middle] > value ? range.lowerBound..<middle : middle + 1..<range.upperBound
    }
    return range.lowerBound < symbols.count ? Int(symbols[range.lowerBound] &- address) / 4 : words.count
  }

  /// How many words there are of each class.
  var counts: [InstructionClass: Int] {
    classes.reduce(into: [:]) { counts, kind in if let kind { counts[kind, default: 0] += 1 } }
  }
  var literalCount: Int { classes.count { $0 == nil } }

  /// Where words of a class are.
  func places(of kind: InstructionClass) -> [(address: UInt32, word: UInt32)] {
    classes.indices.filter { classes[$0] == kind }.map { (address + UInt32($0) * 4, words[$0]) }
  }
}
