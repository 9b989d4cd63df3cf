// The same sequence as translated code in User mode. The translator is asked at each exit, as a hypervisor would.

import Machine
import Translator

/// What the translator is to do; an access of it may abort.
private enum Step {
  static let enter: UInt32 = 0
  static let handle: UInt32 = 1
  static let storeStatus: UInt32 = 2
  /// An exception of the guest's, by its vector.
  static let take: UInt32 = 3
  /// The exception of an access that the translator did for the guest.
  static let takeOwn: UInt32 = 4
  /// The guest's state is found, and it goes on from there. 0: in the same code; 1: the cache is thrown away; else what was
  /// translated from 256 bytes here.
  static let interrupt: UInt32 = 5
}

/// What came of a step.
private enum Result {
  static let resume: UInt32 = 0
  static let user: UInt32 = 1
  static let departure: UInt32 = 2
  static let lost: UInt32 = 4
  static let system: UInt32 = 5
  static let aborted: UInt32 = ~0
}

@c(differential_step) func step(kind: UInt32, argument: UInt32) -> UInt32 {
  let translator = Translator<GuestSpace>.shared
  switch kind {
  case Step.enter: translator.enter(argument)
  case Step.handle: return result(translator.handle(argument))
  case Step.storeStatus: return result(translator.handleStatusStore())
  case Step.take:
    guard translator.recover() else { return Result.lost }
    take(argument)
  case Step.takeOwn: take(argument)
  default:
    guard translator.recover() else { return Result.lost }
    switch argument {
    case 0: break
    case 1: translator.flush()
    default: translator.drop(argument, count: 256)
    }
    // The end of an exception may have been under way.
    return result(translator.goOn())
  }
  return Result.resume
}

private func take(_ vector: UInt32) {
  guard let exception = GuestException(rawValue: vector &* 4) else { return }
  Translator<GuestSpace>.shared.take(exception)
}

private func result(_ outcome: Translator<GuestSpace>.Outcome) -> UInt32 {
  switch outcome {
  case .resume: Result.resume
  case .user: Result.user
  // Of what is tried here, WFE.
  case .departure(let departure): departure == .waitForEvent ? Result.departure : Result.lost
  // TLBIALL, which has no effect here.
  case .system: Result.system
  case .lost: Result.lost
  }
}

/// Runs one test translated; the result is in `Test.translated`.
struct TranslatedRun {
  private let translator: Translator<GuestSpace>
  private let test: Test
  private var breaks: Breakpoints
  /// Exits are counted, as a sequence that does not end is wrong.
  private var exits: UInt32 = 0
  /// How often it was interrupted.
  var interruptions: UInt32 { breaks.hits }

  init(_ test: Test, interrupts: Bool) {
    self.test = test
    // Now and then so few that it is thrown away in the middle.
    write32(Layout.pairs, test.number % 4 == 0 ? 1 : Layout.cachePairs)
    translator = Translator<GuestSpace>.shared
    breaks = Breakpoints(test.dice, isActive: interrupts)
  }

  /// - Returns: false if the translator lost its way.
  mutating func run() -> Bool {
    Test.fillData()
    // What the first run translated is the same code.
    if !breaks.isActive { translator.reset() }
    load()
    var outcome = machine_attempt(Step.enter, test.start)
    while exits < 10000 {
      exits = exits &+ 1
      if outcome == Result.aborted { outcome = abortOfStep() }
      if isAtEnd {
        save()
        return true
      }
      switch outcome {
      case Result.resume: outcome = continueInCache()
      case Result.user: outcome = continueInUserMode()
      case Result.departure, Result.system: outcome = Result.resume
      default: return false
      }
    }
    return false
  }

  /// Whether the guest is at a vector that ends the sequence.
  private var isAtEnd: Bool {
    let offset = translator[.programCounter] &- Layout.vectors
    return offset < 32 && test.plan.resumed &>> (offset &>> 2) & 1 == 0
  }

  // MARK: Code of the cache

  private mutating func continueInCache() -> UInt32 {
    breaks.set(near: translator[.position], end: read32(Layout.directory))
    runFrame(at: translator[.position], status: translator[.flags])
    breaks.clear()
    let vector = State.context[Place.vector]
    switch vector {
    case 2: return call()
    case 3:
      translator[.position] = translator[.position] &- 4
      return machine_attempt(Step.interrupt, breaks.hit())
    case 4: return abort()
    case 1:
      translator[.position] = translator[.position] &- (translator[.flags] & 0x20 != 0 ? 2 : 4)
      return machine_attempt(Step.take, vector)
    default: return Result.lost
    }
  }

  private func call() -> UInt32 {
    machine_attempt(Step.handle, read32(translator[.position] &- 4) & 0x00ff_ffff)
  }

  private func abort() -> UInt32 {
    translator[.position] = translator[.position] &- 8
    let address = State.context[Place.faults &+ 1]
    if address &- Layout.window < StatusWindow.bytes {
      let result = machine_attempt(Step.storeStatus, 0)
      // Else it was an access of the sequence's own.
      if result != Result.lost { return result }
    }
    return machine_attempt(Step.take, 4)
  }

  /// The translator read code where there is none, or could not do an access for the guest.
  private func abortOfStep() -> UInt32 {
    let isFetch = fault_address() &- (translator[.programCounter] & ~3) < 4
    return machine_attempt(Step.takeOwn, isFetch ? 3 : 4)
  }

