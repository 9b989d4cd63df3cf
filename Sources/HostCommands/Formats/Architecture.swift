import Appliance

/// What a VM's kernel is made for.
public enum Architecture: String, CaseIterable, Sendable {
  case arm64
  /// 32-bit ARM: the VM's EL1 is in AArch32.
  case arm

  /// As the phone record says it.
  var executionState: UInt8 {
    switch self {
    case .arm64: ExecutionState.aarch64
    case .arm: ExecutionState.aarch32
    }
  }

  /// nil for what is none of a phone record's.
  init?(executionState: UInt8) {
    guard let architecture = Self.allCases.first(where: { $0.executionState == executionState }) else {
      return nil
    }
    self = architecture
  }

  /// One past the highest guest address that a VM's memory may reach.
  var addressEnd: UInt64 {
    switch self {
    case .arm64: PhoneLimits.guestAddressEnd
    case .arm: 1 << 32
    }
  }
}
