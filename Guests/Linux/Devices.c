// /init of the benchmark's Linux with virtio devices: counts the instructions of a disk's, a network's and a console's
// operations and powers off. Boot arguments: `ROLE PORT KEY…`; the port is of a server on the host, the keys say
// which operations.
//
// What is counted is work, not waiting: somebody who does nothing but count has the CPU whenever nobody else wants it,
// and its instructions are taken off, with what the system does by the clock in as much time. By role it is
//   alone   a process of this Linux
//   first   a VM with a lower priority, in a shared window; measures by itself, and beside the second one
//   second  does the same operations when the first one says so
//
// Prints `workload <key> <count> <instructions>` for each kind of operation; keys of the first one begin with `only.`
// and `both.`.

#include "System.h"

enum { BLOCK = 4 << 10, EXTENT = 1 << 20, STREAM = 64 << 10, DISK = 48 << 20, LINE = 64, PAPER = 1 << 10 };
enum { INTERNET = 2, SOCKET_STREAM = 1, SOCKET_RAW = 3, PROTOCOL_ICMP = 1 };
enum { IDLE_POLICY = 5, NOT_FOR_CHILDREN = 10, HUGE_PAGES = 14, NO_HUGE_PAGES = 15, INSTRUCTIONS_PER_SPIN = 3 };

// Memory that all who take part see; the spins are at its beginning in every VM.
struct Shared {
  volatile uint64_t spins;
  // Operations of the second one.
  volatile uint64_t others;
  // The kind of operation that the second one is to do (0: none), and that it does.
  volatile uint64_t wanted, running;
};

static struct Shared *shared;
static char **keys;
static const char *role;
static uint16_t port;

// MARK: Operations

// Ordinary pages, scattered over the memory, and as much in one piece.
static char *buffer, *piece;
static Word disk, connection, terminal;
static uint64_t dice = 88172645463325252ull, position;

static void fail(const char *what) {
  print("\nworkload: FAIL ");
  print(what);
  print("\n");
  power_off();
}

static void expect(int is_fine, const char *what) {
  if (!is_fine) fail(what);
}

static uint64_t random_block(void) {
  dice = dice * 6364136223846793005ull + 1442695040888963407ull;
  return (dice >> 33) % (DISK / BLOCK) * BLOCK;
}

static uint64_t next_extent(void) {
  position = (position + EXTENT) % DISK;
  return position;
}

static void access_disk(enum SystemCall number, char *data, uint64_t length, uint64_t offset) {
  expect(call(number, disk, (Word)data, length, offset, 0, 0) == (Word)length, "disk");
}

static void read_block(void) { access_disk(CALL_READ_AT, buffer, BLOCK, random_block()); }
static void write_block(void) { access_disk(CALL_WRITE_AT, buffer, BLOCK, random_block()); }
static void read_extent(void) { access_disk(CALL_READ_AT, buffer, EXTENT, next_extent()); }
static void write_extent(void) { access_disk(CALL_WRITE_AT, buffer, EXTENT, next_extent()); }
static void read_piece(void) { access_disk(CALL_READ_AT, piece, EXTENT, next_extent()); }
static void write_piece(void) { access_disk(CALL_WRITE_AT, piece, EXTENT, next_extent()); }

struct SocketAddress {
  uint16_t family, port;
  uint8_t address[4];
  uint64_t zero;
};

// To the host, as QEMU's user network calls it.
static Word connect_to_host(int kind, int protocol, uint16_t number) {
  struct SocketAddress host = {INTERNET, __builtin_bswap16(number), {10, 0, 2, 2}, 0};
  Word socket = call3(CALL_SOCKET, INTERNET, kind, protocol);
  expect(call3(CALL_CONNECT, socket, &host, sizeof host) == 0, "connection");
  return socket;
}

static void open_ping(void) { connection = connect_to_host(SOCKET_RAW, PROTOCOL_ICMP, 0); }

// What the server on the host is to do is the first byte that it gets.
static void open_stream(const char *wish) {
  connection = connect_to_host(SOCKET_STREAM, 0, port);
  call3(CALL_WRITE, connection, wish, 1);
}

static void open_sending(void) { open_stream("r"); }
static void open_receiving(void) { open_stream("s"); }
static void close_connection(void) { call3(CALL_CLOSE, connection, 0, 0); }

// Echo request (RFC 792) of 64 bytes, and the reply behind its IP header.
static void ping(void) {
  static uint16_t number;
  struct { uint8_t type, code; uint16_t sum, identifier, number, data[28]; } echo = {8, 0, 0, 1, ++number, {0}};
  uint32_t sum = 8 + 1 + number;
  echo.sum = ~(sum + (sum >> 16));
  expect(call3(CALL_WRITE, connection, &echo, sizeof echo) == sizeof echo, "ping");
  do expect(call3(CALL_READ, connection, buffer, PAGE) == 20 + sizeof echo, "pong");
  while (buffer[20] != 0 || *(uint16_t *)(buffer + 26) != number);
}

static void send_stream(void) {
  expect(call3(CALL_WRITE, connection, buffer, STREAM) == STREAM, "sending");
}

