import ArgumentParser
import Foundation

/// What a running phone leaves for other verbs to find: a folder with its sockets, and a file that names them.
public struct RunningPhone: Codable, Equatable, Sendable {
  /// Of the program that started it and ends it.
  public var process: Int32
  /// Path of its phone.yaml, from the root.
  public var phone: String
  /// Names of its VMs; a VM's number is its place.
  public var machines: [String]
  /// Path of the socket of QEMU's monitor (QMP).
  public var monitor: String
  /// Paths of the sockets whose other ends are the device server's control ports, each for one program at a time.
  public var controls: [String]
  /// Path of its disk, from the root; nil where it has none.
  public var disk: String?

  /// As many as the device server looks at.
  private static let controlCount = 4

  /// The file in the phone's folder.
  private static let fileName = "phone.json"

  /// Makes the folder of a phone that this process is about to start.
  /// - Parameter root: the folder of all of them.
  /// - Throws: `InputError` when there can be none.
  init(phone: String, machines: [String], disk: String?, in root: RuntimeFolder) throws {
    process = ProcessInfo.processInfo.processIdentifier
    let folder = try root.make(process)
    self.phone = Self.absolute(phone)
    self.machines = machines
    self.disk = disk.map(Self.absolute)
    monitor = folder + "/monitor"
    controls = (1...Self.controlCount).map { "\(folder)/control-\($0)" }
    try OutputFile.replace(folder + "/" + Self.fileName) {
      try $0.write(contentsOf: JSONEncoder().encode(self))
    }
  }

  /// The folder with its sockets.
  var folder: String { (monitor as NSString).deletingLastPathComponent }

  /// All that run. What is left of others goes away.
  static func all(in root: RuntimeFolder) -> [RunningPhone] {
    root.entries.compactMap { folder in
      let data = FileManager.default.contents(atPath: folder + "/" + fileName)
      let phone = data.flatMap { try? JSONDecoder().decode(RunningPhone.self, from: $0) }
      guard let phone, phone.isRunning else {
        try? FileManager.default.removeItem(atPath: folder)
        return nil
      }
      return phone
    }
  }

  /// The one that runs.
  /// - Parameter phone: path of a phone.yaml, where several run.
  /// - Throws: `InputError` when none or several do.
  public static func find(_ phone: String?, in root: RuntimeFolder = .standard) throws -> RunningPhone {
    let running = all(in: root).filter { phone == nil || $0.phone == absolute(phone ?? "") }
    guard let first = running.first else {
      let what = phone.map { "\($0) does not run" } ?? "no phone with a device server runs"
      throw InputError("\(what); start it with `pocketvisor run`")
    }
    guard running.count == 1 else {
      let list = running.map { "\($0.phone) (process \($0.process))" }.joined(separator: ", ")
      throw InputError("\(running.count) phones run; name one with --phone: \(list)")
    }
    return first
  }

  /// A connection to the first control port that no other program uses.
  /// - Throws: `InputError` when all are in use.
  func connectToControl() throws -> ControlLine {
    for path in controls { if let line = try ControlLine(path: path) { return line } }
    throw InputError("\(controls.count) programs talk to \(phone) already; end one of them")
  }

  private var isRunning: Bool { kill(process, 0) == 0 || errno == EPERM }

  static func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
}

/// The option of verbs that talk to a running phone.
struct RunningPhoneArguments: ParsableArguments {
  @Option(help: ArgumentHelp("The phone's description, where several phones run.", valueName: "file"))
  var phone: String?

  /// The phone that is meant.
  func find() throws -> RunningPhone { try .find(phone) }
}

/// Where the folders of running phones are: nobody but their user may look into it, for who connects to a phone's
/// sockets rules it.
public struct RuntimeFolder: Sendable {
  let path: String

  /// Below `$XDG_RUNTIME_DIR`, or in `/tmp`.
  public static var standard: RuntimeFolder {
    let runtime = ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"] ?? ""
    return RuntimeFolder(path: runtime.isEmpty ? "/tmp/pocketvisor-\(getuid())" : runtime + "/pocketvisor")
  }

  /// An empty folder for a process.
  fileprivate func make(_ process: Int32) throws -> String {
    try prepare()
    let folder = "\(path)/\(process)"
    try? FileManager.default.removeItem(atPath: folder)
    guard mkdir(folder, 0o700) == 0 else { throw Self.failure(folder) }
    guard folder.utf8.count <= UnixSocket.longestPath - 16 else {
      throw InputError("\(folder): is too long a path for sockets; set XDG_RUNTIME_DIR to a shorter one")
    }
    return folder
  }

  private func prepare() throws {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Self.failure(path) }
    var status = stat()
    guard lstat(path, &status) == 0 else { throw Self.failure(path) }
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid(), status.st_mode & 0o077 == 0 else {
      throw InputError("\(path): is no folder that only you may use; remove it")
    }
  }

  private static func failure(_ path: String) -> InputError {
    InputError("\(path): cannot be made: \(String(cString: strerror(errno)))")
  }

  fileprivate var entries: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { Int32($0) != nil }.sorted().map { path + "/" + $0 }
  }
}
