import Foundation

/// The disk of a phone: what partitions it needs, and what a new one has in them.
struct PhoneDisk {
  /// One partition and whose it is.
  struct Part {
    let machine: String
    let partition: DiskPartition
  }

  /// Path of the phone.yaml, for messages.
  let phone: String
  let parts: [Part]

  /// nil for a phone where no VM has a disk.
  init?(_ phone: PhoneDescription, path: String) {
    self.phone = path
    parts = phone.virtualMachines.compactMap { machine in
      machine.rules.devices?.disk.map { Part(machine: machine.name, partition: $0) }
    }
    if parts.isEmpty { return nil }
  }

  /// Where a phone's disk is unless one says otherwise: `.build/NAME.disk` beside its phone.yaml.
  static func defaultPath(besides phone: String) -> String {
    let name = ((phone as NSString).lastPathComponent as NSString).deletingPathExtension
    return InputFile.resolve(".build/\(name).disk", besides: phone)
  }

  // MARK: A new disk

  /// Writes a new disk; blocks of zeros stay holes.
  /// - Parameter progress: called with the label and the bytes done and in all.
  /// - Returns: the disk's bytes.
  /// - Throws: `InputError`; what was there before is untouched then.
  func create(_ path: String, progress: (String, UInt64, UInt64) -> Void) throws -> UInt64 {
    let contents = try parts.map { try $0.partition.content.map(InputFile.init(path:)) }
    let sizes = try zip(parts, contents).map { part, content in try part.size(with: content) }
    let table = PartitionTable(zip(parts, sizes).map { ($0.partition.name, $1) })
    try OutputFile.replace(path) { file in
      try file.truncate(atOffset: table.diskSize)
      try file.write(table.head, at: 0)
      try file.write(table.tail, at: table.tailStart * PartitionTable.blockSize)
      for (partition, content) in zip(table.partitions, contents) {
        guard let content else { continue }
        try file.writeSparse(content.data, at: partition.offset) {
          progress(partition.name, $0, UInt64(content.data.count))
        }
      }
    }
    return table.diskSize
  }

  // MARK: A disk that is there

  /// Whether a disk has what the phone needs.
  /// - Throws: `InputError` that says what to do about it.
  func check(_ path: String) throws {
    let advice =
      "name another with --disk, or lose what is on it: pocketvisor disk \(phone) --output \(path) --force"
    let table: PartitionTable
    do { table = try PartitionTable(reading: InputFile(path: path)) } catch {
      throw InputError("\(error); \(advice)")
    }
    for part in parts {
      let partition = part.partition
      guard let found = table.partitions.first(where: { $0.name == partition.name }) else {
        throw InputError("\(path): has no partition `\(partition.name)` for VM `\(part.machine)`; \(advice)")
      }
      guard let size = partition.size, found.size < size.bytes else { continue }
      throw InputError(
        """
        \(path): partition `\(partition.name)` of VM `\(part.machine)` has \(MemorySize(bytes: found.size)), \
        the phone wants \(size); \(advice)
        """)
    }
  }
}

extension PhoneDisk.Part {
  /// Bytes of the partition on a new disk.
  fileprivate func size(with content: InputFile?) throws -> UInt64 {
    let needed = UInt64(content?.data.count ?? 0)
    guard let size = partition.size?.bytes ?? content.map({ _ in needed }), size > 0 else {
      throw InputError(
        "partition `\(partition.name)` of VM `\(machine)` needs a `size` or a `content` for a new disk",
        at: partition.place)
    }
    guard needed <= size else {
      throw InputError(
        "`size` of partition `\(partition.name)` is less than its content's \(MemorySize(bytes: needed).roundedDescription)",
        at: partition.place)
    }
    return size
  }
}

extension FileHandle {
  fileprivate func write(_ data: Data, at offset: UInt64) throws {
    try seek(toOffset: offset)
    try write(contentsOf: data)
  }

  /// Writes the pieces that are not all zeros into a file that is all holes.
  /// - Parameter progress: called with the bytes done.
  fileprivate func writeSparse(_ data: Data, at offset: UInt64, progress: (UInt64) -> Void) throws {
    let piece = 1 << 20
    let zeros = Data(count: piece)
    for start in stride(from: 0, to: data.count, by: piece) {
      let bytes = data.dropFirst(start).prefix(piece)
      if bytes != zeros.prefix(bytes.count) { try write(bytes, at: offset + UInt64(start)) }
      progress(UInt64(start + bytes.count))
    }
  }
}
