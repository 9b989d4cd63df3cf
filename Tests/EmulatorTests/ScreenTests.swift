import Foundation
import Testing

@testable import HostCommands

/// One screen, two personas: pixels, keys and fingers.
@Suite(.enabled(if: Repository.hasDebian)) struct ScreenTests {
  /// A persona of the test: what it paints, and the colour of its strip.
  private struct Persona {
    let name: String
    let strip: Int
    let page: Int
    /// Of its two windows, the strip's and the frame buffer's.
    let window: UInt64

    /// Blue, green, red and nothing, as octal escapes of `printf`.
    var pixel: String {
      [page, page >> 8, page >> 16, 0].map { "\\" + String($0 & 0xFF | 0x200, radix: 8).suffix(3) }.joined()
    }
  }

  private static let work = Persona(name: "work", strip: 0x1565C0, page: 0x20C040, window: 0x2000_0000)
  private static let personal = Persona(name: "personal", strip: 0xB71C1C, page: 0x8040E0, window: 0x2040_0000)

  /// Takes the text console off the screen; tries to write what is not its own, through `/dev/mem` as root can, which
  /// ends in a bus error; paints its whole frame buffer and tries to go on behind it; then tells what its keyboard and
  /// touch screen say.
  private static func script(_ personas: [Persona]) -> String {
    let pixels = personas.map {
      "\($0.name)) pixel='\($0.pixel)'; other=\(hexadecimal($0.window ^ 0x40_0000)) ;;"
    }
    return """
      echo 0 >/sys/class/vtconsole/vtcon1/bind
      name=$(hostname)
      case $name in \(pixels.joined(separator: " ")) esac
      refused=0
      for place in 0x1FF000 0x1F1000 0x1FFFD0 0x201000 0x3FFFD0; do
        for window in 0x20000000 0x20400000; do
          [ $place = 0x201000 ] && [ $window != $other ] && continue
          [ $place = 0x3FFFD0 ] && [ $window != $other ] && continue
          devmem $((window + place)) 32 0xFFFFFFFF >/dev/null 2>&1
          [ $? = 135 ] && refused=$((refused + 1))
        done
      done
      echo "screen: refused $refused"
      printf "$pixel" >/tmp/pixels
      for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do
        cat /tmp/pixels /tmp/pixels >/tmp/more; mv /tmp/more /tmp/pixels
      done
      for i in $(seq 50); do cat /tmp/pixels; done >/dev/fb0 2>/dev/null
      for device in /dev/input/event*; do
        (exec 3<$device; while true; do
          set -- $(dd bs=24 count=1 <&3 2>/dev/null | od -An -v -tu2)
          echo "$name input: ${9} ${10} ${11}"
        done) &
      done
      echo "$name screen: painted"
      """
  }

  private static func hexadecimal(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }

  private static func phone(_ ramdisk: DebianRamdisk, _ personas: [Persona]) -> String {
    let machines = personas.map {
      let colour = "#" + String($0.strip, radix: 16, uppercase: true)
      return PhoneText.debian($0.name, running: ramdisk, devices: "screen: { colour: \"\(colour)\" }")
    }
    return "vms:\n" + PhoneText.steward() + machines.joined()
  }

  /// Whether a picture is all of one persona: its strip and nothing of another one's, and its page in every pixel.
  private func isAll(of persona: Persona, _ picture: Picture) -> Bool {
    let others = [Self.work, Self.personal].filter { $0.name != persona.name }.flatMap { [$0.strip, $0.page] }
    return picture.columns == 480 && picture.rows == 800 && picture.stripColour == persona.strip
      && picture.onlyColour == persona.page && others.allSatisfy { picture.stripColours[$0] == nil }
  }

  @Test func twoPersonas() throws {
    let (work, personal) = (Self.work, Self.personal)
    let ramdisk = try DebianRamdisk(["start": Self.script([work, personal])])
    defer { extendLifetime(ramdisk) }
    let running = try RunningProgram(Self.phone(ramdisk, [work, personal]))
    let isPainted = running.waits(for: "work screen: painted", "personal screen: painted")
    try #require(isPainted, "\(running.tail)")
    #expect(running.output.matches(of: /screen: refused 8\n/).count == 2, "\(running.tail)")
    try expectScreenshot(running)
    try expectInputAtTheFront(running)
    try expectNoMixture(running)
  }

  /// The tool writes a portable network graphic of the right size.
  private func expectScreenshot(_ running: RunningProgram) throws {
    let path = NSTemporaryDirectory() + "/pocketvisor-screen-\(UUID().uuidString).png"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let said = try running.pocketvisor("screenshot", path)
    let file = try #require(FileManager.default.contents(atPath: path), "\(said)")
    let size: [UInt8] = [0, 0, 0x01, 0xE0, 0, 0, 0x03, 0x20]
    #expect(file.prefix(8) == Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
    #expect(file.dropFirst(16).prefix(8) == Data(size))
  }

  /// Work is seen and gets what is typed; then, after the home key, personal; after a word to the tool, work; after a tap
  /// on the strip, personal.
  private func expectInputAtTheFront(_ running: RunningProgram) throws {
    let monitor = try running.monitor()
    try expect(Self.work, running, monitor)
    try monitor.press("a")
    try monitor.tap(column: 100, row: 400)
    try #require(running.waits(for: "work input: 1 30 0\n", "work input: 1 330 0\n"), "\(running.tail)")
    try monitor.press("ac_home")
    try expect(Self.personal, running, monitor)
    try monitor.press("b")
    try monitor.tap(column: 300, row: 500)
    try #require(running.waits(for: "personal input: 1 48 0\n", "personal input: 1 330 0\n"), "\(running.tail)")
    #expect(try running.pocketvisor("switch", "work").isEmpty == false)
    try expect(Self.work, running, monitor)
    try monitor.tap(column: 240, row: 10)
    try expect(Self.personal, running, monitor)
    try monitor.press("c")
    try #require(running.waits(for: "personal input: 1 46 0\n"), "\(running.tail)")
    let output = running.output
    for foreign in ["personal input: 1 30 ", "work input: 1 48 ", "work input: 1 46 ", "input: 1 172 "] {
      #expect(!output.contains(foreign), "\(running.tail)")
    }
    // One touch each: that of the strip nobody heard of.
    for name in ["work", "personal"] {
      #expect(output.components(separatedBy: "\(name) input: 1 330 1\n").count == 2, "\(running.tail)")
    }
  }

  private func expect(_ persona: Persona, _ running: RunningProgram, _ monitor: EmulatorMonitor) throws {
    let picture = try running.picture(by: monitor) { $0.stripColour == persona.strip }
    #expect(isAll(of: persona, picture), "\(picture.stripColours), \(picture.pageColours)")
  }

  /// Pictures that are taken while the front changes again and again show one persona each, never parts of both.
  private func expectNoMixture(_ running: RunningProgram) throws {
    let monitor = try running.monitor()
    var seen = [0, 0]
    for round in 0..<60 {
      try monitor.press("ac_home")
      if round % 3 != 0 { usleep(UInt32(round * 7919 % 40_000)) }
      let picture = try running.picture(by: monitor)
      for (index, persona) in [Self.work, Self.personal].enumerated() where isAll(of: persona, picture) {
        seen[index] += 1
      }
      #expect(seen[0] + seen[1] == round + 1, "\(picture.stripColours), \(picture.pageColours)")
    }
    #expect(seen.allSatisfy { $0 > 5 }, "\(seen)")
  }
}
