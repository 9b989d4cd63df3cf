import Foundation

/// The code of a kernel module: an ELF file (ELF for the Arm Architecture, IHI 0044) whose mapping symbols `$a` and `$d`
/// say where code and data begin.
struct KernelModule {
  private(set) var sections: [TextSection] = []

  private struct Header {
    let flags: UInt32
    let kind: UInt32
    let place: Int
    let size: Int
    let link: Int
  }

  init?(path: String) {
    guard let file = FileManager.default.contents(atPath: path).map({ [UInt8]($0) }), file.count > 52,
      file.word(at: 0) == 0x464C_457F
    else { return nil }
    let table = Int(file.word(at: 32))
    let headers = (0..<Int(file.word(at: 48) & 0xFFFF)).map { index in
      let fields = (0..<10).map { file.word(at: table + 40 * index + 4 * $0) }
      return Header(
        flags: fields[2], kind: fields[1], place: Int(fields[4]), size: Int(fields[5]), link: Int(fields[6]))
    }
    guard let symbols = headers.first(where: { $0.kind == 2 }) else { return nil }
    let names = headers[symbols.link].place
    var marks = [[(place: UInt32, isData: Bool)]](repeating: [], count: headers.count)
    for place in stride(from: symbols.place, to: symbols.place + symbols.size, by: 16) {
      let name = names + Int(file.word(at: place))
      let section = Int(file.word(at: place + 12) >> 16)
      guard file[name] == UInt8(ascii: "$"), marks.indices.contains(section) else { continue }
      marks[section].append((file.word(at: place + 4), file[name + 1] == UInt8(ascii: "d")))
    }
    // Code is allocated and executable.
    for (header, marks) in zip(headers, marks) where header.kind == 1 && header.flags & 6 == 6 {
      let words = DebianKernel.words(Data(file[header.place..<header.place + header.size]))
      let sorted = marks.sorted { $0.place < $1.place } + [(UInt32(header.size), false)]
      let data = zip(sorted, sorted.dropFirst()).filter(\.0.isData).map { $0.0.place..<$0.1.place }
      sections.append(TextSection(words, at: 0, data: data))
    }
  }
}
