// The device image: its phone record is checked, and every VM gets memory, tables, virtual CPUs.

import Appliance
import ArmArchitecture
import Synchronization
import VirtualDevices

extension Boot {
  mutating func makeMachines(_ core: Core<H>) {
    guard let record = unsafe findRecord(core) else { core.halt("the image has no valid phone record") }
    let header = unsafe record.loadUnaligned(as: PhoneHeader.self)
    guard header.magic == PhoneHeader.expectedMagic, header.virtualMachineCount &- 1 < 8 else {
      core.halt("the image is for another version")
    }
    guard header.interruptControllerGeneration == H.interruptControllerGeneration else {
      core.halt("the image is for boards with another GIC")
    }
    for word in 0..<4 { core.phone.value.board.seed.mix(header.entropy[word]) }
    core.phone.value.board.seed.mix(hardware.read(.counter))
    core.phone.value.machineCount = header.virtualMachineCount
    for index in 0..<header.virtualMachineCount {
      let offset = PhoneHeader.size &+ Int(index) &* VirtualMachineRecord.size
      let machine = unsafe record.loadUnaligned(fromByteOffset: offset, as: VirtualMachineRecord.self)
      makeMachine(core, index, machine)
    }
  }

  /// The phone record: the first data behind the FIT's tree.
  private func findRecord(_ core: Core<H>) -> UnsafeMutableRawPointer? {
    let image = core.phone.value.board.image
    let pointer = unsafe hardware.window(.source, at: PhysicalAddress(image.start))
    var tree = unsafe Blob(base: pointer, count: PhoneHeader.size)
    guard image.size >= 8192, image.start & 7 == 0, tree.cell() == DeviceTree.magic else { return nil }
    let offset = PhoneHeader.offset(treeSize: tree.cell())
    guard offset <= image.size &- 4096 else { return nil }
    return unsafe hardware.window(.source, at: PhysicalAddress(image.start &+ offset))
  }

  /// Prepares a VM to be loaded, or says why it cannot be and halts.
  private mutating func makeMachine(_ core: Core<H>, _ index: UInt32, _ record: VirtualMachineRecord) {
    let phone = core.phone
    guard Self.isValid(record, imageSize: phone.value.board.image.size) else {
      core.halt("a VM's record is damaged")
    }
    guard let memory = carve(core, record.memorySize) else { core.haltForMemory() }
    let count = Int(record.virtualCPUCount)
    guard let pointer = unsafe arena.take(VirtualMachine.self),
      let virtualCPUs = unsafe arena.take(VirtualCPU.self, count: count),
      let banks = unsafe arena.take(InterruptBank.self, count: count &+ Int(VirtualMachine.sharedBanks)),
      let console = unsafe arena.take(UInt8.self, count: Int(ConsoleChannel.capacity))
    else { core.haltForMemory() }
    let machine = unsafe VirtualMachineReference(pointer)
    machine.value.record = record
    machine.value.index = index
    machine.value.memory = memory
    machine.value.budget = ticks(record.budget)
    machine.value.period = ticks(record.period)
    machine.value.phone = phone
    unsafe machine.value.virtualCPUs = unsafe virtualCPUs
    unsafe machine.value.banks = unsafe banks
    machine.value.console = unsafe ConsoleChannel(storage: console)
    guard let table = makeTables(core, machine) else { core.haltForMemory() }
    machine.value.translation = table.rawValue | UInt64(index &+ 1) &<< 48
    for cpu in 0..<UInt32(count) { place(machine.value.virtualCPU(cpu), cpu, of: machine) }
    machine.value.phase.store(Phase.loading, ordering: .relaxed)
    phone.value.machines[Int(index & 7)] = machine
  }

