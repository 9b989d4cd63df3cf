import Foundation

// SizeReport SizeBudget.json IMAGE.elf GICV2-IMAGE.elf ARMV7-IMAGE.elf TRANSLATOR.elf STEWARD.elf: where the hypervisor's bytes are. Run by
// `make size`.

let usage =
  "usage: SizeReport SizeBudget.json IMAGE.elf GICV2-IMAGE.elf ARMV7-IMAGE.elf TRANSLATOR.elf STEWARD.elf\n"
let arguments = CommandLine.arguments
let files = arguments.dropFirst(2).compactMap { ELFFile(path: $0) }
guard arguments.count == 7, files.count == 5 else {
  FileHandle.standardError.write(Data(usage.utf8))
  exit(64)
}
let budget = try SizeBudget(path: arguments[1])
// What the image is made of.
let modules = ["Appliance", "ArmArchitecture", "Drivers", "Hypervisor", "VirtualDevices"]
let sources = modules.map { "Sources/" + $0 } + ["Firmware/Sources"]
let report = try Report(image: files[0], budget: budget, sources: sources)
for line in report.lines() { print(line) }
print("")

/// The others: only their sums are bounded.
struct Bound {
  var name: String
  var size: UInt64
  var limit: UInt64
  /// What is printed as the promise.
  var total: UInt64
}

let bounds = [
  Bound(name: "aarch64-gicv2", size: files[1].loadedSize, limit: budget.limit, total: budget.total),
  Bound(name: "aarch64", size: files[0].loadedSize, limit: budget.limit, total: budget.total),
  // The translator in it is not privileged. Its limit is above the promise as long as that is not kept.
  Bound(
    name: "armv7", size: files[2].loadedSize(without: ".translator"), limit: budget.armv7,
    total: budget.total),
  Bound(
    name: "translator", size: files[3].loadedSize, limit: budget.translator, total: budget.translator),
  Bound(name: "steward", size: files[4].loadedSize, limit: budget.steward, total: budget.steward),
]
var mistakes = report.mistakes()
for bound in bounds where bound.size > bound.limit {
  mistakes.append("\(bound.name) has \(bound.size) bytes, \(bound.size - bound.limit) over its limit")
}
for mistake in mistakes { FileHandle.standardError.write(Data((mistake + "\n").utf8)) }
for bound in bounds { print("\(bound.name): \(bound.size) of \(bound.total) bytes") }
exit(mistakes.isEmpty ? 0 : 1)
