import Testing
import Translator

@Suite struct T32DecoderTests {
  /// An instruction at 0x8002, where Align(PC, 4) is 0x8004.
  struct Example: CustomTestStringConvertible {
    let assembly: String
    let encoding: UInt32
    let operation: Operation
    var condition: UInt32 = 14

    init(_ assembly: String, _ encoding: UInt32, _ operation: Operation, condition: UInt32 = 14) {
      self.assembly = assembly
      self.encoding = encoding
      self.operation = operation
      self.condition = condition
    }

    var testDescription: String { assembly }
    var isWide: Bool { encoding > 0xFFFF }
  }

  static let narrow = [
    Example("adds r0, r1, #1", 0x1C48, .copy),
    Example("ands r0, r1", 0x4008, .copy),
    Example("add sp, r1", 0x448D, .copy),
    Example("add r8, pc", 0x44F8, .substitute(word: 0xE088_800F, value: 0x8006)),
    Example("add pc, r2", 0x4497, .computedBranch(word: 0xE08F_F002, value: 0x8006, calls: false)),
    Example("add pc, pc", 0x44FF, .leave(.undefined)),
    Example("cmp r8, r1", 0x4588, .copy),
    Example("cmp r8, pc", 0x45F8, .leave(.undefined)),
    Example("mov r0, r8", 0x4640, .copy),
    Example("mov r9, pc", 0x46F9, .constant(register: 9, value: 0x8006)),
    Example("mov pc, lr", 0x46F7, .computedBranch(word: 0xE1A0_F00E, value: 0x8006, calls: false)),
    Example("bx lr", 0x4770, .computedBranch(word: 0xE12F_FF1E, value: 0x8006, calls: false)),
    Example("bx pc", 0x4778, .computedBranch(word: 0xE12F_FF1F, value: 0x8006, calls: false)),
    Example("blx r3", 0x4798, .computedBranch(word: 0xE12F_FF33, value: 0x8006, calls: true)),
    Example("blx pc", 0x47F8, .leave(.undefined)),
    Example("ldr r1, [pc, #8]", 0x4902, .substitute(word: 0xE59F_1000, value: 0x800C)),
    Example("str r0, [sp, #4]", 0x9001, .copy),
    Example("adr r2, #12", 0xA203, .constant(register: 2, value: 0x8010)),
    Example("add r2, sp, #12", 0xAA03, .copy),
    Example("sub sp, #8", 0xB082, .copy),
    Example("cbz r3, #2", 0xB10B, .compareAndBranch(register: 3, ifZero: true, to: 0x8009)),
    Example("cbnz r7, #126", 0xBBFF, .compareAndBranch(register: 7, ifZero: false, to: 0x8085)),
    Example("sxth r0, r1", 0xB208, .copy),
    Example("push {r4, lr}", 0xB510, .copy),
    Example("setend be", 0xB658, .leave(.undefined)),
    Example("cpsie i", 0xB662, .maskInterrupts(mask: 0x80, disable: false)),
    Example("cpsid aif", 0xB677, .maskInterrupts(mask: 0x1C0, disable: true)),
    Example("rev r0, r1", 0xBA08, .copy),
    Example("hlt #0 (ARMv8)", 0xBA80, .leave(.undefined)),
    Example("revsh r0, r1", 0xBAC8, .copy),
    Example("pop {r4}", 0xBC10, .copy),
    Example("pop {r4, pc}", 0xBD10, .multipleLoadBranch(word: 0xE8BD_8010)),
    Example("bkpt #1", 0xBE01, .leave(.breakpoint)),
    Example("nop", 0xBF00, .copy),
    Example("wfe", 0xBF20, .leave(.waitForEvent)),
    Example("wfi", 0xBF30, .leave(.waitForInterrupt)),
    Example("sev", 0xBF40, .copy),
    Example("it eq", 0xBF08, .ifThen(state: 0x08)),
    Example("ittee ne", 0xBF19, .ifThen(state: 0x19)),
    Example("it nv", 0xBFF8, .leave(.undefined)),
    Example("ldm r0!, {r1}", 0xC802, .copy),
    Example("beq #-2", 0xD0FF, .branch(to: 0x8005), condition: 0),
    Example("ble #-256", 0xDD80, .branch(to: 0x7F07), condition: 13),
    Example("udf #0", 0xDE00, .leave(.undefined)),
    Example("svc #0", 0xDF00, .leave(.supervisorCall)),
    Example("b #-2048", 0xE400, .branch(to: 0x7807)),
    Example("b #2046", 0xE3FF, .branch(to: 0x8805)),
  ]

