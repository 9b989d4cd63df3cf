# Guests: flat images for tests and benchmarks, Guests/.build/<name>.img.
GUESTS := Bench Client Conformance Crash Disk Entry Hostile Load Neighbour Rogue Steward Vault
GUEST_TRIPLE := aarch64-none-none-elf
GUEST_OUTPUT := Guests/.build/$(GUEST_TRIPLE)/release
GUEST_OBJCOPY ?= llvm-objcopy
GUEST_CLANG ?= clang

# Test guests for 32-bit boards.
ARMV7_TRIPLE := armv7-none-none-eabi
ARMV7_OUTPUT := Guests/ARMv7/.build/$(ARMV7_TRIPLE)/release
ARMV7_GUESTS := Differential Hostile32 SelfModifying Small

.PHONY: guests armv7guests differential
guests: armv7guests ## build the test guests
	swift build --package-path Guests -c release --triple $(GUEST_TRIPLE) \
	  --toolset Guests/Toolsets/aarch64.json --experimental-lto-mode full
	@for guest in $(GUESTS); do \
	  name=$$(echo $$guest | tr A-Z a-z); \
	  $(GUEST_OBJCOPY) -O binary $(GUEST_OUTPUT)/$$guest Guests/.build/$$name.img && \
	  echo "Guests/.build/$$name.img: $$(stat -c %s Guests/.build/$$name.img) bytes"; \
	done
	@limit=$$(sed -n 's/.*"steward": *\([0-9]*\).*/\1/p' Firmware/SizeBudget.json); \
	size=$$(stat -c %s Guests/.build/steward.img); \
	test $$size -le $$limit || { echo "steward.img: $$size bytes, the limit is $$limit" >&2; exit 1; }
	@for program in Workload Devices; do \
	  name=$$(echo $$program | tr A-Z a-z); \
	  $(GUEST_CLANG) --target=aarch64-linux-gnu -std=c17 -Wall -Wextra -Werror -Os -ffreestanding -fno-builtin \
	    -fno-stack-protector -mgeneral-regs-only -nostdlib -static -fuse-ld=lld -I Guests/Linux/AArch64 \
	    Guests/Linux/$$program.c -o Guests/.build/$$name || exit 1; \
	done

armv7guests:
	swift build --package-path Guests/ARMv7 -c release --triple $(ARMV7_TRIPLE) \
	  --toolset Guests/ARMv7/Toolsets/armv7.json
	@mkdir -p Guests/.build
	@for guest in $(ARMV7_GUESTS); do \
	  name=$$(echo $$guest | tr A-Z a-z); \
	  $(GUEST_OBJCOPY) -O binary $(ARMV7_OUTPUT)/$$guest Guests/.build/$$name.img && \
	  echo "Guests/.build/$$name.img: $$(stat -c %s Guests/.build/$$name.img) bytes" || exit 1; \
	done
	@$(GUEST_CLANG) --target=armv7-none-eabi -mcpu=cortex-a9 -c Guests/ARMv7/Bench.S -o Guests/.build/narrowbench.o
	@ld.lld -T Guests/ARMv7/bench.ld Guests/.build/narrowbench.o -o Guests/.build/narrowbench.elf
	@$(GUEST_OBJCOPY) -O binary Guests/.build/narrowbench.elf Guests/.build/narrowbench.img
	@echo "Guests/.build/narrowbench.img: $$(stat -c %s Guests/.build/narrowbench.img) bytes"
	@$(GUEST_CLANG) --target=armv7-linux-gnueabi -mcpu=cortex-a9 -mfloat-abi=soft -std=c17 -Wall -Wextra -Werror \
	  -Os -ffreestanding -fno-builtin -fno-stack-protector -nostdlib -static -fuse-ld=lld -I Guests/Linux/ARMv7 \
	  Guests/Linux/Workload.c -o Guests/.build/narrowworkload

differential: prerequisites guests ## compare 100,000 random sequences, translated and natively
	POCKETVISOR_LONG=1 swift test --jobs $(JOBS) --filter DifferentialTests
