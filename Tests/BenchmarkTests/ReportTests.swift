import Testing

@testable import Benchmark

struct ReportTests {
  private static let document = "# A\n\n## B\n\nold\n\n## C\n\nmore\n"

  @Test func replacesASection() {
    #expect(
      BenchmarkReport.replace("## B", in: Self.document, by: "## B\n\nnew")
        == "# A\n\n## B\n\nnew\n\n## C\n\nmore\n")
    #expect(
      BenchmarkReport.replace("## C", in: Self.document, by: "## C\n\nnew")
        == "# A\n\n## B\n\nold\n\n## C\n\nnew\n")
  }

  @Test func addsASectionBeforeTheLast() {
    #expect(
      BenchmarkReport.replace("## D", in: Self.document, by: "## D\n\nnew")
        == "# A\n\n## B\n\nold\n\n## D\n\nnew\n\n## C\n\nmore\n")
    #expect(BenchmarkReport.replace("## D", in: "", by: "## D") == "")
  }

  /// The cells of the row of this name, without the spaces around them.
  private static func cells(_ name: String, in text: String) -> [String] {
    let line = text.split(separator: "\n").first { $0.hasPrefix("| \(name) ") } ?? ""
    return line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
  }

  @Test func judgesARMv7() {
    var figures = NarrowFigures()
    figures.native.read("workload write-read 10 1000\nworkload fork-exec 1 1000\nbench: user-code 1.00")
    figures.guest.read(
      """
      bench: status-read 12.01
      bench: timer-read 349.95
      bench: user-code 1.00
      workload write-read 10 3000
      workload fork-exec 1 4001
      """)
    let text = NarrowReport(figures).section
    #expect(Self.cells("MRS CPSR", in: text) == ["MRS CPSR", "–", "12.0", "448", "≤ 12", "no"])
    #expect(Self.cells("SP804 value read", in: text).last == "yes")
    #expect(Self.cells("instruction of user code", in: text).suffix(5) == ["1", "1", "1", "≤ 1", "yes"])
    #expect(Self.cells("TLBIALL", in: text).suffix(5) == ["–", "–", "–", "–", "–"])
    let call = Self.cells("system call: 1 byte into a pipe and out", in: text)
    #expect(call.suffix(6) == ["100", "300", "3.00", "23.5", "≤ 3", "yes"])
    #expect(Self.cells("fork, exec, wait", in: text).last == "no")
    #expect(text.hasPrefix(NarrowReport.heading))
  }
}