  static let multiples = [
    Example("stm r0!, {r1, r2}", 0xE8A0_0006, .copy),
    Example("stm r0, {pc}", 0xE880_8000, .leave(.undefined)),
    Example("ldm r0, {r1, lr}", 0xE890_4002, .copy),
    Example("ldm pc, {r1, r2}", 0xE89F_0006, .leave(.undefined)),
    Example("pop.w {r4, r8, pc}", 0xE8BD_8110, .multipleLoadBranch(word: 0xE8BD_8110)),
    Example("ldmdb r11, {sp, pc}", 0xE91B_A000, .multipleLoadBranch(word: 0xE91B_A000)),
    Example("srsdb sp!, #19", 0xE82D_C013, .emulate(word: 0xF96D_0513, isReturn: false)),
    Example("srsia sp, #31", 0xE98D_C01F, .emulate(word: 0xF8CD_051F, isReturn: false)),
    Example("rfedb r1", 0xE811_C000, .emulate(word: 0xF911_0A00, isReturn: true)),
    Example("rfeia sp!", 0xE9BD_C000, .emulate(word: 0xF8BD_0A00, isReturn: true)),
    Example("strex r1, r2, [r0]", 0xE840_2100, .copy),
    Example("strex pc, r2, [r0]", 0xE840_2F00, .leave(.undefined)),
    Example("ldrex r1, [r0]", 0xE850_1F00, .copy),
    Example("ldrex pc, [r0]", 0xE850_FF00, .leave(.undefined)),
    Example("ldrexb r1, [r0]", 0xE8D0_1F4F, .copy),
    Example("ldrexd r1, r3, [r0]", 0xE8D0_137F, .copy),
    Example("strexd r2, r1, r3, [r0]", 0xE8C0_1372, .copy),
    Example("lda r1, [r0] (ARMv8)", 0xE8D0_1FAF, .leave(.undefined)),
    Example("tbb [pc, r1]", 0xE8DF_F001, .tableBranch(base: 15, index: 1, halfwords: false)),
    Example("tbh [r2, r1, lsl #1]", 0xE8D2_F011, .tableBranch(base: 2, index: 1, halfwords: true)),
    Example("ldrd r1, r3, [r0, #8]", 0xE9D0_1302, .copy),
    Example("ldrd r1, r0, [pc, #8]", 0xE9DF_1002, .loadPair(first: 1, second: 0, from: 0x800C)),
    Example("ldrd r1, r2, [pc, #-8]", 0xE95F_1202, .loadPair(first: 1, second: 2, from: 0x7FFC)),
    Example("ldrd r1, r2, [pc, #8]!", 0xE9FF_1202, .leave(.undefined)),
    Example("strd r1, r3, [pc, #8]", 0xE9CF_1302, .leave(.undefined)),
  ]

