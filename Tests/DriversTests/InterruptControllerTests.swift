import ArmArchitecture
import Drivers
import ScriptedDevices
import Testing

/// The interrupt controllers of boards without virtualization extensions.
@Suite struct InterruptControllerTests {
  @Test func genericOne() {
    let device = ScriptedGIC()
    let controller = BoardInterruptController(
      .generic, DeviceView(device), interface: DeviceView(device, base: 0x1000))
    controller.start()
    device.wires = { $0 == 34 || $0 == 37 }
    #expect(controller.acknowledge() == 1023)
    controller.enable(InterruptNumber(37))
    #expect(controller.acknowledge() == 37)
    #expect(controller.acknowledge() == 1023)
    controller.end(37)
    #expect(controller.acknowledge() == 37)
    controller.end(37)
    controller.enable(InterruptNumber(34))
    #expect(controller.acknowledge() == 34)
  }

  @Test func allwinners() {
    let device = ScriptedAllwinnerController()
    let allwinner = AllwinnerInterruptController(DeviceView(device))
    let controller = BoardInterruptController(
      .allwinner, DeviceView(device), interface: DeviceView(device))
    controller.start()
    device.wires = { $0 == 1 || $0 == 22 || $0 == 67 }
    #expect(controller.acknowledge() == 1023)
    controller.enable(InterruptNumber(32 + 67))
    #expect(controller.acknowledge() == 32 + 67)
    controller.end(32 + 67)
    controller.enable(InterruptNumber(32 + 22))
    #expect(controller.acknowledge() == 32 + 22)
    allwinner.disable(InterruptNumber(32 + 22))
    #expect(controller.acknowledge() == 32 + 67)
    device.wires = { _ in false }
    #expect(controller.acknowledge() == 1023)
  }
}
