// A process: User mode's code, which both share, and pages of its own at addresses where the other one has its own.

import GuestMachine
import GuestSupport
import SmallAssembly

struct Process {
  private let number: UInt32
  private let table: TranslationTable

  /// Where its code, its page and the page that is not there yet are.
  private static let code: UInt32 = 0x0080_0000
  private static let data: UInt32 = 0x0090_0000
  private static let late: UInt32 = 0x00A0_0000

  nonisolated(unsafe) private static var sum: UInt32 = 0
  nonisolated(unsafe) private static var lateFaults: UInt32 = 0
  nonisolated(unsafe) private static var current: Process?

  /// - Parameters:
  ///   - number: 0 or 1.
  ///   - memory: of this process alone: 16 KiB on as much for its table, and two pages.
  init(number: UInt32, memory: UInt32) {
    self.number = number
    table = TranslationTable(memory)
    for megabyte in 0..<4096 as Range<UInt32> {
      write32(memory &+ 4 &* megabyte, read32(TranslationTable.first.address &+ 4 &* megabyte))
    }
    table.map(Self.code, to: user_code_address(), PageAccess.allRead)
    table.map(Self.data, to: memory &+ 0x4000, PageAccess.user | PageAccess.local | PageAccess.neverExecuted)
    table.unmap(Self.late)
  }

  private var pages: UInt32 { table.address &+ 0x4000 }
  private var threadRegister: UInt32 { 0x5A17_0000 &+ number }

  /// Makes its address space the current one: its tables and its ASID.
  func activate() {
    // No entry of the old space may get the new one's number.
    write_context(0)
    write_table0(table.address)
    write_context(0x1234_5600 | number &+ 1)
    write_thread_read_only(threadRegister)
  }

  /// Runs it once.
  func run(seed: UInt32) -> Damage? {
    Self.current = self
    prepare(seed)
    UserMode.run(usesRFE: seed & 1 != 0)
    return damage(seed)
  }

  private func prepare(_ seed: UInt32) {
    Self.sum = 0
    Self.lateFaults = 0
    write32(pages &+ 0x1000, 0)
    for index in 0..<13 { UserMode.context[index] = seed &+ UInt32(truncatingIfNeeded: index) }
    UserMode.context[0] = seed
    UserMode.context[1] = Self.data
    UserMode.context[2] = Self.late
    UserMode.context[13] = Self.data &+ 0x1000
    UserMode.context[14] = ~seed
    UserMode.context[15] = Self.code
    UserMode.context[16] = 0x30
    // The late page and the second one of code are not there any more.
    forget(Self.late)
    forget(Self.code &+ 0x1000)
  }

  private func forget(_ page: UInt32) {
    table.unmap(page)
    invalidate_translation(page | read_context() & 0xFF)
    data_barrier()
    instruction_barrier()
  }

  /// Compares with what the kernel gets in another way.
  private func damage(_ seed: UInt32) -> Damage? {
    var number = seed
    var sum: UInt32 = 0
    for place in stride(from: 64, to: 0, by: -1) {
      number = number &* 1_664_525 &+ 1_013_904_223
      let found = read32(pages &+ 4 &* UInt32(truncatingIfNeeded: place))
      guard found == number else { return Damage(what: "data of User mode", detail: found ^ number) }
      sum = number & 1 != 0 ? sum &+ number &+ 1 : sum ^ number
    }
    let result = sum &>> 7 | sum &<< 25
    let given = UserMode.context[0]
    guard given == result else { return Damage(what: "result of User mode", detail: given) }
    guard Self.sum == sum &+ sum &+ 1 else { return Damage(what: "calls of User mode", detail: Self.sum) }
    guard Self.lateFaults == 2 else { return Damage(what: "faults of User mode", detail: Self.lateFaults) }
    guard read32(pages &+ 0x1FFC) == sum else { return Damage(what: "late page", detail: sum) }
    let stack = UserMode.stackPointer
    return stack == Self.data &+ 0x1000 ? nil : Damage(what: "User mode's SP", detail: stack)
  }

  // MARK: Exceptions

  /// - Returns: whether it is one that User mode causes on purpose.
  static func answer(_ kind: UInt32, _ frame: inout ExceptionFrame) -> Bool {
    switch kind {
    case ExceptionKind.supervisorCall: return call(&frame)
    case ExceptionKind.undefined:
      guard read16(frame.programCounter &- 2) == 0xDE07 else { return false }
      frame.registers[0] = 7
      return true
    case ExceptionKind.dataAbort:
      // A translation fault of a page, by a store.
      guard read_data_fault_status() & 0xC0F == 0x807 else { return false }
      return bring(read_data_fault_address(), late, PageAccess.user | PageAccess.neverExecuted)
    default:
      guard read_instruction_fault_status() & 0x40F == 7 else { return false }
      return bring(read_instruction_fault_address(), code &+ 0x1000, PageAccess.allRead)
    }
  }

  private static func call(_ frame: inout ExceptionFrame) -> Bool {
    switch called(frame) {
    case 0: UserMode.end(&frame)
    case 1: sum = sum &+ frame.registers[0]
    case 2: frame.registers[0] = current?.threadRegister ?? 0
    default: return false
    }
    return true
  }

  /// Maps a page that User mode has touched.
  private static func bring(_ address: UInt32, _ page: UInt32, _ access: UInt32) -> Bool {
    guard address & ~4095 == page, let current else { return false }
    let physical = page == late ? current.pages &+ 0x1000 : user_code_address() &+ 0x1000
    current.table.map(page, to: physical, access | PageAccess.local)
    lateFaults = lateFaults &+ 1
    return true
  }
}
