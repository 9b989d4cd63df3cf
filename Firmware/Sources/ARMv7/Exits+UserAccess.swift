// Loads and stores of the guest's kernel with User mode's permissions: what the shadow tables cannot tell from its others.

import ARMv7Assembly
import Hypervisor
import SoftwareVirtualization
import Translator

extension Exits {
  /// The guest is at one of them; its registers are in the state page.
  func accessAsUser() {
    let programCounter = context[.programCounter]
    guard let instruction = instruction(at: programCounter) else { return lose() }
    let address = context.register(instruction.base) &+ (instruction.isT32 ? instruction.offset : 0)
    let access = Access(address: address, isWrite: instruction.isWrite, isUser: true)
    do throws(TranslationFault) {
      let page = try context.walk.translate(access)
      guard let physical = context.value.memory.physical(page.physical),
        address & (instruction.bytes &- 1) == 0
      else { return take(access, .fault(.external, domain: 0)) }
      transfer(instruction, physical)
      if instruction.isWrite, context.shadows.isCode(page.physical) {
        context.value.step.changed = page.physical
      }
    } catch { return take(access, error) }
    if !instruction.isT32 { writeBack(instruction, address) }
    ask(TranslatorRequest.skip, 4)
  }

  private func instruction(at programCounter: UInt32) -> UnprivilegedAccess? {
    let address = programCounter & ~1
    guard let page = try? context.walk.translate(Access(address: address, isFetch: true)),
      let physical = context.value.memory.physical(page.physical)
    else { return nil }
    let word = context.memory.guestWord(physical & ~3)
    guard programCounter & 1 != 0 else { return UnprivilegedAccess(a32: word) }
    let second = context.memory.guestWord((physical &+ 2) & ~3)
    return physical & 2 == 0
      ? UnprivilegedAccess(t32: word & 0xFFFF, word &>> 16)
      : UnprivilegedAccess(t32: word &>> 16, second & 0xFFFF)
  }

  private func transfer(_ instruction: UnprivilegedAccess, _ physical: UInt32) {
    let shift = (physical & 3) &* 8
    let word = context.memory.guestWord(physical & ~3)
    if instruction.isWrite {
      let mask = (~0 &>> (32 &- 8 &* instruction.bytes)) &<< shift
      let value = context.register(instruction.register) &<< shift
      context.memory.setGuestWord(physical & ~3, word & ~mask | value & mask)
    } else {
      context.setRegister(instruction.register, instruction.extended(word &>> shift))
    }
  }

  private func writeBack(_ instruction: UnprivilegedAccess, _ address: UInt32) {
    var offset = instruction.offset
    if let number = instruction.offsetRegister {
      // A halfword's register is not shifted.
      offset = context.register(number) &<< (instruction.bytes == 2 ? 0 : offset)
    }
    context.setRegister(instruction.base, instruction.addsOffset ? address &+ offset : address &- offset)
  }
}
