// `make bench`: measures the same guests natively and under Pocketvisor, prints tables beside the
// peers' figures, and writes Documentation/Benchmarks.md. Runs from the repository's root.

import Foundation

do {
  let run = try BenchmarkRun(settings: Settings(CommandLine.arguments.dropFirst()))
  let report = BenchmarkReport(run)
  print(report.text)
  let old = (try? String(contentsOfFile: Settings.document, encoding: .utf8)) ?? ""
  try Data(report.document(replacing: old).utf8).write(to: URL(fileURLWithPath: Settings.document))
  print("written: \(Settings.document)")
  exit(run.isComplete ? EXIT_SUCCESS : EXIT_FAILURE)
} catch {
  FileHandle.standardError.write(Data("bench: error: \(error)\n".utf8))
  exit(EXIT_FAILURE)
}
