// Whole pages of code that come and go.

import GuestMachine
import GuestSupport

extension Lab {
  mutating func checkPages() {
    checkReuse()
    checkRemapping()
    checkRights()
    checkSection()
  }

  /// A module: its pages are filled, mapped, run, taken away, filled with other code and mapped at the same address and
  /// at another one.
  private mutating func checkReuse() {
    for turn in 0..<6 as Range<UInt32> {
      let window = Self.window(8 &+ turn % 3)
      let page = Self.page(20 &+ turn & 1)
      let value = next()
      // As a module is loaded: written where it is not executed.
      set.function(at: page, giving: value)
      remap(window, to: page, PageAccess.kernelReads)
      publish(window, bytes: 64)
      expect("a new page", run(set.entry(window)), value)
      expect("a new page by its other address", run(set.entry(page)), value)
      table.unmap(window)
      forget(window)
      expect("a page that is gone", run(set.entry(window)), 0xE000_0000 | ExceptionKind.prefetchAbort)
    }
  }

  /// Another page at the same address, by each way to tell the TLB.
  private mutating func checkRemapping() {
    let window = Self.window(12)
    let first = next()
    let second = next()
    set.function(at: Self.page(22), giving: first)
    set.function(at: Self.page(23), giving: second)
    remap(window, to: Self.page(22))
    for turn in 0..<16 as Range<UInt32> {
      let isFirst = turn & 1 == 0
      // TLBIASID is for pages that are not global.
      table.map(
        window, to: Self.page(isFirst ? 22 : 23), PageAccess.kernel | (turn >= 12 ? PageAccess.local : 0))
      tell(turn >= 13 ? 6 : turn % 6, window)
      turn & 4 == 0 ? invalidate_instructions(0) : invalidate_instructions_everywhere(0)
      data_barrier()
      instruction_barrier()
      expect("another page", run(set.entry(window)), isFirst ? first : second)
    }
    checkPatchUnderAliases(window)
  }

  /// TLBIMVA, TLBIALL, TLBIMVAA, those of the inner shareable domain, and TLBIASID.
  private func tell(_ kind: UInt32, _ page: UInt32) {
    let identifier = read_context() & 0xFF
    data_barrier()
    switch kind {
    case 0: invalidate_translation(page | identifier)
    case 1: invalidate_translations(0)
    case 2: invalidate_translation_of_all(page)
    case 3: invalidate_translation_everywhere(page | identifier)
    case 4: invalidate_translations_everywhere(0)
    case 5: invalidate_translation_of_all_everywhere(page)
    default: invalidate_space(identifier)
    }
    data_barrier()
    instruction_barrier()
  }

  /// Code that runs at two addresses changes by a third one.
  private mutating func checkPatchUnderAliases(_ window: UInt32) {
    let other = Self.window(13)
    let writer = Self.window(14)
    remap(window, to: Self.page(22))
    remap(other, to: Self.page(22))
    remap(writer, to: Self.page(22))
    for _ in 0..<3 {
      let value = next()
      set.write(writer, set.move(0, value))
      publish(writer, bytes: 4)
      publish(window, bytes: 4)
      publish(other, bytes: 4)
      expect("an alias", run(set.entry(window)), value)
      expect("the other alias", run(set.entry(other)), value)
    }
  }

  /// A page that may not be executed any more, then again.
  private mutating func checkRights() {
    let window = Self.window(16)
    let value = next()
    set.function(at: Self.page(24), giving: value)
    for _ in 0..<3 {
      remap(window, to: Self.page(24))
      expect("an executable page", run(set.entry(window)), value)
      remap(window, to: Self.page(24), PageAccess.kernel | PageAccess.neverExecuted)
      expect("a page never executed", run(set.entry(window)), 0xE000_0000 | ExceptionKind.prefetchAbort)
    }
  }

  /// A section becomes another one, then a table of pages.
  private mutating func checkSection() {
    let window: UInt32 = 0x5800_0000
    let descriptor = table.descriptor(window)
    let first = next()
    let second = next()
    set.function(at: 0x4050_0000, giving: first)
    set.function(at: 0x4060_0000, giving: second)
    for turn in 0..<4 as Range<UInt32> {
      write32(descriptor, (turn & 1 == 0 ? 0x4050_0000 : 0x4060_0000) | 0x140E)
      data_barrier()
      turn & 2 == 0 ? forget(window) : tell(1, window)
      expect("a section", run(set.entry(window)), turn & 1 == 0 ? first : second)
    }
    write32(descriptor, 0)
    forget(window)
    expect("no section", run(set.entry(window)), 0xE000_0000 | ExceptionKind.prefetchAbort)
  }

  // MARK: Address spaces

  /// Two address spaces with other code at the same address, in pages that are not global: nothing is told to the TLB.
  mutating func checkSpaces() {
    let window: UInt32 = 0x5900_0000
    let spaces: InlineArray<2, TranslationTable> = [
      TranslationTable(Self.page(0x40)), TranslationTable(Self.page(0x44)),
    ]
    var values: InlineArray<2, UInt32> = [0, 0]
    for space in 0..<2 {
      for megabyte in 0..<4096 as Range<UInt32> {
        write32(spaces[space].address &+ 4 &* megabyte, read32(table.address &+ 4 &* megabyte))
      }
      // Tables of their own for that megabyte.
      write32(spaces[space].descriptor(window), Self.page(0x48 &+ UInt32(truncatingIfNeeded: space)) | 1)
      values[space] = next()
      let page = Self.page(26 &+ UInt32(truncatingIfNeeded: space))
      set.function(at: page, giving: values[space])
      spaces[space].map(window, to: page, PageAccess.kernel | PageAccess.local)
    }
    for turn in 0..<6 {
      enter(spaces[turn & 1], UInt32(truncatingIfNeeded: turn & 1) &+ 1)
      expect("another address space", run(set.entry(window)), values[turn & 1])
    }
    enter(table, 0)
    invalidate_space(1)
    invalidate_space(2)
    data_barrier()
    instruction_barrier()
  }

  private func enter(_ table: TranslationTable, _ identifier: UInt32) {
    write_context(0)
    write_table0(table.address)
    write_context(identifier)
  }
}
