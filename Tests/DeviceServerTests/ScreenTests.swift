import Appliance
import Testing
import Virtio

@testable import DeviceServer

@Suite struct FirmwareConfigurationTests {
  let board = ScreenBoard()

  func open() -> FirmwareConfiguration<ScreenBoard>? {
    var arena = Arena(board.own.view)
    return FirmwareConfiguration(machine: board, address: FakeFirmware.address, arena: &arena)
  }

  @Test func findsAFileByItsWholeName() throws {
    let configuration = try #require(open())
    #expect(configuration.key(of: "etc/ramfb") == UInt32(FakeFirmware.ramfb))
    #expect(configuration.key(of: "bootorder") == 0x20)
    #expect(configuration.key(of: "etc/ram") == nil)
    #expect(configuration.key(of: "etc/ramfb-older") == nil)
  }

  @Test func aDirectoryThatClaimsMoreThanThereIsEnds() throws {
    board.firmware.invented = 0xFFFF_0000
    #expect(try #require(open()).key(of: "etc/nothing") == nil)
  }

  @Test func aBrokenDeviceIsNotUsed() throws {
    let configuration = try #require(open())
    board.firmware.isBroken = true
    #expect(configuration.key(of: "etc/ramfb") == nil)
    #expect(!configuration.write(count: 4, to: 1))
  }

  @Test func needsDMAAndMemory() {
    board.firmware.signature = 0
    #expect(open() == nil)
    board.firmware.signature = 0x554D_4551
    var arena = Arena(board.own.view.part(at: 0x4000_0000, size: 64, start: 0x4000_0000))
    #expect(FirmwareConfiguration(machine: board, address: FakeFirmware.address, arena: &arena) == nil)
  }

  /// QEMU, docs/specs/fw_cfg and hw/display/ramfb: 28 bytes, big-endian.
  @Test func tellsRamfbWhereThePictureIs() throws {
    let screen = try #require(open().flatMap { Screen($0) })
    #expect(screen.show(0x1_2345_6000))
    let expected: [UInt8] = [
      0, 0, 0, 1, 0x23, 0x45, 0x60, 0,  // address
      0x34, 0x32, 0x52, 0x58, 0, 0, 0, 0,  // "XR24", flags
      0, 0, 1, 0xE0, 0, 0, 3, 0x20, 0, 0, 7, 0x80,  // 480, 800, 1920
    ]
    #expect(board.firmware.written == [expected])
  }

  @Test func aBoardWithoutRamfbHasNoScreen() throws {
    board.firmware.files.removeLast()
    #expect(Screen(try #require(open())) == nil)
  }
}

@Suite struct FontTests {
  @Test func everyLetterIsDrawnAndNoTwoAreAlike() {
    let letters = (UInt8(32)..<127).map { Font.letter($0) }
    #expect(Set(letters).count == letters.count)
    #expect(letters.allSatisfy { $0 >> 35 == 0 })
    #expect(letters.filter { $0 == 0 }.count == 1)
  }

  @Test func whatIsNotPrintableIsAQuestionMark() {
    for character in [0, 31, 127, 200, 255] as [UInt8] { #expect(Font.letter(character) == Font.letter(63)) }
  }

  /// An L: its stem at the left, its foot at the bottom.
  @Test func inkIsWhereTheDrawingHasIt() {
    let letter = Font.letter(UInt8(ascii: "L"))
    for row in UInt32(0)..<7 {
      for column in UInt32(0)..<5 {
        #expect(Font.hasInk(letter, column: column, row: row) == (column == 0 || row == 6))
      }
    }
  }
}

@Suite struct StripTests {
  /// The strip between bytes that nobody may touch.
  func paint(_ name: String, colour: UInt32) -> (pixels: [UInt32], isInside: Bool) {
    let memory = Bytes(Int(ScreenLayout.stripBytes) + 8192)
    memory.base.initializeMemory(as: UInt8.self, repeating: 0xEE, count: Int(memory.view.size))
    let text = Bytes(256)
    for (index, byte) in name.utf8.enumerated() { text.view.store8(UInt64(index), byte) }
    let strip = memory.view.part(at: 4096, size: ScreenLayout.stripBytes, start: 0)
    Strip(strip, colour: colour).paint(
      TreeText(offset: 0, length: name.utf8.count), in: unsafe Blob(base: text.base, count: 256))
    let outside = (0..<UInt64(4096)).map { ($0, $0 + 4096 + ScreenLayout.stripBytes) }
    return (
      (0..<480 * 32).map { strip.load32($0 * 4) },
      outside.allSatisfy { memory.view.load8($0.0) == 0xEE && memory.view.load8($0.1) == 0xEE }
    )
  }

  @Test func hasItsColourADarkEdgeAndWhiteLetters() {
    let (pixels, isInside) = paint("work", colour: 0x2E7D32)
    #expect(isInside)
    #expect(pixels[0] == 0x2E7D32 && pixels[479] == 0x2E7D32)
    #expect(pixels[31 * 480] == 0x173E19 && pixels[29 * 480] == 0x2E7D32)
    #expect(Set(pixels) == [0x2E7D32, 0x173E19, 0xFF_FFFF])
  }

  @Test func lightColoursHaveBlackLetters() {
    #expect(Set(paint("personal", colour: 0xFF_E082).pixels).contains(0))
    #expect(!Set(paint("personal", colour: 0xFF_E082).pixels).contains(0xFF_FFFF))
  }

  /// A letter is 10 x 14 pixels, at row 8 and column 12 + 12 n.
  @Test func namesAreInCapitals() {
    let small = paint("abc-z", colour: 0).pixels
    #expect(small == paint("ABC-Z", colour: 0).pixels)
    let letter = Font.letter(UInt8(ascii: "B"))
    for row in 0..<14 {
      for column in 0..<10 {
        let ink = Font.hasInk(letter, column: UInt32(column / 2), row: UInt32(row / 2))
        #expect((small[(8 + row) * 480 + 24 + column] == 0xFF_FFFF) == ink)
      }
    }
  }

  @Test func aLongNameEndsBeforeTheProduct() {
    let long = String(repeating: "W", count: 200)
    let isInside = paint(long, colour: 0).isInside
    #expect(isInside)
    #expect(
      paint(long, colour: 0).pixels
        == paint(String(repeating: "W", count: Strip.nameLimit), colour: 0).pixels)
  }

  @Test func twoNamesLookDifferent() {
    #expect(paint("work", colour: 0).pixels != paint("personal", colour: 0).pixels)
  }
}
