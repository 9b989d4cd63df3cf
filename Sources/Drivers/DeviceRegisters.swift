/// The registers of a real device, by byte offset.
public protocol DeviceRegisters {
  func read32(_ offset: UInt32) -> UInt32
  func write32(_ offset: UInt32, _ value: UInt32)
  func read64(_ offset: UInt32) -> UInt64
  func write64(_ offset: UInt32, _ value: UInt64)
}
