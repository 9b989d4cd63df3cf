import Synchronization

/// The page by which the hypervisor and the device server speak of a VM: registers of its virtio devices, what it stored
/// there, and what the server may know (Documentation/DeviceServer.md has the offsets). Both can write all of it, so the
/// hypervisor believes nothing that it reads here: it only hands it to the VM.
@safe public struct RegisterPage {
  /// 4096 bytes.
  private let base: UnsafeMutableRawPointer

  /// One past the last byte of the places of virtio devices, seven of 512 bytes.
  public static var placesEnd: UInt32 { 0xE00 }
  /// What the first virtual CPU of a client stores at power-on.
  public static var powerOn: UInt32 { 0xFFF }

  /// - Parameter base: a page that outlives this value.
  public init(base: UnsafeMutableRawPointer) { unsafe self.base = unsafe base }

  public var pointer: UnsafeMutableRawPointer { unsafe base }

  /// Eight bytes or fewer of a place, from the one at `offset` on, in the lower bits.
  /// - Parameter offset: below `placesEnd`.
  @inline(__always) public func load(_ offset: UInt32) -> UInt64 {
    let word = unsafe base.load(fromByteOffset: Int(offset & 0xFF8), as: UInt64.self)
    return word &>> UInt64((offset & 7) &* 8)
  }

  /// The guest acknowledged interrupts: InterruptACK of a place.
  /// - Parameter offset: of its InterruptStatus.
  @inline(__always) public func acknowledge(_ offset: UInt32, _ bits: UInt32) {
    // A multiple of four in the page.
    let status = unsafe (base + Int(offset & 0xFFC)).assumingMemoryBound(to: Atomic<UInt32>.self)
    unsafe status.pointee.clear(bits)
  }

  /// The guest notified a queue of a place.
  /// - Returns: whether no other doorbell was still to be seen.
  @inline(__always) public func ring(place: UInt32, queue: UInt32) -> Bool {
    let doorbells = unsafe (base + 0xE40).assumingMemoryBound(to: Atomic<UInt64>.self)
    let bit = 1 &<< UInt64(place &* 8 &+ queue & 7)
    return unsafe doorbells.pointee.bitwiseOr(bit, ordering: .acquiringAndReleasing).oldValue == 0
  }

  /// Writes down what a virtual CPU stored and waits for.
  @inline(__always) public func post(_ value: UInt64, offset: UInt32, from virtualCPU: UInt32) {
    // In the page: eight records of 16 bytes.
    let record = unsafe base + Int(0xE80 &+ (virtualCPU & 7) &* 16)
    unsafe record.storeBytes(of: value, as: UInt64.self)
    unsafe record.storeBytes(of: offset, toByteOffset: 8, as: UInt32.self)
    unsafe (record + 12).assumingMemoryBound(to: Atomic<UInt32>.self).pointee.store(1, ordering: .releasing)
  }

  /// Nothing is waited for any more.
  @inline(__always) public func reset() {
    for word in 0..<Int(24) {
      unsafe (base + 0xE40).storeBytes(of: 0, toByteOffset: word &* 8, as: UInt64.self)
    }
  }

  /// Tells where what the server shares with the VM lies on the bus, and where the windows do.
  public func describe(busAddress: UInt64, size: UInt64, windows: UInt64) {
    unsafe base.storeBytes(of: busAddress, toByteOffset: 0xE00, as: UInt64.self)
    unsafe base.storeBytes(of: size, toByteOffset: 0xE08, as: UInt64.self)
    unsafe base.storeBytes(of: windows, toByteOffset: 0xE10, as: UInt64.self)
  }

  /// Tells what happens to the VM.
  @inline(__always) public func setPhase(_ phase: UInt32) {
    unsafe base.storeBytes(of: phase, toByteOffset: 0xE18, as: UInt32.self)
  }

  /// Adds ticks that the VM had on a physical CPU; only that CPU writes there.
  @inline(__always) public func addTime(_ ticks: UInt64, onCPU number: UInt32) {
    let time = unsafe (base + Int(0xF00 &+ (number & 7) &* 8)).assumingMemoryBound(to: UInt64.self)
    unsafe time.pointee &+= ticks
  }

  /// Tells how often a virtual CPU has left for the hypervisor.
  @inline(__always) public func setExits(_ exits: UInt64, of virtualCPU: UInt32) {
    unsafe base.storeBytes(of: exits, toByteOffset: Int(0xF40 &+ (virtualCPU & 7) &* 8), as: UInt64.self)
  }
}
