import Appliance
import ArmArchitecture
import Foundation
import Testing

@testable import HostCommands
@testable import Hypervisor

/// From the boot loader's jump on a CPU without virtualization extensions.
@Suite(.reportsHangs) struct NarrowBootTests {
  private static let end = "[pocketvisor] RAM taken: 0x"

  /// What is printed, after a change of the board or the device image.
  private func output(
    _ kind: NarrowBoardKind, generation: UInt32 = 2, _ change: (ScriptedNarrowBoard) -> Void = { _ in }
  ) throws -> String {
    let board = ScriptedNarrowBoard(kind, image: try DeviceImageBuilder.image(generation: generation))
    change(board)
    board.start()
    #expect(board.violations == [])
    // Memory for the VM's address spaces, where the VM was prepared.
    #expect(board.prepared.allSatisfy { $0.size == 4 << 20 && $0.start & 0x1F_FFFF == 0 })
    #expect(board.prepared.count == (board.output.contains(Self.end) ? 1 : 0))
    return board.output
  }

  @Test(arguments: NarrowBoardKind.allCases) func readsTheDeviceImage(_ kind: NarrowBoardKind) throws {
    let output = try output(kind)
    #expect(output.contains(Self.end))
  }

  @Test(arguments: NarrowBoardKind.allCases) func damagedImage(_ kind: NarrowBoardKind) throws {
    #expect(try output(kind) { $0.image[0] ^= 1 }.contains("the image has no valid phone record"))
    #expect(try output(kind, generation: 3).contains("the image is for boards with another GIC"))
    let truncated = try output(kind) { $0.image.removeLast($0.image.count - 4096) }
    #expect(truncated.contains("the image has no valid phone record"))
  }

  @Test(arguments: NarrowBoardKind.allCases) func missing(_ kind: NarrowBoardKind) throws {
    func remove(_ part: String) throws -> String {
      try output(kind) { $0.tree.removeAll { $0.name.hasPrefix(part) } }
    }
    #expect(try remove("memory").contains("the board has no memory"))
    #expect(try remove("interrupt-controller").contains("the board has no interrupt controller"))
    #expect(try remove("timer@1").contains("the board has no timer"))
    #expect(try remove("chosen").contains("no device image: pass it as ramdisk"))
    #expect(try remove(kind == .vexpress ? "uart" : "serial").isEmpty)
  }

  @Test(arguments: NarrowBoardKind.allCases) func aTimerThatDoesNotInterrupt(_ kind: NarrowBoardKind) throws {
    let output = try output(kind) { $0.isTimerWired = false }
    #expect(output.contains("the timer does not interrupt"))
    #expect(!output.contains(Self.end))
  }
}

/// The walk through device trees of boards without virtualization extensions.
@Suite struct NarrowBoardTests {
  private static let debian = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../.cache/debian-armhf/unpacked")

  /// The tree of Debian's kernel package for a board, if it was fetched.
  private static func debianTree(_ kind: NarrowBoardKind) -> URL? {
    let packages = (try? FileManager.default.contentsOfDirectory(atPath: debian.path)) ?? []
    return packages.filter { $0.hasPrefix("linux-image") }.map {
      debian.appendingPathComponent("\($0)/usr/lib/\($0)/\(kind.rawValue).dtb")
    }.first { FileManager.default.fileExists(atPath: $0.path) }
  }

  private func check(_ kind: NarrowBoardKind, _ blob: [UInt8]) throws {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { memory.deallocate() }
    let start = try #require(memory.baseAddress)
    var arena = Arena(start: start, end: start + memory.count)
    let (places, bytes) = (arena.take(Board.self), arena.take(UInt8.self, count: blob.count))
    let (board, copy) = try (#require(places), #require(bytes))
    blob.withUnsafeBytes {
      UnsafeMutableRawPointer(copy).copyMemory(from: $0.baseAddress!, byteCount: $0.count)
    }
    board.pointee.read(Blob(base: copy, count: blob.count), for: ScriptedNarrowMachine.self)
    #expect(board.pointee.uart == kind.uart)
    #expect(board.pointee.uartInterrupt.rawValue == kind.uartInterrupt)
    #expect(board.pointee.distributor == kind.distributor)
    #expect(board.pointee.cpuInterface == kind.interface ?? 0)
    #expect(board.pointee.narrow.timer == kind.timer)
    #expect(board.pointee.narrow.timerInterrupts[0].rawValue == kind.timerInterrupt)
    #expect(board.pointee.narrow.timerInterrupts[1].rawValue == (kind == .smdkc210 ? 80 : kind.timerInterrupt))
    #expect(board.pointee.hasSecondCPU == (kind == .smdkc210))
    #expect(board.pointee.narrow.powerController == kind.powerController ?? 0)
    #expect(board.pointee.narrow.cpuOffset == (kind == .smdkc210 ? 0x8000 : 0))
    #expect(board.pointee.cpus[0].start == kind.affinity)
  }

  /// A Cubieboard cannot be turned off.
  @Test(arguments: NarrowBoardKind.allCases) func goesOff(_ kind: NarrowBoardKind) throws {
    let board = ScriptedNarrowBoard(kind, image: try DeviceImageBuilder.image(generation: 2))
    let core = try #require(board.start().core)
    #expect(!board.power.isBoardOff)
    core.turnBoardOff("every VM has stopped")
    #expect(board.power.isBoardOff == (kind != .cubieboard))
    #expect(board.violations == [])
  }

  @Test(arguments: NarrowBoardKind.allCases) func ours(_ kind: NarrowBoardKind) throws {
    try check(kind, NarrowTree.root(kind).flattened())
  }

  @Test(arguments: NarrowBoardKind.allCases.filter { debianTree($0) != nil })
  func debians(_ kind: NarrowBoardKind) throws {
    try check(kind, Array(Data(contentsOf: #require(Self.debianTree(kind)))))
  }

  /// A bus whose addresses have no end, and one that does not have the address, change nothing.
  @Test func strangeBuses() throws {
    for ranges in [[0x1000, 0x2000, 0x100] as [UInt32], [0]] {
      var root = NarrowTree.root(.cubieboard)
      root.children[3].properties.removeAll { $0.name == "ranges" }
      root.children[3].set("ranges", cells: ranges)
      try check(.cubieboard, root.flattened())
    }
    var root = NarrowTree.root(.cubieboard)
    root.children[3].properties = []
    root.children[3].set("ranges", cells: [0, 0, 0])
    root.children[3].set("#address-cells", cells: [1])
    root.children[3].set("#size-cells", cells: [0])
    let board = ScriptedNarrowBoard(.cubieboard, image: [])
    board.tree = root
    board.start()
    #expect(board.violations.count < 100)
  }
}

extension DeviceTreeNode {
  /// Removes nodes from the whole tree.
  mutating func removeAll(where isUnwanted: (DeviceTreeNode) -> Bool) {
    children.removeAll(where: isUnwanted)
    for index in children.indices { children[index].removeAll(where: isUnwanted) }
  }
}