  /// Puts a virtual CPU into the queue of the physical CPU that the tool chose, counted around if the board has
  /// fewer.
  private func place(_ guest: VirtualCPUReference, _ index: UInt32, of machine: VirtualMachineReference) {
    let phone = machine.value.phone
    let cpu = phone.value.cpu(
      UInt32(machine.value.record.placement[Int(index & 7)]) % phone.value.board.cpuCount)
    guest.value.machine = machine
    guest.value.cpu = cpu
    guest.value.index = index
    guest.value.bank = machine.value.bank(VirtualMachine.sharedBanks &+ index)
    guest.value.stackTop = cpu.value.stackTop
    guest.value.place = cpu.value.queueCount
    cpu.value.queue[cpu.value.queueCount & 15] = guest
    cpu.value.queueCount &+= 1
  }

  /// Microseconds in ticks of the counter.
  private func ticks(_ microseconds: UInt32) -> UInt64 {
    UInt64(microseconds) &* (hardware.read(.counterFrequency) & 0xFFFF_FFFF) / 1_000_000
  }

  /// Whether everything that a record names lies where it may.
  private static func isValid(_ record: VirtualMachineRecord, imageSize: UInt64) -> Bool {
    let granule = PhoneLimits.memoryGranule
    let end = PhoneLimits.guestAddressEnd
    guard record.memoryBase & (granule &- 1) == 0, record.memorySize & (granule &- 1) == 0 else { return false }
    guard record.memoryBase >= 0x4000_0000, record.memoryBase < end,
      record.memorySize &- 1 < end &- record.memoryBase,
      record.virtualCPUCount &- 1 < 8, record.segmentCount <= 6, record.seedCount <= 2,
      contains(record, record.entry, 4), record.entry & 3 == 0
    else { return false }
    for index in 0..<Int(record.segmentCount) {
      let segment = record.segments[index]
      guard segment.sourceOffset <= imageSize, segment.size <= imageSize &- segment.sourceOffset,
        contains(record, segment.guestAddress, segment.size)
      else { return false }
    }
    for index in 0..<Int(record.seedCount) {
      guard contains(record, record.seeds[index].guestAddress, record.seeds[index].size) else { return false }
    }
    return true
  }

  private static func contains(_ record: VirtualMachineRecord, _ address: UInt64, _ size: UInt64) -> Bool {
    let offset = address &- record.memoryBase
    return offset <= record.memorySize && size <= record.memorySize &- offset
  }

  // MARK: Memory

  /// Takes memory from the board: aligned for the largest stage-2 blocks that fit, else for 2 MiB.
  private func carve(_ core: Core<H>, _ size: UInt64) -> PhysicalRange? {
    let range = size >= 1 << 30 ? find(core, size, alignment: 1 << 30) : nil
    guard let range = range ?? find(core, size, alignment: PhoneLimits.memoryGranule) else { return nil }
    core.phone.value.board.reserved.append(range)
    return range
  }

  @inline(never) private func find(_ core: Core<H>, _ size: UInt64, alignment: UInt64) -> PhysicalRange? {
    for index in 0..<core.phone.value.board.memory.count {
      let bank = core.phone.value.board.memory[index]
      var candidate = PhysicalRange(start: Self.align(bank.start, alignment), size: size)
      while candidate.end <= bank.end {
        guard let obstacle = core.phone.value.board.reserved.first(overlapping: candidate) else {
          return candidate
        }
        candidate.start = Self.align(obstacle.end, alignment)
      }
    }
    return nil
  }

  private static func align(_ address: UInt64, _ alignment: UInt64) -> UInt64 {
    (address &+ alignment &- 1) & ~(alignment &- 1)
  }

  // MARK: Stage-2 tables

