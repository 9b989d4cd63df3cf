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
    controller.start(InterruptNumber(7), InterruptNumber(38), isFirst: true)
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

  /// A CPU alerts another, whose registers lie behind its own.
  @Test func alerts() {
    let device = ScriptedGIC()
    let controllers = [0, 0x8000].map {
      BoardInterruptController(
        .generic, DeviceView(device, base: $0), interface: DeviceView(device, base: $0 + 0x1000))
    }
    for (cpu, controller) in controllers.enumerated() {
      controller.start(InterruptNumber(7), InterruptNumber(40 + UInt32(cpu)), isFirst: cpu == 0)
    }
    controllers[0].alert(1 << 17 | 7)
    controllers[1].alert(1 << 16 | 7)
    #expect(controllers[1].acknowledge() == 7)
    #expect(controllers[1].acknowledge() == 1023)
    // With the sender's number, which the end needs too.
    #expect(controllers[0].acknowledge() == 1 << 10 | 7)
    device.wires = { $0 == 40 || $0 == 41 }
    #expect(controllers.map { $0.acknowledge() } == [40, 41])
    #expect(controllers.map { $0.acknowledge() } == [1023, 1023])
  }

  @Test func allwinners() {
    let device = ScriptedAllwinnerController()
    let allwinner = AllwinnerInterruptController(DeviceView(device))
    let controller = BoardInterruptController(
      .allwinner, DeviceView(device), interface: DeviceView(device))
    controller.start(InterruptNumber(7), InterruptNumber(32 + 30), isFirst: true)
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
