import Testing
import VirtualDevices

/// A PL011 as a driver uses it, by the offsets of DDI 0183.
struct UARTDriver {
  var device = VirtualPL011()
  var isTransmitterFull = false

  enum Offset {
    static let data: UInt32 = 0x00
    static let receiveStatus: UInt32 = 0x04
    static let flags: UInt32 = 0x18
    static let lineControl: UInt32 = 0x2C
    static let control: UInt32 = 0x30
    static let levelSelect: UInt32 = 0x34
    static let mask: UInt32 = 0x38
    static let rawStatus: UInt32 = 0x3C
    static let maskedStatus: UInt32 = 0x40
    static let clear: UInt32 = 0x44
  }

  static let receive: UInt32 = 1 << 4
  static let transmit: UInt32 = 1 << 5
  static let receiveTimeout: UInt32 = 1 << 6
  static let overrun: UInt32 = 1 << 10

  /// With the FIFOs on or off.
  init(fifos: Bool = true) {
    self[Offset.lineControl] = fifos ? 0x70 : 0x60
  }

  subscript(offset: UInt32) -> UInt32 {
    mutating get {
      offset == Offset.flags ? device.flags(isTransmitterFull: isTransmitterFull) : device.read(offset: offset)
    }
    set { device.write(newValue, offset: offset) }
  }

  var flags: UInt32 { mutating get { self[Offset.flags] } }
  var raw: UInt32 { mutating get { self[Offset.rawStatus] } }

  mutating func receive(_ count: Int) {
    for index in 0..<count { device.receive(UInt8(truncatingIfNeeded: index)) }
  }
}

@Suite struct VirtualPL011Tests {
  private typealias Offset = UARTDriver.Offset

  @Test func emptyAtPowerOn() {
    var uart = UARTDriver()
    #expect(uart.flags == 0x90)
    #expect(uart[Offset.control] == 0x300)
    #expect(uart[Offset.levelSelect] == 0x12)
    #expect(uart.raw == 0)
    #expect(!uart.device.isInterrupting)
  }

  @Test func receivesInOrder() {
    var uart = UARTDriver()
    uart.receive(3)
    #expect((0..<3).map { _ in uart[Offset.data] } == [0, 1, 2])
    #expect(uart.flags & 0x10 != 0)
    #expect(uart[Offset.data] == 0)
  }

  /// RXFF at 32 characters with the FIFOs on, at one without.
  @Test(arguments: [(true, 32), (false, 1)]) func depth(fifos: Bool, depth: Int) {
    var uart = UARTDriver(fifos: fifos)
    uart.receive(depth - 1)
    #expect(uart.flags & 0x40 == 0)
    uart.receive(1)
    #expect(uart.flags & 0x50 == 0x40)
  }

  /// UARTIFLS.RXIFLSEL: 1/8, 1/4, 1/2, 3/4, 7/8 of 32; what is reserved counts as the last.
  @Test(arguments: zip([0, 1, 2, 3, 4, 5, 7] as [UInt32], [4, 8, 16, 24, 28, 28, 28]))
  func receiveLevel(select: UInt32, level: Int) {
    var uart = UARTDriver()
    uart[Offset.levelSelect] = select << 3
    uart.receive(level - 1)
    #expect(uart.raw & UARTDriver.receive == 0)
    uart.receive(1)
    #expect(uart.raw & UARTDriver.receive != 0)
    _ = uart[Offset.data]
    #expect(uart.raw & UARTDriver.receive == 0)
  }

  /// Fewer characters than the level are told by the time-out, until the last was read.
  @Test func timeout() {
    var uart = UARTDriver()
    uart.receive(2)
    #expect(uart.raw == UARTDriver.receiveTimeout)
    _ = uart[Offset.data]
    #expect(uart.raw == UARTDriver.receiveTimeout)
    _ = uart[Offset.data]
    #expect(uart.raw == 0)
  }

