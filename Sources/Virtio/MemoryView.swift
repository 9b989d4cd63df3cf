// Memory that somebody else may change at any time: a client's rings and buffers, a register page, or the server's own
// memory as a device sees it. Every access is checked and total: outside of the view a load answers 0 and a store does
// nothing. Loads are atomic, so the compiler neither repeats nor splits them: what was read once stays what was checked.

import Synchronization

/// A checked view of bytes at addresses of their owner.
@safe public struct MemoryView: BitwiseCopyable {
  private let base: UnsafeMutableRawPointer
  /// The owner's address of the first byte.
  public let start: UInt64
  /// Bytes.
  public let size: UInt64
  /// Where the first byte lies on the bus: what a device is told.
  public let busStart: UInt64

  /// - Parameters:
  ///   - base: where the first byte lies for this program, 16-byte aligned; the bytes must outlive this value.
  ///   - start: the owner's address of it, 16-byte aligned.
  @unsafe public init(base: UnsafeMutableRawPointer, start: UInt64, size: UInt64, busStart: UInt64 = 0) {
    unsafe self.base = unsafe base
    self.start = start
    self.size = size
    self.busStart = busStart
  }

  /// A view of nothing.
  public static var empty: MemoryView {
    // Never used for an access, as no address is inside.
    unsafe MemoryView(base: UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped, start: 0, size: 0)
  }

  /// A part of this view as a view of its own; empty where it does not lie inside.
  ///
  /// - Parameter start: what the part's owner calls its first byte.
  @inline(never) public func part(at address: UInt64, size: UInt64, start: UInt64) -> MemoryView {
    guard contains(address, count: size) else {
      return unsafe MemoryView(base: base, start: start, size: 0)
    }
    return unsafe MemoryView(
      base: pointer(address), start: start, size: size, busStart: busAddress(of: address))
  }

  /// Whether that many bytes from there on lie inside; total for any numbers.
  @inline(__always) public func contains(_ address: UInt64, count: UInt64) -> Bool {
    let offset = address &- start
    return offset <= size && count <= size &- offset
  }

  /// The address on the bus; for addresses inside.
  @inline(__always) public func busAddress(of address: UInt64) -> UInt64 { busStart &+ (address &- start) }

  /// For addresses that are inside.
  @inline(__always) private func pointer(_ address: UInt64) -> UnsafeMutableRawPointer {
    unsafe base + Int(truncatingIfNeeded: address &- start)
  }

  /// For addresses that are inside and aligned.
  @inline(__always) private func word<Word>(
    _ address: UInt64, _: Word.Type
  ) -> UnsafeMutablePointer<Atomic<Word>> {
    unsafe pointer(address).assumingMemoryBound(to: Atomic<Word>.self)
  }

  /// Whether an aligned word of that many bytes is there.
  @inline(__always) private func hasWord(_ address: UInt64, _ bytes: UInt64) -> Bool {
    contains(address, count: bytes) && address & (bytes &- 1) == 0
  }

  // For the rings, where a call for each word would cost more than the access.

  @inline(__always) func ringLoad16(_ address: UInt64) -> UInt16 {
    guard hasWord(address, 2) else { return 0 }
    return unsafe word(address, UInt16.self).pointee.load(ordering: .relaxed)
  }

  @inline(__always) func ringLoad32(_ address: UInt64) -> UInt32 {
    guard hasWord(address, 4) else { return 0 }
    return unsafe word(address, UInt32.self).pointee.load(ordering: .relaxed)
  }

  @inline(__always) func ringLoad64(_ address: UInt64) -> UInt64 {
    guard hasWord(address, 8) else { return 0 }
    return unsafe word(address, UInt64.self).pointee.load(ordering: .relaxed)
  }

  @inline(__always) func ringStore16(_ address: UInt64, _ value: UInt16) {
    guard hasWord(address, 2) else { return }
    unsafe word(address, UInt16.self).pointee.store(value, ordering: .relaxed)
  }

  @inline(__always) func ringStore32(_ address: UInt64, _ value: UInt32) {
    guard hasWord(address, 4) else { return }
    unsafe word(address, UInt32.self).pointee.store(value, ordering: .relaxed)
  }

  @inline(__always) func ringStore64(_ address: UInt64, _ value: UInt64) {
    guard hasWord(address, 8) else { return }
    unsafe word(address, UInt64.self).pointee.store(value, ordering: .relaxed)
  }

  @inline(__always) func ringAcquire16(_ address: UInt64) -> UInt16 {
    guard hasWord(address, 2) else { return 0 }
    return unsafe word(address, UInt16.self).pointee.load(ordering: .acquiring)
  }

  @inline(__always) func ringRelease16(_ address: UInt64, _ value: UInt16) {
    guard hasWord(address, 2) else { return }
    unsafe word(address, UInt16.self).pointee.store(value, ordering: .releasing)
  }

