import Foundation

/// Asks `swift demangle` for the readable forms of names.
enum Demangler {
  static func demangle(_ names: [String]) throws -> [String] {
    let process = Process()
    let input = Pipe()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["swift", "demangle", "--compact"]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    let text = names.joined(separator: "\n") + "\n"
    DispatchQueue.global().async {
      input.fileHandleForWriting.write(Data(text.utf8))
      try? input.fileHandleForWriting.close()
    }
    let printed = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return String(decoding: printed, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
  }
}
