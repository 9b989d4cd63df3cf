// A kernel that rewrites its own code in every way that kernels do, and sees each time that the new code runs.

import GuestMachine
import GuestSupport

func runSelfModifying() {
  let table = TranslationTable.first
  table.identify(mebibytes: UInt32(truncatingIfNeeded: BoardMemory.bank().size &>> 20))
  table.turnOn()
  var lab = Lab()
  for round in 0..<2 as Range<UInt32> {
    lab.round = round
    lab.set = InstructionSet(isT32: false)
    lab.checkAll()
    lab.set = InstructionSet(isT32: true)
    lab.checkAll()
  }
  lab.checkVectors()
  lab.checkManyFunctions()
  if lab.failures == 0 { Console.write("selfmodifying: fine\n") }
  Power.off()
}

/// Where code is written and run.
struct Lab {
  var set = InstructionSet(isT32: false)
  var round: UInt32 = 0
  private(set) var failures: UInt32 = 0
  /// The last number that a function was made to return.
  private var number: UInt32 = 0x100

  /// Pages of memory, at these addresses too.
  static func page(_ number: UInt32) -> UInt32 { 0x4040_0000 &+ number &<< 12 }
  /// Pages that are mapped where they are wanted.
  static func window(_ number: UInt32) -> UInt32 { 0x5000_0000 &+ number &<< 12 }

  var table: TranslationTable { TranslationTable.first }

  mutating func checkAll() {
    checkPatches()
    checkCalls()
    checkStores()
    checkPages()
    checkUserCode()
    checkSpaces()
    checkOwnBlock()
    checkWithoutTranslation()
  }

  /// A number that no function has returned before.
  mutating func next() -> UInt32 {
    number = number == 0xFFFF ? 0x100 : number &+ 1
    return number
  }

  /// Runs a function; an exception is a number that none returns.
  func run(_ address: UInt32, _ first: UInt32 = 0, _ second: UInt32 = 0) -> UInt32 {
    var registers: InlineArray<8, UInt32> = [first, second, 0, 0, 0, 0, 0, 0]
    let kind = Attempt.run(address, &registers)
    return kind == 0 ? registers[0] : 0xE000_0000 | kind
  }

  mutating func expect(_ which: StaticString, _ found: UInt32, _ expected: UInt32) {
    guard found != expected else { return }
    failures = failures &+ 1
    Console.write("selfmodifying: FAIL ")
    Console.write(which)
    Console.write(set.isT32 ? ", T32" : ", A32")
    Console.write(": expected ")
    Console.write(hex: expected)
    Console.write(", found ")
    Console.write(hex: found)
    Console.write("\n")
  }

  /// The TLB forgets a page, in the current address space.
  func forget(_ page: UInt32) {
    data_barrier()
    invalidate_translation(page | read_context() & 0xFF)
    data_barrier()
    instruction_barrier()
  }

  /// Maps a page where another one was.
  func remap(_ virtual: UInt32, to physical: UInt32, _ access: UInt32 = PageAccess.kernel) {
    table.map(virtual, to: physical, access)
    forget(virtual)
  }
}
