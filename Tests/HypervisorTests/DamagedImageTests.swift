import Appliance
import Testing

@testable import HostCommands
@testable import Hypervisor

/// A device image that is damaged: the hypervisor checks what it follows, and says so.
@Suite(.reportsHangs) struct DamagedImageTests {
  /// Offsets in a VM's record (`PhoneRecordTests` pins them).
  private enum Offset {
    static let memoryBase = 16, memorySize = 24, entry = 32
    static let cpuCount = 48, segmentCount = 50, seedCount = 51, placement = 56
    static let segments = 80, seeds = 224
  }

  /// Where the phone record lies in the image.
  private func record(in image: [UInt8]) throws -> Int {
    let magic = withUnsafeBytes(of: PhoneHeader.expectedMagic.littleEndian) { Array($0) }
    let places = stride(from: 0, to: image.count - 8, by: 8).filter { Array(image[$0..<$0 + 8]) == magic }
    return try #require(places.first)
  }

  /// Starts with a number written into the record.
  private func start(_ offset: Int, _ value: UInt64, bytes: Int, machine: Int? = 0) throws -> ScriptedPhone {
    let phone = try ScriptedPhone()
    let place = try record(in: phone.image) + (machine.map { 64 + $0 * 256 } ?? 0) + offset
    for byte in 0..<bytes { phone.image[place + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)) }
    phone.start()
    #expect(phone.board.violations.isEmpty, "\(offset): \(String(value, radix: 16))")
    return phone
  }

  private func isRefused(_ offset: Int, _ value: UInt64, bytes: Int = 8, machine: Int? = 0) throws -> Bool {
    let phone = try start(offset, value, bytes: bytes, machine: machine)
    return phone.running == [nil] && phone.output.contains(/damaged|another version|no valid phone record/)
  }

  @Test(arguments: [(0, 1, 8), (8, 0, 4), (8, 9, 4), (8, 0xFFFF_FFFF, 4)] as [(Int, UInt64, Int)])
  func header(offset: Int, value: UInt64, bytes: Int) throws {
    #expect(try isRefused(offset, value, bytes: bytes, machine: nil))
  }

  @Test(
    arguments: [
      (Offset.memoryBase, 0), (Offset.memoryBase, 0x4000_1000), (Offset.memoryBase, 1 << 36),
      (Offset.memoryBase, ~0 << 21), (Offset.memorySize, 0), (Offset.memorySize, 0x40_1000),
      (Offset.memorySize, 1 << 36), (Offset.memorySize, ~0 << 21), (Offset.entry, 0),
      (Offset.entry, 0x4020_0002),
      (Offset.entry, 0x4040_0000), (Offset.entry, ~3),
    ] as [(Int, UInt64)])
  func memory(offset: Int, value: UInt64) throws {
    #expect(try isRefused(offset, value))
  }

  @Test(
    arguments: [
      (Offset.cpuCount, 0), (Offset.cpuCount, 9), (Offset.cpuCount, 255), (Offset.segmentCount, 7),
      (Offset.segmentCount, 255), (Offset.seedCount, 3), (Offset.seedCount, 255),
    ] as [(Int, UInt64)])
  func counts(offset: Int, value: UInt64) throws {
    #expect(try isRefused(offset, value, bytes: 1))
  }

  /// Source, size and destination of the first segment: beyond the image, beyond the VM, wrapping.
  @Test(
    arguments: [
      (0, 1 << 40), (0, ~1), (8, 1 << 40), (8, ~0), (16, 0), (16, 0x3FFF_F000), (16, 0x4040_0000), (16, ~0),
    ] as [(Int, UInt64)])
  func segments(offset: Int, value: UInt64) throws {
    #expect(try isRefused(Offset.segments + offset, value))
  }

  @Test(arguments: [(0, 0), (0, 0x403F_FFF8), (0, ~0), (8, 1 << 40), (8, ~0)] as [(Int, UInt64)])
  func seeds(offset: Int, value: UInt64) throws {
    #expect(try isRefused(Offset.seeds + offset, value))
  }

  /// A placement on a CPU that the board does not have is counted around.
  @Test func placement() throws {
    #expect(try start(Offset.placement, 0xFF, bytes: 1).running == ["work.0"])
  }

  @Test func nothingToLoad() throws {
    #expect(try start(Offset.segmentCount, 0, bytes: 2).running == ["work.0"])
  }

  /// Any other bit of the record: a message or a guest, never a write where none belongs. (Memory that is
  /// larger than the board has its own message.)
  @Test func everyBitOfTheRecord() throws {
    let image = try ScriptedPhone().image
    let place = try record(in: image)
    for bit in 0..<(64 + 256) * 8 {
      let phone = ScriptedPhone(image: image)
      phone.image[place + bit / 8] ^= 1 << UInt8(bit % 8)
      phone.start()
      #expect(phone.board.violations.isEmpty, "bit \(bit)")
      #expect(
        phone.running[0] != nil
          || phone.output.contains(
            /damaged|another version|another interrupt controller|GIC|no valid|not enough|32-bit/),
        "bit \(bit)")
    }
  }

  /// A phone of one record with a count of two reads what lies behind it; as a record that is damaged.
  @Test func fewerRecordsThanCounted() throws {
    #expect(try isRefused(8, 2, bytes: 4, machine: nil))
  }

  /// Random damage to the FIT around it.
  @Test func everyByteOfTheTree() throws {
    let image = try ScriptedPhone().image
    let size = Int(image[4]) << 24 | Int(image[5]) << 16 | Int(image[6]) << 8 | Int(image[7])
    for byte in 0..<size {
      let phone = ScriptedPhone(image: image)
      phone.image[byte] ^= UInt8(truncatingIfNeeded: byte &* 73 | 1)
      phone.start()
      #expect(phone.board.violations.isEmpty, "byte \(byte)")
      #expect(phone.running[0] != nil || !phone.output.isEmpty, "byte \(byte)")
    }
  }
}

/// A board's device tree is the boot loader's, but one that is damaged must not lead astray either.
@Suite(.reportsHangs) struct DamagedBoardTests {
  @Test func everyByteOfTheTree() throws {
    let image = try ScriptedPhone().image
    let size = BoardTree(cpus: 1, imageSize: image.count).root.flattened().count
    for byte in 0..<size {
      let phone = ScriptedPhone(image: image)
      phone.treeDamage = (byte, UInt8(truncatingIfNeeded: byte &* 73 | 1))
      phone.start()
    }
    // Addresses that the tree names are believed: all that is expected is that nothing traps.
  }
}
