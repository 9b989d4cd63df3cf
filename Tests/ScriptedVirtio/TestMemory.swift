import Foundation
import Virtio

/// Memory whose neighbouring pages cannot be touched: an access outside of it ends the test run.
public final class TestMemory {
  private let base: UnsafeMutableRawPointer
  private let mapped: Int
  public let view: MemoryView

  /// - Parameters:
  ///   - size: bytes, whole pages.
  ///   - start: the owner's address of the first byte.
  public init(size: Int, start: UInt64, busStart: UInt64? = nil) {
    let page = 4096
    mapped = size + 2 * page
    base = mmap(nil, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    mprotect(base + page, size, PROT_READ | PROT_WRITE)
    view = MemoryView(base: base + page, start: start, size: UInt64(size), busStart: busStart ?? start)
  }

  deinit { munmap(base, mapped) }
}

/// xorshift64*: the same inputs in every run.
public struct FixedGenerator {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }

  public mutating func below(_ bound: UInt64) -> UInt64 { (next() >> 33) % bound }
}
