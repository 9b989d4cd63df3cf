import Foundation

/// How figures are written in the tables; "–" where there is none.
enum FigureText {
  static func percentage(_ base: Double?, _ value: Double?) -> Double? {
    guard let base, let value, base > 0 else { return nil }
    return (value / base - 1) * 100
  }

  static func percent(_ value: Double?) -> String { value.map { String(format: "%+.2f %%", $0) } ?? "–" }

  static func ratio(_ value: Double?) -> String { value.map { String(format: "%.2f", $0) } ?? "–" }

  static func millions(_ value: Double?) -> String { value.map { String(format: "%.1f M", $0 / 1e6) } ?? "–" }

  /// Whole numbers from 1000 on, else one decimal where there is one.
  static func figure(_ value: Double?) -> String {
    guard let value else { return "–" }
    guard abs(value) >= 1000 || value == value.rounded() else { return String(format: "%.1f", value) }
    let number = Int(value.rounded())
    return abs(number) < 10_000 ? String(number) : grouped(number)
  }

  private static func grouped(_ number: Int) -> String {
    guard abs(number) >= 1000 else { return String(number) }
    return grouped(number / 1000) + "," + String(format: "%03d", abs(number) % 1000)
  }
}
