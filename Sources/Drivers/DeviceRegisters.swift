/// The registers of a real device, by byte offset.
public protocol DeviceRegisters {
  func read32(_ offset: UInt32) -> UInt32
  func write32(_ offset: UInt32, _ value: UInt32)
  func read64(_ offset: UInt32) -> UInt64
  func write64(_ offset: UInt32, _ value: UInt64)
}

extension DeviceRegisters {
  /// Waits until bits read as zero; not for ever, where a device is broken.
  @inline(never) func wait(until offset: UInt32, lacks bits: UInt32) {
    var patience: UInt32 = 1 << 20
    while read32(offset) & bits != 0, patience != 0 { patience &-= 1 }
  }

  /// Waits until one of some bits reads as one, likewise.
  @inline(never) func wait(until offset: UInt32, has bits: UInt32) {
    var patience: UInt32 = 1 << 20
    while read32(offset) & bits == 0, patience != 0 { patience &-= 1 }
  }
}
