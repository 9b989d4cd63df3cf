// Breaks the rules of its disk's queue and registers in every way it can think of. The device server has to refuse that
// with DEVICE_NEEDS_RESET or an error, to touch nothing but what it may see, and to serve again after a reset.

import Drivers
import GuestMachine
import GuestSupport
import Virtio

/// Descriptor flags (virtio 2.7.5).
private enum Flag {
  static let next: UInt64 = 1
  static let write: UInt64 = 2
  static let indirect: UInt64 = 4
}

private struct HostileDriver {
  /// Attacks that no device may accept.
  static let forbidden: UInt64 = 9
  static let kinds: UInt64 = 16
  private let transport = DriverTransport(BlockDriver.registers)
  private let memory = SharedMemory.view
  private let descriptors = SharedMemory.view.start
  private let available = SharedMemory.view.start + 0x1000
  private let used = SharedMemory.view.start + 0x2000
  private let header = SharedMemory.view.start + 0x3000
  private let data = SharedMemory.view.start + 0x1_0000
  private(set) var dice: Dice
  private(set) var resets: UInt64 = 0

  init(seed: UInt64) { dice = Dice(seed: seed) }

  // MARK: A ring in order

  private func begin() {
    memory.clear(descriptors, count: 0x4000)
    do { _ = try transport.negotiate(wanted: Feature.version1 | Feature.accessPlatform, required: 0) } catch {
      fail("the device does not reset")
    }
    install(descriptors, available, used)
    transport.start()
  }

  private func install(_ descriptors: UInt64, _ available: UInt64, _ used: UInt64) {
    let registers = BlockDriver.registers
    registers.write32(TransportRegister.queueSelect, 0)
    registers.write32(TransportRegister.queueSize, BlockDriver.queueSize)
    writeAddress(TransportRegister.queueDescriptors, descriptors)
    writeAddress(TransportRegister.queueDriver, available)
    writeAddress(TransportRegister.queueDevice, used)
    registers.write32(TransportRegister.queueReady, 1)
  }

  private func writeAddress(_ register: UInt32, _ address: UInt64) {
    BlockDriver.registers.write32(register, UInt32(truncatingIfNeeded: address))
    BlockDriver.registers.write32(register + 4, UInt32(truncatingIfNeeded: address >> 32))
  }

  private func describe(_ index: UInt64, _ address: UInt64, _ length: UInt64, _ flags: UInt64, next: UInt64 = 0)
  {
    memory.store64(descriptors + index * 16, address)
    memory.store64(descriptors + index * 16 + 8, length & 0xFFFF_FFFF | flags << 32 | next << 48)
  }

  /// A request as it should be: header, a block, status.
  private func describeRequest(_ kind: UInt32 = RequestKind.read, sector: UInt64 = 0) {
    memory.store32(header, kind)
    memory.store64(header + 8, sector)
    describe(0, header, 16, Flag.next, next: 1)
    describe(1, data, 4096, Flag.next | (kind == RequestKind.read ? Flag.write : 0), next: 2)
    describe(2, header + 16, 1, Flag.write)
  }

  private func offer(_ head: UInt64, index: UInt64 = 1) {
    memory.store16(available + 4, UInt16(truncatingIfNeeded: head))
    memory.release16(available + 2, UInt16(truncatingIfNeeded: index))
    memory_barrier()
    transport.notify(0)
  }

  /// What the server may not see: this guest's own memory, that of others, devices, nothing at all; or it begins inside
  /// and ends outside.
  private mutating func forbiddenAddress() -> UInt64 {
    switch dice.below(7) {
    case 0: return image_address()
    case 1: return Canary.base + dice.below(Canary.size)
    case 2: return 0
    case 3: return ~dice.below(4096)
    case 4: return 0x4000_0000 + 510 << 20
    case 5: return dice.below(0x4000_0000)
    default: return dice.next() | 1 << 40
    }
  }

  // MARK: Attacks

  /// What no device may accept.
  mutating func attackForbidden(_ kind: UInt64) {
    begin()
    describeRequest()
    var (head, index): (UInt64, UInt64) = (0, 1)
    switch kind {
    case 0: describe(0, header, 16, Flag.next, next: 0)
    case 1: describe(2, data, 16, Flag.next | Flag.write, next: 1)
    case 2: describe(1, forbiddenAddress(), 1 + dice.below(4096), Flag.next | Flag.write, next: 2)
    case 3: describe(1, data, 0xFFFF_FFFF - dice.below(4096), Flag.next | Flag.write, next: 2)
    case 4: index = 129 + dice.below(0x7000)
    case 5: head = 128 + dice.below(0xFF00)
    case 6: describe(1, data, 32, Flag.indirect)
    case 7: describe(1, data, 4096, Flag.next, next: 128 + dice.below(0xFF00))
    default: describe(2, forbiddenAddress(), 1, Flag.write)
    }
    offer(head, index: index)
    guard eventually(within: 20_000, { BlockDriver.needsReset }) else { fail("accepted: attack", kind) }
    resets += 1
  }

