import Appliance
import ArmArchitecture
import Drivers
import VirtualDevices

extension Core {
  var uart: H.Port { hardware.port(phone.value.board.uartKind, offset: phone.value.uartOffset) }

  @inline(never) func lockConsole() { phone.value.consoleLock.acquire(by: cpu.value.number) }

  @inline(__always) func unlockConsole() { phone.value.consoleLock.release() }

  // MARK: To the UART

  /// Sends as long as there is something to send and room for it; the caller holds the lock.
  @inline(never) func pump() {
    while phone.value.console.output.count != 0 {
      guard uart.canSend else { return setDraining(true) }
      uart.send(phone.value.console.output.take())
    }
  }

  /// Asks the UART to tell when there is room, or not to.
  @inline(never) private func setDraining(_ isDraining: Bool) {
    guard isDraining != phone.value.console.isDraining else { return }
    phone.value.console.isDraining = isDraining
    uart.interrupt(transmit: isDraining)
  }

  /// Moves what a VM printed to the output, as far as it is shown and there is room; the caller holds the lock.
  @inline(never) func show(_ machine: VirtualMachineReference) {
    let isTogether = phone.value.console.isTogether
    guard phone.value.console.shows(machine.value.index) else { return }
    while isTogether ? machine.value.console.hasLine : machine.value.console.count != 0 {
      pump()
      guard phone.value.console.output.hasRoomForLine else { return }
      phone.value.console.turn = machine.value.index &+ 1
      if isTogether {
        endLine()
        putName(machine)
        put("| ")
      }
      moveLine(machine)
    }
    pump()
  }

  /// Moves characters up to the end of the line, or all there are.
  private func moveLine(_ machine: VirtualMachineReference) {
    while machine.value.console.count != 0, !phone.value.console.output.isFull {
      let character = machine.value.console.take()
      phone.value.console.put(character)
      if character == 0x0A { return }
    }
  }

  // MARK: From the UART

  func typed(_ character: UInt8) {
    let isEscaped = phone.value.console.isEscaped
    let isEscape = character == Console.escapeKey
    phone.value.console.isEscaped = isEscape && !isEscaped
    if isEscaped, !isEscape { return command(character) }
    if isEscape, !isEscaped { return }
    if phone.value.console.isTogether { bring(toFront: phone.value.console.front) }
    phone.value.machines[Int(phone.value.console.front & 7)]?.value.uart.receive(character)
  }

  /// The key after the escape key.
  @inline(never) private func command(_ character: UInt8) {
    let number = UInt32(character) &- 0x31
    if number < phone.value.machineCount { return bring(toFront: number) }
    guard character == UInt8(ascii: "a") else {
      return message("Ctrl-] 1-8: that VM, Ctrl-] a: all")
    }
    phone.value.console.isTogether = true
    message("all VMs together")
  }

  @inline(never) private func bring(toFront index: UInt32) {
    phone.value.console.front = index
    phone.value.console.isTogether = false
    guard let machine = phone.value.machines[Int(index & 7)] else { return }
    put("[pocketvisor] in front: ")
    putName(machine)
    endLine()
  }

  // MARK: The hypervisor's own messages

  /// Prints a message of its own.
  @inline(never) public func log(_ text: Message) {
    lockConsole()
    message(text)
    pump()
    unlockConsole()
  }

  @inline(never) func message(_ text: Message) {
    endLine()
    put("[pocketvisor] ")
    put(text)
    endLine()
  }

  @inline(never) func put(_ text: Message) {
    text.eachCharacter { phone.value.console.put($0) }
  }

  /// Ends the line unless it is ended.
  @inline(never) func endLine() {
    if phone.value.console.isLineOpen { put("\r\n") }
  }

  @inline(never) func putName(_ machine: VirtualMachineReference) {
    for position in 0..<16 {
      let character = machine.value.record.name[position]
      guard character != 0 else { return }
      phone.value.console.put(character)
    }
  }

  /// Puts a label and a number in hexadecimal, without leading zeros.
  @inline(never) func put(_ label: Message, _ number: UInt64) {
    put(label)
    var shift = (63 &- UInt64(truncatingIfNeeded: (number | 1).leadingZeroBitCount)) & ~3
    while true {
      let digit = UInt8(truncatingIfNeeded: number &>> shift) & 15
      phone.value.console.put(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
      guard shift != 0 else { return }
      shift &-= 4
    }
  }

  /// Waits until everything that was printed has left the UART, before the board goes off.
  func drainConsole() {
    lockConsole()
    repeat { pump() } while phone.value.console.output.count != 0
    unlockConsole()
  }
}

extension Core where H: VirtualizationExtensions {
  /// The board's UART has received, or has room: for the VM behind the one that had it last, and so on.
  func serveUART() {
    lockConsole()
    while let character = uart.receive() { typed(character) }
    setDraining(false)
    pump()
    let turn = phone.value.console.turn
    unlockConsole()
    for place in 0..<8 as Range<UInt32> {
      guard let machine = phone.value.machines[Int((turn &+ place) & 7)] else { continue }
      lockConsole()
      show(machine)
      if machine.value.isBlocked, !machine.value.console.isFull {
        machine.value.isBlocked = false
        machine.value.uart.transmitted()
      }
      settleUART(machine)
    }
  }
}
