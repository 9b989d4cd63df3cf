import Appliance
import Drivers
import Testing

@testable import Hypervisor

/// The board's UART, either kind, by the registers that its manual names.
@Suite struct UARTTests {
  /// Registers that remember what was written.
  final class Device: DeviceRegisters {
    var values: [UInt32: UInt32] = [:]
    var written: [UInt32: UInt32] = [:]

    func read32(_ offset: UInt32) -> UInt32 { values[offset] ?? 0 }
    func write32(_ offset: UInt32, _ value: UInt32) { written[offset] = value }
    func read64(_ offset: UInt32) -> UInt64 { UInt64(read32(offset)) }
    func write64(_ offset: UInt32, _ value: UInt64) {
      write32(offset, UInt32(truncatingIfNeeded: value))
    }
  }

  /// A 16550A: LSR at 5, IER at 1, four bytes apart (THRE 5, DR 0; ERBFI 0, ETBEI 1).
  @Test func uart8250() {
    let device = Device()
    let uart = UART(device, is8250: true)
    #expect(!uart.canSend)
    #expect(uart.receive() == nil)
    device.values[0x14] = 0x20
    #expect(uart.canSend)
    #expect(uart.receive() == nil)
    device.values[0x14] = 0x01
    device.values[0] = 0x78
    #expect(!uart.canSend)
    #expect(uart.receive() == 0x78)
    uart.send(0x41)
    #expect(device.written == [0: 0x41])
    uart.interrupt(transmit: true)
    #expect(device.written[0x04] == 3)
    uart.interrupt(transmit: false)
    #expect(device.written[0x04] == 1)
  }

  /// A PL011: FR at 0x18 (TXFF 5, RXFE 4), IMSC at 0x38 (RXIM 4, TXIM 5, RTIM 6).
  @Test func pl011() {
    let device = Device()
    let uart = UART(device, is8250: false)
    device.values[0x18] = 0x10
    #expect(uart.canSend)
    #expect(uart.receive() == nil)
    device.values[0x18] = 0x20
    device.values[0] = 0xF78
    #expect(!uart.canSend)
    #expect(uart.receive() == 0x78)
    uart.interrupt(transmit: true)
    #expect(device.written == [0x38: 0x70])
    uart.interrupt(transmit: false)
    #expect(device.written == [0x38: 0x50])
  }

  @Test(arguments: [("arm,pl011", false), ("ns16550a", true), ("snps,dw-apb-uart", true)])
  func foundInTheTree(compatible: String, is8250: Bool) throws {
    let phone = try ScriptedPhone()
    var node = phone.tree["pl011@9000000"]
    #expect(node.property("compatible") != nil)
    node.set("compatible", "board,uart", compatible)
    phone.tree["pl011@9000000"] = node
    let blob = phone.tree.root.flattened()
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { memory.deallocate() }
    let start = try #require(memory.baseAddress)
    var arena = Arena(start: start, end: start + memory.count)
    let (places, bytes) = (arena.take(Board.self), arena.take(UInt8.self, count: blob.count))
    let (board, copy) = try (#require(places), #require(bytes))
    blob.withUnsafeBytes {
      UnsafeMutableRawPointer(copy).copyMemory(from: $0.baseAddress!, byteCount: $0.count)
    }
    board.pointee.read(Blob(base: copy, count: blob.count), for: ScriptedMachine.self)
    #expect(board.pointee.uart == 0x900_0000)
    #expect((board.pointee.uartKind != .pl011) == is8250)
  }
}