static void receive_stream(void) {
  for (Word count = 0, more; count < STREAM; count += more) {
    more = call3(CALL_READ, connection, buffer, STREAM - count);
    expect(more > 0, "receiving");
  }
}

static void write_console(int length) {
  call3(CALL_WRITE, terminal, buffer, length);
  call3(CALL_IOCTL, terminal, DRAIN, 1);
}

// On or off: whether the terminal puts a carriage return before each line feed, by a write of its own.
static void process_output(int is_on) {
  enum { GET = 0x5401, SET = 0x5402, POST = 1 };
  struct { uint32_t input, output, control, local; uint8_t line, characters[19]; } settings;
  call3(CALL_IOCTL, terminal, GET, &settings);
  settings.output = is_on ? settings.output | POST : settings.output & ~POST;
  call3(CALL_IOCTL, terminal, SET, &settings);
}

static void fill_lines(void) {
  for (int index = 0; index < PAPER; index++) buffer[index] = index % LINE == LINE - 1 ? '\n' : '.';
}

static void begin_raw(void) {
  fill_lines();
  process_output(0);
}

static void end_raw(void) { process_output(1); }
static void write_line(void) { write_console(LINE); }
static void write_paper(void) { write_console(PAPER); }
static void nothing(void) {}

static const struct Operation {
  const char *key;
  void (*begin)(void);
  void (*perform)(void);
  void (*end)(void);
  int rounds;
  // What one round counts for.
  int count;
} operations[] = {
    {"", nothing, nothing, nothing, 0, 0},
    {"read-4k", nothing, read_block, nothing, 1000, 1},
    {"write-4k", nothing, write_block, nothing, 1000, 1},
    {"read-1m", nothing, read_extent, nothing, 100, 1},
    {"write-1m", nothing, write_extent, nothing, 100, 1},
    {"read-1m-piece", nothing, read_piece, nothing, 100, 1},
    {"write-1m-piece", nothing, write_piece, nothing, 100, 1},
    {"ping", open_ping, ping, close_connection, 2000, 1},
    {"tcp-send", open_sending, send_stream, close_connection, 500, 1},
    {"tcp-receive", open_receiving, receive_stream, close_connection, 500, 1},
    {"hvc-line", fill_lines, write_line, nothing, 500, LINE},
    {"hvc-raw-line", begin_raw, write_line, end_raw, 500, LINE},
    {"hvc-raw-block", begin_raw, write_paper, end_raw, 500, PAPER},
};
enum { OPERATIONS = sizeof operations / sizeof operations[0] };

// MARK: Counting

__attribute__((noreturn)) static void spin(void) {
  __asm__ volatile("0: add %0, %0, #1; str %0, [%1]; b 0b" ::"r"(0ull), "r"(&shared->spins) : "memory");
  __builtin_unreachable();
}

static void sleep_for(Word nanoseconds) {
  Word time[2] = {0, nanoseconds};
  call3(CALL_SLEEP, time, 0, 0);
}

// Instructions of all, and those of who spins.
struct Count {
  uint64_t all, idle;
};

static struct Count now(void) {
  return (struct Count){ticks() * INSTRUCTIONS_PER_TICK, shared->spins * INSTRUCTIONS_PER_SPIN};
}

static struct Count since(struct Count start) {
  struct Count end = now();
  return (struct Count){end.all - start.all, end.idle - start.idle};
}

// Of a system in which nothing happens.
static struct Count calm;

static void watch_calm(void) {
  enum { HALF_A_SECOND = 500000000 };
  sleep_for(HALF_A_SECOND / 4);
  struct Count start = now();
  sleep_for(HALF_A_SECOND);
  calm = since(start);
}

// Instructions of `count` that are neither idle nor what a calm system does while it is idle for so long.
static uint64_t work(struct Count count) {
  return count.all - count.idle - (calm.all - calm.idle) * count.idle / calm.idle;
}

static void repeat(const struct Operation *operation, int rounds) {
  for (int round = 0; round < rounds; round++) operation->perform();
}

static int is_wanted(const char *key) {
  for (char **wanted = keys; *wanted; wanted++)
    if (is_word(*wanted, key)) return 1;
  return 0;
}

// The first rounds settle caches and queues.
static void measure(const char *prefix, const struct Operation *operation) {
  operation->begin();
  repeat(operation, operation->rounds / 8);
  uint64_t others = shared->others;
  struct Count start = now();
  repeat(operation, operation->rounds);
  uint64_t instructions = work(since(start));
  uint64_t rounds = operation->rounds + shared->others - others;
  report_as(prefix, operation->key, rounds * operation->count, instructions);
  operation->end();
}

static void measure_alone(void) {
  Word child = fork_process();
  if (child == 0) {
    int parameter = 0;
    call3(CALL_SET_SCHEDULER, 0, IDLE_POLICY, &parameter);
    spin();
  }
  watch_calm();
  for (int index = 1; index < OPERATIONS; index++)
    if (is_wanted(operations[index].key)) measure("", &operations[index]);
}