  /// What may be answered in one way or another.
  mutating func attackAnyhow(_ kind: UInt64) {
    begin()
    switch kind {
    case 9: fillAtRandom()
    case 10: changeMeanwhile()
    case 11: storeAtRandom()
    case 12: askForOtherSectors()
    case 13: install(forbiddenAddress(), forbiddenAddress() & ~1, forbiddenAddress() & ~3)
    case 14: overlapRings()
    default: for _ in 0..<64 { transport.notify(dice.word() >> (dice.oneIn(2) ? 0 : 29)) }
    }
    _ = eventually(within: 2) { BlockDriver.needsReset }
    if BlockDriver.needsReset { resets += 1 }
  }

  private mutating func fillAtRandom() {
    for index in UInt64(0)..<128 {
      let isInside = dice.oneIn(2)
      describe(
        index, isInside ? data + dice.below(0x1_0000) : forbiddenAddress(),
        isInside ? dice.below(8192) : dice.next(),
        dice.below(8), next: dice.oneIn(8) ? dice.below(0x1_0000) : dice.below(128))
      memory.store16(available + 4 + index * 2, UInt16(dice.below(dice.oneIn(16) ? 0x1_0000 : 128)))
    }
    offer(dice.below(128), index: dice.below(128))
  }

  /// Descriptors that are other ones whenever the server looks.
  private mutating func changeMeanwhile() {
    for index in UInt64(0)..<128 { memory.store16(available + 4 + index * 2, 0) }
    describeRequest()
    offer(0, index: 100)
    for _ in 0..<2000 {
      describe(1, forbiddenAddress(), 4096, Flag.next | Flag.write, next: 2)
      describe(1, data, 4096, Flag.next | Flag.write, next: 2)
      describe(2, dice.oneIn(2) ? forbiddenAddress() : header + 16, dice.below(4), Flag.write)
      memory.store32(header, dice.word() & 15)
    }
  }

  private mutating func storeAtRandom() {
    describeRequest()
    for _ in 0..<40 {
      let offset = dice.oneIn(4) ? UInt32(dice.below(0x200)) & ~3 : UInt32(dice.below(0x2C)) << 2
      BlockDriver.registers.write32(offset, dice.oneIn(2) ? dice.word() : UInt32(dice.below(256)))
    }
    offer(0)
  }

  /// Outside of the partition, or where the sum wraps around. Reads: they are answered with an error.
  private mutating func askForOtherSectors() {
    let sectors = transport.configuration64(0)
    describeRequest(sector: dice.oneIn(2) ? sectors - dice.below(8) : ~dice.below(1 << 40))
    memory.store8(header + 16, 0xFF)
    offer(0)
    guard eventually(within: 20_000, { memory.acquire16(used + 2) == 1 }), memory.load8(header + 16) == 1 else {
      fail("another answer than an error for a sector outside of the partition")
    }
  }

  private mutating func overlapRings() {
    BlockDriver.registers.write32(TransportRegister.queueReady, 0)
    install(descriptors, descriptors, descriptors)
    for offset in stride(from: UInt64(0), to: 0x800, by: 8) {
      memory.store64(descriptors + offset, dice.next())
    }
    transport.notify(0)
  }
}

/// Memory of this guest's own that nobody else may write.
private enum Canary {
  static let size: UInt64 = 0x10_0000
  static var base: UInt64 { (image_end_address() + 0x3F_FFFF) & ~0x1F_FFFF }

  static func fill() {
    for block in 0..<size / 4096 { Pattern.fill(base + block * 4096, block: block, generation: 0) }
  }

  static var isWhole: Bool {
    for block in 0..<size / 4096 where !Pattern.matches(base + block * 4096, block: block, generation: 0) {
      return false
    }
    return true
  }
}

func attackServer(seed: UInt64, count: UInt64) -> Never {
  guard BlockDriver() != nil else { fail("no disk") }
  Canary.fill()
  var driver = HostileDriver(seed: seed)
  for attack in 0..<count {
    let kind = attack % HostileDriver.kinds
    kind < HostileDriver.forbidden ? driver.attackForbidden(kind) : driver.attackAnyhow(kind)
    guard Canary.isWhole else { fail("memory was written: attack", kind) }
  }
  useAgain()
  say("attacks: ", count)
  say("resets: ", driver.resets)
  Console.write("disk: served again\n")
  PowerInterface.systemOff()
}

/// After all that, a reset makes it a disk again.
private func useAgain() {
  guard var driver = BlockDriver() else { fail("no disk any more") }
  Pattern.fill(driver.data(0), block: 7, generation: 3)
  driver.start(RequestKind.write, block: 7, slot: 0)
  guard driver.finishAll() else { fail("no write any more") }
  driver.start(RequestKind.read, block: 7, slot: 1)
  guard driver.finishAll(), Pattern.matches(driver.data(1), block: 7, generation: 3) else {
    fail("no read any more")
  }
}
