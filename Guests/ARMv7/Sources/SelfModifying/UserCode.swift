// Code that User mode writes or runs: it runs directly, the kernel's is translated.

import GuestMachine
import GuestSupport

extension Lab {
  /// A page that the kernel and User mode run, by addresses of their own.
  mutating func checkUserCode() {
    Exceptions.handler = answer
    let page = Self.page(36)
    let window = Self.window(20)
    remap(window, to: page, PageAccess.user)
    for _ in 0..<4 {
      checkKernelWrites(page, window)
      checkUserWrites(page, window)
    }
    Exceptions.handler = reportUnexpected
  }

  /// MOVW r0; SVC #0.
  private func userFunction(at page: UInt32, giving value: UInt32) {
    var program = Program(at: set.entry(page))
    program.add([set.move(0, value), set.call])
    program.publish()
  }

  private mutating func checkKernelWrites(_ page: UInt32, _ window: UInt32) {
    // The kernel has run what is there, so it is translated.
    let first = next()
    set.function(at: page, giving: first)
    expect("the kernel's code", run(set.entry(page)), first)
    let second = next()
    userFunction(at: page, giving: second)
    publish(window, bytes: 8)
    expect("User mode's code in its place", runUser(window), second)
    let third = next()
    set.write(page, set.move(0, third))
    publish(window, bytes: 4)
    expect("User mode's code, written by the kernel", runUser(window), third)
  }

  /// User mode writes over the kernel's code, and over its own, then asks for the maintenance by SVC #1.
  private mutating func checkUserWrites(_ page: UInt32, _ window: UInt32) {
    let first = next()
    set.function(at: page &+ 0x100, giving: first)
    expect("the kernel's code beside User mode's", run(set.entry(page &+ 0x100)), first)
    var program = Program(at: set.entry(page))
    program.add([set.store, set.callForMaintenance, set.call])
    program.publish()
    publish(window, bytes: 16)
    let second = next()
    _ = runUser(window, window &+ 0x100, set.inMemory(set.move(0, second)))
    expect("the kernel's code, written by User mode", run(set.entry(page &+ 0x100)), second)
    var writer = Program(at: set.entry(page))
    writer.add([set.store, set.callForMaintenance, set.nothing, set.move(0, 0), set.call])
    writer.publish()
    publish(window, bytes: 32)
    let third = next()
    expect("User mode's own code", runUser(window, window &+ 12, set.inMemory(set.move(0, third))), third)
  }

  private func runUser(_ address: UInt32, _ first: UInt32 = 0, _ second: UInt32 = 0) -> UInt32 {
    UserMode.context[0] = first
    UserMode.context[1] = second
    UserMode.context[15] = address
    UserMode.context[16] = 0x10 | (set.isT32 ? 0x20 : 0)
    UserMode.run(usesRFE: false)
    return UserMode.context[0]
  }
}

/// SVC #0 ends User mode, SVC #1 is for what it has written at R0.
private func answer(_ kind: UInt32, _ frame: UnsafeMutablePointer<ExceptionFrame>) {
  guard kind == ExceptionKind.supervisorCall, unsafe frame.pointee.isUser else {
    return unsafe reportUnexpected(kind, frame)
  }
  let place = unsafe frame.pointee.programCounter &- (frame.pointee.isT32 ? 2 : 4)
  guard read8(place) == 1 else { return unsafe UserMode.end(&frame.pointee) }
  publish(unsafe frame.pointee.registers[0], bytes: 4)
}
