import Foundation
import Testing

@testable import HostCommands

/// The host's network, and who among the VMs reaches whom.
@Suite(.enabled(if: Repository.hasDebian)) struct NetworkTests {
  /// What each Debian does at first: an address by DHCP, a talk with the host, a second address that says its place in
  /// the phone, and a greeting for whoever connects.
  private static func start(port: UInt16) -> String {
    """
    name=$(hostname)
    place=$(sed 's/.*:0//' /sys/class/net/eth0/address)
    ip link set lo up
    ip link set eth0 up
    udhcpc -n -q -t 10 -i eth0 -s /test/udhcpc.script
    echo "$name leased: $(ip -4 -o address show dev eth0 | awk '{ print $4 }')"
    said=$(cat /proc/sys/kernel/random/uuid)
    heard=$(echo "$name $said" | nc -w 30 10.0.2.2 \(port))
    echo "$name host: said $said heard $heard"
    ip address add 10.9.0.$place/24 dev eth0
    (while true; do echo "greetings from $name" | nc -l -p 7000; done) &
    echo "$name network: up"
    """
  }

  /// Tries to reach the VMs at some places; in the end with their hardware addresses known, so that nobody has to answer
  /// ARP.
  private static let reach = """
    for place; do (
      ping -c 1 -W 3 10.9.0.$place >/dev/null; pinged=$?
      arping -q -c 1 -w 2 -I eth0 10.9.0.$place; resolved=$?
      arp -s 10.9.0.$place 52:50:56:00:00:0$place
      ping -c 1 -W 3 10.9.0.$place >/dev/null; addressed=$?
      heard=$(nc -w 4 10.9.0.$place 7000 </dev/null 2>/dev/null)
      echo "$(hostname) to $place: ping $pinged arp $resolved frame $addressed heard <$heard>"
    ) & done
    wait
    """

  private static let count = """
    echo "$(hostname) echoes: $(awk '/^Icmp:/ && $2 != "InMsgs" { print $10 }' /proc/net/snmp)"
    """

  private func ramdisk(port: UInt16) throws -> DebianRamdisk {
    let script = Repository.path + "/Guests/Linux/Personas/udhcpc.script"
    return try DebianRamdisk([
      "start": Self.start(port: port), "reach": Self.reach, "count": Self.count,
      "udhcpc.script": String(decoding: InputFile(path: script).data, as: UTF8.self),
    ])
  }

  /// Work and personal name each other; the third names both, which nobody asked for.
  @Test func theHostAndEachOther() throws {
    let host = try HostServer()
    let ramdisk = try ramdisk(port: host.port)
    defer { extendLifetime(ramdisk) }
    let rules = [("work", "personal"), ("personal", "work"), ("third", "work, personal")]
    let machines = rules.map {
      PhoneText.debian($0, running: ramdisk, devices: "network: { host: true, reach: [\($1)] }")
    }
    let running = try RunningProgram("vms:\n" + PhoneText.steward() + machines.joined())
    let isUp = running.waits(for: "work network: up", "personal network: up", "third network: up")
    try #require(isUp, "\(running.tail)")
    try expectConversations(host, in: running.output)
    try expectReach(of: running)
  }

  /// All three have an address of their own, and said and heard what the host heard and said.
  private func expectConversations(_ host: HostServer, in output: String) throws {
    let leases = output.matches(of: /leased: (10\.0\.2\.[0-9]+)\/24/).map { String($0.1) }
    #expect(Set(leases).count == 3, "\(leases)")
    for name in ["work", "personal", "third"] {
      let said = try #require(host.answers.first { $0.key.hasPrefix(name + " ") }, "\(host.answers)")
      let words = said.key.dropFirst(name.count + 1)
      #expect(output.contains("\(name) host: said \(words) heard \(said.value)\n"), "\(host.answers)")
    }
  }

  private func expectReach(of running: RunningProgram) throws {
    let greeted = "work to 3: \(Self.reached)<greetings from personal>"
    let tries = [
      (from: 1, to: [3, 4], results: [greeted, "work to 4: \(Self.lost)"]),
      (from: 3, to: [2, 3], results: ["third to 2: \(Self.lost)", "third to 3: \(Self.lost)"]),
    ]
    for (from, to, _) in tries { running.type("sh /test/reach \(to[0]) \(to[1])", at: from) }
    try #require(running.waits { $0.matches(of: #/ to [0-9]: ping .*\n/#).count == 4 }, "\(running.tail)")
    let output = running.output
    for result in tries.flatMap(\.results) { #expect(output.contains(result + "\n"), "\(running.tail)") }
    // Frames that were dropped are not the same as frames that nobody answered.
    for machine in 1...3 { running.type("sh /test/count", at: machine) }
    try #require(running.waits { $0.matches(of: #/ echoes: [0-9]+\n/#).count == 3 }, "\(running.tail)")
    for line in ["personal echoes: 2\n", "work echoes: 0\n", "third echoes: 0\n"] {
      #expect(running.output.contains(line), "\(running.tail)")
    }
  }

  private static let reached = "ping 0 arp 0 frame 0 heard "
  private static let lost = "ping 1 arp 1 frame 1 heard <>"
}

/// A TCP server on the host's loopback that answers each line with a random word.
private final class HostServer: @unchecked Sendable {
  let port: UInt16
  private let descriptor: Int32
  private let lock = NSLock()
  private var given: [String: String] = [:]

  /// What it answered, by what it was told.
  var answers: [String: String] { lock.withLock { given } }

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let isListening = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && listen(descriptor, 8) == 0 && getsockname(descriptor, $0, &size) == 0
      }
    }
    guard isListening else { throw InputError("no server: \(String(cString: strerror(errno)))") }
    port = UInt16(bigEndian: address.sin_port)
    Thread { [weak self] in
      while true {
        let client = accept(descriptor, nil, nil)
        guard client >= 0, let self else { return }
        self.serve(client)
      }
    }.start()
  }

  deinit {
    shutdown(descriptor, Int32(SHUT_RDWR))
    close(descriptor)
  }

  private func serve(_ client: Int32) {
    let file = FileHandle(fileDescriptor: client, closeOnDealloc: true)
    var line = Data()
    while !line.contains(0x0A), let more = try? file.read(upToCount: 256), !more.isEmpty { line += more }
    let answer = UUID().uuidString
    let question = String(decoding: line.prefix { $0 != 0x0A }, as: UTF8.self)
    lock.withLock { given[question] = answer }
    try? file.write(contentsOf: Data((answer + "\n").utf8))
  }
}
