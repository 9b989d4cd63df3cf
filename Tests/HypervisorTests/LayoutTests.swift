import Foundation
import Testing

@testable import Hypervisor

/// What assembly knows of Swift's structures (Layout.h) is so.
@Suite struct LayoutTests {
  /// The numbers that the header defines.
  private static func definitions() throws -> [String: Int] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let header = root.appendingPathComponent("Firmware/Sources/AArch64Assembly/Layout.h")
    let lines = try String(contentsOf: header, encoding: .utf8).split(separator: "\n")
    let pairs = lines.map { $0.split(separator: " ") }.filter { $0.first == "#define" && $0.count == 3 }
    return Dictionary(
      uniqueKeysWithValues: pairs.compactMap { words in Int(words[2]).map { (String(words[1]), $0) } })
  }

  /// Where a member lies in a value that lies in zeroed memory.
  private func offset<Value: ~Copyable, Member>(
    _ type: Value.Type, _ member: (UnsafeMutablePointer<Value>) -> UnsafeMutablePointer<Member>
  ) -> Int {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: MemoryLayout<Value>.stride, alignment: 64)
    defer { memory.deallocate() }
    let place = member(memory.assumingMemoryBound(to: Value.self))
    return UnsafeRawPointer(place) - UnsafeRawPointer(memory)
  }

  @Test func virtualCPU() throws {
    let header = try Self.definitions()
    #expect(offset(VirtualCPU.self) { withUnsafeMutablePointer(to: &$0.pointee.registers) { $0 } } == 0)
    #expect(
      offset(VirtualCPU.self) { withUnsafeMutablePointer(to: &$0.pointee.stackTop) { $0 } }
        == header["VIRTUAL_CPU_STACK_TOP"])
    #expect(
      offset(VirtualCPU.self) { withUnsafeMutablePointer(to: &$0.pointee.system) { $0 } }
        == header["VIRTUAL_CPU_SYSTEM"])
    #expect(
      offset(VirtualCPU.self) { withUnsafeMutablePointer(to: &$0.pointee.vectors) { $0 } }
        == header["VIRTUAL_CPU_VECTORS"])
    #expect(SystemSlot.executionState.rawValue * 8 == header["SYSTEM_EXECUTION_STATE"])
    #expect((SystemSlot.executionState.rawValue + 1) * 8 == header["SYSTEM_NARROW"])
  }

  @Test func physicalCPU() throws {
    #expect(
      try offset(PhysicalCPU.self) { withUnsafeMutablePointer(to: &$0.pointee.stackTop) { $0 } }
        == Self.definitions()["PHYSICAL_CPU_STACK_TOP"])
  }
}
