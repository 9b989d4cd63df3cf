// What is printed of a test.

import Machine

extension Test {
  /// All that is needed to read it: where it begins, and the words of its code.
  func show() {
    Console.write("test ")
    Console.write(decimal: number)
    Console.write(" start ")
    Console.write(hex: start)
    Console.write("\n")
    Report.words(Layout.vectors, Layout.page &* (1 &+ Layout.codePages))
    Report.show(Self.initial)
  }
}

enum Report {
  /// The words that are not zero, eight in a line.
  static func words(_ start: UInt32, _ bytes: UInt32) {
    for line in 0..<bytes / 32 {
      let address = start &+ line &* 32
      guard sum_of_words(address, 8) != 0 else { continue }
      Console.write(hex: address)
      for word in 0..<8 as Range<UInt32> {
        Console.write(" ")
        Console.write(hex: read32(address &+ word &* 4))
      }
      Console.write("\n")
    }
  }

  /// Where two states differ.
  /// - Returns: whether they do.
  static func difference(_ one: State, _ other: State, prints: Bool) -> Bool {
    var differs = false
    for place in 0..<Place.compared where one[place] != other[place] {
      differs = true
      guard prints else { return true }
      Console.write("  ")
      name(place)
      Console.write(" natively ")
      Console.write(hex: one[place])
      Console.write(", translated ")
      Console.write(hex: other[place])
      Console.write("\n")
    }
    return differs
  }

  /// All words of a state.
  static func show(_ state: State) {
    for place in 0..<Place.count {
      name(place)
      Console.write("=")
      Console.write(hex: state[place])
      Console.write(place % 8 == 7 ? "\n" : " ")
    }
  }

  static func name(_ place: UInt32) {
    switch place {
    case ..<13: register("r", place)
    case Place.user: Console.write("sp_usr")
    case Place.user &+ 1: Console.write("lr_usr")
    case Place.fast..<Place.fast &+ 5: register("fiq_r", place &- Place.fast &+ 8)
    case Place.fast &+ 5..<Place.interrupt: banked("fiq", place &- Place.fast &- 5)
    case Place.interrupt..<Place.supervisor: banked("irq", place &- Place.interrupt)
    case Place.supervisor..<Place.abort: banked("svc", place &- Place.supervisor)
    case Place.abort..<Place.undefined: banked("abt", place &- Place.abort)
    case Place.undefined..<Place.threads: banked("und", place &- Place.undefined)
    case Place.threads..<Place.status: register("thread", place &- Place.threads &+ 2)
    case Place.status: Console.write("cpsr")
    case Place.counter: Console.write("pc")
    case Place.vector: Console.write("vector")
    case Place.data: Console.write("data")
    default: register("word", place)
    }
  }

  private static func register(_ text: StaticString, _ number: UInt32) {
    Console.write(text)
    Console.write(decimal: number)
  }

  private static func banked(_ mode: StaticString, _ number: UInt32) {
    Console.write(number == 0 ? "sp_" : number == 1 ? "lr_" : "spsr_")
    Console.write(mode)
  }
}
