import ControlProtocol
import Testing

/// The line as bytes in memory.
private struct Line: ByteSink {
  var bytes: [UInt8] = []
  mutating func append(_ byte: UInt8) { bytes.append(byte) }
}

/// A frame with this content.
private func frame(_ content: [UInt8]) -> [UInt8] {
  var line = Line()
  var writer = FrameWriter(to: &line)
  for byte in content { writer.append(byte, to: &line) }
  writer.finish(to: &line)
  return line.bytes
}

/// The contents of all frames in some bytes.
private func contents(_ bytes: [UInt8], _ reader: inout FrameReader) -> [[UInt8]] {
  var found: [[UInt8]] = []
  for byte in bytes where reader.take(byte) { found.append((0..<reader.count).map(reader.byte(at:))) }
  return found
}

private func contents(_ bytes: [UInt8]) -> [[UInt8]] {
  var reader = FrameReader()
  return contents(bytes, &reader)
}

@Suite struct FrameTests {
  /// CRC-16/X-25, which is this one, of "123456789" is 0x906E.
  @Test func checkSequence() {
    let bytes = frame(Array("123456789".utf8))
    #expect(bytes == [0x7E] + Array("123456789".utf8) + [0x6E, 0x90, 0x7E])
  }

  @Test func everyByteSurvives() {
    let all = (0...255).map { UInt8($0) }
    #expect(contents(frame(all)) == [all])
    #expect(contents(frame(all) + frame([0x7E]) + frame([0x7D, 0x5E])) == [all, [0x7E], [0x7D, 0x5E]])
  }

  @Test func flagsStandOnlyAtTheEnds() {
    let bytes = frame(Array(repeating: 0x7E, count: 100))
    #expect(bytes.first == 0x7E && bytes.last == 0x7E)
    #expect(!bytes.dropFirst().dropLast().contains(0x7E))
  }

  @Test func largest() {
    let content = Array(repeating: UInt8(0x7D), count: FrameSize.content)
    let bytes = frame(content)
    #expect(bytes.count <= FrameSize.line)
    #expect(contents(bytes) == [content])
    #expect(contents(frame(content + [1])).isEmpty)
    #expect(contents(frame(Array(repeating: 0, count: 100_000)) + frame([5])) == [[5]])
  }

  @Test func emptyAndAbandonedFramesAreNone() {
    #expect(contents([0x7E, 0x7E, 0x7E]).isEmpty)
    #expect(contents(frame([])).isEmpty)
    let given = frame([1, 2, 3])
    #expect(contents(given.dropLast() + [0x7D, 0x7E]).isEmpty)
  }

  /// Whoever comes in the middle of a frame, or leaves there, loses that frame alone.
  @Test func findsTheNextFrameFromAnywhere() {
    let first = frame([0x7E, 1, 0x7D, 2])
    let second = frame(Array("second".utf8))
    for cut in 1..<first.count - 1 {
      #expect(contents(Array(first[cut...]) + second).last == Array("second".utf8))
      #expect(contents(Array(first[..<cut]) + second).last == Array("second".utf8))
      #expect(contents(Array(first[..<cut]) + second).count == 1)
    }
  }

  @Test func everySingleDamageIsFound() {
    let bytes = frame(Array("restart work".utf8))
    for index in 1..<bytes.count - 1 {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[index] ^= 1 << bit
        #expect(contents(damaged).allSatisfy { $0 != Array("restart work".utf8) }, "byte \(index), bit \(bit)")
      }
    }
  }
}

@Suite struct ControlMessageTests {
  private func message(_ message: ControlMessage, _ payload: [UInt8] = []) -> [UInt8] {
    var line = Line()
    var writer = message.begin(to: &line)
    for byte in payload { writer.append(byte, to: &line) }
    writer.finish(to: &line)
    return line.bytes
  }

  private func read(_ bytes: [UInt8]) -> (message: ControlMessage?, reader: FrameReader) {
    var reader = FrameReader()
    for byte in bytes where reader.take(byte) { return (ControlMessage(reader), reader) }
    return (nil, reader)
  }

