/// Columns of text.
enum TextTable {
  /// The rows, every cell as wide as its column's widest, two spaces apart.
  /// - Parameter numbers: columns that are aligned to the right.
  static func lines(_ rows: [[String]], numbers: Set<Int> = []) -> [String] {
    guard let first = rows.first else { return [] }
    let widths = first.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = row.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - row[column].count)
        return numbers.contains(column) ? space + row[column] : row[column] + space
      }
      var line = cells.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}
