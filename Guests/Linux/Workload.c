// /init of the benchmark's Linux: measures what a phone's Linux does all day and powers off.
//
// Prints `workload <key> <count> <instructions>` for each part.

#include "System.h"

// Instructions since the clock was at `start`.
static uint64_t since(uint64_t start) { return (ticks() - start) * INSTRUCTIONS_PER_TICK; }

// Runs a program with its output thrown away, and waits for it.
static void run(const char *program, const char *const *arguments) {
  const char *environment[] = {"PATH=/bin", 0};
  Word child = fork_process();
  if (child == 0) {
    call3(CALL_DUP3, open_file("/dev/null", WRITE_ONLY), 1, 0);
    call3(CALL_EXECUTE, program, arguments, environment);
    leave(1);
  }
  wait_child(child);
}

static void stay_on(int processor) {
  uint64_t mask = 1ull << processor;
  call3(CALL_SET_AFFINITY, 0, sizeof mask, &mask);
}

static void measure_system_calls(void) {
  enum { COUNT = 100000 };
  uint64_t start = ticks();
  for (int round = 0; round < COUNT; round++) call3(CALL_PARENT, 0, 0, 0);
  report("system-calls", COUNT, since(start));
}

// A byte into a pipe and out of it again.
static void measure_bytes(void) {
  enum { COUNT = 20000 };
  int pipe[2];
  char byte = 1;
  call3(CALL_PIPE, pipe, 0, 0);
  uint64_t start = 0;
  for (int round = 0; round <= COUNT; round++) {
    if (round == 1) start = ticks();
    call3(CALL_WRITE, pipe[1], &byte, 1);
    call3(CALL_READ, pipe[0], &byte, 1);
  }
  report("write-read", COUNT, since(start));
  for (int end = 0; end < 2; end++) call3(CALL_CLOSE, pipe[end], 0, 0);
}

static void measure_processes(void) {
  enum { COUNT = 200 };
  const char *arguments[] = {"/init", "exit", 0};
  run("/init", arguments);
  uint64_t start = ticks();
  for (int round = 0; round < COUNT; round++) run("/init", arguments);
  report("fork-exec", COUNT, since(start));
}

// A byte there and a byte back between two processes; each round is two switches.
static void measure_pipes(const char *key, int count, int partner_processor) {
  int there[2], back[2];
  char byte = 1;
  call3(CALL_PIPE, there, 0, 0);
  call3(CALL_PIPE, back, 0, 0);
  Word child = fork_process();
  if (child == 0) {
    stay_on(partner_processor);
    for (int round = 0; round <= count; round++) {
      call3(CALL_READ, there[0], &byte, 1);
      call3(CALL_WRITE, back[1], &byte, 1);
    }
    leave(0);
  }
  uint64_t start = 0;
  for (int round = 0; round <= count; round++) {
    if (round == 1) start = ticks();
    call3(CALL_WRITE, there[1], &byte, 1);
    call3(CALL_READ, back[0], &byte, 1);
  }
  report(key, count, since(start));
  wait_child(child);
  for (int end = 0; end < 2; end++) {
    call3(CALL_CLOSE, there[end], 0, 0);
    call3(CALL_CLOSE, back[end], 0, 0);
  }
}

// First touch of fresh pages: the kernel fills each on its fault, and the hypervisor should add nothing.
static void measure_pages(void) {
  enum { COUNT = 8192 };
  Word memory = call(CALL_MAP, 0, COUNT * PAGE, PROTECT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  volatile char *pages = (volatile char *)memory;
  uint64_t start = ticks();
  for (Word page = 0; page < COUNT; page++) pages[page * PAGE] = 1;
  report("first-touch", COUNT, since(start));
  call3(CALL_UNMAP, pages, COUNT * PAGE, 0);
}

static void make_file(const char *name, int kibibytes) {
  char block[1024];
  uint64_t state = 88172645463325252ull;
  Word file = open_file(name, WRITE_ONLY | CREATE);
  for (int round = 0; round < kibibytes; round++) {
    for (size_t index = 0; index < sizeof block; index++) {
      if (index % 8 == 0) state = state * 6364136223846793005ull + 1442695040888963407ull;
      block[index] = 'a' + (state >> (index % 8 * 4 + 32) & 15);
    }
    call3(CALL_WRITE, file, block, sizeof block);
  }
  call3(CALL_CLOSE, file, 0, 0);
}

static void measure_program(const char *key, const char *const *arguments) {
  run("/bin/busybox", arguments);
  uint64_t start = ticks();
  run("/bin/busybox", arguments);
  report(key, 1, since(start));
}

static void measure_programs(void) {
  make_file("/long", 8192);
  make_file("/short", 512);
  const char *sum[] = {"md5sum", "/long", 0};
  const char *compress[] = {"gzip", "-c", "/short", 0};
  const char *loop[] = {"sh", "-c", "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done", 0};
  const char *shell[] = {"sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do busybox cat /short | busybox wc; done", 0};
  measure_program("md5sum", sum);
  measure_program("gzip", compress);
  measure_program("shell-loop", loop);
  measure_program("shell-pipes", shell);
}

static void measure_console(void) {
  enum { LINES = 32, LINE = 64 };
  char line[LINE];
  for (int index = 0; index < LINE; index++) line[index] = index == LINE - 1 ? '\n' : '.';
  call3(CALL_IOCTL, 1, DRAIN, 1);
  uint64_t start = ticks();
  for (int round = 0; round < LINES; round++) call3(CALL_WRITE, 1, line, LINE);
  call3(CALL_IOCTL, 1, DRAIN, 1);
  report("console", LINES * LINE, since(start));
}

static int has_second_processor(void) {
  uint64_t mask = 2;
  return call3(CALL_SET_AFFINITY, 0, sizeof mask, &mask) == 0;
}

static void measure_everything(void) {
  int is_multiprocessor = has_second_processor();
  stay_on(0);
  if (is_multiprocessor) return measure_pipes("pipe-across", 2000, 1);
  measure_system_calls();
  measure_processes();
  measure_pipes("pipe", 5000, 0);
  measure_programs();
  measure_pages();
  measure_console();
  measure_bytes();
}

void start_here(Word *stack, uint64_t first) {
  char **arguments = (char **)(stack + 1);
  if (stack[0] > 1 && is_word(arguments[1], "exit")) leave(0);
  mount_devices();
  report("start", 1, first * INSTRUCTIONS_PER_TICK);
  measure_everything();
  print("workload: done\n");
  power_off();
}