  /// User mode's code runs as it is.
  private func continueInUserMode() -> UInt32 {
    let context = State.context
    for thread in 0..<3 as Range<UInt32> { context[Place.threads &+ thread] = threadRegister(thread) }
    runFrame(at: translator[.programCounter] & ~1, status: translator.currentStatus)
    translator[.threadUserReadWrite] = context[Place.threads]
    let vector = context[Place.vector]
    let isT32 = translator[.flags] & 0x20 != 0
    let before: UInt32 = vector == 4 ? 8 : vector == 3 || !isT32 ? 4 : 2
    translator[.programCounter] = (translator[.position] &- before) | (isT32 ? 1 : 0)
    translator[.ifThen] = translator[.flags] &>> 25 & 3 | translator[.flags] &>> 8 & 0xfc
    return machine_attempt(Step.takeOwn, vector)
  }

  private func threadRegister(_ number: UInt32) -> UInt32 {
    read32(translator.layout.state &+ StateSlot.threadUserReadWrite.rawValue &+ 4 &* number)
  }

  /// Runs with the frame's registers until an exception, and saves them there.
  private func runFrame(at address: UInt32, status: UInt32) {
    let context = State.context
    for register in 0..<15 as Range<UInt32> { context[register] = translator.register(register) }
    context[Place.counter] = address
    context[Place.status] = status
    context[Place.vectors] = Layout.run
    context[Place.domains] = Domains.all
    machine_run()
    for register in 0..<15 as Range<UInt32> { translator.setRegister(register, context[register]) }
    let bank = State.bank(of: State.mode(of: context[Place.vector]))
    translator[.position] = context[bank &+ 1]
    translator[.flags] = context[bank &+ 2]
  }

  /// Where it was when the translator did not know what next.
  func tellPlace() {
    Console.write("  lost at ")
    Console.write(hex: translator[.position])
    Console.write(", last PC ")
    Console.write(hex: translator[.programCounter])
    Console.write(", exits ")
    Console.write(decimal: exits)
    Console.write(", vector ")
    Console.write(decimal: State.context[Place.vector])
    Console.write(", SPSR ")
    Console.write(hex: translator[.flags])
    Console.write("\n")
  }

  // MARK: All registers

  /// The guest's state is the test's.
  private func load() {
    let initial = Test.initial
    let status = initial[Place.status]
    let mode = status & 0x1f
    translator[.status] = status & 0x1df
    translator[.vectorBase] = Layout.vectors
    translator[.identification(0, 0)] = main_identity()
    translator[.flags] = status & 0xf80f_0000 | Mode.user
    // As if an interrupt waited, but for its delivery: what unmasks it leaves the cache.
    let isPending = breaks.isActive && test.number & 8 != 0
    translator[.commit] =
      Layout.window &+ StateSlot.status.rawValue &+ (isPending ? StatusWindow.pendingOffset : 0)
    for register in 0..<15 as Range<UInt32> {
      translator.setRegister(register, initial[State.place(of: register, in: mode)])
    }
    translator[.savedStatus] = initial[State.bank(of: mode) &+ 2]
    for number in 0..<6 as Range<UInt32> {
      let bank = State.bank(of: Self.mode(number))
      for index in 0..<3 as Range<UInt32> { translator.setBanked(number, index, initial[bank &+ index]) }
    }
    let other = mode == Mode.fast ? 8 : Place.fast
    for index in 0..<5 as Range<UInt32> { setFast(index, initial[other &+ index]) }
    translator[.threadUserReadWrite] = initial[Place.threads]
    translator[.threadUserReadOnly] = initial[Place.threads &+ 1]
    translator[.threadPrivileged] = initial[Place.threads &+ 2]
  }

  /// The result is the guest's state.
  private func save() {
    let result = Test.translated
    let mode = translator[.status] & 0x1f
    for number in 1..<6 as Range<UInt32> {
      let bank = State.bank(of: Self.mode(number))
      for index in 0..<3 as Range<UInt32> { result[bank &+ index] = translator.banked(number, index) }
    }
    for index in 0..<2 as Range<UInt32> { result[Place.user &+ index] = translator.banked(0, index) }
    let other = mode == Mode.fast ? 8 : Place.fast
    for index in 0..<5 as Range<UInt32> { result[other &+ index] = fast(index) }
    for register in 0..<15 as Range<UInt32> {
      result[State.place(of: register, in: mode)] = translator.register(register)
    }
    if mode != Mode.system { result[State.bank(of: mode) &+ 2] = translator[.savedStatus] }
    result[Place.threads] = translator[.threadUserReadWrite]
    result[Place.threads &+ 1] = translator[.threadUserReadOnly]
    result[Place.threads &+ 2] = translator[.threadPrivileged]
    result[Place.status] = translator.currentStatus
    result[Place.counter] = 0
    result[Place.vector] = (translator[.programCounter] &- Layout.vectors) &>> 2
    result[Place.data] = Test.sumOfData()
  }

  private func setFast(_ index: UInt32, _ value: UInt32) {
    write32(translator.layout.state &+ StateSlot.fastRegisters.rawValue &+ 4 &* index, value)
  }
  private func fast(_ index: UInt32) -> UInt32 {
    read32(translator.layout.state &+ StateSlot.fastRegisters.rawValue &+ 4 &* index)
  }

  /// The mode of a bank, as the translator numbers them.
  private static func mode(_ bank: UInt32) -> UInt32 {
    switch bank {
    case 0: Mode.user
    case 1: Mode.fast
    case 2: Mode.interrupt
    case 3: Mode.supervisor
    case 4: Mode.abort
    default: Mode.undefined
    }
  }
}
