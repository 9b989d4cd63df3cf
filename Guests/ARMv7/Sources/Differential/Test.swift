// One sequence: what it begins with, and its runs.

import Machine

/// One sequence of a seed.
struct Test {
  let number: UInt32
  private(set) var dice: Dice
  private(set) var plan = Plan()
  /// Where it begins, bit 0 for T32.
  private(set) var start: UInt32 = 0

  /// States that are kept: what it begins with, and the results.
  static let initial = State(base: Layout.states)
  static let native = State(base: Layout.states &+ 0x200)
  static let translated = State(base: Layout.states &+ 0x400)

  init(seed: UInt32, number: UInt32, a32: Bool, t32: Bool) {
    self.number = number
    dice = Dice(seed: seed, test: number)
    var generator = Generator(dice, a32: a32, t32: t32)
    start = generator.write()
    plan = generator.plan
    dice = generator.dice
    makeInitialState()
  }

  // MARK: What it begins with

  private mutating func makeInitialState() {
    let state = Self.initial
    for place in 0..<Place.count { state[place] = value() }
    for register in 0..<13 as Range<UInt32> where plan.pointers &>> register & 1 != 0 {
      state[register] = pointer()
      if register >= 8 { state[Place.fast &+ register &- 8] = pointer() }
    }
    for mode in 0..<6 as Range<UInt32> {
      let bank = State.bank(of: Mode.privileged(mode))
      state[bank &+ 2] &= 0xff0f_ffff
      state[bank] = Layout.data &+ 0x300 &+ mode &* 0x180
    }
    state[Place.status] = dice.word() & 0xf80f_01c0 | plan.mode | (start & 1) &<< 5
    state[Place.counter] = start & ~1
  }

  /// Somewhere in the data, not where the stacks are.
  private mutating func pointer() -> UInt32 { Layout.data &+ 0xd00 &+ dice.below(0x280) &* 4 }

  /// Any, small, an edge, an address of code or of data.
  private mutating func value() -> UInt32 {
    switch dice.below(8) {
    case 0: dice.below(64)
    case 1: 0 &- dice.below(3)
    case 2: 0x7fff_ffff &+ dice.below(3)
    case 3: Layout.code &+ dice.below(0x1000)
    case 4: pointer()
    default: dice.word()
    }
  }

  static func fillData() { fill_words(Layout.data, Layout.dataBytes / 4, 1) }
  static func sumOfData() -> UInt32 { sum_of_words(Layout.data, Layout.dataBytes / 4) }

  // MARK: Natively

  /// Runs it with all privileges; the result is in `native`.
  func runNatively() {
    Self.fillData()
    let context = State.context
    context.copy(from: Self.initial)
    context[Place.vectors] = Layout.vectors
    context[Place.domains] = Domains.native
    machine_run()
    let mode = State.mode(of: context[Place.vector])
    context[Place.status] = context[Place.status] & ~0x1f | mode
    context[Place.counter] = 0
    context[Place.data] = Self.sumOfData()
    Self.native.copy(from: context)
  }
}
