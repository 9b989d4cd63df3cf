// Writes and reads blocks, many at once, and knows what each has to hold.

import GuestMachine
import GuestSupport

/// How often each block was written, in memory that nobody else sees.
private struct Generations {
  private let base = (image_end_address() + 0x3F_FFFF) & ~0x1F_FFFF
  static let limit: UInt64 = 0x8_0000
  /// The disk has failed there: what the block holds is not known.
  static let unknown: UInt64 = ~0

  subscript(block: UInt64) -> UInt64 {
    get { read64(base + block * 8) }
    nonmutating set { write64(base + block * 8, newValue) }
  }
}

private struct Checker {
  var driver: BlockDriver
  var dice: Dice
  let generations = Generations()
  let blocks: UInt64
  private(set) var errors: UInt64 = 0
  /// By slot: the block, and whether it is written.
  private var block = InlineArray<32, UInt64>(repeating: 0)

  init(_ driver: BlockDriver, seed: UInt64) {
    self.driver = driver
    dice = Dice(seed: seed)
    blocks = min(driver.blocks, Generations.limit)
    guard blocks >= BlockDriver.slots else { fail("a disk of few blocks:", blocks) }
    for block in 0..<blocks { generations[block] = 0 }
  }

  /// A round: 32 blocks in a row, from a random one on, each read or written.
  mutating func round() {
    let first = dice.below(blocks)
    let kinds = dice.next()
    for slot in 0..<BlockDriver.slots {
      block[Int(slot)] = (first + slot) % blocks
      begin(slot, isWrite: isWrite(slot, kinds))
    }
    while driver.inFlight != 0 {
      guard let slot = driver.finish() else { fail("the device wants a reset") }
      end(slot, isWrite: isWrite(slot, kinds))
    }
    if dice.oneIn(4), !driver.flush() { errors += 1 }
  }

  private func isWrite(_ slot: UInt64, _ kinds: UInt64) -> Bool { kinds >> slot & 1 != 0 }

  private mutating func begin(_ slot: UInt64, isWrite: Bool) {
    let block = block[Int(slot)]
    guard isWrite else { return driver.start(RequestKind.read, block: block, slot: slot) }
    let generation = generations[block] == Generations.unknown ? 1 : generations[block] + 1
    generations[block] = generation
    Pattern.fill(driver.data(slot), block: block, generation: generation)
    driver.start(RequestKind.write, block: block, slot: slot)
  }

  private mutating func end(_ slot: UInt64, isWrite: Bool) {
    let block = block[Int(slot)]
    guard driver.status(slot) == 0 else {
      errors += 1
      if errors < 4 { say("the disk fails at block ", block) }
      if isWrite { generations[block] = Generations.unknown }
      return
    }
    guard !isWrite, generations[block] != 0, generations[block] != Generations.unknown else { return }
    guard Pattern.matches(driver.data(slot), block: block, generation: generations[block]) else {
      fail("other content than was written: block", block)
    }
  }

  /// Reads all blocks that were ever written.
  mutating func readAll() {
    for number in 0..<blocks where generations[number] != 0 {
      block[0] = number
      begin(0, isWrite: false)
      guard driver.finish() != nil else { fail("the device wants a reset") }
      end(0, isWrite: false)
    }
  }
}

func check(seed: UInt64, count: UInt64, chatter: UInt64) -> Never {
  guard let driver = BlockDriver() else { fail("no disk") }
  var checker = Checker(driver, seed: seed)
  Console.write("disk: checking\n")
  var rounds: UInt64 = 0
  while count == 0 || rounds < count {
    checker.round()
    rounds += 1
    if chatter != 0, rounds % chatter == 0 { say("alive, ", rounds, " rounds") }
  }
  checker.readAll()
  say("errors: ", checker.errors)
  say("fine, ", rounds, " rounds")
  PowerInterface.systemOff()
}
