// What a client's input device says about itself (virtio 5.8.4): the driver stores a question, and reads the answer.

import Virtio

/// A client's input devices.
public enum InputKind: Equatable {
  case keys
  case touch

  /// What stands for the bit 0 of what is held.
  var button: UInt16 { self == .keys ? 0 : KeyCode.touch }
}

/// The device's own configuration, in the registers of its place.
public struct InputConfiguration {
  private let registers: MemoryView
  private let kind: InputKind

  /// Offsets in the configuration: two bytes of the question, then the answer's length, then the answer.
  private static let base = UInt64(TransportRegister.configuration)
  private static let answer = base + 8
  static let answerLimit: UInt64 = 128

  /// - Parameter registers: the place's, from address 0 on.
  public init(_ registers: MemoryView, _ kind: InputKind) {
    self.registers = registers
    self.kind = kind
  }

  /// As at power-on: nothing was asked.
  public func reset() { registers.clear(Self.base, count: 8 &+ Self.answerLimit) }

  /// The driver has stored a byte of the question.
  public func store(_ value: UInt8, at offset: UInt32) {
    guard offset < 2 else { return }
    registers.store8(Self.base &+ UInt64(offset), value)
    registers.clear(Self.base &+ 2, count: 6 &+ Self.answerLimit)
    answer(registers.load8(Self.base), about: registers.load8(Self.base &+ 1))
  }

  private func answer(_ question: UInt8, about subject: UInt8) {
    switch question {
    case InputQuestion.name: say(kind == .keys ? "Pocketvisor keys" : "Pocketvisor touch screen")
    case InputQuestion.identity: sayIdentity()
    case InputQuestion.properties where kind == .touch: setBit(1)  // INPUT_PROP_DIRECT
    case InputQuestion.events: sayEvents(UInt16(subject))
    case InputQuestion.axis where kind == .touch && subject <= Axis.y: sayAxis()
    default: break
    }
  }

  private func say(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount {
      // In bounds by the loop's range.
      unsafe registers.store8(Self.answer &+ UInt64(index), text.utf8Start[index])
    }
    setLength(UInt64(text.utf8CodeUnitCount))
  }

  /// BUS_VIRTUAL, and numbers of our own.
  private func sayIdentity() {
    registers.store16(Self.answer, 6)
    registers.store16(Self.answer &+ 2, 0x5056)
    registers.store16(Self.answer &+ 4, kind == .keys ? 1 : 2)
    registers.store16(Self.answer &+ 6, 1)
    setLength(8)
  }

  /// Which events of a type there are, a bit each.
  private func sayEvents(_ type: UInt16) {
    switch (kind, type) {
    case (.keys, EventType.key):
      for code in 1..<KeyCode.firstButton where KeyCode.isForwarded(code) { setBit(UInt64(code)) }
    case (.keys, EventType.repetition), (.touch, EventType.absolute):
      setBit(0)
      setBit(1)
    case (.touch, EventType.key): setBit(UInt64(KeyCode.touch))
    default: break
    }
  }

  /// From 0 to the limit, without fuzz; the resolution is not known.
  private func sayAxis() {
    registers.store32(Self.answer &+ 4, Axis.limit)
    setLength(20)
  }

  /// Sets a bit of the answer, which becomes long enough for it.
  private func setBit(_ bit: UInt64) {
    let place = Self.answer &+ bit &>> 3
    registers.store8(place, registers.load8(place) | 1 &<< UInt8(bit & 7))
    setLength(max(UInt64(registers.load8(Self.base &+ 2)), bit &>> 3 &+ 1))
  }

  private func setLength(_ length: UInt64) {
    registers.store8(Self.base &+ 2, UInt8(truncatingIfNeeded: min(length, Self.answerLimit)))
  }
}

/// What a driver may ask (`select`).
enum InputQuestion {
  static let name: UInt8 = 1
  static let identity: UInt8 = 3
  static let properties: UInt8 = 0x10
  static let events: UInt8 = 0x11
  static let axis: UInt8 = 0x12
}