  /// Maps the VM's memory in blocks of 1 GiB and 2 MiB, and the flash page.
  /// - Returns: where the level-1 table is, or nil when the arena is used up.
  private mutating func makeTables(_ core: Core<H>, _ machine: VirtualMachineReference) -> PhysicalAddress? {
    guard let root = unsafe arena.take(UInt64.self, count: 64, alignment: 512) else { return nil }
    let memory = machine.value.memory
    var offset: UInt64 = 0
    while offset < memory.size {
      let guest = machine.value.record.memoryBase &+ offset
      let physical = memory.start &+ offset
      // In bounds: the record's memory ends below 2³⁶.
      let entry = unsafe root + Int(truncatingIfNeeded: guest &>> 30 & 63)
      if (guest | physical) & 0x3FFF_FFFF == 0, memory.size &- offset >= 1 << 30 {
        unsafe entry.pointee = StageTwo.leaf(physical, level: 1, .memory)
        offset &+= 1 << 30
      } else {
        guard let table = unsafe nextTable(entry) else { return nil }
        unsafe table[Int(truncatingIfNeeded: guest &>> 21 & 511)] = StageTwo.leaf(physical, level: 2, .memory)
        offset &+= PhoneLimits.memoryGranule
      }
    }
    guard let low = unsafe nextTable(root), let pages = unsafe nextTable(low + Int(Self.flash &>> 21)) else {
      return nil
    }
    for page in 0..<Self.flashPages {
      unsafe pages[page] = StageTwo.leaf(core.phone.value.flashPage, level: 3, .readOnlyMemory)
    }
    if H.interruptControllerGeneration == 2 {
      // The guest's own CPU interface, which the hardware provides.
      guard let pages = unsafe nextTable(low + Int(Self.cpuInterface &>> 21)) else { return nil }
      for page in 0..<2 as Range<UInt64> {
        unsafe pages[Int(Self.cpuInterface &>> 12 & 511 &+ page)] = StageTwo.leaf(
          core.phone.value.board.virtualInterface &+ page &<< 12, level: 3, .device)
      }
    }
    for window in 0..<PhoneLimits.windows
    where machine.value.record.readableWindows &>> UInt8(truncatingIfNeeded: window) & 1 != 0 {
      let isWritable = machine.value.record.writableWindows &>> UInt8(truncatingIfNeeded: window) & 1 != 0
      guard let address = sharedWindow(core, window) else { return nil }
      unsafe low[Int(PhoneLimits.firstWindow &>> 21) &+ window] = StageTwo.leaf(
        address, level: 2, isWritable ? .memory : .readOnlyMemory)
    }
    return unsafe hardware.physicalAddress(of: root)
  }

  /// Where a shared window lies; the first VM that has it makes it be there, full of zeros.
  private func sharedWindow(_ core: Core<H>, _ window: Int) -> UInt64? {
    if core.phone.value.windows[window & 7] == 0 {
      guard let memory = carve(core, PhoneLimits.memoryGranule) else { return nil }
      unsafe hardware.clearForGuest(
        hardware.window(.destination, at: PhysicalAddress(memory.start)), Int(memory.size))
      core.phone.value.windows[window & 7] = memory.start
    }
    return core.phone.value.windows[window & 7]
  }

  /// The guest address of the CPU interface of a GICv2.
  private static var cpuInterface: UInt64 { 0x0801_0000 }

  /// The guest address of what stands for the flash, below 1 GiB on a boundary of 2 MiB, and the pages of zeros that
  /// U-Boot reads there.
  private static var flash: UInt64 { 0x0400_0000 }
  private static var flashPages: Int { 64 }

  /// The table that an entry names, made if there is none.
  @inline(never) private mutating func nextTable(_ entry: UnsafeMutablePointer<UInt64>) -> UnsafeMutablePointer<
    UInt64
  >? {
    if let address = unsafe StageTwo.table(of: entry.pointee) {
      return unsafe hardware.pointer(to: PhysicalAddress(address)).assumingMemoryBound(to: UInt64.self)
    }
    guard let table = unsafe arena.take(UInt64.self, count: 512, alignment: 4096) else { return nil }
    unsafe entry.pointee = StageTwo.table(hardware.physicalAddress(of: table).rawValue)
    return unsafe table
  }
}
