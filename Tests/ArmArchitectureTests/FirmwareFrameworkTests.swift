import Testing

@testable import ArmArchitecture

/// Numbers of FF-A functions.
@Suite struct FirmwareFrameworkTests {
  /// The table of the specification: 32-bit and 64-bit convention.
  private static let narrow: [UInt32] = [0x63, 0x64, 0x69, 0x6B, 0x6F, 0x70, 0x7F, 0x80, 0x81, 0x82]
  private static let wide: [UInt32] = [0x6F, 0x70, 0x8B]

  @Test func exactlyTheTableExists() {
    for low in 0...0x1FF as ClosedRange<UInt32> {
      #expect(PartitionFunction.exists(0x8400_0000 | low) == Self.narrow.contains(low), "\(low)")
      #expect(PartitionFunction.exists(0xC400_0000 | low) == Self.wide.contains(low), "\(low)")
    }
    for number in [0, 0x63, 0x0400_0063, 0x8000_0063, 0x8600_0063, 0x8401_0063, 0xFFFF_FFFF] as [UInt32] {
      #expect(!PartitionFunction.exists(number), "\(number)")
    }
  }

  @Test func range() {
    for convention in [0x8400_0000, 0xC400_0000] as [UInt32] {
      for low in 0...0x1FF as ClosedRange<UInt32> {
        #expect(PartitionFunction.contains(convention | low) == (0x60...0x8F).contains(low), "\(low)")
      }
    }
    #expect(!PartitionFunction.contains(0x60))
    #expect(!PartitionFunction.contains(0x8600_0060))
  }

  /// No number is both PSCI's and the framework's.
  @Test func apartFromTheFirmware() {
    for low in 0...0xFF as ClosedRange<UInt32> {
      for convention in [0x8400_0000, 0xC400_0000] as [UInt32] {
        #expect(!(PartitionFunction.exists(convention | low) && FirmwareFunction.exists(convention | low)))
      }
    }
  }

  @Test func names() {
    #expect(PartitionFunction(0x8400_006F) == .request)
    #expect(PartitionFunction(0xC400_006F) == .request)
    #expect(PartitionFunction(0xC400_008B) == .partition)
    #expect(PartitionFunction(0x8400_006B) == .wait)
    #expect(PartitionFunction(0x8400_006B) != .request)
  }
}
