// /init of the benchmark's Linux: measures what a phone's Linux does all day and powers off. Free of any
// library; arm64 system calls only. CNTVCT_EL0 steps once for 16 instructions under `-icount shift=0`.
//
// Prints `workload <key> <count> <instructions>` for each part.

#include <stddef.h>
#include <stdint.h>

typedef long Word;

enum SystemCall {
  CALL_DUP3 = 24, CALL_IOCTL = 29, CALL_MKDIR = 34, CALL_MOUNT = 40, CALL_OPEN = 56, CALL_CLOSE = 57, CALL_PIPE = 59,
  CALL_READ = 63, CALL_WRITE = 64, CALL_EXIT = 93, CALL_SET_AFFINITY = 122, CALL_REBOOT = 142,
  CALL_PARENT = 173, CALL_UNMAP = 215, CALL_CLONE = 220, CALL_EXECUTE = 221, CALL_MAP = 222, CALL_WAIT = 260,
};

enum { AT_WORKING_DIRECTORY = -100, WRITE_ONLY = 1, READ_WRITE = 2, CREATE = 0100, CHILD_SIGNAL = 17 };
enum { DRAIN = 0x5409, POWER_OFF = 0x4321FEDC, PAGE = 4096 };

static Word call(enum SystemCall number, Word a, Word b, Word c, Word d, Word e, Word f) {
  register Word x8 __asm__("x8") = number;
  register Word x0 __asm__("x0") = a;
  register Word x1 __asm__("x1") = b;
  register Word x2 __asm__("x2") = c;
  register Word x3 __asm__("x3") = d;
  register Word x4 __asm__("x4") = e;
  register Word x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#define call3(number, a, b, c) call(number, (Word)(a), (Word)(b), (Word)(c), 0, 0, 0)

static uint64_t ticks(void) {
  uint64_t value;
  __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value)::"memory");
  return value;
}

static void print(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  call3(CALL_WRITE, 1, text, length);
}

static void print_number(uint64_t value) {
  char digits[24];
  size_t position = sizeof digits - 1;
  digits[position] = 0;
  do digits[--position] = '0' + value % 10;
  while (value /= 10);
  print(digits + position);
}

static void report(const char *key, uint64_t count, uint64_t elapsed) {
  print("workload ");
  print(key);
  print(" ");
  print_number(count);
  print(" ");
  print_number(elapsed * 16);
  print("\n");
}

static Word fork_process(void) { return call(CALL_CLONE, CHILD_SIGNAL, 0, 0, 0, 0, 0); }
static void wait_child(Word child) { call(CALL_WAIT, child, 0, 0, 0, 0, 0); }
static void leave(int status) {
  for (;;) call3(CALL_EXIT, status, 0, 0);
}

// Runs a program with its output thrown away, and waits for it.
static void run(const char *program, const char *const *arguments) {
  const char *environment[] = {"PATH=/bin", 0};
  Word child = fork_process();
  if (child == 0) {
    call3(CALL_DUP3, call(CALL_OPEN, AT_WORKING_DIRECTORY, (Word) "/dev/null", WRITE_ONLY, 0, 0, 0), 1, 0);
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
  report("system-calls", COUNT, ticks() - start);
}

static void measure_processes(void) {
  enum { COUNT = 200 };
  const char *arguments[] = {"/init", "exit", 0};
  run("/init", arguments);
  uint64_t start = ticks();
  for (int round = 0; round < COUNT; round++) run("/init", arguments);
  report("fork-exec", COUNT, ticks() - start);
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
  report(key, count, ticks() - start);
  wait_child(child);
  for (int end = 0; end < 2; end++) {
    call3(CALL_CLOSE, there[end], 0, 0);
    call3(CALL_CLOSE, back[end], 0, 0);
  }
}

// First touch of fresh pages: the kernel fills each on its fault, and the hypervisor should add nothing.
static void measure_pages(void) {
  enum { COUNT = 8192, PRIVATE_ANONYMOUS = 0x22 };
  volatile char *pages = (volatile char *)call(CALL_MAP, 0, COUNT * PAGE, 3, PRIVATE_ANONYMOUS, -1, 0);
  uint64_t start = ticks();
  for (Word page = 0; page < COUNT; page++) pages[page * PAGE] = 1;
  report("first-touch", COUNT, ticks() - start);
  call3(CALL_UNMAP, pages, COUNT * PAGE, 0);
}

static void make_file(const char *name, int kibibytes) {
  char block[1024];
  uint64_t state = 88172645463325252ull;
  Word file = call(CALL_OPEN, AT_WORKING_DIRECTORY, (Word)name, WRITE_ONLY | CREATE, 0644, 0, 0);
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
  report(key, 1, ticks() - start);
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
  report("console", LINES * LINE, ticks() - start);
}

static int is_word(const char *left, const char *right) {
  while (*left && *left == *right) left++, right++;
  return *left == *right;
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
}

__attribute__((used)) void start_here(Word *stack, uint64_t first) {
  char **arguments = (char **)(stack + 1);
  if (stack[0] > 1 && is_word(arguments[1], "exit")) leave(0);
  call3(CALL_MKDIR, AT_WORKING_DIRECTORY, "/dev", 0755);
  call(CALL_MOUNT, (Word) "devtmpfs", (Word) "/dev", (Word) "devtmpfs", 0, 0, 0);
  report("start", 1, first);
  measure_everything();
  print("workload: done\n");
  call(CALL_REBOOT, (int)0xFEE1DEAD, 672274793, POWER_OFF, 0, 0, 0);
}

__asm__(
    ".globl _start\n"
    "_start:\n"
    "  mrs x1, cntvct_el0\n"
    "  mov x0, sp\n"
    "  and sp, x0, #-16\n"
    "  b start_here\n");
