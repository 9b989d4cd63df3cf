import ScriptedVirtio
import Testing
import Virtio

/// Rings that break the rules.
@Suite struct HostileQueueTests {
  private func descriptor(
    _ pair: QueuePair, _ index: UInt64, address: UInt64 = QueuePair.buffers, length: UInt32 = 8,
    flags: UInt16 = 0, next: UInt16 = 0
  ) {
    let place = QueuePair.start + index * 16
    pair.memory.view.store64(place, address)
    pair.memory.view.store32(place + 8, length)
    pair.memory.view.store16(place + 12, flags)
    pair.memory.view.store16(place + 14, next)
  }

  /// Makes descriptor 0 available.
  private func offer(_ pair: QueuePair, head: UInt16 = 0, index: UInt16 = 1) {
    let available = QueuePair.start + 8 * 16
    pair.memory.view.store16(available + 4, head)
    pair.memory.view.store16(available + 2, index)
  }

  /// Walks the first chain to its end; answers how many segments it had.
  private func walk(_ pair: QueuePair) throws(RingFault) -> Int {
    guard var chain = try pair.take() else { return 0 }
    var count = 0
    while try chain.segment(in: pair.memory.view) != nil { count += 1 }
    return count
  }

  @Test func aLoopEnds() throws {
    let pair = try QueuePair(size: 8)
    descriptor(pair, 0, flags: 1, next: 1)
    descriptor(pair, 1, flags: 1, next: 0)
    offer(pair)
    #expect(throws: RingFault.loop) { try walk(pair) }
  }

  @Test func theLongestChainIsAsLongAsTheQueue() throws {
    let pair = try QueuePair(size: 8)
    for index in UInt64(0)..<8 { descriptor(pair, index, flags: index < 7 ? 1 : 0, next: UInt16(index) + 1) }
    offer(pair)
    #expect(try walk(pair) == 8)
  }

  @Test func indirectDescriptorsWereNotOffered() throws {
    let pair = try QueuePair(size: 8)
    descriptor(pair, 0, flags: 4)
    offer(pair)
    #expect(throws: RingFault.indirect) { try walk(pair) }
  }

  @Test(
    arguments: [
      (QueuePair.start - 1, 8), (QueuePair.start + 0xFFF9, 8), (QueuePair.start, 0x1_0001),
      (QueuePair.start, ~0), (UInt64.max - 3, 8), (0, 1),
    ] as [(UInt64, UInt32)])
  func buffersLieInside(address: UInt64, length: UInt32) throws {
    let pair = try QueuePair(size: 8)
    descriptor(pair, 0, address: address, length: length)
    offer(pair)
    #expect(throws: RingFault.memory) { try walk(pair) }
  }

  @Test func numbersOfDescriptorsAreChecked() throws {
    let pair = try QueuePair(size: 8)
    offer(pair, head: 8)
    #expect(throws: RingFault.descriptor) { try walk(pair) }
    descriptor(pair, 0, flags: 1, next: 8)
    offer(pair)
    #expect(throws: RingFault.descriptor) { try walk(pair) }
  }

  @Test(arguments: [9, 0x8000, 0xFFFF] as [UInt16])
  func theAvailableIndexMustNotJump(index: UInt16) throws {
    let pair = try QueuePair(size: 8)
    descriptor(pair, 0)
    offer(pair, index: index)
    #expect(throws: RingFault.index) { try walk(pair) }
  }

  @Test func moreThanTheQueueHasIsAJumpToo() throws {
    let pair = try QueuePair(size: 8)
    descriptor(pair, 0)
    offer(pair, index: 8)
    for _ in 0..<8 { #expect(try pair.take() != nil) }
    offer(pair, index: 9)
    #expect(throws: RingFault.index) { try pair.take() }
  }

  @Test func readableBehindWritableIsWrong() throws {
    let pair = try QueuePair(size: 8)
    descriptor(pair, 0, flags: 3, next: 1)
    descriptor(pair, 1)
    offer(pair)
    #expect(throws: RingFault.order) { try walk(pair) }
  }

  /// 100,000 damaged rings: each ends, no access is outside (the pages around would trap), and no chain is longer than its
  /// queue.
  @Test func damagedRings() throws {
    var random = FixedGenerator(seed: 0x5EED_0010)
    var pair = try QueuePair(size: 8)
    var faults = 0
    var segments = 0
    for _ in 0..<100_000 {
      if random.below(16) == 0 || !pair.transport.isLive { pair = try fresh(pair) }
      damage(pair, &random)
      for _ in 0..<9 {
        do {
          guard let chain = try pair.take() else { break }
          segments += try exhaust(chain, pair, &random)
          pair.transport.queues[0].complete(chain.head, length: 1, in: pair.memory.view)
        } catch {
          faults += 1
          pair.transport.fail(registers: pair.registers.view)
          break
        }
      }
    }
    #expect(faults > 10_000, "\(faults)")
    #expect(segments > 10_000, "\(segments)")
  }

  /// The same rings under a new transport.
  private func fresh(_ old: QueuePair) throws -> QueuePair {
    old.memory.view.clear(QueuePair.start, count: 0x1_0000)
    return try QueuePair(size: 8)
  }

  private func damage(_ pair: QueuePair, _ random: inout FixedGenerator) {
    for _ in 0..<1 + random.below(6) {
      // Most lie inside, so that long chains come too.
      let address: UInt64 = [
        QueuePair.start + 0xFFF8, random.next(), QueuePair.start &- 8, QueuePair.start, QueuePair.buffers,
      ][Int(min(random.below(16), 4))]
      let small = random.below(8) != 0
      descriptor(
        pair, random.below(8), address: address,
        length: small
          ? UInt32(random.below(0x1000)) : UInt32(truncatingIfNeeded: random.next() >> (random.below(7) * 8)),
        flags: UInt16(random.below(random.below(8) == 0 ? 8 : 4)), next: UInt16(random.below(9)))
    }
    let available = QueuePair.start + 8 * 16
    pair.memory.view.store16(available + 4 + random.below(8) * 2, UInt16(random.below(9)))
    let index = pair.transport.queues[0].taken
    pair.memory.view.store16(available + 2, index &+ UInt16(random.below(10)))
  }

  /// Reads or writes all of a chain through a cursor.
  private func exhaust(
    _ chain: DescriptorChain, _ pair: QueuePair, _ random: inout FixedGenerator
  ) throws(RingFault) -> Int {
    var cursor = ChainCursor(chain, in: pair.memory.view)
    let buffer = QueuePair.buffers + 0x4000
    _ = try cursor.read(UInt32(random.below(0x800)), to: pair.memory.view, at: buffer)
    _ = try cursor.write(UInt32(random.below(0x800)), from: pair.memory.view, at: buffer)
    var count = 0
    while let segment = try cursor.current() {
      #expect(pair.memory.view.contains(segment.address, count: UInt64(segment.length)))
      cursor.skip(segment.length)
      count += 1
    }
    #expect(count <= 8)
    return count
  }
}
