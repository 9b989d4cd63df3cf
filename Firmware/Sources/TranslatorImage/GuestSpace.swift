import Translator
import TranslatorAssembly

/// The guest's address space, as User mode reaches it.
struct GuestSpace: AddressSpace {
  func word(_ address: UInt32) -> UInt32 { load32(UInt(address)) }
  func halfword(_ address: UInt32) -> UInt32 { load16(UInt(address)) }
  func setWord(_ address: UInt32, _ value: UInt32) { store32(UInt(address), value) }

  @inline(never) func protect(_ address: UInt32, count: UInt32) {
    call_hypervisor(TranslatorCall.protect, address, count)
  }
  @inline(never) func publish(_ address: UInt32, count: UInt32) {
    call_hypervisor(TranslatorCall.publish, address, count)
  }
}
