import Translator
import TranslatorAssembly

/// The guest's address space, as User mode reaches it.
struct GuestSpace: AddressSpace {
  func word(_ address: UInt32) -> UInt32 { load32(UInt(address)) }
  func halfword(_ address: UInt32) -> UInt32 { load16(UInt(address)) }
  func setWord(_ address: UInt32, _ value: UInt32) { store32(UInt(address), value) }

  func load(_ address: UInt32, bytes: UInt32) -> UInt32 {
    switch bytes {
    case 1: load8(UInt(address))
    case 2: load16(UInt(address))
    default: load32(UInt(address))
    }
  }

  func store(_ address: UInt32, bytes: UInt32, _ value: UInt32) {
    switch bytes {
    case 1: store8(UInt(address), value)
    case 2: store16(UInt(address), value)
    default: store32(UInt(address), value)
    }
  }

  func checkUser(_ address: UInt32, isWrite: Bool) {
    call_hypervisor(TranslatorCall.checkUser, address, isWrite ? 1 : 0)
  }
  @inline(never) func protect(_ address: UInt32, count: UInt32) {
    call_hypervisor(TranslatorCall.protect, address, count)
  }
  @inline(never) func publish(_ address: UInt32, count: UInt32) {
    call_hypervisor(TranslatorCall.publish, address, count)
  }
}
