/// A mistake in what the user gave, told in one sentence; where it stands in a file, with line and column.
public struct InputError: Error, Equatable, CustomStringConvertible {
  public let description: String

  public init(_ message: String) {
    description = message
  }

  /// A mistake at a place of a text file, in the form that editors jump to.
  public init(_ message: String, at place: SourcePlace) {
    description = "\(place): \(message)"
  }
}

/// A place in a text file; line and column count from 1.
public struct SourcePlace: Equatable, Sendable, CustomStringConvertible {
  public let file: String
  public let line: Int
  public let column: Int

  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  public var description: String { "\(file):\(line):\(column)" }
}
