import Testing

@testable import SoftwareVirtualization

@Suite struct SystemControlTests {
  /// What an MCR asks for, or an MRC.
  private func effect(
    _ cn: UInt32, _ opc1: UInt32, _ cm: UInt32, _ opc2: UInt32, reads: Bool = false
  ) -> SystemEffect {
    SystemEffect(0xEE00_0F10 | cn << 16 | opc1 << 21 | cm | opc2 << 5 | (reads ? 1 << 20 : 0))
  }

  @Test func whatTranslates() {
    #expect(effect(1, 0, 0, 0) == .control)
    #expect(effect(2, 0, 0, 0) == .space(0))
    #expect(effect(2, 0, 0, 1) == .space(1))
    #expect(effect(2, 0, 0, 2) == .space(2))
    #expect(effect(13, 0, 0, 1) == .space(3))
    #expect(effect(7, 0, 8, 3) == .translate(isWrite: true, isUser: true))
    #expect(effect(7, 0, 8, 0) == .translate(isWrite: false, isUser: false))
  }

  @Test func maintenance() {
    for row: UInt32 in [3, 5, 6, 7] {
      #expect(effect(8, 0, row, 0) == .invalidateAll)
      #expect(effect(8, 0, row, 1) == .invalidatePage)
      #expect(effect(8, 0, row, 2) == .invalidateAll)
      #expect(effect(8, 0, row, 3) == .invalidatePage)
    }
    #expect(effect(8, 0, 4, 0) == .undefined)
    #expect(effect(8, 0, 7, 4) == .undefined)
    #expect(effect(8, 4, 7, 0) == .undefined)
  }

  /// Of all others nothing is the hypervisor's.
  @Test func nothingElse() {
    let known = (0..<UInt32(1 << 14)).filter { bits in
      effect(bits >> 10, bits >> 7 & 7, bits >> 3 & 15, bits & 7) != .undefined
    }
    #expect(known.count == 1 + 3 + 1 + 4 + 16)
    let read = (0..<UInt32(1 << 14)).filter { bits in
      effect(bits >> 10, bits >> 7 & 7, bits >> 3 & 15, bits & 7, reads: true) != .undefined
    }
    #expect(read.isEmpty)
    // Coprocessor 14.
    #expect(SystemEffect(0xEE01_0E10) == .undefined)
  }
}
