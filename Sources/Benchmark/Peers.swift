/// One row of the table of exits: the peers' figures were measured on the same emulator (QEMU 7.2 with
/// `-icount shift=0`), in instructions, hypervisor included.
struct ExitRow {
  let name: String
  let key: String
  /// KVM on A57, KVM on A76, Xen 4.17, Bao, Xvisor.
  let peers: [String]
  let target: Double
}

enum Peers {
  static let exitNames = ["KVM A57", "KVM A76", "Xen A57", "Bao", "Xvisor"]

  static let exits = [
    ExitRow(
      name: "HVC PSCI_VERSION", key: "hypercall", peers: ["1568", "1150", "471", "189", "400"], target: 80),
    ExitRow(
      name: "unknown hypercall", key: "unknown-hypercall", peers: ["1492", "1075", "1702", "1418–1488", "–"],
      target: 90),
    ExitRow(
      name: "GICD_TYPER read", key: "distributor-type-read", peers: ["2346", "1936", "610", "225", "708"],
      target: 120),
    ExitRow(
      name: "GICD_ISENABLER read", key: "distributor-enable-read", peers: ["4651", "4240", "687", "1290", "–"],
      target: 200),
    ExitRow(
      name: "GICD_ISENABLER write", key: "distributor-enable-write",
      peers: ["2356", "1947", "738", "3562", "–"],
      target: 200),
    ExitRow(
      name: "GICR_ISENABLER0 write", key: "redistributor-enable-write",
      peers: ["2467", "2060", "747", "3589", "–"],
      target: 220),
    ExitRow(
      name: "trapped ID register", key: "identification-register",
      peers: ["1811–2052", "1472–1572", "410", "not trapped", "383"], target: 90),
    ExitRow(
      name: "trapped ACTLR_EL1", key: "auxiliary-register",
      peers: ["1811–2052", "1472–1572", "410", "not trapped", "383"], target: 90),
    ExitRow(
      name: "PL011 flag read", key: "console-flags-read",
      peers: ["6951", "6799", "634", "passed through", "632"],
      target: 120),
    ExitRow(
      name: "SGI to self, whole pass", key: "self-interrupt", peers: ["3093", "2702", "1127", "806", "–"],
      target: 180),
    ExitRow(
      name: "virtual timer due now, whole pass", key: "timer-due",
      peers: ["2962", "2558", "1115", "231", "5730 (tick)"], target: 140),
    ExitRow(
      name: "timer expiry in WFI → handler", key: "timer-wait", peers: ["2511", "2157", "4278", "209", "–"],
      target: 200),
    ExitRow(
      name: "IPI to a vCPU in WFI, whole pass", key: "ping", peers: ["5899", "4697", "–", "822", "–"],
      target: 400),
    ExitRow(
      name: "entry → first guest instruction", key: "entry", peers: ["19.4 M", "–", "13.9 M", "386,704", "–"],
      target: 100_000),
  ]

  /// What makes up "processes, system calls, pipes, md5sum, gzip, shell".
  static let workloadKeys = [
    "system-calls", "fork-exec", "pipe", "md5sum", "gzip", "shell-loop", "shell-pipes",
  ]
}