  @Test(arguments: (0...255).compactMap(ControlKind.init(rawValue:))) func roundTrip(kind: ControlKind) {
    let request = ControlMessage(kind, tag: 0xBEEF, machine: 7, number: 0x0123_4567_89AB_CDEF)
    #expect(read(message(request)).message == request)
    for status in (0...255).compactMap(ControlStatus.init(rawValue:)) {
      let answer = request.answer(status, number: 42)
      #expect(answer.tag == request.tag && answer.isAnswer && answer.number == 42)
      #expect(read(message(answer)).message == answer)
    }
  }

  @Test func payloadStandsBehindTheHeader() {
    let payload = (0..<ControlMessage.payloadLimit).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let (found, reader) = read(message(ControlMessage(.output, machine: 1), payload))
    #expect(found?.kind == .output)
    #expect((ControlMessage.headerSize..<reader.count).map(reader.byte(at:)) == payload)
  }

  @Test func otherVersionsAndKindsAreNoMessages() {
    func header(version: UInt8 = 1, kind: UInt8 = 1, status: UInt8 = 0, count: Int = 16) -> [UInt8] {
      frame(Array([version, kind, 0, 0, 0, status, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].prefix(count)))
    }
    #expect(read(header()).message != nil)
    #expect(read(header(version: 2)).message == nil)
    #expect(read(header(kind: 0)).message == nil)
    #expect(read(header(kind: 99)).message == nil)
    #expect(read(header(status: 99)).message == nil)
    #expect(read(header(count: 15)).message == nil)
  }

  private func report(_ seed: UInt64) -> MachineReport {
    var report = MachineReport()
    for index in 0..<16 { report.name[index] = UInt8(truncatingIfNeeded: seed &* 7 &+ UInt64(index)) }
    report.phase = UInt8(truncatingIfNeeded: seed % 6)
    (report.isPaused, report.isInFront, report.isServer) = (seed & 1 != 0, seed & 2 != 0, seed & 4 != 0)
    (report.hasConsole, report.hasScreen) = (seed & 8 != 0, seed & 16 != 0)
    (report.memory, report.exits, report.printed) = (seed << 20, seed &* 0x9E37_79B9_7F4A_7C15, ~seed)
    for index in 0..<8 { report.ticks[index] = seed &* UInt64(index + 1) }
    return report
  }

  @Test func reports() {
    for seed in 0..<32 as Range<UInt64> {
      var line = Line()
      var writer = ControlMessage(.describe).answer().begin(to: &line)
      report(seed).append(to: &writer, &line)
      writer.finish(to: &line)
      let (found, reader) = read(line.bytes)
      #expect(found != nil && reader.count == ControlMessage.headerSize + MachineReport.size)
      #expect(MachineReport(reader) == report(seed))
      #expect(MachineReport(read(message(ControlMessage(.describe), [1, 2, 3])).reader) == nil)
    }
  }
}

/// Hostile lines: nothing traps, and the reader is right again afterwards.
@Suite struct ControlFuzzTests {
  @Test func randomBytes() {
    var random = SystemRandomNumberGenerator()
    var reader = FrameReader()
    let bait: [UInt8] = [0x7E, 0x7D, 0x5E, 0x5D, 0x01, 0x81]
    for _ in 0..<300_000 {
      let draw = random.next()
      let byte = draw & 3 == 0 ? bait[Int(draw >> 8) % bait.count] : UInt8(truncatingIfNeeded: draw >> 16)
      guard reader.take(byte) else { continue }
      _ = ControlMessage(reader)
      _ = MachineReport(reader)
      #expect(reader.count <= FrameSize.content)
    }
    #expect(contents([0x7E] + frame([9, 9]), &reader).last == [9, 9])
  }

  /// Frames that are right, with contents that are not.
  @Test func randomContents() {
    for _ in 0..<20_000 {
      var content = (0..<Int.random(in: 1...160)).map { _ in UInt8.random(in: 0...255) }
      if Bool.random() { content[0] = ControlMessage.version }
      var reader = FrameReader()
      for byte in frame(content) where reader.take(byte) {
        #expect((0..<reader.count).map(reader.byte(at:)) == content)
        if let message = ControlMessage(reader) {
          #expect(content[0] == ControlMessage.version && content.count >= ControlMessage.headerSize)
          #expect(message.machine == content[4])
        }
        #expect((MachineReport(reader) != nil) == (content.count >= 16 + MachineReport.size))
      }
    }
  }
}
