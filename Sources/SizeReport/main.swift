import Foundation

// SizeReport SizeBudget.json IMAGE.elf GICV2-IMAGE.elf STEWARD.elf: where the hypervisor's bytes are. Run by `make size`.

let arguments = CommandLine.arguments
guard arguments.count == 5, let image = ELFFile(path: arguments[2]), let other = ELFFile(path: arguments[3]),
  let steward = ELFFile(path: arguments[4])
else {
  FileHandle.standardError.write(
    Data("usage: SizeReport SizeBudget.json IMAGE.elf GICV2-IMAGE.elf STEWARD.elf\n".utf8))
  exit(64)
}
let budget = try SizeBudget(path: arguments[1])
// What the image is made of.
let modules = ["Appliance", "ArmArchitecture", "Drivers", "Hypervisor", "VirtualDevices"]
let sources = modules.map { "Sources/" + $0 } + ["Firmware/Sources"]
let report = try Report(image: image, budget: budget, sources: sources)
for line in report.lines() { print(line) }
print("")
var mistakes = report.mistakes()
if other.loadedSize > budget.limit {
  mistakes.append(
    "the image for GICv2 has \(other.loadedSize) bytes, \(other.loadedSize - budget.limit) over its limit")
}
if steward.loadedSize > budget.steward {
  mistakes.append(
    "the steward has \(steward.loadedSize) bytes, \(steward.loadedSize - budget.steward) over its limit")
}
for mistake in mistakes { FileHandle.standardError.write(Data((mistake + "\n").utf8)) }
print("aarch64-gicv2: \(other.loadedSize) of \(budget.total) bytes")
print("aarch64: \(image.loadedSize) of \(budget.total) bytes")
print("steward: \(steward.loadedSize) of \(budget.steward) bytes")
exit(mistakes.isEmpty ? 0 : 1)
