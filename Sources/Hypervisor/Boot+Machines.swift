// The device image: its phone record is checked, and every VM gets memory, tables, virtual CPUs.

import Appliance
import ArmArchitecture
import Drivers
import Synchronization
import VirtualDevices

extension Boot {
  /// Finds the phone record, or says why the device image is of no use and halts.
  @inline(__always) func readRecord(_ core: Core<H>) -> UnsafePointer<PhoneHeader> {
    guard let record = unsafe findRecord(core) else { core.halt("the image has no valid phone record") }
    // On a page of the image, which is aligned to 8 bytes.
    let header = unsafe UnsafePointer(record.assumingMemoryBound(to: PhoneHeader.self))
    guard unsafe header.pointee.magic == PhoneHeader.expectedMagic,
      unsafe header.pointee.virtualMachineCount &- 1 < 8
    else {
      core.halt("the image is for another version")
    }
    guard unsafe header.pointee.interruptControllerGeneration == H.interruptControllerGeneration else {
      core.halt("the image is for boards with another GIC")
    }
    return unsafe header
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
}

extension Boot where H: VirtualizationExtensions {
  mutating func makeMachines(_ core: Core<H>) {
    let header = unsafe readRecord(core)
    var word = 0
    while word < 4 {
      unsafe core.phone.value.board.seed.mix(header.pointee.entropy[word & 3])
      word &+= 1
    }
    core.phone.value.board.seed.mix(hardware.read(.counter))
    unsafe core.phone.value.machineCount = header.pointee.virtualMachineCount
    unsafe makeWindows(core, header.pointee.windowCount)
    if !H.isSoftware { makeSharedTables(core) }
    for index in 0..<core.phone.value.machineCount {
      let offset = PhoneHeader.size &+ Int(index) &* VirtualMachineRecord.size
      guard let pointer = unsafe core.phone.value.arena.take(VirtualMachine.self) else { core.haltForMemory() }
      let machine = unsafe VirtualMachineReference(pointer)
      unsafe withUnsafeMutableBytes(of: &machine.value.record) {
        unsafe $0.baseAddress?.copyMemory(
          from: UnsafeRawPointer(header) + offset, byteCount: VirtualMachineRecord.size)
      }
      unsafe makeMachine(core, index, machine, server: UInt32(header.pointee.deviceServer))
    }
  }

  /// Prepares a VM to be loaded, or says why it cannot be and halts.
  private mutating func makeMachine(
    _ core: Core<H>, _ index: UInt32, _ machine: VirtualMachineReference, server: UInt32
  ) {
    let phone = core.phone
    machine.value.phone = phone
    let isServer = index &+ 1 == server
    let hasWindows = UInt32(machine.value.record.readableWindows) &>> UInt32(phone.value.windowCount) == 0
    // The tables of the device server grow while it runs, by one CPU alone.
    guard hasWindows, !isServer || machine.value.record.virtualCPUCount == 1,
      machine.value.record.isValid(imageSize: phone.value.board.image.size)
    else {
      core.halt("a VM's record is damaged")
    }
    // ID_AA64PFR0_EL1.EL1.
    if !H.isSoftware, machine.value.record.executionState != 0, hardware.identification(4 &<< 3) &>> 4 & 15 != 2
    {
      core.halt("a VM is 32-bit, but this CPU is not")
    }
    let size = machine.value.record.memorySize &+ machine.value.windowBytes
    guard let memory = carve(core, size) else { core.haltForMemory() }
    let count = Int(machine.value.record.virtualCPUCount)
    guard let virtualCPUs = unsafe phone.value.arena.take(VirtualCPU.self, count: count),
      let banks = unsafe phone.value.arena.take(
        InterruptBank.self, count: count &+ Int(VirtualMachine.sharedBanks)),
      let console = unsafe phone.value.arena.take(UInt8.self, count: Int(ConsoleChannel.capacity)),
      let page = unsafe phone.value.arena.take(UInt8.self, count: 4096, alignment: 4096)
    else { core.haltForMemory() }
    machine.value.index = index
    machine.value.memory = memory
    unsafe machine.value.page = RegisterPage(base: page)
    machine.value.page.describe(
      busAddress: memory.start,
      size: machine.value.record.windowSize == 0 ? size : machine.value.windowBytes,
      windows: phone.value.windows)
    machine.value.budget = ticks(machine.value.record.budget)
    machine.value.period = ticks(machine.value.record.period)
    machine.value.isServer = isServer
    if isServer {
      phone.value.deviceServer = machine
    } else if server != 0 {
      machine.value.clockEnd = 4096
      if machine.value.record.sharing != Sharing.none { machine.value.placesEnd = RegisterPage.placesEnd }
    }
    unsafe machine.value.virtualCPUs = unsafe virtualCPUs
    unsafe machine.value.banks = unsafe banks
    machine.value.console = unsafe ConsoleChannel(storage: console)
    machine.value.translation = translate(core, machine)
    for cpu in 0..<UInt32(count) { place(machine.value.virtualCPU(cpu), cpu, of: machine, core) }
    machine.value.phase.store(Phase.loading, ordering: .relaxed)
    phone.value.machines[Int(index & 7)] = machine
  }

