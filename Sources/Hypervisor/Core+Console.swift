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
    if let character = phone.value.console.takeLead() { return character }
    guard let speaker = nextSpeaker() else { return nil }
    if !phone.value.console.isLineOpen || speaker != phone.value.console.speaker {
      beginLine(speaker)
      return phone.value.console.takeLead() ?? take(from: speaker)
    }
    return take(from: speaker)
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

  /// Closes the line of whoever spoke, and puts the name of the one who begins before his.
  private func beginLine(_ speaker: UInt32) {
    if phone.value.console.isLineOpen { phone.value.console.lead(with: 0x0A) }
    phone.value.console.speaker = speaker
    phone.value.console.isLineOpen = true
    guard phone.value.console.isTogether, speaker != Console.ownChannel else { return }
    for position in 0..<16 as Range<UInt32> {
      let character = name(speaker, position)
      guard character != 0 else { break }
      phone.value.console.lead(with: character)
    }
    phone.value.console.lead(with: UInt8(ascii: "|"))
    phone.value.console.lead(with: UInt8(ascii: " "))
  }

  @inline(never) private func name(_ machine: UInt32, _ position: UInt32) -> UInt8 {
    guard let machine = phone.value.machines[Int(machine & 7)] else { return 0 }
    return machine.value.record.name[Int(position & 15)]
  }

  private func count(of channel: UInt32) -> UInt32 {
    guard channel != Console.ownChannel, let machine = phone.value.machines[Int(channel & 7)] else {
      return phone.value.console.own.count
    }
    return machine.value.console.count
  }

  private func take(from channel: UInt32) -> UInt8 {
    let character: UInt8
    if channel != Console.ownChannel, let machine = phone.value.machines[Int(channel & 7)] {
      character = machine.value.console.take()
    } else {
      character = phone.value.console.own.take()
    }
    phone.value.console.isLineOpen = character != 0x0A
    return character
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
    let isEscaped = phone.value.console.isEscaped
    let isEscape = character == Console.escapeKey
    phone.value.console.isEscaped = isEscape && !isEscaped
    if isEscaped, !isEscape { return command(character) }
    if isEscape, !isEscaped { return }
    if phone.value.console.isTogether { bring(toFront: phone.value.console.front) }
    phone.value.machines[Int(phone.value.console.front & 7)]?.value.uart.receive(character)
  }

  /// The key after the escape key.
  private func command(_ character: UInt8) {
    var number = UInt32(character) &- 0x31
    if character == UInt8(ascii: "n") {
      number = phone.value.console.front &+ 1
      if number >= phone.value.machineCount { number = 0 }
    }
    if number < phone.value.machineCount { return bring(toFront: number) }
    guard character == UInt8(ascii: "a") else {
      return message("Ctrl-] then 1-8: that VM in front, n: the next, a: all together")
    }
    phone.value.console.isTogether = true
    message("all VMs together")
  }

  @inline(never) private func bring(toFront machine: UInt32) {
    phone.value.console.front = machine
    phone.value.console.isTogether = false
    put("[pocketvisor] in front: ")
    putName(machine)
    putLineEnd()
  }

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
