import Foundation

// SizeReport IMAGE.elf SizeBudget.json: where the hypervisor's bytes are. Run by `make size`.

guard CommandLine.arguments.count == 3, let image = ELFFile(path: CommandLine.arguments[1]) else {
  FileHandle.standardError.write(Data("usage: SizeReport IMAGE.elf SizeBudget.json\n".utf8))
  exit(64)
}
let budget = try SizeBudget(path: CommandLine.arguments[2])
let report = try Report(image: image, budget: budget, sources: ["Sources", "Firmware/Sources"])
for line in report.lines() { print(line) }
print("")
let mistakes = report.mistakes()
for mistake in mistakes { FileHandle.standardError.write(Data((mistake + "\n").utf8)) }
print("aarch64: \(image.loadedSize) of \(budget.total) bytes")
exit(mistakes.isEmpty ? 0 : 1)