  @Test func withoutFIFOsEveryCharacterInterrupts() {
    var uart = UARTDriver(fifos: false)
    uart.receive(1)
    #expect(uart.raw & UARTDriver.receive != 0)
  }

  /// What does not fit on the wire either is lost; the next character read carries OE.
  @Test func overrun() {
    var uart = UARTDriver()
    uart.receive(300)
    #expect(uart.raw & UARTDriver.overrun != 0)
    #expect(uart[Offset.receiveStatus] == 8)
    #expect(uart[Offset.data] == 0x800)
    #expect(uart[Offset.data] == 1)
    #expect(uart.raw & UARTDriver.overrun != 0)
    uart[Offset.clear] = UARTDriver.overrun
    #expect(uart.raw & UARTDriver.overrun == 0)
  }

  @Test func errorsAreClearedByAnyWrite() {
    var uart = UARTDriver()
    uart.receive(300)
    uart[Offset.receiveStatus] = 0
    #expect(uart[Offset.receiveStatus] == 0)
  }

  /// Without FIFOs there is one character's room.
  @Test func switchingFIFOsOff() {
    var uart = UARTDriver()
    uart.receive(20)
    uart[Offset.lineControl] = 0x60
    _ = uart[Offset.data]
    #expect(uart.flags & 0x10 != 0)
    #expect(uart.raw & (UARTDriver.receive | UARTDriver.receiveTimeout) == 0)
  }

  @Test func masks() {
    var uart = UARTDriver()
    uart.device.transmitted()
    uart.receive(1)
    #expect(uart.raw == UARTDriver.transmit | UARTDriver.receiveTimeout)
    #expect(uart[Offset.maskedStatus] == 0)
    #expect(!uart.device.isInterrupting)
    uart[Offset.mask] = UARTDriver.transmit
    #expect(uart[Offset.maskedStatus] == UARTDriver.transmit)
    #expect(uart.device.isInterrupting)
    uart[Offset.clear] = UARTDriver.transmit
    #expect(!uart.device.isInterrupting)
    uart[Offset.mask] = ~0
    #expect(uart[Offset.mask] == 0x7FF)
    #expect(uart[Offset.maskedStatus] == UARTDriver.receiveTimeout)
  }

  /// TXFF and BUSY while full, TXFE otherwise.
  @Test func transmitFlags() {
    var uart = UARTDriver()
    uart.isTransmitterFull = true
    #expect(uart.flags & 0xA8 == 0x28)
    uart.isTransmitterFull = false
    #expect(uart.flags & 0xA8 == 0x80)
  }

  @Test func settingsReadBack() {
    var uart = UARTDriver()
    for (offset, kept) in [(0x24, 0xFFFF), (0x28, 0x3F), (0x2C, 0xFF), (0x30, 0xFFFF), (0x34, 0x3F)]
      as [(UInt32, UInt32)]
    {
      uart[offset] = ~0
      #expect(uart[offset] == kept, "offset \(offset)")
    }
  }

  /// Peripheral and cell identification, by which drivers find a PL011 r1p5.
  @Test func identification() {
    var uart = UARTDriver()
    let bytes = stride(from: 0xFE0 as UInt32, through: 0xFFC, by: 4).map { uart[$0] }
    #expect(bytes == [0x11, 0x10, 0x34, 0x00, 0x0D, 0xF0, 0x05, 0xB1])
  }

  /// Reading or writing what is not there does nothing, at every offset.
  @Test func everyOffset() {
    var uart = UARTDriver()
    let settings: Set<UInt32> = [0x24, 0x28, 0x2C, 0x30, 0x34, 0x38]
    for offset in stride(from: 4 as UInt32, to: 0xFE0, by: 4) where !settings.contains(offset) {
      let before = uart[offset]
      uart[offset] = ~0
      #expect(uart[offset] == before, "offset \(offset)")
    }
  }
}
