import Translator

/// The classes that A32 instructions are counted by, finer than the operations.
enum InstructionClass: String, CaseIterable {
  case copy, synchronize
  case preload = "PLD"
  case maintenance = "MCR maintenance"
  case branch = "B"
  case conditionalBranch = "B cond"
  case call = "BL"
  case computedCall = "BLX reg"
  case linkBranch = "BX LR"
  case registerBranch = "BX reg"
  case move = "MOV pc"
  case addition = "ADD pc"
  case multipleLoad = "LDM..pc"
  case popped = "LDR pc: pop"
  case tableLoad = "LDR pc,[pc,rX]"
  case loaded = "LDR pc: reg"
  case literalBranch = "LDR pc,[pc,#]"
  case literal = "LDR rd,[pc,#]"
  case indexedLiteral = "LDR rd,[pc,rX]"
  case store = "STR [pc,rX]"
  case address = "ADR"
  case sum = "ADD rd,pc,rX"
  case moved = "MOV rd,pc"
  case disable = "CPSID"
  case enable = "CPSIE"
  case changeMode = "CPS mode"
  case readStatus = "MRS CPSR"
  case readSavedStatus = "MRS SPSR"
  case writeStatus = "MSR CPSR"
  case writeSavedStatus = "MSR SPSR"
  case exceptionReturn = "MOVS/SUBS pc,lr"
  case multipleReturn = "LDM..pc^"
  case loadUser = "LDM^"
  case storeUser = "STM^"
  case storedPC = "STM..pc"
  case unprivileged = "LDRT+STRT, LDRHT+STRHT"
  case threadUserReadWrite = "TPIDRURW"
  case readThreadUserReadOnly = "MRC TPIDRURO"
  case writeThreadUserReadOnly = "MCR TPIDRURO"
  case threadPrivileged = "MRC TPIDRPRW"
  case writeThreadPrivileged = "MCR TPIDRPRW"
  case readDomains = "MRC DACR"
  case writeDomains = "MCR DACR"
  case readCoprocessor = "MRC other"
  case writeCoprocessor = "MCR other"
  case waitForEvent = "WFE"
  case waitForInterrupt = "WFI"
  case secureMonitorCall = "SMC"
  case hypervisorCall = "HVC"
  case supervisorCall = "SVC"
  case breakpoint = "BKPT"
  case undefined = "UDF"
  /// Of the encodings that are none.
  case unknown

  init(_ instruction: Instruction, _ word: UInt32) {
    self =
      switch instruction.operation {
      case .copy: .copy
      case .synchronize: .synchronize
      case .nothing: word >> 28 == 15 ? .preload : .maintenance
      case .branch: instruction.condition == 14 ? .branch : .conditionalBranch
      case .call: .call
      case .computedBranch: Self(computed: word)
      case .loadedBranch: Self(loaded: word)
      case .multipleLoadBranch: .multipleLoad
      case .substitute, .constant: Self(reader: word)
      case .readStatus: .readStatus
      case .readSavedStatus: .readSavedStatus
      case .writeStatus: .writeStatus
      case .writeSavedStatus: .writeSavedStatus
      case .maskInterrupts(_, let disable): disable ? .disable : .enable
      case .emulate(_, let isReturn): Self(emulated: word, isReturn)
      case .readState(_, let slot): Self(slot, isRead: true)
      case .writeState(_, let slot): Self(slot, isRead: false)
      case .changeState(_, .floatingPointControl, _): .copy
      case .system, .changeState: .writeCoprocessor
      case .leave(let departure): Self(departure, word)
      case .compareAndBranch, .tableBranch, .ifThen, .loadPair: .unknown
      }
  }

  private init(computed word: UInt32) {
    switch word & 0x0FFF_FFF0 {
    case 0x012F_FF30: self = .computedCall
    case 0x012F_FF10: self = word & 15 == 14 ? .linkBranch : .registerBranch
    case 0x01A0_F000: self = .move
    default: self = .addition
    }
  }

  private init(loaded word: UInt32) {
    switch (word >> 16 & 15, word & 1 << 25 != 0) {
    case (15, true): self = .tableLoad
    case (15, false): self = .literalBranch
    case (13, _): self = .popped
    default: self = .loaded
    }
  }

  /// What reads the PC and writes another register.
  private init(reader word: UInt32) {
    // MRC of a register that is not there.
    guard word & 0x0F10_0010 != 0x0E10_0010 else {
      self = .readCoprocessor
      return
    }
    let isMemory = word >> 25 & 7 == 2 || word >> 25 & 7 == 3
    switch (isMemory, word & 1 << 25 != 0) {
    case (true, let isIndexed):
      self = word & 1 << 20 == 0 ? .store : isIndexed ? .indexedLiteral : .literal
    case (false, true): self = .address
    case (false, false): self = word & 0x0FEF_0FFF == 0x01A0_000F ? .moved : Self(other: word)
    }
  }

  /// A halfword, a doubleword or a floating-point register; or data processing.
  private init(other word: UInt32) {
    let isHalfword = word & 0x0E00_0090 == 0x90 && word & 0x60 != 0
    self = word >> 25 & 7 == 6 || isHalfword ? .literal : .sum
  }

  private init(emulated word: UInt32, _ isReturn: Bool) {
    guard word >> 24 & 15 != 14 else {
      self = .writeCoprocessor
      return
    }
    let isMultiple = word >> 25 & 7 == 4
    switch (isReturn, isMultiple) {
    case (true, let isMultiple): self = isMultiple ? .multipleReturn : .exceptionReturn
    case (false, false): self = .changeMode
    case (false, true):
      self = word & 1 << 22 == 0 ? .storedPC : word & 1 << 20 == 0 ? .storeUser : .loadUser
    }
  }

  private init(_ slot: StateSlot, isRead: Bool) {
    switch slot {
    case .threadUserReadWrite: self = .threadUserReadWrite
    case .threadUserReadOnly: self = isRead ? .readThreadUserReadOnly : .writeThreadUserReadOnly
    case .threadPrivileged: self = isRead ? .threadPrivileged : .writeThreadPrivileged
    case .domains: self = isRead ? .readDomains : .writeDomains
    default: self = isRead ? .readCoprocessor : .writeCoprocessor
    }
  }

  private init(_ departure: Departure, _ word: UInt32) {
    switch departure {
    case .supervisorCall: self = .supervisorCall
    case .breakpoint: self = .breakpoint
    case .hypervisorCall: self = .hypervisorCall
    case .secureMonitorCall: self = .secureMonitorCall
    case .waitForInterrupt: self = .waitForInterrupt
    case .waitForEvent: self = .waitForEvent
    case .unprivilegedAccess: self = .unprivileged
    // MRC and MCR of coprocessors 14 and 15 that are not there; FPINST and FPINST2, which VFPv3 has not.
    case .undefined where word & 0x0F00_0E10 == 0x0E00_0E10 || word & 0x0FE0_0FFF == 0x0EE0_0A10:
      self = word & 1 << 20 != 0 ? .readCoprocessor : .writeCoprocessor
    case .undefined: self = word & 0x0FF0_00F0 == 0x07F0_00F0 ? .undefined : .unknown
    }
  }
}
