// What is different for a VM whose EL1 executes AArch32: its exceptions, its conditional instructions, its 64-bit transfers.

import ArmArchitecture

extension Core where H: VirtualizationExtensions {
  /// What comes before the answer to a synchronous exception from AArch32: an instruction whose condition fails does nothing;
  /// for all others the IT state moves on. EL0 of a 64-bit VM needs none of this.
  /// - Returns: whether there is something to answer.
  @inline(never) public func prepareNarrowTrap(_ guest: VirtualCPUReference) -> Bool {
    guard guest.value[.executionState] != 0 else { return true }
    let syndrome = ExceptionSyndrome(hardware.read(.syndrome))
    let state = NarrowState(hardware.read(.processorState))
    guest.value[.narrowState] = state.rawValue
    // What uses floating point is executed again.
    if !syndrome.isFloatingPoint { hardware.write(.processorState, state.advanced.rawValue) }
    guard state.passes(syndrome) else {
      skipInstruction(syndrome)
      return false
    }
    hardware.write(.syndrome, state.banked(syndrome).rawValue)
    if let pair = syndrome.registerPair {
      // Its halves become one value in the first of its registers, whose upper half no AArch32 program sees.
      guest.value[pair.lower] = guest.value[pair.lower] & 0xFFFF_FFFF | guest.value[pair.upper] &<< 32
    }
    return true
  }

  /// Makes the guest take a synchronous exception in AArch32 (Arm ARM G1.13).
  @inline(never) func raiseNarrow(_ guest: VirtualCPUReference, _ syndrome: UInt64) -> VirtualCPUReference {
    let state = NarrowState(guest.value[.narrowState])
    let exception = NarrowException(syndrome: syndrome, isThumb: state.isThumb)
    guest.value.registers[exception.linkRegister] = hardware.read(.programCounter) &+ exception.link
    if exception.offset == 4 {
      hardware.write(.undefinedSavedState, state.rawValue)
    } else {
      hardware.write(.abortSavedState, state.rawValue)
      describeAbort(isData: exception.offset == 16, isWrite: syndrome & 1 << 6)
    }
    let control = hardware.read(.guestControl)
    let base = control & 1 << 13 != 0 ? 0xFFFF_0000 : hardware.read(.guestVectors)
    hardware.write(.programCounter, base &+ exception.offset)
    hardware.write(.processorState, state.entering(exception.mode, control: control).rawValue)
    return resume(guest)
  }

  /// A synchronous external abort in DFSR and DFAR or IFSR and IFAR, in the format that the guest's tables have (TTBCR.EAE).
  @inline(__always) private func describeAbort(isData: Bool, isWrite: UInt64) {
    let isLong = hardware.read(.guestTranslationControl) & 1 << 31 != 0
    let status: UInt64 = isLong ? 0x210 : 8
    // IFAR is the upper half.
    let address = hardware.read(.faultAddress) & 0xFFFF_FFFF
    hardware.write(.guestFaultAddress, isData ? address : address &<< 32)
    if isData {
      hardware.write(.guestSyndrome, status | isWrite &<< 5)
    } else {
      hardware.write(.guestInstructionFault, status)
    }
  }
}
