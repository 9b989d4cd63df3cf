import ArgumentParser
import Foundation

/// `pocketvisor disk`: makes the disk of a phone.
struct DiskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disk",
    abstract: "Make the disk of a phone: a partition for every VM that has one.",
    discussion: """
      The disk is a raw image with a GUID partition table. A partition is as large as phone.yaml says or as its \
      content is. `run` and `smoke` make it where there is none yet, and keep what is on it.

      Examples:
        pocketvisor disk phone.yaml
        pocketvisor disk phone.yaml --output disk.raw
        pocketvisor disk phone.yaml --output disk.raw --force
      """)

  @Argument(help: "The phone's description.")
  var phone: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The file to write (default: .build/NAME.disk beside the phone).", valueName: "file"))
  var output: String?

  @Flag(help: "Replace a disk that is there, and lose what is on it.")
  var force = false

  func run() throws {
    let description = try PhoneDescription(reading: InputFile(path: phone))
    guard let disk = PhoneDisk(description, path: phone) else {
      throw InputError("\(phone): no VM has a `disk` among its `devices`")
    }
    let path = output ?? PhoneDisk.defaultPath(besides: phone)
    guard force || !FileManager.default.fileExists(atPath: path) else {
      throw InputError("\(path): exists already; --force replaces it, and what is on it is lost")
    }
    try NewDisk.make(disk, at: path)
  }
}

/// Makes disks, and tells about it.
enum NewDisk {
  static func make(_ disk: PhoneDisk, at path: String) throws {
    let absolute = RunningPhone.absolute(path)
    if let user = RunningPhone.all(in: .standard).first(where: { $0.disk == absolute }) {
      throw InputError("\(path): is the disk of a phone that runs (process \(user.process))")
    }
    let folder = (absolute as NSString).deletingLastPathComponent
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let size = try disk.create(path, progress: isatty(STDERR_FILENO) == 1 ? show : { _, _, _ in })
    let names = disk.parts.map { "\($0.partition.name) for \($0.machine)" }.joined(separator: ", ")
    print("\(path): a new disk of \(MemorySize(bytes: size).roundedDescription): \(names)")
  }

  /// One line, written over.
  private static func show(_ name: String, _ done: UInt64, _ all: UInt64) {
    let end = done == all ? "\n" : ""
    FileHandle.standardError.write(Data("\r\(name): \(done * 100 / max(all, 1))%\(end)".utf8))
  }
}
