import ScriptedVirtio
import Testing
import Virtio

@Suite struct MemoryViewTests {
  private let memory = TestMemory(size: 4096, start: 0x4000_0000, busStart: 0x8000_0000)

  @Test func wordsAreLittleEndianAndInside() {
    memory.view.store32(0x4000_0010, 0x1234_5678)
    #expect(memory.view.load16(0x4000_0010) == 0x5678)
    #expect(memory.view.load8(0x4000_0013) == 0x12)
    #expect(memory.view.load64(0x4000_0010) == 0x1234_5678)
  }

  @Test(
    arguments: [
      0x3FFF_FFF8, 0x3FFF_FFFC, 0x4000_0FFC, 0x4000_1000, 0, UInt64.max, UInt64.max - 7,
    ] as [UInt64])
  func nothingOutsideIsTouched(address: UInt64) {
    memory.view.store64(address, 1)
    #expect(memory.view.load64(address) == 0)
    #expect(memory.view.exchange64(address, 5) == 0)
    memory.view.copy(8, from: address, to: memory.view, at: 0x4000_0000)
    memory.view.copy(8, from: 0x4000_0000, to: memory.view, at: address)
    memory.view.clear(address, count: 8)
    #expect(memory.view.load64(0x4000_0FF8) == 0)
  }

  @Test func unalignedWordsAreNotThere() {
    memory.view.store32(0x4000_0002, ~0)
    #expect(memory.view.load64(0x4000_0000) == 0)
  }

  @Test func lengthsDoNotWrap() {
    #expect(memory.view.contains(0x4000_0000, count: 4096))
    #expect(!memory.view.contains(0x4000_0000, count: 4097))
    #expect(!memory.view.contains(0x4000_0001, count: UInt64.max))
    #expect(!memory.view.contains(0x4000_1000, count: 1))
    #expect(memory.view.contains(0x4000_1000, count: 0))
    #expect(!memory.view.contains(0x3FFF_FFFF, count: 1))
  }

  @Test func aPartHasItsOwnAddressesAndTheSameBytes() {
    let part = memory.view.part(at: 0x4000_0100, size: 16, start: 0)
    part.store8(3, 7)
    #expect(memory.view.load8(0x4000_0103) == 7)
    #expect(part.busAddress(of: 3) == 0x8000_0103)
    part.store8(16, 7)
    #expect(memory.view.load8(0x4000_0110) == 0)
    #expect(memory.view.part(at: 0x4000_0FFF, size: 16, start: 0).size == 0)
  }
}
