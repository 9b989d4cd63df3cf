import Translator

/// Memory of a test: zero where nothing was written.
final class TestSpace: AddressSpace {
  private var pages: [UInt32: [UInt32]] = [:]
  /// Pages that were read, for tests that look.
  private(set) var readPages: Set<UInt32> = []
  /// What was published, for tests that look.
  private(set) var published = 0

  func word(_ address: UInt32) -> UInt32 {
    readPages.insert(address >> 12)
    return pages[address >> 12]?[Int(address >> 2 & 1023)] ?? 0
  }

  func halfword(_ address: UInt32) -> UInt32 { word(address) >> (address & 2 * 8) & 0xFFFF }

  func setWord(_ address: UInt32, _ value: UInt32) {
    pages[address >> 12, default: Array(repeating: 0, count: 1024)][Int(address >> 2 & 1023)] = value
  }

  /// Of bytes, in memory order.
  func load(_ address: UInt32, bytes: UInt32) -> UInt32 {
    (0..<bytes).reduce(0) { $0 | (word(address + $1) >> (8 * ((address + $1) & 3)) & 0xFF) << (8 * $1) }
  }

  func store(_ address: UInt32, bytes: UInt32, _ value: UInt32) {
    for byte in 0..<bytes {
      let shift = 8 * ((address + byte) & 3)
      setWord(address + byte, word(address + byte) & ~(0xFF << shift) | (value >> (8 * byte) & 0xFF) << shift)
    }
  }

  /// Addresses that were asked for, and whether to be written.
  private(set) var checked: [(address: UInt32, isWrite: Bool)] = []
  func checkUser(_ address: UInt32, isWrite: Bool) { checked.append((address, isWrite)) }

  func protect(_ address: UInt32, count: UInt32) {}

  func publish(_ address: UInt32, count: UInt32) { published += 1 }

  func setHalfwords(_ address: UInt32, _ values: [UInt32]) {
    for (index, value) in values.enumerated() {
      let place = address + 2 * UInt32(index)
      let shift = place & 2 * 8
      setWord(place, word(place) & ~(0xFFFF << shift) | value << shift)
    }
  }

  func setWords(_ address: UInt32, _ values: [UInt32]) {
    for (index, value) in values.enumerated() { setWord(address + 4 * UInt32(index), value) }
  }

  func words(_ address: UInt32, _ count: Int) -> [UInt32] {
    (0..<count).map { word(address + 4 * UInt32($0)) }
  }
}

/// A translator with a small cache, and guest code at `code`.
struct TranslatedGuest {
  let space = TestSpace()
  let translator: Translator<TestSpace>
  static let cache: UInt32 = 0xF000_0000
  static let table: UInt32 = 0xF100_0000
  static let code: UInt32 = 0x8000

  init(pairs: UInt32 = 4, _ words: [UInt32] = []) {
    translator = Translator(
      space: space,
      layout: CacheLayout(
        cache: TranslatedGuest.cache, pairs: pairs, table: TranslatedGuest.table, directory: 0xF200_0000))
    translator.reset()
    translator[.vectorBase] = 0xFFFF_0000
    space.setWords(TranslatedGuest.code, words)
  }

  /// Enters and returns the cache address.
  func enter(_ address: UInt32 = code) -> UInt32 {
    translator.enter(address)
    return translator[.position]
  }

  /// What the translator says when cached code leaves by the SVC at an address.
  func leave(at address: UInt32) -> Translator<TestSpace>.Outcome {
    translator[.position] = address + 4
    return translator.handle(space.word(address) & 0xFF_FFFF)
  }

  /// The guest's PC if the cached code stops at an address.
  func programCounter(at address: UInt32) -> UInt32? {
    translator[.position] = address
    return translator.recover() ? translator[.programCounter] : nil
  }
}
