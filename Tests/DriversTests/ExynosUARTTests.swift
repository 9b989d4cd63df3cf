import Drivers
import ScriptedDevices
import Testing

@Suite struct ExynosUARTTests {
  private let device = ScriptedExynosUART()
  private var port: BoardPort<DeviceView> { .exynos(ExynosUART(DeviceView(device))) }

  @Test func sendsAsLongAsThereIsRoom() {
    device.room = 3
    for character in "abcdef".utf8 where port.canSend { port.send(character) }
    #expect(device.printed == Array("abc".utf8))
    #expect(!port.canSend)
  }

  /// No boot loader has switched the FIFOs on.
  @Test func receives() {
    port.interrupt(transmit: false)
    #expect(port.receive() == nil)
    device.typed = Array("xy".utf8)
    #expect(port.receive() == UInt8(ascii: "x"))
    #expect(port.receive() == UInt8(ascii: "y"))
    #expect(port.receive() == nil)
  }

  /// An interrupt of what was received is over when all of it was taken.
  @Test func interrupts() {
    port.interrupt(transmit: false)
    port.send(0x41)
    #expect(!device.isInterrupting)
    device.typed = [0x42]
    #expect(device.isInterrupting)
    while port.receive() != nil {}
    #expect(!device.isInterrupting)
    port.interrupt(transmit: true)
    port.send(0x43)
    #expect(device.isInterrupting)
  }
}
