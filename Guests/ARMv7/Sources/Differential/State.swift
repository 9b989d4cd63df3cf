// All registers of a processor, as words in memory: the context of machine_run, and copies of it.

import Machine

/// Names of the words; run.S knows them too.
enum Place {
  /// r0…r12, those of User mode.
  static let registers: UInt32 = 0
  static let user: UInt32 = 13
  /// r8…r12, SP, LR and SPSR.
  static let fast: UInt32 = 15
  /// SP, LR and SPSR each.
  static let interrupt: UInt32 = 23
  static let supervisor: UInt32 = 26
  static let abort: UInt32 = 29
  static let undefined: UInt32 = 32
  /// TPIDRURW, TPIDRURO, TPIDRPRW.
  static let threads: UInt32 = 35
  static let status: UInt32 = 38
  static let counter: UInt32 = 39
  /// The exception that ended the run: its place in the vector table.
  static let vector: UInt32 = 40
  /// A checksum of the data, where a state is a result; VBAR in the context.
  static let data: UInt32 = 41
  static let vectors: UInt32 = 41
  static let domains: UInt32 = 42
  /// DFSR, DFAR, IFSR, IFAR.
  static let faults: UInt32 = 44

  static let count: UInt32 = 48
  /// What two runs of the same sequence have to agree in.
  static let compared: UInt32 = 42
}

/// A processor mode with a bank of registers (CPSR's M).
enum Mode {
  static let user: UInt32 = 0x10
  static let fast: UInt32 = 0x11
  static let interrupt: UInt32 = 0x12
  static let supervisor: UInt32 = 0x13
  static let abort: UInt32 = 0x17
  static let undefined: UInt32 = 0x1b
  static let system: UInt32 = 0x1f

  /// One of the six that a kernel runs in.
  static func privileged(_ number: UInt32) -> UInt32 {
    switch number {
    case 0: fast
    case 1: interrupt
    case 2: supervisor
    case 3: abort
    case 4: undefined
    default: system
    }
  }
}

/// The words of one state.
struct State {
  let base: UInt32

  /// What machine_run loads and saves.
  static var context: State { State(base: Layout.context) }

  subscript(place: UInt32) -> UInt32 {
    get { read32(base &+ place &* 4) }
    nonmutating set { write32(base &+ place &* 4, newValue) }
  }

  func copy(from other: State) {
    for place in 0..<Place.count { self[place] = other[place] }
  }

  /// Where a mode's SP is, with LR and SPSR behind it; User and System mode have no SPSR.
  static func bank(of mode: UInt32) -> UInt32 {
    switch mode & 0x1f {
    case Mode.fast: Place.fast &+ 5
    case Mode.interrupt: Place.interrupt
    case Mode.supervisor: Place.supervisor
    case Mode.abort: Place.abort
    case Mode.undefined: Place.undefined
    default: Place.user
    }
  }

  /// Where r0…r14 is, as a mode sees it.
  static func place(of register: UInt32, in mode: UInt32) -> UInt32 {
    if register >= 13 { return bank(of: mode) &+ register &- 13 }
    if register >= 8, mode & 0x1f == Mode.fast { return Place.fast &+ register &- 8 }
    return register
  }

  /// The mode that an exception is taken to.
  static func mode(of vector: UInt32) -> UInt32 {
    switch vector {
    case 1: Mode.undefined
    case 2: Mode.supervisor
    case 3, 4: Mode.abort
    case 6: Mode.interrupt
    default: Mode.fast
    }
  }
}