  @inline(never) public func load8(_ address: UInt64) -> UInt8 {
    guard contains(address, count: 1) else { return 0 }
    return unsafe word(address, UInt8.self).pointee.load(ordering: .relaxed)
  }

  @inline(never) public func load16(_ address: UInt64) -> UInt16 {
    guard hasWord(address, 2) else { return 0 }
    return unsafe word(address, UInt16.self).pointee.load(ordering: .relaxed)
  }

  @inline(never) public func load32(_ address: UInt64) -> UInt32 {
    guard hasWord(address, 4) else { return 0 }
    return unsafe word(address, UInt32.self).pointee.load(ordering: .relaxed)
  }

  @inline(never) public func load64(_ address: UInt64) -> UInt64 {
    guard hasWord(address, 8) else { return 0 }
    return unsafe word(address, UInt64.self).pointee.load(ordering: .relaxed)
  }

  @inline(never) public func store8(_ address: UInt64, _ value: UInt8) {
    guard contains(address, count: 1) else { return }
    unsafe word(address, UInt8.self).pointee.store(value, ordering: .relaxed)
  }

  @inline(never) public func store16(_ address: UInt64, _ value: UInt16) {
    guard hasWord(address, 2) else { return }
    unsafe word(address, UInt16.self).pointee.store(value, ordering: .relaxed)
  }

  @inline(never) public func store32(_ address: UInt64, _ value: UInt32) {
    guard hasWord(address, 4) else { return }
    unsafe word(address, UInt32.self).pointee.store(value, ordering: .relaxed)
  }

  @inline(never) public func store64(_ address: UInt64, _ value: UInt64) {
    guard hasWord(address, 8) else { return }
    unsafe word(address, UInt64.self).pointee.store(value, ordering: .relaxed)
  }

  /// A load before all later accesses.
  @inline(never) public func acquire16(_ address: UInt64) -> UInt16 {
    guard hasWord(address, 2) else { return 0 }
    return unsafe word(address, UInt16.self).pointee.load(ordering: .acquiring)
  }

  /// A load before all later accesses.
  @inline(never) public func acquire32(_ address: UInt64) -> UInt32 {
    guard hasWord(address, 4) else { return 0 }
    return unsafe word(address, UInt32.self).pointee.load(ordering: .acquiring)
  }

  /// A store behind all earlier accesses.
  @inline(never) public func release16(_ address: UInt64, _ value: UInt16) {
    guard hasWord(address, 2) else { return }
    unsafe word(address, UInt16.self).pointee.store(value, ordering: .releasing)
  }

  /// A store behind all earlier accesses.
  @inline(never) public func release32(_ address: UInt64, _ value: UInt32) {
    guard hasWord(address, 4) else { return }
    unsafe word(address, UInt32.self).pointee.store(value, ordering: .releasing)
  }

  /// Sets bits atomically, behind all earlier accesses.
  @inline(never) public func or32(_ address: UInt64, _ bits: UInt32) {
    guard hasWord(address, 4) else { return }
    unsafe word(address, UInt32.self).pointee.bitwiseOr(bits, ordering: .acquiringAndReleasing)
  }

  /// Puts a value in place of another, atomically.
  @inline(never) public func exchange64(_ address: UInt64, _ value: UInt64) -> UInt64 {
    guard hasWord(address, 8) else { return 0 }
    return unsafe word(address, UInt64.self).pointee.exchange(value, ordering: .acquiringAndReleasing)
  }

  /// Copies between two views, which may be the same; nothing where either range does not lie inside.
  @inline(never) public func copy(
    _ count: UInt64, from source: UInt64, to target: MemoryView, at address: UInt64
  ) {
    guard count != 0, contains(source, count: count), target.contains(address, count: count) else { return }
    // In bounds by the guard.
    unsafe target.pointer(address).copyMemory(
      from: pointer(source), byteCount: Int(truncatingIfNeeded: count))
  }

  /// Fills a range that lies inside with zeros.
  @inline(never) public func clear(_ address: UInt64, count: UInt64) {
    guard contains(address, count: count) else { return }
    // In bounds by the guard.
    _ = unsafe pointer(address).initializeMemory(
      as: UInt8.self, repeating: 0, count: Int(truncatingIfNeeded: count))
  }

  /// Where the first byte lies for this program, for what is not a load or a store.
  public var address: UInt64 { unsafe UInt64(UInt(bitPattern: base)) }

  /// Room for a value that lives in these bytes for as long as the program runs, such as the server's state.
  @unsafe public func pointer<Value>(
    _ address: UInt64, as: Value.Type
  ) -> UnsafeMutablePointer<Value>? {
    guard contains(address, count: UInt64(MemoryLayout<Value>.stride)),
      address & UInt64(MemoryLayout<Value>.alignment &- 1) == 0
    else { return nil }
    return unsafe pointer(address).assumingMemoryBound(to: Value.self)
  }
}
