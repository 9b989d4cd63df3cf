// Finding the disk and the clients' partitions on it, before anybody is served.

import Virtio

extension DeviceServer {
  /// Starts the disk and reads its partition table.
  mutating func startDisk() {
    guard let device = board.device(DeviceKind.block, of: machine) else { return }
    do {
      disk = try Disk(
        DriverTransport(machine.registers(at: device.address)), interrupt: device.event, arena: &arena
      ).flatMap { arena.take(of: $0) }
    } catch {
      return report("disk", error)
    }
    guard let disk else { return report("no memory for the disk") }
    machine.enable(interrupt: device.interrupt)
    if !readPartitions(disk) { report("no partition table on the disk") }
  }

  /// Reads the table and notes the clients' partitions; false where it is damaged, and then nobody has one.
  private mutating func readPartitions(_ disk: Resident<Disk<Machine.Registers>>) -> Bool {
    guard let buffer = arena.take(4096, alignment: 4096) else { return false }
    let view = memory.own.part(at: buffer, size: 4096, start: 0)
    let block = UInt64(disk.value.blockSize)
    let sectorsPerBlock = disk.value.sectorsPerBlock
    guard read(disk, sectorsPerBlock, count: block, to: buffer),
      let table = PartitionTable(
        view.part(at: 0, size: block, start: 0), blocks: disk.value.capacity / sectorsPerBlock)
    else { return false }
    var check = CyclicRedundancyCheck()
    var done: UInt64 = 0
    while done < table.size {
      let part = min(4096, table.size &- done)
      let sector = table.entriesBlock &* sectorsPerBlock &+ done / BlockDevice.sector
      guard read(disk, sector, count: (part &+ block &- 1) & ~(block &- 1), to: buffer) else { break }
      check.add(part, of: view, at: 0)
      notePartitions(table, view, count: part)
      done &+= part
    }
    guard table.matches(check) else {
      for client in 0..<8 { partitions[client] = Partition() }
      return false
    }
    return true
  }

  /// Notes which of the entries are clients'.
  private mutating func notePartitions(_ table: PartitionTable, _ entries: MemoryView, count: UInt64) {
    for client in 0..<8 where partitions[client].count == 0 {
      var address: UInt64 = 0
      while address < count {
        if PartitionTable.hasName(entries, at: address, clients[client].description.partition, in: tree),
          let partition = table.partition(entries, at: address)
        {
          partitions[client] = partition
        }
        address &+= table.entrySize
      }
    }
  }

  /// Reads from the disk while nobody is served yet.
  private func read(
    _ disk: Resident<Disk<Machine.Registers>>, _ sector: UInt64, count: UInt64, to address: UInt64
  ) -> Bool {
    let slot = disk.value.takeSlot(client: 8, head: 0)
    disk.value.begin(slot)
    disk.value.queue.append(
      memory.own.busAddress(of: address), UInt32(truncatingIfNeeded: count), isWritable: true)
    disk.value.submit(slot, kind: BlockDevice.read, sector: sector)
    disk.value.transport.notify(0)
    return waitForAnswer(disk)
  }

  /// Waits for the only request that is there; ten seconds at most.
  private func waitForAnswer(_ disk: Resident<Disk<Machine.Registers>>) -> Bool {
    let end = machine.counter &+ machine.frequency &* 10
    machine.setAlarm(at: end)
    while machine.counter < end {
      if let slot = disk.value.takeAnswered() {
        disk.value.release(slot)
        return disk.value[slot].status == BlockDevice.done
      }
      let events = machine.events(sleeping: true)
      _ = disk.value.transport.acknowledge()
      machine.end(devices: events.devices)
    }
    return false
  }
}
