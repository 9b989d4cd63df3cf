// A tick's worth of looking after, again and again.

import GuestMachine
import GuestSupport
import SmallAssembly

struct Watch {
  private let period: UInt32
  private(set) var rounds: UInt32 = 0
  private var region: Region
  private var processes: InlineArray<2, Process>
  private var lastTime: UInt32 = 0
  private var seed: UInt32 = 0x1F83_D9AB
  private var control: UInt32 = 0

  /// Memory of the processes, in front of the image.
  private static let processMemory: UInt32 = 0x4010_0000

  init(period: UInt32, region: Region) {
    self.period = period
    self.region = region
    processes = [
      Process(number: 0, memory: Self.processMemory),
      Process(number: 1, memory: Self.processMemory &+ 0x8000),
    ]
  }

  mutating func start() {
    region.fill()
    small_open_vectors()
    Ticks.start(period: period)
    control = read_control()
    lastTime = Ticks.timer.now
  }

  /// Sleeps until the next tick with a pattern in all registers, then looks at everything.
  mutating func tick() -> Damage? {
    seed = seed &* 0x5851_F42D &+ 1
    let process = processes[Int(rounds & 1)]
    process.activate()
    setState()
    sleep()
    rounds = rounds &+ 1
    return Ticks.damage ?? checkState() ?? checkClock() ?? checkKernel() ?? checkRights()
      ?? process.run(seed: seed) ?? region.step()
  }

  /// Looks at all memory.
  func damage() -> Damage? { region.damage() }

  private func sleep() {
    let count = Ticks.count
    while Ticks.count == count {
      wait_for_interrupt()
      open_interrupts()
      mask_interrupts()
    }
  }

  private func setState() {
    small_fill_banks(seed)
    small_fill_vectors(seed)
    write_thread_read_write(seed)
    write_thread_privileged(~seed)
    write_data_fault_address(seed &+ 1)
    write_instruction_fault_address(seed &+ 2)
    write_domains(1 | seed & 0x5555_5550)
  }

  private func checkState() -> Damage? {
    let banks = small_check_banks(seed)
    if banks != 0 { return Damage(what: "banked registers", detail: banks) }
    let vectors = small_check_vectors(seed)
    if vectors != 0 { return Damage(what: "FP registers", detail: vectors) }
    let threads = (read_thread_read_write() ^ seed) | (read_thread_privileged() ^ ~seed)
    if threads != 0 { return Damage(what: "thread registers", detail: threads) }
    let faults =
      (read_data_fault_address() ^ (seed &+ 1)) | (read_instruction_fault_address() ^ (seed &+ 2))
    if faults != 0 { return Damage(what: "fault registers", detail: faults) }
    if read_domains() != 1 | seed & 0x5555_5550 { return Damage(what: "DACR", detail: read_domains()) }
    if read_control() != control { return Damage(what: "SCTLR", detail: read_control()) }
    return nil
  }

  /// Late is no damage.
  private mutating func checkClock() -> Damage? {
    let time = Ticks.timer.now
    let passed = time &- lastTime
    lastTime = time
    guard passed < 1 << 31 else { return Damage(what: "clock goes back", detail: 0 &- passed) }
    return nil
  }

  private func checkKernel() -> Damage? {
    let failed = small_check_kernel(seed)
    return failed == 0 ? nil : Damage(what: "kernel code", detail: failed)
  }

  /// LDRT and STRT: with User mode's rights, to its page and to the kernel's.
  private func checkRights() -> Damage? {
    var registers: InlineArray<8, UInt32> = [0x0090_0000, seed, 0, 0, 0, 0, 0, 0]
    guard Attempt.run(store_as_user_address(), &registers) == 0,
      Attempt.run(load_as_user_address(), &registers) == 0, registers[0] == seed
    else { return Damage(what: "User mode's rights", detail: registers[0]) }
    registers[0] = 0x4020_0000
    guard Attempt.run(load_as_user_address(), &registers) == ExceptionKind.dataAbort else {
      return Damage(what: "the kernel's rights", detail: registers[0])
    }
    // A permission fault of a page.
    let status = read_data_fault_status() & 0x40F
    return status == 0xF ? nil : Damage(what: "fault status", detail: status)
  }
}
