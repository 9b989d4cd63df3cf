import Appliance
import Testing

/// xorshift64*: the same inputs in every run.
struct FixedGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }

  mutating func below(_ bound: Int) -> Int { Int(next() >> 33) % bound }
}

/// Hostile trees: a million of them, none of which may trap the reader or keep it walking.
@Suite struct DeviceTreeFuzzTests {
  private static let inputs = 1_000_000
  private static let temptingCells: [UInt32] = [
    0, 1, 2, 3, 4, 9, 40, 56, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFC, 0xFFFF_FFFF, 0xD00D_FEED,
  ]

  /// Damages one to four places of the sample, walks it, and mends it again.
  @Test func mutatedTrees() {
    let original = TestBlob.sample()
    let blob = TestBlob.sample()
    var random = FixedGenerator(seed: 0x5EED_0001)
    var malformed = 0
    for _ in 0..<Self.inputs * 9 / 10 {
      let places = (0..<1 + random.below(4)).map { _ in damage(blob, &random) }
      malformed += walk(blob.blob) ? 0 : 1
      for place in places {
        for offset in place..<min(place + 4, blob.count) { blob[offset] = original[offset] }
      }
    }
    #expect(malformed > Self.inputs / 10)
  }

  /// Random bytes behind a header that is right.
  @Test func randomTrees() {
    let blob = TestBlob.sample()
    var random = FixedGenerator(seed: 0x5EED_0002)
    for _ in 0..<Self.inputs / 10 {
      for offset in stride(from: 56, to: blob.count - 4, by: 4) {
        let isToken = random.below(2) == 0
        blob.storeCell(
          isToken ? UInt32(random.below(5)) : UInt32(truncatingIfNeeded: random.next()), at: offset)
      }
      _ = walk(blob.blob)
    }
  }

  /// Returns where.
  private func damage(_ blob: TestBlob, _ random: inout FixedGenerator) -> Int {
    let place = random.below(blob.count / 4) * 4
    switch random.below(3) {
    case 0: blob[place + random.below(4)] ^= 1 << UInt8(random.below(8))
    case 1: blob.storeCell(Self.temptingCells[random.below(Self.temptingCells.count)], at: place)
    default:
      blob.storeCell(
        UInt32(truncatingIfNeeded: random.next() >> UInt64(random.below(33))), at: place)
    }
    return place
  }

  /// Walks to the end and touches what a reader would; whether the tree was sound.
  private func walk(_ blob: Blob) -> Bool {
    var tree = DeviceTree(blob)
    guard tree.readHeader() else { return false }
    tree.goToReservations()
    _ = tree.blob.number(cells: 2)
    for _ in 0...blob.count {
      switch tree.next() {
      case .end: return true
      case .malformed: return false
      case .endNode, .beginNode: break
      case .property:
        #expect(tree.value >= 0 && tree.length >= 0 && tree.value + tree.length <= blob.count)
        _ = tree.propertyName
        _ = tree.blob.number(cells: UInt8(truncatingIfNeeded: tree.length / 4))
      }
    }
    Issue.record("the walk does not end")
    return false
  }
}