  /// - Returns: what the VM's memory is translated by (`VirtualMachine.translation`).
  private mutating func translate(_ core: Core<H>, _ machine: VirtualMachineReference) -> UInt64 {
    if H.isSoftware {
      guard let memory = carve(core, H.softwareBytes) else { core.haltForMemory() }
      let translation = hardware.prepare(machine, memory)
      if translation == 0 { core.haltForMemory() }
      return translation
    }
    guard let table = makeTables(core, machine) else { core.haltForMemory() }
    return table.rawValue | UInt64(machine.value.index &+ 1) &<< 48
  }

  /// Puts a virtual CPU into the queue of the physical CPU that the tool chose, counted around if the board has
  /// fewer.
  private func place(
    _ guest: VirtualCPUReference, _ index: UInt32, of machine: VirtualMachineReference, _ core: Core<H>
  ) {
    let phone = core.phone
    // Where nothing turns the others on, there is only this CPU.
    let cpu =
      H.isSoftware && !phone.value.board.hasSecondCPU
      ? core.cpu
      : phone.value.cpu(
        UInt32(machine.value.record.placement[Int(index & 7)]) % phone.value.board.cpuCount)
    guest.value.machine = machine
    guest.value.cpu = cpu
    guest.value.index = index
    guest.value.bank = machine.value.bank(VirtualMachine.sharedBanks &+ index)
    if !H.isSoftware { guest.value.stackTop = cpu.value.stackTop }
    guest.value.place = cpu.value.queueCount
    cpu.value.queue[cpu.value.queueCount & 15] = guest
    cpu.value.queueCount &+= 1
  }