  static let data = [
    Example("and.w r0, r1, r2", 0xEA01_0002, .copy),
    Example("tst.w r1, r2", 0xEA11_0F02, .copy),
    Example("and.w pc, r1, r2", 0xEA01_0F02, .leave(.undefined)),
    Example("mov.w r0, r1", 0xEA4F_0001, .copy),
    Example("mov.w pc, r1", 0xEA4F_0F01, .leave(.undefined)),
    Example("mov.w r0, pc", 0xEA4F_000F, .leave(.undefined)),
    Example("add.w r0, pc, r1", 0xEB0F_0001, .leave(.undefined)),
    Example("cmp.w r1, r2, lsl #3", 0xEBB1_0FC2, .copy),
    Example("mvn r0, #1", 0xF06F_0001, .copy),
    Example("teq r0, #1", 0xF090_0F01, .copy),
    Example("add.w r0, pc, #1 (modified)", 0xF10F_0001, .leave(.undefined)),
    Example("adr.w r3, #0x901", 0xF60F_1301, .constant(register: 3, value: 0x8905)),
    Example("adr.w r3, #-4", 0xF2AF_0304, .constant(register: 3, value: 0x8000)),
    Example("addw r3, r1, #4", 0xF201_0304, .copy),
    Example("movw r3, #0xf000", 0xF24F_0300, .copy),
    Example("movt pc, #1", 0xF2C0_0F01, .leave(.undefined)),
    Example("ssat r0, #4, r1", 0xF301_0003, .copy),
    Example("ubfx r0, r1, #4, #4", 0xF3C1_1003, .copy),
    Example("bfc r0, #4, #4", 0xF36F_1007, .copy),
    Example("lsl.w r0, r1, r2", 0xFA01_F002, .copy),
    Example("sxtb.w r0, r1", 0xFA4F_F081, .copy),
    Example("sadd8 r0, r1, r2", 0xFA81_F002, .copy),
    Example("clz r0, r1", 0xFAB1_F081, .copy),
    Example("crc32b r0, r1, r2 (ARMv8)", 0xFAC1_F082, .leave(.undefined)),
    Example("mul r0, r1, r2", 0xFB01_F002, .copy),
    Example("mls r0, r1, r2, pc", 0xFB01_F012, .leave(.undefined)),
    Example("umull r0, r1, r2, r3", 0xFBA2_0103, .copy),
    Example("sdiv r0, r1, r2", 0xFB91_F0F2, .leave(.undefined)),
    Example("udiv r0, r1, r2", 0xFBB1_F0F2, .leave(.undefined)),
  ]

  static let control = [
    Example("beq.w #-4", 0xF43F_AFFE, .branch(to: 0x8003), condition: 0),
    Example("ble.w #0xffffe", 0xF37F_AFFF, .branch(to: 0x10_8005), condition: 13),
    Example("ble.w #-0x100000", 0xF740_8000, .branch(to: 0xFFF0_8007), condition: 13),
    Example("b.w #0xfffffe", 0xF3FF_97FF, .branch(to: 0x100_8005)),
    Example("bl #-4", 0xF7FF_FFFE, .call(to: 0x8003)),
    Example("bl #-0x1000000", 0xF400_D000, .call(to: 0xFF00_8007)),
    Example("blx #-4", 0xF7FF_EFFE, .call(to: 0x8000)),
    Example("blx with H", 0xF7FF_EFFF, .leave(.undefined)),
    Example("msr cpsr_fc, r3", 0xF383_8900, .writeStatus(word: 0xE129_F003)),
    Example("msr cpsr_f, r3", 0xF383_8800, .copy),
    Example("msr spsr_fsxc, r3", 0xF393_8F00, .writeSavedStatus(word: 0xE16F_F003)),
    Example("msr lr_irq, r0", 0xF380_8030, .leave(.undefined)),
    Example("mrs r3, cpsr", 0xF3EF_8300, .readStatus(register: 3)),
    Example("mrs r3, spsr", 0xF3FF_8300, .readSavedStatus(register: 3)),
    Example("mrs r3, lr_irq", 0xF3E0_8330, .leave(.undefined)),
    Example("nop.w", 0xF3AF_8000, .copy),
    Example("wfe.w", 0xF3AF_8002, .leave(.waitForEvent)),
    Example("wfi.w", 0xF3AF_8003, .leave(.waitForInterrupt)),
    Example("dbg #1", 0xF3AF_80F1, .copy),
    Example("cpsid.w if", 0xF3AF_8660, .maskInterrupts(mask: 0xC0, disable: true)),
    Example("cpsie.w a", 0xF3AF_8480, .maskInterrupts(mask: 0x100, disable: false)),
    Example("cps #19", 0xF3AF_8113, .emulate(word: 0xF102_0013, isReturn: false)),
    Example("cpsid if, #31", 0xF3AF_877F, .emulate(word: 0xF10E_00DF, isReturn: false)),
    Example("clrex", 0xF3BF_8F2F, .copy),
    Example("dsb sy", 0xF3BF_8F4F, .copy),
    Example("dmb ish", 0xF3BF_8F5B, .copy),
    Example("isb sy", 0xF3BF_8F6F, .synchronize),
    Example("enterx (ThumbEE)", 0xF3BF_8F1F, .leave(.undefined)),
    Example("bxj r2", 0xF3C2_8F00, .computedBranch(word: 0xE12F_FF12, value: 0x8006, calls: false)),
    Example("subs pc, lr, #4", 0xF3DE_8F04, .emulate(word: 0xE25E_F004, isReturn: true)),
    Example("hvc #0", 0xF7E0_8000, .leave(.hypervisorCall)),
    Example("smc #0", 0xF7F0_8000, .leave(.secureMonitorCall)),
    Example("udf.w #0", 0xF7F0_A000, .leave(.undefined)),
  ]

