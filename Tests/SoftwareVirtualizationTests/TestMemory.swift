import SoftwareVirtualization

/// Physical memory of a test, and the TLB of its CPU: what `walk` found stays until it is forgotten.
final class TestMemory: ShadowMemory {
  let layout: ShadowLayout
  var regime = TranslationRegime(control: 1, table0: 0x4000_0000, table1: 0, tableControl: 0, domains: 0x55)
  private var memory = Words()
  /// What the hardware walks: it does not look into the cache.
  private var walked = Words()
  private var buffer: [UInt64: Found] = [:]

  init(layout: ShadowLayout) { self.layout = layout }

  /// By addresses on the bus; zero where nothing was written.
  private struct Words {
    private var pages: [UInt32: [UInt32]] = [:]

    subscript(_ address: UInt32) -> UInt32 {
      get { pages[address >> 12]?[Int(address >> 2 & 1023)] ?? 0 }
      set {
        pages[address >> 12, default: Array(repeating: 0, count: 1024)][Int(address >> 2 & 1023)] = newValue
      }
    }
  }

  struct Found: Equatable {
    var physical: UInt32
    var writes: Bool
    var executes: Bool
    var domain: UInt32
  }

  func word(_ place: UInt32) -> UInt32 { memory[place &+ layout.offset] }
  func setWord(_ place: UInt32, _ value: UInt32) { memory[place &+ layout.offset] = value }
  func setDescriptor(_ place: UInt32, _ value: UInt32) {
    setWord(place, value)
    walked[place &+ layout.offset] = value
  }

  func descriptor(_ address: UInt32, isSecond: Bool) -> UInt32 { memory[address] }
  func setGuestWord(_ address: UInt32, _ value: UInt32) { memory[address] = value }

  func clear(_ place: UInt32, bytes: UInt32) {
    for offset in stride(from: 0, to: bytes, by: 4) where word(place + offset) != 0 {
      setDescriptor(place + offset, 0)
    }
  }

  func copy(_ destination: UInt32, _ source: UInt32, bytes: UInt32) {
    for offset in stride(from: 0, to: bytes, by: 4) {
      setDescriptor(destination + offset, word(source + offset))
    }
  }

  func forgetTranslation(of page: UInt32) {
    buffer = buffer.filter { UInt32(truncatingIfNeeded: $0.key) >> 12 != page >> 12 }
  }

  func forgetTranslations(of space: UInt32) { buffer = buffer.filter { UInt32($0.key >> 32) != space } }

  func forgetTranslations() { buffer = [:] }

  /// What a CPU in User mode finds, by a table and an ASID; nil: a translation fault.
  func walk(_ table: UInt32, _ identifier: UInt32, _ address: UInt32) -> Found? {
    let key = UInt64(identifier) << 32 | UInt64(address & ~4095)
    if let found = buffer[key] { return found }
    let first = walked[table + address >> 18 & ~3]
    let domain = first >> 5 & 15
    let found: Found
    switch first & 3 {
    case 1:
      let second = walked[first & ~1023 + address >> 10 & 1020]
      guard second & 2 != 0, second & 0x20 != 0 else { return nil }
      found = Found(
        physical: second & ~4095, writes: second & 0x200 == 0, executes: second & 1 == 0, domain: domain)
    case 2:
      guard first & 0x800 != 0 else { return nil }
      found = Found(
        physical: first & 0xFFF0_0000 + address & 0xF_F000, writes: first & 0x8000 == 0,
        executes: first & 0x10 == 0, domain: domain)
    default: return nil
    }
    buffer[key] = found
    return found
  }
}

/// A guest with 4 MB of memory at 0x4000_0000, its first table at the beginning of it.
struct ShadowGuest {
  let memory: TestMemory
  let tables: ShadowTables<TestMemory>
  let map = GuestMemory(base: 0x4000_0000, size: 0x40_0000, location: 0x6080_0000)

  init(spaces: UInt32 = 3, tables count: UInt32 = 8) {
    memory = TestMemory(
      layout: ShadowLayout(
        base: 0xFE60_0000, offset: 0x7230_0000, spaces: spaces, tables: count, map: map, reserved: 0xFE0..<0xFE2
      ))
    tables = ShadowTables(memory: memory)
    tables.reset()
    tables.reserve(0xFE0, descriptor: 0xABC0_0002)
  }

  /// Writes a first-level descriptor of the guest's.
  func setFirst(_ address: UInt32, _ descriptor: UInt32, table: UInt32 = 0x4000_0000) {
    memory.setGuestWord(map.physical(table)! + address >> 18 & ~3, descriptor)
  }

  /// Writes a small page's descriptor, in a second-level table that lies at a guest address.
  func setSecond(_ table: UInt32, _ address: UInt32, _ descriptor: UInt32) {
    memory.setGuestWord(map.physical(table)! + address >> 10 & 1020, descriptor)
  }
}
