// Random sequences of instructions, run natively in a privileged mode and translated in User mode: registers, flags,
// memory and the exception that ends them have to be the same.

import Machine

func differential() {
  var table = TranslationTable()
  table.turnOn()
  let arguments = BootArguments()
  let seed = arguments.number("seed") ?? 1
  let first = arguments.number("first") ?? 0
  let count = arguments.number("count") ?? 1000
  let onlyA32 = arguments.contains("a32")
  let onlyT32 = arguments.contains("t32")
  for number in first..<first &+ count {
    let test = Test(seed: seed, number: number, a32: !onlyT32, t32: !onlyA32)
    if arguments.contains("trace") { Console.write(decimal: number); Console.write("\n") }
    if arguments.contains("show") { test.show() }
    test.runNatively()
    if arguments.contains("show") { Report.show(Test.native) }
  }
  Console.write("done\n")
  Console.powerOff()
}

@c(differential_unexpected) func unexpected(vector: UInt32, address: UInt32) {
  Console.write("differential: FAIL, exception ")
  Console.write(decimal: vector)
  Console.write(" at ")
  Console.write(hex: address)
  Console.write("\n")
  Console.powerOff()
}