  static let accesses = [
    Example("strb.w r0, [r1, #1]", 0xF881_0001, .copy),
    Example("str.w pc, [r1]", 0xF8C1_F000, .leave(.undefined)),
    Example("str.w r0, [pc]", 0xF8CF_0000, .leave(.undefined)),
    Example("strt r0, [r1]", 0xF841_0E00, .leave(.unprivilegedAccess)),
    Example("str r0, [r1], #4", 0xF841_0B04, .copy),
    Example("ldr.w r0, [r1, #4]", 0xF8D1_0004, .copy),
    Example("ldrsbt r0, [r1]", 0xF911_0E00, .leave(.unprivilegedAccess)),
    Example("ldrt pc, [r1]", 0xF851_FE00, .leave(.undefined)),
    Example("ldr.w pc, [r1, #4]", 0xF8D1_F004, .loadedBranch(word: 0xE591_F004, value: 0x8004)),
    Example("ldr pc, [r1, #-4]", 0xF851_FC04, .loadedBranch(word: 0xE511_F004, value: 0x8004)),
    Example("ldr pc, [sp], #4", 0xF85D_FB04, .loadedBranch(word: 0xE49D_F004, value: 0x8004)),
    Example("ldr pc, [r1, #4]!", 0xF851_FF04, .loadedBranch(word: 0xE5B1_F004, value: 0x8004)),
    Example("ldr pc, [r1, r2, lsl #2]", 0xF851_F022, .loadedBranch(word: 0xE791_F102, value: 0x8004)),
    Example("ldr.w pc, [pc, #-4]", 0xF85F_F004, .loadedBranch(word: 0xE59F_F000, value: 0x8000)),
    Example("ldr.w r8, [pc, #4]", 0xF8DF_8004, .substitute(word: 0xE59F_8000, value: 0x8008)),
    Example("ldrb r1, [pc, #-1]", 0xF81F_1001, .substitute(word: 0xE5DF_1000, value: 0x8003)),
    Example("ldrh r1, [pc, #0x800]", 0xF8BF_1800, .substitute(word: 0xE1DF_10B0, value: 0x8804)),
    Example("ldrsb r1, [pc, #4]", 0xF99F_1004, .substitute(word: 0xE1DF_10D0, value: 0x8008)),
    Example("ldrsh r1, [pc, #4]", 0xF9BF_1004, .substitute(word: 0xE1DF_10F0, value: 0x8008)),
    Example("ldrsh r1, [r2, r3]", 0xF932_1003, .copy),
    Example("pld [pc, #4]", 0xF89F_F004, .nothing),
    Example("pldw [r1]", 0xF8B1_F000, .nothing),
    Example("pli [r1, r2]", 0xF911_F002, .nothing),
    Example("ldrb pc, [r1, #4]!", 0xF811_FF04, .leave(.undefined)),
    Example("vld1.8 {d0}, [r0]", 0xF920_070F, .copy),
    Example("vld1.8 {d0}, [pc]", 0xF92F_070F, .leave(.undefined)),
  ]