  /// Microseconds in ticks of the counter.
  private func ticks(_ microseconds: UInt32) -> UInt64 {
    UInt64(microseconds) &* (hardware.read(.counterFrequency) & 0xFFFF_FFFF) / 1_000_000
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
        let obstacle = core.phone.value.board.reserved.end(overlapping: candidate)
        guard obstacle != 0 else { return candidate }
        candidate.start = Self.align(obstacle, alignment)
      }
    }
    return nil
  }

  private static func align(_ address: UInt64, _ alignment: UInt64) -> UInt64 {
    (address &+ alignment &- 1) & ~(alignment &- 1)
  }

  // MARK: Stage-2 tables

  /// Takes the shared windows as one piece, full of zeros.
  private func makeWindows(_ core: Core<H>, _ count: UInt8) {
    guard count != 0 else { return }
    let size = UInt64(count) &* PhoneLimits.memoryGranule
    guard count <= 8, let memory = carve(core, size) else { core.haltForMemory() }
    core.phone.value.windows = memory.start
    core.phone.value.windowCount = count
    var done: UInt64 = 0
    while done < size {
      let address = PhysicalAddress(memory.start &+ done)
      unsafe hardware.clearForGuest(hardware.window(.destination, at: address), Int(PhoneLimits.memoryGranule))
      done &+= PhoneLimits.memoryGranule
    }
  }

  /// Makes the level-3 tables that are the same for all VMs, and the clock's page.
  private func makeSharedTables(_ core: Core<H>) {
    guard let flash = unsafe core.phone.value.arena.take(UInt8.self, count: 4096, alignment: 4096),
      let clock = unsafe core.phone.value.arena.take(UInt8.self, count: 4096, alignment: 4096)
    else { core.haltForMemory() }
    unsafe core.phone.value.clock = RegisterPage(base: clock)
    let page = unsafe hardware.physicalAddress(of: flash).rawValue
    core.phone.value.flashTable = table(core, page, .readOnlyMemory, places: 0..<64, stride: 0)
    if H.interruptControllerGeneration == 2 {
      let interface = core.phone.value.board.virtualInterface
      core.phone.value.interfaceTable = table(core, interface, .device, places: 16..<18, stride: 4096)
    }
  }

  /// A level-3 table's entry for the level above, with pages that lie `stride` bytes apart at some places.
  private func table(
    _ core: Core<H>, _ address: UInt64, _ attributes: StageTwo.Attributes, places: Range<Int>, stride: UInt64
  ) -> UInt64 {
    guard let table = unsafe core.phone.value.arena.take(UInt64.self, count: 512, alignment: 4096) else {
      core.haltForMemory()
    }
    var page = address
    for place in places {
      unsafe table[place] = StageTwo.leaf(page, level: 3, attributes)
      page &+= stride
    }
    return unsafe StageTwo.table(hardware.physicalAddress(of: table).rawValue)
  }

  /// Maps the VM's memory in blocks of 1 GiB and 2 MiB, what all VMs have, and its windows.
  /// - Returns: where the level-1 table is, or nil when the arena is used up.
  private func makeTables(_ core: Core<H>, _ machine: VirtualMachineReference) -> PhysicalAddress? {
    guard let root = unsafe core.phone.value.arena.take(UInt64.self, count: 64, alignment: 512),
      let low = unsafe core.nextTable(root), unsafe mapMemory(core, machine, root)
    else { return nil }
    unsafe low[Int(Self.flash &>> 21)] = core.phone.value.flashTable
    if H.interruptControllerGeneration == 2 {
      unsafe low[Int(Self.cpuInterface &>> 21)] = core.phone.value.interfaceTable
    }
    for window in 0..<PhoneLimits.windows
    where machine.value.record.readableWindows &>> UInt8(truncatingIfNeeded: window) & 1 != 0 {
      let isWritable = machine.value.record.writableWindows &>> UInt8(truncatingIfNeeded: window) & 1 != 0
      let address = core.phone.value.windows &+ UInt64(truncatingIfNeeded: window) &* PhoneLimits.memoryGranule
      unsafe low[Int(PhoneLimits.firstWindow &>> 21) &+ window] = StageTwo.leaf(
        address, level: 2, isWritable ? .memory : .readOnlyMemory)
    }
    return unsafe hardware.physicalAddress(of: root)
  }

  /// Maps the VM's RAM: its DMA window, if it has one, then the main bank.
  private func mapMemory(
    _ core: Core<H>, _ machine: VirtualMachineReference, _ root: UnsafeMutablePointer<UInt64>
  )
    -> Bool
  {
    let memory = machine.value.memory
    let window = machine.value.windowBytes
    var offset: UInt64 = 0
    while offset < memory.size {
      let guest =
        offset < window ? PhoneLimits.memoryBase &+ offset : machine.value.record.memoryBase &+ offset &- window
      let physical = memory.start &+ offset
      // In bounds: the record's memory ends below 2³⁶.
      let entry = unsafe root + Int(truncatingIfNeeded: guest &>> 30 & 63)
      if (guest | physical) & 0x3FFF_FFFF == 0, memory.size &- offset >= 1 << 30 {
        unsafe entry.pointee = StageTwo.leaf(physical, level: 1, .memory)
        offset &+= 1 << 30
      } else {
        guard let table = unsafe core.nextTable(entry) else { return false }
        unsafe table[Int(truncatingIfNeeded: guest &>> 21 & 511)] = StageTwo.leaf(physical, level: 2, .memory)
        offset &+= PhoneLimits.memoryGranule
      }
    }
    return true
  }

  /// Gives the device server the register pages, what its clients share, and the interrupts of the board's devices.
  func connectServer(_ core: Core<H>) {
    guard let server = core.phone.value.deviceServer else { return }
    let root = unsafe core.root(of: server)
    guard let low = unsafe core.nextTable(root),
      let pages = unsafe core.nextTable(low + Int(Self.registerPages &>> 21))
    else { core.haltForMemory() }
    let clock = unsafe hardware.physicalAddress(of: core.phone.value.clock.pointer)
    unsafe pages[8] = StageTwo.leaf(clock.rawValue, level: 3, .memory)
    for index in 0..<Int(core.phone.value.machineCount) {
      guard let machine = core.phone.value.machines[index & 7] else { continue }
      let page = unsafe hardware.physicalAddress(of: machine.value.page.pointer)
      unsafe pages[index] = StageTwo.leaf(page.rawValue, level: 3, .memory)
      // The same tables of the GiB that are shared, four entries for each VM.
      var shared = Int(machine.value.record.sharing & 3)
      while shared != 0 {
        unsafe root[index &* 4 &+ 4 &+ shared] = core.root(of: machine)[shared]
        shared &-= 1
      }
    }
    server.value.tied[0] = ~(GuestInterrupt.uart.bit | GuestInterrupt.watchdog.bit)
    server.value.tied[1] = ~0
    for number in 32..<96 as Range<UInt32> { core.enableInterrupt(InterruptNumber(number)) }
  }

  /// The guest address of the register pages, as the device server sees them.
  private static var registerPages: UInt64 { 0x2100_0000 }
  /// The guest address of the CPU interface of a GICv2.
  private static var cpuInterface: UInt64 { 0x0801_0000 }
  /// The guest address of what stands for the flash: 64 pages of zeros, which U-Boot reads.
  private static var flash: UInt64 { 0x0400_0000 }
}

