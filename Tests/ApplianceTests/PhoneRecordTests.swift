import Appliance
import Foundation
import Testing

/// Host and device share the records' memory as the file format: no offset may move unnoticed.
@Suite struct PhoneRecordTests {
  @Test func sizes() {
    #expect(MemoryLayout<PhoneHeader>.size == PhoneHeader.size)
    #expect(MemoryLayout<PhoneHeader>.size == 64)
    #expect(MemoryLayout<SegmentRecord>.size == 24)
    #expect(MemoryLayout<SeedRecord>.size == 16)
    #expect(MemoryLayout<VirtualMachineRecord>.size == VirtualMachineRecord.size)
    #expect(MemoryLayout<VirtualMachineRecord>.stride == 256)
  }

  @Test func headerOffsets() {
    #expect(MemoryLayout<PhoneHeader>.offset(of: \.magic) == 0)
    #expect(MemoryLayout<PhoneHeader>.offset(of: \.virtualMachineCount) == 8)
    #expect(MemoryLayout<PhoneHeader>.offset(of: \.interruptControllerGeneration) == 12)
    #expect(MemoryLayout<PhoneHeader>.offset(of: \.entropy) == 16)
    #expect(MemoryLayout<PhoneHeader>.offset(of: \.deviceServer) == 48)
    #expect(MemoryLayout<PhoneHeader>.offset(of: \.windowCount) == 49)
    #expect(MemoryLayout<PhoneHeader>.offset(of: \.reserved) == 50)
  }

  @Test func segmentAndSeedOffsets() {
    #expect(MemoryLayout<SegmentRecord>.offset(of: \.sourceOffset) == 0)
    #expect(MemoryLayout<SegmentRecord>.offset(of: \.size) == 8)
    #expect(MemoryLayout<SegmentRecord>.offset(of: \.guestAddress) == 16)
    #expect(MemoryLayout<SeedRecord>.offset(of: \.guestAddress) == 0)
    #expect(MemoryLayout<SeedRecord>.offset(of: \.size) == 8)
  }

  @Test func machineOffsets() {
    typealias Layout = MemoryLayout<VirtualMachineRecord>
    #expect(Layout.offset(of: \.name) == 0)
    #expect(Layout.offset(of: \.memoryBase) == 16)
    #expect(Layout.offset(of: \.memorySize) == 24)
    #expect(Layout.offset(of: \.entry) == 32)
    #expect(Layout.offset(of: \.argument) == 40)
    #expect(Layout.offset(of: \.virtualCPUCount) == 48)
    #expect(Layout.offset(of: \.priority) == 49)
    #expect(Layout.offset(of: \.segmentCount) == 50)
    #expect(Layout.offset(of: \.seedCount) == 51)
    #expect(Layout.offset(of: \.restartPolicy) == 52)
    #expect(Layout.offset(of: \.restartLimit) == 53)
    #expect(Layout.offset(of: \.restartDelay) == 54)
    #expect(Layout.offset(of: \.placement) == 56)
    #expect(Layout.offset(of: \.budget) == 64)
    #expect(Layout.offset(of: \.period) == 68)
    #expect(Layout.offset(of: \.partners) == 72)
    #expect(Layout.offset(of: \.readableWindows) == 73)
    #expect(Layout.offset(of: \.writableWindows) == 74)
    #expect(Layout.offset(of: \.sharing) == 75)
    #expect(Layout.offset(of: \.windowSize) == 76)
    #expect(Layout.offset(of: \.executionState) == 77)
    #expect(Layout.offset(of: \.reserved) == 78)
    #expect(Layout.offset(of: \.segments) == 80)
    #expect(Layout.offset(of: \.seeds) == 224)
  }

  /// `Documentation/Formats.md` says the same.
  @Test(arguments: [
    "| 0 | 8 | magic |", "| 8 | 4 | virtualMachineCount |", "| 12 | 4 | interruptControllerGeneration |",
    "| 16 | 32 | entropy |", "| 0 | 16 | name |", "| 16 | 8 | memoryBase |", "| 24 | 8 | memorySize |",
    "| 32 | 8 | entry |", "| 40 | 8 | argument |", "| 48 | 1 | virtualCPUCount |", "| 49 | 1 | priority |",
    "| 50 | 1 | segmentCount |", "| 51 | 1 | seedCount |", "| 52 | 1 | restartPolicy |",
    "| 53 | 1 | restartLimit |", "| 54 | 2 | restartDelay |", "| 56 | 8 | placement |", "| 64 | 4 | budget |",
    "| 68 | 4 | period |", "| 72 | 1 | partners |", "| 73 | 1 | readableWindows |",
    "| 74 | 1 | writableWindows |", "| 75 | 1 | sharing |", "| 76 | 1 | windowSize |",
    "| 77 | 1 | executionState |",
    "| 48 | 1 | deviceServer |", "| 49 | 1 | windowCount |",
    "| 80 | 144 | segments |",
    "| 224 | 32 | seeds |",
  ])
  func theDocumentationAgrees(row: String) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
    let text = try String(contentsOf: root.appendingPathComponent("Documentation/Formats.md"), encoding: .utf8)
    #expect(text.contains(row))
  }

  @Test func magicSpellsItsName() {
    let bytes = withUnsafeBytes(of: PhoneHeader.expectedMagic.littleEndian) { Array($0) }
    #expect(bytes == Array("PVPHONE".utf8) + [4])
  }
}
