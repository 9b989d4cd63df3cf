import Appliance
import ArgumentParser

/// `pocketvisor inspect`: shows what is in an appliance or a device image.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what is in an appliance or a device image.",
    discussion: """
      Example:
        pocketvisor inspect phone.fit
      """)

  @Argument(help: "The file to show.")
  var image: String

  func run() throws {
    switch try CheckedImage(InputFile(path: image)) {
    case .appliance(let image, let appliance): print(try Report.text(image, appliance))
    case .phone(let image, let content): print(Report.text(image, content))
    case .boot(let image, let device, let content): print(Report.text(image, device, content))
    }
  }
}

/// What `inspect` prints.
enum Report {
  static func text(_ image: ImageFile, _ appliance: ApplianceFile) throws -> String {
    let manifest = try appliance.manifest.text().split(separator: "\n").map { "  \($0)" }
    return (["\(image.file.path): appliance"] + manifest + [contents(image)]).joined(separator: "\n")
  }

  static func text(_ image: ImageFile, _ content: PhoneContent) -> String {
    let title =
      "\(image.file.path): device image, \(content.machines.count) VMs, GICv\(content.header.interruptControllerGeneration)"
    let machines =
      [["VM", "memory", "at", "CPUs", "on", "priority", "entry", "architecture"]] + content.machines.map(row)
    return ([title, table(machines), rules(content)] + devices(content) + [contents(image)])
      .joined(separator: "\n")
  }

  static func text(_ image: ImageFile, _ device: ImageFile, _ content: PhoneContent) -> String {
    let title = "\(image.file.path): image for U-Boot: bootm ADDRESS#c ADDRESS#c $fdtcontroladdr"
    return [title, contents(image), text(device, content)].joined(separator: "\n")
  }

  private static func rules(_ content: PhoneContent) -> String {
    let names = content.machines.map(\.nameText)
    return table(
      [["VM", "budget", "restart", "calls", "windows", "key"]]
        + zip(content.machines, content.trees).map { machine, tree in
          let calls = names.indices.filter { machine.partners >> $0 & 1 != 0 }.map { names[$0] }
          let windows = tree.windows.map { "\($0.name) (\($0.isWritable ? "write" : "read"))" }
          return [
            machine.nameText, machine.budgetText, machine.restartText, list(calls), list(windows),
            tree.hasKey ? "yes" : "-",
          ]
        })
  }

  /// What the device server serves; nothing where there is none.
  private static func devices(_ content: PhoneContent) -> [String] {
    guard content.header.deviceServer != 0 else { return [] }
    let names = content.machines.map(\.nameText)
    let served = content.trees[Int(content.header.deviceServer) - 1].served
    let title = ["VM", "shares", "disk", "network", "console", "entropy", "screen"]
    let rows = zip(content.machines, served).enumerated().map { index, pair in
      let isServer = index + 1 == Int(content.header.deviceServer)
      return [pair.0.nameText, isServer ? "is the server" : pair.0.sharingText] + pair.1.devices(names)
    }
    return [table([title] + rows)]
  }

  private static func list(_ names: [String]) -> String {
    names.isEmpty ? "-" : names.joined(separator: ", ")
  }

  private static func row(_ machine: VirtualMachineRecord) -> [String] {
    let count = Int(machine.virtualCPUCount)
    let placement = (0..<count).map { String(machine.placement[$0]) }.joined(separator: ",")
    return [
      machine.nameText, MemorySize(bytes: machine.memorySize).description, hexadecimal(machine.memoryBase),
      String(count), placement, String(machine.priority), hexadecimal(machine.entry),
      machine.architecture?.rawValue ?? "?",
    ]
  }

  private static func contents(_ image: ImageFile) -> String {
    let rows = image.entries.map { entry in
      let digest = entry.digest.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      return [
        entry.name, entry.type, hexadecimal(UInt64(entry.range.lowerBound)), String(entry.range.count), digest,
      ]
    }
    return table([["content", "type", "offset", "bytes", "sha256"]] + rows)
  }

  private static func hexadecimal(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }

  private static func table(_ rows: [[String]]) -> String {
    TextTable.lines(rows).map { "  " + $0 }.joined(separator: "\n")
  }
}

extension DeviceTreeNode {
  /// The devices of a VM as the device server is told, in words.
  fileprivate func devices(_ names: [String]) -> [String] {
    let disk = string("partition").map { $0 + (has("read-only") ? " (read)" : "") }
    let reach = cell("reach") ?? 0
    let reached =
      (has("host") ? ["host"] : []) + names.indices.filter { reach >> $0 & 1 != 0 }.map { names[$0] }
    let network = reached.isEmpty ? "nobody" : reached.joined(separator: ", ")
    let vault = cell("vault").flatMap { names.indices.contains(Int($0)) ? "vault \(names[Int($0)])" : nil }
    let screen = cell("screen").map { "window \($0)" }
    return [
      disk ?? "-", has("network") ? network : "-", has("console") ? vault ?? "yes" : "-",
      has("entropy") ? "yes" : "-", screen ?? "-",
    ]
  }

  private func has(_ name: String) -> Bool { property(name) != nil }
}

extension VirtualMachineRecord {
  fileprivate var sharingText: String {
    switch sharing {
    case Sharing.window: MemorySize(bytes: UInt64(windowSize) * PhoneLimits.memoryGranule).description
    case Sharing.all: "all"
    default: "-"
    }
  }

  fileprivate var budgetText: String {
    budget == 0 ? "-" : "\(UInt64(budget) * 100 / UInt64(period))% of \(period / 1000)ms"
  }

  fileprivate var restartText: String {
    let policies = [
      RestartPolicy.never: "never", RestartPolicy.onFailure: "on-failure", RestartPolicy.always: "always",
    ]
    let limit = restartLimit == 0 ? "" : ", \(restartLimit) times"
    let delay = restartDelay == 0 ? "" : ", after \(restartDelay)ms"
    return (policies[restartPolicy] ?? "?") + limit + delay
  }
}
