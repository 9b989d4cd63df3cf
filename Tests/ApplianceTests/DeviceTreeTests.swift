import Appliance
import Testing

/// The bytes of a device tree under test. They are never freed, since a `Blob` only points to them.
final class TestBlob {
  private let bytes: UnsafeMutableRawBufferPointer

  init(_ content: [UInt8]) {
    bytes = .allocate(byteCount: max(content.count, 1), alignment: 8)
    bytes.copyBytes(from: content)
    count = content.count
  }

  let count: Int
  var blob: Blob { Blob(base: UnsafeRawPointer(bytes.baseAddress!), count: count) }

  subscript(offset: Int) -> UInt8 {
    get { bytes[offset] }
    set { bytes[offset] = newValue }
  }

  func storeCell(_ value: UInt32, at offset: Int) {
    bytes.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
  }
}

extension TestBlob {
  /// A small tree: two nodes below the root, properties of three lengths.
  static func sample() -> TestBlob {
    let structure: [UInt32] = [
      1, 0,
      3, 5, 0, 0x6162_6364, 0x0000_0000,  // compatible = "abcd"
      1, 0x6D65_6D6F, 0x7279_4030, 0,  // memory@0
      3, 16, 11, 0, 0x4000_0000, 0, 0x1000_0000,
      2,
      4,
      1, 0x6370_7500,  // cpu
      3, 0, 11,
      2,
      2,
      9,
    ]
    return TestBlob(structure: structure, strings: "compatible\0reg\0")
  }

  convenience init(structure: [UInt32], strings: String) {
    let structureOffset = 56
    let stringsOffset = structureOffset + structure.count * 4
    let header: [UInt32] = [
      DeviceTree.magic, UInt32(stringsOffset + strings.utf8.count + 1), UInt32(structureOffset),
      UInt32(stringsOffset),
      40, 17, 16, 0, UInt32(strings.utf8.count), UInt32(structure.count * 4),
    ]
    let cells = header + [0, 0, 0, 0] + structure
    let bytes = cells.flatMap { cell in
      (0..<4).map { UInt8(truncatingIfNeeded: cell >> (24 - 8 * UInt32($0))) }
    }
    self.init(bytes + Array(strings.utf8) + [0])
  }
}

@Suite struct DeviceTreeTests {
  @Test func walksAllEvents() throws {
    let sample = TestBlob.sample()
    var tree = try #require(DeviceTree.walk(sample.blob))
    var log: [String] = []
    walk: while true {
      switch tree.next() {
      case .beginNode:
        log.append(sample.blob.byte(at: tree.value) == UInt8(ascii: "m") ? "memory" : "node")
      case .endNode: log.append("end")
      case .property: log.append("property \(tree.length)")
      case .end: break walk
      case .malformed:
        Issue.record("malformed")
        break walk
      }
    }
    #expect(
      log == [
        "node", "property 5", "memory", "property 16", "end", "node", "property 0", "end", "end",
      ])
  }

  @Test func readsValues() throws {
    let sample = TestBlob.sample()
    var tree = try #require(DeviceTree.walk(sample.blob))
    while tree.length != 16 {
      let event = tree.next()
      try #require(event != .end && event != .malformed)
    }
    #expect(tree.name == .reg)
    #expect(sample.blob.name(at: tree.propertyName) == .reg)
    #expect(tree.blob.position == tree.value)
    let (start, size) = (tree.blob.number(cells: 2), tree.blob.number(cells: 2))
    #expect(start == 0x4000_0000)
    #expect(size == 0x1000_0000)
    #expect(sample.blob.number(at: tree.value, cells: 3) == 0x4000_0000_0000_0000)
    #expect(sample.blob.number(at: tree.value, cells: 0) == 0)
  }

  @Test func readsOutsideAreZero() {
    let sample = TestBlob.sample()
    for offset in [-1, -4, sample.count, sample.count + 4, Int.max, Int.min] {
      #expect(sample.blob.byte(at: offset) == 0)
      #expect(sample.blob.cell(at: offset) == 0)
    }
    #expect(sample.blob.cell(at: 2) == 0)
  }

  @Test func refusesHeaders() {
    let damages: [(offset: Int, value: UInt32)] = [
      (0, 0xD00D_FEEE), (4, 0), (4, 0xFFFF_FFFF), (8, 0xFFFF_FFFC), (8, 57), (12, 0x8000_0000),
      (20, 15),
      (24, 18),
      (36, 0xFFFF_FFFF),
    ]
    for damage in damages {
      let sample = TestBlob.sample()
      sample.storeCell(damage.value, at: damage.offset)
      #expect(DeviceTree.walk(sample.blob) == nil, "offset \(damage.offset)")
    }
  }

  @Test func refusesEveryTruncation() {
    let whole = TestBlob.sample()
    let bytes = (0..<whole.count).map { whole[$0] }
    for count in 0..<whole.count {
      let cut = TestBlob(Array(bytes[..<count]))
      #expect(DeviceTree.walk(cut.blob) == nil)
      var tree = DeviceTree(cut.blob)
      _ = tree.readHeader()
      let event = tree.next()
      #expect(event == .malformed)
    }
  }

  @Test func staysMalformed() throws {
    let sample = TestBlob.sample()
    sample.storeCell(7, at: 56)
    var tree = try #require(DeviceTree.walk(sample.blob))
    for _ in 0..<3 {
      guard case .malformed = tree.next() else {
        Issue.record("no .malformed")
        return
      }
    }
  }
}
