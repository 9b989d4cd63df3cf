import Foundation
import Testing

/// What `make size` says of the built images.
@Suite(.enabled(if: BuiltImage.exist(BuiltImage.all + [BuiltImage.steward]))) struct SizeReportTests {
  /// No part has more than it is allotted, and what is stated are the images' bytes.
  @Test func statesTheImages() throws {
    let images = BuiltImage.all + [BuiltImage.translator, BuiltImage.steward]
    let products = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path
    let (report, status) = try BuiltImage.run(
      products + "/SizeReport", [BuiltImage.budgetFile.path] + images.map { BuiltImage.executable($0).path })
    #expect(status == 0, "\(report)")
    let lines = try [
      "aarch64: \(BuiltImage("Pocketvisor").bytes.count) of 30720 bytes",
      "aarch64-gicv2: \(BuiltImage("PocketvisorGICv2").bytes.count) of 30720 bytes",
      "armv7: \(BuiltImage(BuiltImage.narrow).privilegedBytes()) of 30720 bytes",
      "steward: \(BuiltImage(BuiltImage.steward).bytes.count) of 65536 bytes",
    ]
    for line in lines { #expect(report.contains("\n\(line)\n"), "\(report)") }
    #expect(report.contains(#/\ntranslator: [0-9]+ of 24576 bytes\n/#))
  }
}
