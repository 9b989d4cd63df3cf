/// LDRT, STRT and their kin: a load or store with User mode's permissions (Arm ARM DDI 0406C, A8.8.92 and following).
struct UnprivilegedAccess: Equatable, Sendable {
  /// 1, 2 or 4.
  var bytes: UInt32
  var isSigned: Bool
  var register: UInt32
  var isWrite: Bool
  /// The register that has the address; in A32 it is changed afterwards.
  var base: UInt32
  /// What is added to it: a constant, or a register (`offsetRegister`), with this sign.
  var offset: UInt32
  var offsetRegister: UInt32?
  var addsOffset: Bool
  /// Of the instruction: in T32 the offset is part of the address instead.
  var isT32: Bool

  /// - Parameter word: an A32 instruction that is one of them.
  init(a32 word: UInt32) {
    let isHalfword = word &>> 25 & 7 == 0
    let kind = word &>> 5 & 3
    register = word &>> 12 & 15
    base = word &>> 16 & 15
    isWrite = word & 1 &<< 20 == 0
    addsOffset = word & 1 &<< 23 != 0
    isT32 = false
    if isHalfword {
      bytes = kind == 2 ? 1 : 2
      isSigned = kind != 1
      offset = word &>> 4 & 0xF0 | word & 15
      offsetRegister = word & 1 &<< 22 != 0 ? nil : word & 15
    } else {
      bytes = word & 1 &<< 22 != 0 ? 1 : 4
      isSigned = false
      let isRegister = word & 1 &<< 25 != 0
      // Of a register offset, the shift to the left.
      offset = isRegister ? word &>> 7 & 31 : word & 0xFFF
      offsetRegister = isRegister ? word & 15 : nil
    }
  }

  /// - Parameters: the halfwords of a T32 instruction that is one of them.
  init(t32 first: UInt32, _ second: UInt32) {
    bytes = 1 &<< (first &>> 5 & 3)
    isSigned = first & 0x100 != 0
    register = second &>> 12
    isWrite = first & 0x10 == 0
    base = first & 15
    offset = second & 0xFF
    offsetRegister = nil
    addsOffset = true
    isT32 = true
  }

  /// What a load leaves in its register.
  func extended(_ value: UInt32) -> UInt32 {
    let unused = 32 &- 8 &* bytes
    let value = value &<< unused
    return isSigned
      ? UInt32(bitPattern: Int32(bitPattern: value) &>> Int32(bitPattern: unused)) : value &>> unused
  }
}

extension Translator {
  /// Does the instruction of these that the guest is at. The hypervisor says whether User mode may do its access; then the
  /// kernel may, too.
  func performUnprivileged() -> Outcome {
    let programCounter = self[.programCounter]
    self[.abort] = GuestException.dataAbort.rawValue
    let place = programCounter & ~1
    let access =
      programCounter & 1 == 0
      ? UnprivilegedAccess(a32: space.word(place))
      : UnprivilegedAccess(t32: space.halfword(place), space.halfword(place &+ 2))
    let address = register(access.base) &+ (access.isT32 ? access.offset : 0)
    space.checkUser(address, isWrite: access.isWrite)
    let last = address &+ access.bytes &- 1
    if (address ^ last) & ~4095 != 0 { space.checkUser(last, isWrite: access.isWrite) }
    if access.isWrite {
      space.store(address, bytes: access.bytes, register(access.register))
    } else {
      setRegister(access.register, access.extended(space.load(address, bytes: access.bytes)))
    }
    if !access.isT32 { writeBack(access, address) }
    enter(programCounter &+ 4, ifThen: ITState.advanced(self[.ifThen]))
    return .resume
  }

  private func writeBack(_ access: UnprivilegedAccess, _ address: UInt32) {
    var offset = access.offset
    if let number = access.offsetRegister {
      // A halfword's register is not shifted.
      offset = register(number) &<< (access.bytes == 2 || access.isSigned ? 0 : offset)
    }
    setRegister(access.base, access.addsOffset ? address &+ offset : address &- offset)
  }
}
