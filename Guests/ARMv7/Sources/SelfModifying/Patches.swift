// Single instructions that change while the code around them stays.

import GuestMachine
import GuestSupport

extension Lab {
  /// Linux's text_poke: code is read-only; a window elsewhere is opened for each change.
  mutating func checkPatches() {
    let code = Self.window(0)
    let poke = Self.window(1)
    set.function(at: Self.page(0), giving: next())
    remap(code, to: Self.page(0), PageAccess.kernelReads)
    for _ in 0..<8 {
      let value = next()
      remap(poke, to: Self.page(0))
      set.write(poke, set.move(0, value))
      table.unmap(poke)
      forget(poke)
      publish(code, bytes: 4)
      expect("text_poke", run(set.entry(code)), value)
      expect("text_poke, again", run(set.entry(code)), value)
    }
    checkKey(at: Self.page(1))
    checkProbe(at: Self.page(9))
    if set.isT32 { checkIfThen(at: Self.page(18)) }
    checkFallingThrough(at: Self.page(2))
  }

  /// A static key: NOP or B, in a function that another one calls.
  private mutating func checkKey(at page: UInt32) {
    var program = Program(at: set.entry(page))
    program.add(set.push)
    program.add(set.call(from: page &+ 4, to: page &+ 0x40))
    program.add(set.pop)
    program.publish()
    let key = page &+ 0x44
    var function = Program(at: set.entry(page &+ 0x40))
    function.add([set.move(0, 1), set.nothing, set.add(0, 1), set.back])
    function.publish()
    for turn in 0..<8 as Range<UInt32> {
      let isOn = turn & 1 != 0
      set.write(key, isOn ? set.branch(from: key, to: key &+ 8) : set.nothing)
      publish(key, bytes: 4)
      expect("static key", run(set.entry(page)), isOn ? 1 : 2)
    }
  }

  /// kprobes and kgdb: an undefined instruction or a breakpoint in the place of another one, for a while.
  private mutating func checkProbe(at page: UInt32) {
    for turn in 0..<6 as Range<UInt32> {
      let value = next()
      set.function(at: page, giving: value)
      expect("before a probe", run(set.entry(page)), value)
      let isBreakpoint = turn & 1 != 0
      set.write(page, isBreakpoint ? set.breakpoint : set.undefined)
      publish(page, bytes: 4)
      let kind = isBreakpoint ? ExceptionKind.prefetchAbort : ExceptionKind.undefined
      expect("a probe", run(set.entry(page)), 0xE000_0000 | kind)
    }
  }

  /// An instruction in an IT block, and the condition of the block.
  private mutating func checkIfThen(at page: UInt32) {
    var program = Program(at: set.entry(page))
    // MOVS r0, #0; ITE EQ; then two additions to R0; BX LR.
    program.add(0x2000_BF0C)
    program.add([set.add(0, 1), set.add(0, 2), set.back])
    program.publish()
    for turn in 0..<8 as Range<UInt32> {
      set.write(page &+ 4, set.add(0, 1 &+ turn))
      set.write(page &+ 8, set.add(0, 16 &+ turn))
      // ITE EQ, ITE NE.
      write16(page &+ 2, turn & 1 == 0 ? 0xBF0C : 0xBF14)
      publish(page, bytes: 12)
      expect("an IT block", run(set.entry(page)), turn & 1 == 0 ? 1 &+ turn : 16 &+ turn)
    }
  }

  /// The end of one block and the beginning of the next, whose connection stays: with a page's end between them.
  private mutating func checkFallingThrough(at page: UInt32) {
    let end = page &+ 0x1000
    var program = Program(at: set.entry(end &- 8))
    program.add([set.move(0, 0), set.add(0, 1), set.add(0, 2), set.back])
    program.publish()
    for turn in 0..<6 as Range<UInt32> {
      set.write(end &- 4, set.add(0, 1 &+ turn))
      publish(end &- 4, bytes: 4)
      expect("the end of a page", run(set.entry(end &- 8)), 3 &+ turn)
      set.write(end, set.add(0, 3 &+ turn))
      publish(end, bytes: 4)
      expect("the next page", run(set.entry(end &- 8)), 4 &+ 2 &* turn)
      set.write(end, set.add(0, 2))
      publish(end, bytes: 4)
    }
  }

  // MARK: Calls

  /// ftrace: a NOP at a function's beginning becomes a call of a tracer, then of another one, then a NOP again.
  mutating func checkCalls() {
    let page = Self.page(4)
    let site = page &+ 4
    var program = Program(at: set.entry(page))
    program.add([set.push, set.nothing, set.add(0, 1), set.pop])
    program.publish()
    for tracer in 1..<3 as Range<UInt32> {
      var program = Program(at: set.entry(page &+ tracer &<< 8))
      program.add(set.add(0, tracer &* 16))
      program.add(set.back)
      program.publish()
    }
    for turn in 0..<9 as Range<UInt32> {
      let tracer = turn % 3
      set.write(site, tracer == 0 ? set.nothing : set.call(from: site, to: page &+ tracer &<< 8))
      publish(site, bytes: 4)
      expect("ftrace", run(set.entry(page), 0), 1 &+ tracer &* 16)
    }
    checkCallee(at: Self.page(5))
    checkReturn(at: Self.page(6))
    checkLiteral(at: Self.page(7))
    checkState(at: Self.page(8))
  }

  /// What a connected branch leads to changes, and what an indirect one finds.
  private mutating func checkCallee(at page: UInt32) {
    let callee = page &+ 0x800
    var program = Program(at: set.entry(page))
    program.add(set.branch(from: page, to: callee))
    program.publish()
    for _ in 0..<4 {
      let value = next()
      set.function(at: callee, giving: value)
      expect("callee of a branch", run(set.entry(page)), value)
      expect("callee of BLX", run(set.entry(callee)), value)
    }
  }

  /// A function changes what its caller does next.
  private mutating func checkReturn(at page: UInt32) {
    let site = page &+ 8
    var program = Program(at: set.entry(page))
    program.add([set.push, set.call(from: page &+ 4, to: page &+ 0x100), set.move(0, 0), set.pop])
    program.publish()
    var patcher = Program(at: set.entry(page &+ 0x100))
    patcher.add(set.store)
    patcher.add(set.maintenance)
    patcher.add(set.back)
    patcher.publish()
    for _ in 0..<4 {
      let value = next()
      expect("the caller", run(set.entry(page), site, set.inMemory(set.move(0, value))), value)
    }
  }

  /// Data in the code's page: a literal, which is no code.
  private mutating func checkLiteral(at page: UInt32) {
    var program = Program(at: set.entry(page))
    // LDR r0, [pc, #8], whose PC is 4 or 8 behind.
    program.add(set.isT32 ? 0xF8DF_0008 : 0xE59F_0008)
    program.add(set.back)
    program.publish()
    let literal = page &+ (set.isT32 ? 12 : 16)
    for _ in 0..<4 {
      let value = next()
      write32(literal, value)
      expect("literal", run(set.entry(page)), value)
    }
  }

  /// The same bytes as A32 and as T32, and other bytes in the other state at the same address.
  private mutating func checkState(at page: UInt32) {
    let other = InstructionSet(isT32: !set.isT32)
    for _ in 0..<3 {
      let first = next()
      set.function(at: page, giving: first)
      expect("state", run(set.entry(page)), first)
      let second = next()
      other.function(at: page, giving: second)
      expect("the other state", run(other.entry(page)), second)
    }
  }
}
