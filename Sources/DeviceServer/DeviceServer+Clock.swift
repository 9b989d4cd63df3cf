// The clients' clock: a page that looks like a PL031 (ARM DDI 0224), whose data register the server keeps right.

import Drivers
import Virtio

extension DeviceServer {
  /// RTCPeriphID0…3 and RTCPCellID0…3, a byte each, at 0xFE0 and every fourth byte behind it.
  private static var clockIdentification: UInt64 { 0xB105_F00D_0004_1031 }

  /// Writes the time, in seconds: the board's clock, or since the board was started where it has none.
  func updateClock() {
    let now =
      board.clock == 0
      ? UInt32(truncatingIfNeeded: machine.counter / max(machine.frequency, 1))
      : machine.registers(at: board.clock).read32(0)
    memory.clock.store32(0, now)
    for index in UInt64(0)..<8 {
      memory.clock.store32(
        0xFE0 &+ index &* 4, UInt32(truncatingIfNeeded: Self.clockIdentification &>> (index &* 8)) & 0xFF)
    }
    machine.clean(memory.clock)
  }
}