static void measure_both(void) {
  watch_calm();
  for (int index = 1; index < OPERATIONS; index++) {
    if (!is_wanted(operations[index].key)) continue;
    measure("only.", &operations[index]);
    shared->wanted = index;
    while (shared->running != (uint64_t)index) sleep_for(1000000);
    measure("both.", &operations[index]);
    shared->wanted = 0;
    while (shared->running != 0) sleep_for(1000000);
  }
}

static void follow(void) {
  for (;;) {
    uint64_t index = shared->wanted;
    shared->running = index;
    if (index == 0 || index >= OPERATIONS) {
      sleep_for(50000000);
      continue;
    }
    operations[index].begin();
    while (shared->wanted == index) {
      operations[index].perform();
      shared->others++;
    }
    operations[index].end();
  }
}

// MARK: Start

static void load_modules(void) {
  static const char *const names[] = {
      "/modules/virtio_mmio.ko", "/modules/virtio_blk.ko", "/modules/failover.ko",
      "/modules/net_failover.ko", "/modules/virtio_net.ko", "/modules/virtio_console.ko",
  };
  for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
    Word file = open_file(names[index], 0);
    expect(call3(CALL_LOAD_MODULE, file, "", 0) == 0, names[index]);
    call3(CALL_CLOSE, file, 0, 0);
  }
}

// The address that QEMU's user network would lend, and the one behind it.
static void start_network(void) {
  enum { SET_FLAGS = 0x8914, SET_ADDRESS = 0x8916, SET_MASK = 0x891C, UP_AND_RUNNING = 0x41 };
  Word socket = call3(CALL_SOCKET, INTERNET, 2, 0);
  struct { char name[16]; union { struct SocketAddress address; uint16_t flags; char room[24]; }; } request = {
      "eth0", {.address = {INTERNET, 0, {10, 0, 2, is_word(role, "second") ? 16 : 15}, 0}}};
  expect(call3(CALL_IOCTL, socket, SET_ADDRESS, &request) == 0, "network address");
  request.address = (struct SocketAddress){INTERNET, 0, {255, 255, 255, 0}, 0};
  call3(CALL_IOCTL, socket, SET_MASK, &request);
  request.flags = UP_AND_RUNNING;
  call3(CALL_IOCTL, socket, SET_FLAGS, &request);
  call3(CALL_CLOSE, socket, 0, 0);
}

// Window 1 of the phone, or memory of this Linux.
static void share_memory(void) {
  const Word window = 0x20200000;
  int is_alone = is_word(role, "alone");
  Word memory = call(
      CALL_MAP, 0, PAGE, PROTECT_READ_WRITE, is_alone ? MAP_SHARED_ANONYMOUS : MAP_SHARED,
      is_alone ? -1 : open_file("/dev/mem", READ_WRITE), is_alone ? 0 : window);
  expect(memory > 0, "shared memory");
  shared = (struct Shared *)memory;
}

// A child would share the pages: then the next write to each finds another one, in the order of the addresses.
static char *map(Word size) {
  char *memory = (char *)call(CALL_MAP, 0, size, PROTECT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  call3(CALL_ADVISE, memory, size, NOT_FOR_CHILDREN);
  return memory;
}

// A page is found at its first touch: in this order none lies behind its neighbour.
static void allocate_buffers(void) {
  enum { PAGES = EXTENT / PAGE, STEP = 97, HUGE_PAGE = 2 << 20 };
  buffer = map(EXTENT);
  call3(CALL_ADVISE, buffer, EXTENT, NO_HUGE_PAGES);
  for (int page = 0; page < PAGES; page++) buffer[page * STEP % PAGES * PAGE] = 1;
  piece = (char *)(((Word)map(2 * HUGE_PAGE) + HUGE_PAGE - 1) & -HUGE_PAGE);
  call3(CALL_ADVISE, piece, HUGE_PAGE, HUGE_PAGES);
  for (int page = 0; page < PAGES; page++) piece[page * PAGE] = 1;
}

static uint16_t number(const char *text) {
  uint16_t value = 0;
  while (*text >= '0' && *text <= '9') value = value * 10 + (*text++ - '0');
  return value;
}

void start_here(Word *stack, uint64_t first) {
  char **arguments = (char **)(stack + 1);
  (void)first;
  mount_devices();
  expect(stack[0] >= 3, "arguments");
  role = arguments[1];
  port = number(arguments[2]);
  keys = arguments + 3;
  load_modules();
  share_memory();
  allocate_buffers();
  start_network();
  disk = open_file("/dev/vda", READ_WRITE | DIRECT);
  expect(disk >= 0, "/dev/vda");
  // It comes when the device has been asked for its ports.
  for (int attempt = 0; attempt < 100 && (terminal = open_file("/dev/hvc0", READ_WRITE)) < 0; attempt++)
    sleep_for(10000000);
  expect(terminal >= 0, "/dev/hvc0");
  if (is_word(role, "alone")) measure_alone();
  if (is_word(role, "first")) measure_both();
  if (is_word(role, "second")) follow();
  print("workload: done\n");
  power_off();
}
