// The device server as a guest: Documentation/DeviceServer.md.

import Appliance
import DeviceServer
import GuestMachine
import GuestSupport
import Virtio

func runSteward() {
  guard let identity = ownIdentity(), let tree = treeBlob(device_tree_address()) else {
    return stop("no hypervisor with device servers")
  }
  initializeInterrupts()
  let machine = StewardMachine(identity: identity)
  machine.start()
  let place = ServerDescription(tree).boardTree
  guard let boardTree = treeBlob(place) else { return stop("no board tree") }
  let memory = AddressSpace.memory(
    identity: identity, boardTree: place..<place + UInt64(boardTree.count))
  guard var server = DeviceServer(machine: machine, memory: memory, tree: tree, boardTree: boardTree) else {
    return stop("not enough memory")
  }
  server.start()
  Console.write("steward: ready\n")
  // The server's alarm rings every second. Who hangs does not hear it, and is started again.
  Watchdog.arm(milliseconds: 4_000)
  var isBusy = true
  while true {
    let events = machine.events(sleeping: !isBusy)
    if events.isAlarm { Watchdog.feed() }
    isBusy = server.turn(events)
  }
}

/// FFA_ID_GET: the partition that this is, the place in the phone and one.
private func ownIdentity() -> UInt64? {
  var message = FrameworkMessage(FrameworkFunction.identifier)
  message.call()
  let identity = message.registers[2] & 0xFFFF
  return message.isSuccess && identity >= 1 && identity <= 8 ? identity : nil
}

/// The device tree at an address; nil where there is none.
private func treeBlob(_ address: UInt64) -> Blob? {
  guard let base = UnsafeRawPointer(bitPattern: UInt(address)), address & 7 == 0, address >= 1 << 30 else {
    return nil
  }
  let header = Blob(base: base, count: 8)
  guard let size = DeviceTree.totalSize(of: header), size <= DeviceTree.sizeLimit else { return nil }
  return Blob(base: base, count: size)
}

private func stop(_ reason: StaticString) {
  Console.write("steward: FAIL ")
  Console.write(reason)
  Console.write("\n")
  PowerInterface.systemOff()
}
