import Appliance
import ArmArchitecture
import Drivers
import VirtualDevices

extension Core {
  var uart: PL011<H.Registers> { PL011(hardware.registers(.uart, offset: phone.value.uartOffset)) }

  // MARK: To the UART

  /// Sends as long as there is something to send and room for it; the caller holds the lock.
  @inline(never) func pump() {
    while uart.canSend {
      guard let character = nextCharacter() else { return setDraining(false) }
      uart.send(character)
    }
    setDraining(true)
  }

  /// Asks the UART to tell when there is room, or not to.
  private func setDraining(_ isDraining: Bool) {
    guard isDraining != phone.value.console.isDraining else { return }
    phone.value.console.isDraining = isDraining
    uart.interrupt(transmit: isDraining)
  }

  private func nextCharacter() -> UInt8? {
    if phone.value.console.lead < Lead.nothing { return nextOfLead() }
    guard let speaker = nextSpeaker() else { return nil }
    if !phone.value.console.isLineOpen || speaker != phone.value.console.speaker {
      beginLine(speaker)
      if phone.value.console.lead < Lead.nothing { return nextOfLead() }
    }
    let character = take(from: speaker)
    phone.value.console.isLineOpen = character != 0x0A
    return character
  }

  /// Who continues: the one whose line is open, the hypervisor, in front the VM in front, together the first VM
  /// with a whole line.
  private func nextSpeaker() -> UInt32? {
    let speaker = phone.value.console.speaker
    if phone.value.console.isLineOpen, count(of: speaker) != 0 { return speaker }
    if phone.value.console.own.count != 0 { return Console.ownChannel }
    let front = phone.value.console.front
    guard phone.value.console.isTogether else { return count(of: front) != 0 ? front : nil }
    for index in 0..<phone.value.machineCount {
      if let machine = phone.value.machines[Int(index & 7)], machine.value.console.hasLine { return index }
    }
    return nil
  }

  private func beginLine(_ speaker: UInt32) {
    let isNamed = phone.value.console.isTogether && speaker != Console.ownChannel
    phone.value.console.lead = phone.value.console.isLineOpen ? Lead.lineFeed : isNamed ? Lead.name : Lead.nothing
    phone.value.console.speaker = speaker
    phone.value.console.isLineOpen = true
  }

  private func nextOfLead() -> UInt8 {
    let step = phone.value.console.lead
    phone.value.console.lead = step &+ 1
    switch step {
    case Lead.lineFeed:
      let isNamed = phone.value.console.isTogether && phone.value.console.speaker != Console.ownChannel
      if !isNamed { phone.value.console.lead = Lead.nothing }
      return 0x0A
    case Lead.bar: return UInt8(ascii: "|")
    case Lead.space: return UInt8(ascii: " ")
    default:
      let character = name(phone.value.console.speaker, step &- Lead.name)
      guard character == 0 else { return character }
      phone.value.console.lead = Lead.space
      return UInt8(ascii: "|")
    }
  }

  private func name(_ machine: UInt32, _ position: UInt32) -> UInt8 {
    guard let machine = phone.value.machines[Int(machine & 7)] else { return 0 }
    return machine.value.record.name[Int(position & 15)]
  }

  private func count(of channel: UInt32) -> UInt32 {
    if channel == Console.ownChannel { return phone.value.console.own.count }
    return phone.value.machines[Int(channel & 7)].map { $0.value.console.count } ?? 0
  }

  private func take(from channel: UInt32) -> UInt8 {
    if channel == Console.ownChannel { return phone.value.console.own.take() }
    return phone.value.machines[Int(channel & 7)].map { $0.value.console.take() } ?? 0
  }

  // MARK: From the UART

  /// The board's UART has received, or has room.
  func serveUART() {
    phone.value.consoleLock.acquire()
    while let character = uart.receive() { typed(character) }
    pump()
    phone.value.consoleLock.release()
    for index in 0..<phone.value.machineCount {
      if let machine = phone.value.machines[Int(index & 7)] { tell(machine) }
    }
  }

  /// A VM hears what it received, and that there is room where it found its transmit FIFO full.
  private func tell(_ machine: VirtualMachineReference) {
    phone.value.consoleLock.acquire()
    if machine.value.isBlocked, !machine.value.console.isFull {
      machine.value.isBlocked = false
      machine.value.uart.transmitted()
    }
    let change = settleUARTLine(machine)
    phone.value.consoleLock.release()
    pass(change, to: machine)
  }

  private func typed(_ character: UInt8) {
    if phone.value.console.isEscaped {
      phone.value.console.isEscaped = false
      return command(character)
    }
    guard character != Console.escapeKey else { return phone.value.console.isEscaped = true }
    if phone.value.console.isTogether { bring(toFront: phone.value.console.front) }
    phone.value.machines[Int(phone.value.console.front & 7)]?.value.uart.receive(character)
  }

  /// The key after the escape key.
  private func command(_ character: UInt8) {
    let number = UInt32(character) &- UInt32(UInt8(ascii: "1"))
    switch character {
    case UInt8(ascii: "a"):
      phone.value.console.isTogether = true
      message("all VMs together")
    case UInt8(ascii: "n"):
      let next = phone.value.console.front &+ 1
      bring(toFront: next < phone.value.machineCount ? next : 0)
    case Console.escapeKey:
      phone.value.machines[Int(phone.value.console.front & 7)]?.value.uart.receive(character)
    default:
      if number < phone.value.machineCount { bring(toFront: number) } else { help() }
    }
  }

  @inline(never) private func bring(toFront machine: UInt32) {
    phone.value.console.front = machine
    phone.value.console.isTogether = false
    put("[pocketvisor] in front: ")
    putName(machine)
    putLineEnd()
  }

  private func help() { message("Ctrl-] then 1-8: that VM in front, n: the next, a: all together") }

  // MARK: The hypervisor's own messages

  /// Prints a message of its own.
  @inline(never) public func log(_ text: StaticString) {
    report { message(text) }
  }

  /// Prints what `body` puts.
  @inline(__always) func report(_ body: () -> Void) {
    phone.value.consoleLock.acquire()
    body()
    pump()
    phone.value.consoleLock.release()
  }

  @inline(never) func message(_ text: StaticString) {
    put("[pocketvisor] ")
    put(text)
    putLineEnd()
  }

  @inline(never) func put(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount {
      // In bounds by the loop's range.
      unsafe phone.value.console.own.append(text.utf8Start[index])
    }
  }

  func putLineEnd() {
    put("\r\n")
  }

  @inline(never) func putName(_ machine: UInt32) {
    for position in 0..<16 as Range<UInt32> {
      let character = name(machine, position)
      guard character != 0 else { return }
      phone.value.console.own.append(character)
    }
  }

  /// Puts a label and a number in hexadecimal, without leading zeros.
  @inline(never) func put(_ label: StaticString, _ number: UInt64) {
    put(label)
    var shift = (63 &- UInt64(truncatingIfNeeded: (number | 1).leadingZeroBitCount)) & ~3
    while true {
      let digit = UInt8(truncatingIfNeeded: number &>> shift) & 15
      phone.value.console.own.append(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
      guard shift != 0 else { return }
      shift &-= 4
    }
  }

  /// Waits until everything that was printed has left the UART, before the board goes off.
  func drainConsole() {
    phone.value.consoleLock.acquire()
    repeat { pump() } while phone.value.console.isDraining
    phone.value.consoleLock.release()
  }
}