extension VirtualMachineRecord {
  /// Whether everything that it names lies where it may.
  func isValid(imageSize: UInt64) -> Bool {
    let granule = PhoneLimits.memoryGranule
    let end = PhoneLimits.guestAddressEnd
    guard memoryBase & (granule &- 1) == 0, memorySize & (granule &- 1) == 0 else { return false }
    guard memoryBase >= 0x4000_0000, memoryBase < end,
      memorySize &- 1 < end &- memoryBase,
      virtualCPUCount &- 1 < 8, segmentCount <= 6, seedCount <= 2,
      contains(entry, 4), canEnter(entry), executionState <= 1
    else { return false }
    for index in 0..<Int(segmentCount) {
      let segment = segments[index]
      let isTree = segment.sourceOffset == SegmentRecord.boardTree
      guard isTree || segment.sourceOffset <= imageSize && segment.size <= imageSize &- segment.sourceOffset,
        contains(segment.guestAddress, segment.size)
      else { return false }
    }
    for index in 0..<Int(seedCount) {
      guard contains(seeds[index].guestAddress, seeds[index].size) else { return false }
    }
    return true
  }

  private func contains(_ address: UInt64, _ size: UInt64) -> Bool {
    let offset = address &- memoryBase
    return offset <= memorySize && size <= memorySize &- offset
  }
}

extension Core where H: VirtualizationExtensions {
  /// The level-1 table of a VM.
  func root(of machine: VirtualMachineReference) -> UnsafeMutablePointer<UInt64> {
    unsafe hardware.pointer(to: PhysicalAddress(machine.value.translation & 0xFFFF_FFFF_FE00))
      .assumingMemoryBound(to: UInt64.self)
  }

  /// The table that an entry names, made if there is none.
  @inline(never) func nextTable(_ entry: UnsafeMutablePointer<UInt64>) -> UnsafeMutablePointer<UInt64>? {
    if let address = unsafe StageTwo.table(of: entry.pointee) {
      return unsafe hardware.pointer(to: PhysicalAddress(address)).assumingMemoryBound(to: UInt64.self)
    }
    guard let table = unsafe phone.value.arena.take(UInt64.self, count: 512, alignment: 4096) else {
      return nil
    }
    unsafe entry.pointee = StageTwo.table(hardware.physicalAddress(of: table).rawValue)
    return unsafe table
  }

  /// Lets the board's distributor deliver a shared interrupt to the boot CPU, which executes this.
  @inline(never) func enableInterrupt(_ interrupt: InterruptNumber) {
    if H.interruptControllerGeneration == 3 {
      distributor.enable(interrupt, affinity: cpu.value.affinity)
    } else {
      distributor.enable(interrupt, targets: distributor.ownTarget)
    }
  }
}