  static let coprocessors = [
    Example("vadd.i8 d0, d1, d2", 0xEF01_0802, .copy),
    Example("vldr d0, [pc, #8]", 0xED9F_0B02, .substitute(word: 0xED9F_0B02, value: 0x8004)),
    Example("vmrs r0, fpexc", 0xEEF8_0A10, .readState(register: 0, .floatingPointControl)),
    Example(
      "vmsr fpexc, r1", 0xEEE8_1A10, .changeState(register: 1, .floatingPointControl, .floatingPoint)),
    Example("vmrs r2, mvfr1", 0xEEF6_2A10, .readState(register: 2, .mediaFeatures1)),
    Example("vmsr fpsid, r0", 0xEEE0_0A10, .nothing),
    Example("vmrs pc, fpsid", 0xEEF0_FA10, .leave(.undefined)),
    Example("vmrs r0, a register that is not there", 0xEEF2_0A10, .leave(.undefined)),
    Example("vmsr fpscr, r0", 0xEEE1_0A10, .copy),
    Example("vmrs apsr_nzcv, fpscr", 0xEEF1_FA10, .copy),
    Example("vmov pc, s0", 0xEE10_FA10, .leave(.undefined)),
    Example("vmov r0, r1, d0", 0xEC51_0B10, .copy),
    Example("vselge.f32 s0, s1, s2 (ARMv8)", 0xFE20_0A81, .leave(.undefined)),
    Example("mrc p15, #0, r0, c13, c0, #3", 0xEE1D_0F70, .readState(register: 0, .threadUserReadOnly)),
    Example("mcr p15, #0, r1, c13, c0, #4", 0xEE0D_1F90, .writeState(register: 1, .threadPrivileged)),
    Example("mrc p15, #0, r2, c1, c0, #0", 0xEE11_2F10, .readState(register: 2, .control)),
    Example("mcr p15, #0, r2, c1, c0, #0", 0xEE01_2F10, .system(.control, register: 2)),
    Example("mcr p15, #0, r0, c7, c5, #4", 0xEE07_0F95, .synchronize),
    Example("mcr p15, #0, r0, c7, c10, #5", 0xEE07_0FBA, .copy),
    Example("mrc p14, #0, r0, c0, c1, #0", 0xEE10_0E11, .leave(.undefined)),
    Example("mrrc p15, #0, r0, r1, c14", 0xEC51_0F0E, .leave(.undefined)),
    Example("ldc p14, c5, [r0]", 0xED90_5E00, .leave(.undefined)),
    Example("mcr2 p15, #0, r0, c7, c10, #5", 0xFE07_0FBA, .leave(.undefined)),
  ]

  @Test(arguments: [narrow, multiples, data, control, accesses, coprocessors].joined())
  func examples(_ example: Example) {
    let first = UInt16(truncatingIfNeeded: example.isWide ? example.encoding >> 16 : example.encoding)
    #expect(T32Decoder.isWide(first) == example.isWide)
    let instruction = T32Decoder.decode(first, UInt16(truncatingIfNeeded: example.encoding), at: 0x8002)
    #expect(
      instruction
        == Instruction(example.operation, condition: example.condition, size: example.isWide ? 4 : 2))
  }
}
