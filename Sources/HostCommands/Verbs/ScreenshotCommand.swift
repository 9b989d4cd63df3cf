import ArgumentParser
import Foundation

/// `pocketvisor screenshot`: writes what a running phone shows.
struct ScreenshotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "screenshot",
    abstract: "Write what a running phone's screen shows.",
    discussion: """
      Examples:
        pocketvisor screenshot screen.png
        pocketvisor screenshot screen.png --phone phone.yaml
      """)

  @Argument(help: "The PNG file to write.")
  var output: String

  @OptionGroup var running: RunningPhoneArguments

  func run() throws {
    let phone = try running.find()
    let monitor = try EmulatorMonitor(path: phone.monitor)
    let picture = phone.folder + "/screen.png"
    defer { try? FileManager.default.removeItem(atPath: picture) }
    try monitor.execute("screendump", ["filename": picture, "format": "png"])
    let data = try InputFile(path: picture).data
    try OutputFile.replace(output) { try $0.write(contentsOf: data) }
    print("\(output): \(data.count) bytes")
  }
}
