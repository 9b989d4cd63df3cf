// Where the attacks take place: this guest's pages, timer and interrupts, made anew for each of them.

import GuestMachine
import GuestSupport
import HostileAssembly

enum Battle {
  /// Code, as this guest's kernel has it, and as User mode does.
  static let code: UInt32 = 0x4040_0000
  static let userCode: UInt32 = 0x0080_0000
  /// Bytes of code, and more behind them that may be anything.
  static let codeBytes: UInt32 = 0x4000
  /// Pages with nothing behind them: at these addresses, and from here in memory.
  static let edgeMemory: UInt32 = 0x4041_0000
  static let edges: InlineArray<6, UInt32> = [
    0x00A0_0000, 0xFDFF_F000, 0xFFFF_F000, 0xFFFF_8000, 0xFFEF_F000, 0x7FFF_F000,
  ]
  /// Data that may be anything, and for User mode.
  static let data: UInt32 = 0x4050_0000
  static let userData: UInt32 = 0x0090_0000
  static let dataBytes: UInt32 = 0x1_0000
  /// Translation tables with anything in them.
  static let tables: UInt32 = 0x4060_0000
  /// This VM's memory.
  static let memory: UInt32 = 0x4000_0000
  static let memoryEnd: UInt32 = 0x4080_0000

  /// Whether addresses are kept off the code cache and the translator's tables, which the kernel can write: most of
  /// what it writes there ends this VM.
  nonisolated(unsafe) static var sparesCache = true
  /// How many exceptions of each kind were taken.
  nonisolated(unsafe) static var exceptions = InlineArray<8, UInt32>(repeating: 0)
  /// r0…r12, SP, LR, PC, CPSR.
  nonisolated(unsafe) static var state = InlineArray<17, UInt32>(repeating: 0)
  nonisolated(unsafe) private static var timer = TickTimer(period: 2000)

  static func begin() {
    let table = TranslationTable.first
    table.identify(mebibytes: 8)
    for page in stride(from: 0, to: codeBytes, by: 4096) {
      table.map(userCode &+ page, to: code &+ page, PageAccess.user)
    }
    for page in stride(from: 0, to: dataBytes, by: 4096) {
      table.map(userData &+ page, to: data &+ page, PageAccess.user)
    }
    for index in 0..<6 as Range<UInt32> {
      table.map(edges[Int(index)], to: edgeMemory &+ index &<< 12, PageAccess.user)
    }
    // Where the vectors are with SCTLR.V.
    table.map(0xFFFF_0000, to: hostile_vectors_address(), PageAccess.kernelReads)
    table.turnOn()
    write_vectors(hostile_vectors_address())
    prepare()
  }

  /// A number that is another one at every start.
  static var freshNumber: UInt32 { BoardTree.cell("rng-seed\0") }

  /// Takes an exception of each kind, so that the vectors are among what is translated already: they are found then
  /// even with nonsense in the translation registers.
  static func warm() {
    var program = Program(at: code)
    // UDF, SVC, BX and LDR of R0, which is 0.
    program.add([0xE7F0_00F0, 0xEF00_0000, 0xE12F_FF10, 0xE590_0000])
    program.end()
    for instruction in 0..<4 as Range<UInt32> { run(code &+ 4 &* instruction, status: Mode.supervisor) }
  }

  /// Whatever the attacks before have done: interrupts come, and end an attack that goes on for too long.
  static func prepare() {
    sparesCache = true
    write32(ProcessorInterface.base &+ 0xD0, 0)
    for bank in stride(from: Distributor.base, to: Distributor.base &+ 12, by: 4) {
      write32(bank &+ 0x180, ~0)
      write32(bank &+ 0x280, ~0)
      write32(bank &+ 0x380, ~0)
    }
    ProcessorInterface.enable()
    ProcessorInterface.dropPriorities()
    Distributor.enable(timer.interrupt)
    for index in 0..<17 { state[index] = 0 }
  }

  /// Ends what an attack has begun.
  static func settle() {
    timer.stop()
    endInterrupts()
    write_coprocessor_access(0xF0_0000)
  }

  private static func endInterrupts() {
    timer.acknowledge()
    for _ in 0..<4 {
      let interrupt = ProcessorInterface.acknowledge()
      guard interrupt < 1020 else { return }
      ProcessorInterface.end(interrupt)
    }
  }

  static func restoreConsole() {
    write32(Console.base &+ 0x38, 0)
    write32(Console.base &+ 0x2C, 0x70)
    write32(Console.base &+ 0x30, 0x301)
  }

  /// Runs code with the state's registers, for 2 ms at most where interrupts come.
  /// - Parameters:
  ///   - address: bit 0 set for T32.
  ///   - status: mode, masks and flags.
  static func run(_ address: UInt32, status: UInt32) {
    state[15] = address & ~1
    state[16] = status | (address & 1) &<< 5
    endInterrupts()
    timer.start()
    let kind = unsafe withUnsafePointer(to: &state) {
      // An InlineArray of 17 words is the 17 words that the routine expects.
      unsafe hostile_run(UnsafeRawPointer($0).assumingMemoryBound(to: UInt32.self))
    }
    exceptions[Int(kind & 7)] &+= 1
  }
}

/// Modes, with interrupts let in.
enum Mode {
  static let user: UInt32 = 0x10
  static let fast: UInt32 = 0x11
  static let interrupt: UInt32 = 0x12
  static let supervisor: UInt32 = 0x13
  static let undefined: UInt32 = 0x1B
  static let system: UInt32 = 0x1F
}
