// Random sequences of instructions, run natively in a privileged mode and translated in User mode: registers, flags,
// memory and the exception that ends them have to be the same.

import Machine

func differential() {
  var table = TranslationTable()
  table.turnOn()
  var comparison = Comparison(BootArguments())
  comparison.run()
  Console.powerOff()
}

/// What is to be compared, and what came of it.
struct Comparison {
  private let seed: UInt32
  private let first: UInt32
  private let count: UInt32
  private let hasA32: Bool
  private let hasT32: Bool
  /// Whether to print all of each test.
  private let shows: Bool
  private let traces: Bool
  /// Whether to change a bit of each translated result, to see that it is noticed.
  private let spoils: Bool
  private var differences: UInt32 = 0
  private var interruptions: UInt32 = 0

  init(_ arguments: BootArguments) {
    seed = arguments.number("seed") ?? 1
    first = arguments.number("first") ?? 0
    count = arguments.number("count") ?? 1000
    hasA32 = !arguments.contains("t32")
    hasT32 = !arguments.contains("a32")
    shows = arguments.contains("show")
    traces = arguments.contains("trace")
    spoils = arguments.contains("spoil")
  }

  mutating func run() {
    for number in first..<first &+ count {
      if traces {
        Console.write(decimal: number)
        Console.write("\n")
      }
      run(Test(seed: seed, number: number, a32: hasA32, t32: hasT32))
    }
    Console.write("differential: ")
    Console.write(decimal: count)
    Console.write(" sequences, ")
    Console.write(decimal: differences)
    Console.write(" differences; interrupted ")
    Console.write(decimal: interruptions)
    Console.write(" times\n")
  }

  private mutating func run(_ test: Test) {
    if shows { test.show() }
    test.runNatively()
    if shows { Report.show(Test.native) }
    translate(test, interrupts: false)
    translate(test, interrupts: true)
  }

  private mutating func translate(_ test: Test, interrupts: Bool) {
    var run = TranslatedRun(test, interrupts: interrupts)
    let isDone = run.run()
    if spoils { Test.translated[test.number % Place.compared] ^= 1 &<< (test.number & 31) }
    interruptions = interruptions &+ run.interruptions
    if isDone, !Report.difference(Test.native, Test.translated, prints: false) { return }
    differences = differences &+ 1
    guard differences < 20 else { return }
    Console.write("differential: DIFFERENCE seed=")
    Console.write(decimal: seed)
    Console.write(" first=")
    Console.write(decimal: test.number)
    Console.write(interrupts ? ", interrupted\n" : ", translated\n")
    if isDone { _ = Report.difference(Test.native, Test.translated, prints: true) } else { run.tellPlace() }
    if shows { Report.words(Layout.cache, Layout.page) }
  }
}

@c(differential_unexpected) func unexpected(vector: UInt32, address: UInt32) {
  Console.write("differential: FAIL, exception ")
  Console.write(decimal: vector)
  Console.write(" at ")
  Console.write(hex: address)
  Console.write("\n")
  Console.powerOff()
}
