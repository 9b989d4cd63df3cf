// What a kernel does with the processor's state, in A32; the same words serve in T32 where there are coprocessors.

extension Generator {
  mutating func statusA32() {
    switch dice.below(isUser ? 4 : 10) {
    case 0..<2: a32(0x010f_0000 | target() &<< 12)
    case 2: a32(0x0120_f000 | flagFields() | source())
    case 3: a32(0x0320_f000 | flagFields() | dice.below(4096))
    case 4: writeMode()
    case 5..<7: changeProcessorState()
    case 7: savedStatusA32()
    case 8: userRegistersA32()
    default: if keepsMode { a32(0x010f_0000 | target() &<< 12) } else { storeReturnA32() }
    }
  }

  /// f, s or both: nothing there is UNPREDICTABLE.
  private mutating func flagFields() -> UInt32 { (1 &+ dice.below(3)) &<< 18 }

  /// MSR with the mode, the same one where it has to be kept.
  private mutating func writeMode() {
    guard !isFunction else { return dataProcessingA32() }
    let next = nextMode()
    let fields: UInt32 = dice.oneIn(2) ? 0x1 : dice.oneIn(2) ? 0x9 : 0xf
    if dice.oneIn(3) {
      word((keepsMode ? condition() : 14) &<< 28 | 0x0321_f000 | dice.below(4) &<< 6 | next)
    } else {
      let register = target()
      constant(register, status(next))
      word((next == mode ? condition() : 14) &<< 28 | 0x0120_f000 | fields &<< 16 | register)
    }
    mode = next
  }

  /// CPS in all its forms.
  private mutating func changeProcessorState() {
    let masks = (1 &+ dice.below(7)) &<< 6
    switch dice.below(keepsMode ? 2 : 4) {
    case 0: word(0xf108_0000 | masks)
    case 1: word(0xf10c_0000 | masks)
    case 2:
      mode = nextMode()
      word(0xf102_0000 | mode)
    default:
      mode = nextMode()
      word(0xf10a_0000 | dice.below(2) &<< 18 | masks | mode)
    }
  }

  /// Bits 23:20 of an SPSR are reserved, so a value loses them before.
  private mutating func savedStatusA32() {
    guard hasSavedStatus else { return a32(0x010f_0000 | target() &<< 12) }
    switch dice.below(3) {
    case 0:
      let register = target()
      word(0xe3c0_060f | source() &<< 16 | register &<< 12)
      a32(0x0160_f000 | (1 &+ dice.below(15)) &<< 16 | register)
    default: a32(0x014f_0000 | target() &<< 12)
    }
  }

  /// LDM and STM of User mode's registers.
  private mutating func userRegistersA32() {
    guard hasSavedStatus else { return }
    let operation = 0x0840_0000 | dice.below(4) &<< 23 | dice.bit(of: plan.pointers) &<< 16
    if dice.oneIn(3) { return a32(operation | 1 &<< 20 | loadedList()) }
    a32(operation | storedList())
  }

  /// SRS: LR and SPSR on a mode's stack.
  private mutating func storeReturnA32() {
    guard hasSavedStatus else { return }
    word(0xf84d_0500 | dice.below(4) &<< 23 | dice.below(2) &<< 21 | Mode.privileged(dice.below(6)))
  }

  // MARK: Coprocessor 15

  /// TPIDRURW, TPIDRURO, TPIDRPRW; A32 or T32.
  mutating func threadRegister() {
    let read = dice.oneIn(2)
    let access =
      0x0e0d_0f10 | (2 &+ dice.below(3)) &<< 5 | (read ? 1 &<< 20 | target() &<< 12 : source() &<< 12)
    if isT32 { wide(0xee00 | access &>> 16 & 0xff, access & 0xffff) } else { a32(access) }
  }

  // MARK: Exceptions

  /// MIDR, and maintenance of caches, branch predictors and, by the hypervisor, TLBs; A32 or T32.
  mutating func coprocessor() {
    guard !isUser, !isFunction else { return dataProcessing() }
    let access: UInt32
    switch dice.below(7) {
    case 0: access = 0x0e07_0f9a | source() &<< 12  // DSB
    case 1: access = 0x0e07_0fba | source() &<< 12  // DMB
    case 2: access = 0x0e07_0f95 | source() &<< 12  // ISB
    case 3: access = 0x0e07_0fd5 | source() &<< 12  // BPIALL
    case 4: access = 0x0e08_0f17 | source() &<< 12  // TLBIALL
    default: access = 0x0e10_0f10 | target() &<< 12
    }
    if isT32 { wide(0xee00 | access &>> 16 & 0xff, access & 0xffff) } else { a32(access) }
  }

  /// One of those that the sequence may go on from; of those that end it only now and then.
  mutating func exception() {
    let vector = 1 &+ dice.below(3)
    guard !isFunction, plan.resumed &>> vector & 1 != 0 || dice.oneIn(6) else { return dataProcessing() }
    switch vector {
    case 1: undefined()
    case 2: supervisorCall()
    default: breakpoint()
    }
  }

  mutating func dataProcessing() {
    if isT32 { singleT32() } else { dataProcessingA32() }
  }

  mutating func undefined() {
    if isT32 { halfword(0xde00 | dice.below(256)) } else { word(0xe7f0_00f0 | dice.below(4096) &<< 8) }
  }
  mutating func supervisorCall() {
    if isT32 { halfword(0xdf00 | dice.below(256)) } else { word(0xef00_0000 | dice.word() & 0x00ff_ffff) }
  }
  mutating func breakpoint() {
    if isT32 { halfword(0xbe00 | dice.below(256)) } else { word(0xe120_0070 | dice.below(4096) &<< 8) }
  }
}
