// Code that changes itself, and the maintenance of caches and of the TLB.

import GuestMachine
import GuestSupport

private let setsAndWays: InlineArray<3, UInt32> = [0xD508_7640, 0xD508_7A40, 0xD508_7E40]  // dc isw, csw, cisw
private let maintenance: InlineArray<16, UInt32> = [
  0xD508_751F, 0xD508_711F, 0xD50B_7520, 0xD50B_7A20,  // ic iallu, iallluis, ivau; dc cvac
  0xD50B_7E20, 0xD508_871F, 0xD508_831F, 0xD508_8720,  // dc civac; tlbi vmalle1, vmalle1is, vae1
  0xD508_8320, 0xD508_8740, 0xD508_8340, 0xD508_8760,  // vae1is, aside1, aside1is, vaae1
  0xD508_8360, 0xD508_87A0, 0xD508_83E0, 0xD508_87E0,  // vaae1is, vale1, vaale1is, vaale1
]

extension Attacker {
  /// Runs an instruction, changes it, and runs it again: with the maintenance that is due the new one must have
  /// run, without it the old one may.
  mutating func changeCode() {
    let before = dice.word() & 0xFFFF
    let after = dice.word() & 0xFFFF
    run(CodeBuffer.make([Self.move(before)]), "new code", expecting: before, or: before)
    let isPublished = dice.oneIn(2)
    changeCode(to: Self.move(after), publish: isPublished)
    run(
      CodeBuffer.address, isPublished ? "changed code" : "unpublished code", expecting: after,
      or: isPublished ? after : before)
    publish_instructions(CodeBuffer.address, 4)
  }

  /// Runs the code, which neither faults nor moves anything but one of the two numbers to x1.
  private mutating func run(_ code: UInt64, _ check: StaticString, expecting number: UInt32, or other: UInt32) {
    let result = attempt(code: code)
    note(result)
    let moved = result.registers[1]
    guard result.faulted || moved != UInt64(number) && moved != UInt64(other) else { return }
    tell(
      Damage(
        check: check, expected: UInt64(number), found: moved, foundAgain: attempt(code: code).registers[1],
        inMemory: UInt64(read32(code)), syndrome: result.syndrome))
  }

  /// `mov x1, #number`.
  private static func move(_ number: UInt32) -> UInt32 { 0xD280_0001 | number << 5 }

  /// Writes in place, or through another mapping, cached like the first.
  private mutating func changeCode(to instruction: UInt32, publish: Bool) {
    var address = CodeBuffer.address
    if dice.oneIn(2) {
      let slot = takeSlot()
      write64(Window.entry(slot), address & ~0x3FFF_FFFF | 0x705)
      synchronize()
      address = slot << 30 | address & 0x3FFF_FFFF
    }
    write32(address, instruction)
    if publish { publish_instructions(address, 4) }
    if publish, address != CodeBuffer.address { publish_instructions(CodeBuffer.address, 4) }
  }

  /// By set and way, which must lose nothing, and by address.
  mutating func maintainCaches() {
    let canary = dice.next()
    Shared.write(UInt64(processor), canary)
    for _ in 0..<4 {
      let way = dice.below(16) << 28 | dice.below(1 << 14) << 6 | dice.below(8) << 1
      execute([dice.pick(setsAndWays)], dice.oneIn(8) ? dice.value() : way)
    }
    let address = dice.oneIn(2) ? Battle.scratch(processor) + dice.below(Battle.scratchSize) : dice.value()
    execute([dice.pick(maintenance)], address)
    let found = Shared.read(UInt64(processor))
    guard found != canary else { return }
    tell(
      Damage(
        check: "canary", expected: canary, found: found, foundAgain: Shared.read(UInt64(processor)),
        inMemory: read64(shared_address(UInt64(processor))), syndrome: 0))
  }
}
