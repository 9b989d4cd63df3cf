# Everything that can be done with this repository. `make` lists the targets.

CPUS ?= 2
CPU ?= cortex-a57
GIC ?= 3
# A board without virtualization extensions: vexpress-a9, smdkc210 or cubieboard. Without one, QEMU's virt.
BOARD ?=
PHONE ?= Phones/$(if $(BOARD),armv7,default)/phone.yaml
# Further options for `run` and `smoke`, such as ARGUMENTS='--icount'.
ARGUMENTS ?=
JOBS ?= 2

BOARD_OPTIONS = $(if $(BOARD),--board $(BOARD),--cpus $(CPUS) --cpu $(CPU) --gic $(GIC))
TOOL := .build/debug/pocketvisor
# Images of the hypervisor: product, triple, toolset, and the end of the file's name.
FIRMWARE_IMAGES := Pocketvisor:aarch64-none-none-elf:aarch64:aarch64 \
  PocketvisorGICv2:aarch64-none-none-elf:aarch64:aarch64-gicv2 \
  PocketvisorARMv7:armv7-none-none-eabi:armv7:armv7
FIRMWARE_PRODUCTS := Firmware/.build/aarch64-none-none-elf/release
OBJCOPY ?= llvm-objcopy
ASSETS := .cache/debian/vmlinuz .cache/debian/initrd.gz
SWIFT_SOURCES := Package.swift Sources Tests Firmware/Package.swift Firmware/Sources Guests/Package.swift Guests/Sources \
  Guests/ARMv7/Package.swift $(addprefix Guests/ARMv7/Sources/,Differential GuestSupport Hostile32 SelfModifying Small)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help prerequisites assets personas build firmware translator tool run smoke test check lint hostile bench size format docs clean

help: ## list the targets
	@echo "Pocketvisor: several operating systems on one phone, completely separated."
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1@\2/p' $(MAKEFILE_LIST) | column -t -s@
	@echo
	@echo "Variables of run and smoke: CPUS=$(CPUS) CPU=$(CPU) GIC=$(GIC) PHONE=$(PHONE) ARGUMENTS='--icount',"
	@echo "or BOARD=vexpress-a9, a board without virtualization extensions"

-include Guests/build.mk

prerequisites: ## install the Debian packages that are missing (QEMU, dtc, mkimage, cpio, mke2fs)
	@Scripts/prerequisites

assets: prerequisites ## fetch Debian's kernels and busybox, 64-bit and 32-bit, into .cache
	@Scripts/debian-assets arm64
	@Scripts/debian-assets armhf

personas: assets ## build the disks of the default phone's personas in .cache
	@Scripts/persona-disk work personal

build: firmware tool ## build the hypervisor and the host tool

# One image for boards with a GICv3, one for those with a GICv2, one for CPUs without virtualization extensions. The last
# one holds the translator, which is not privileged and has a limit of its own.
firmware: translator
	@for image in $(FIRMWARE_IMAGES); do \
	  set -- $$(echo $$image | tr : ' '); \
	  swift build --jobs $(JOBS) -c release --package-path Firmware --product $$1 --triple $$2 \
	    --toolset Firmware/Toolsets/$$3.json --experimental-lto-mode full || exit 1; \
	  file=Firmware/.build/pocketvisor.$$4.img; \
	  $(OBJCOPY) -O binary Firmware/.build/$$2/release/$$1 $$file || exit 1; \
	  Scripts/firmware-size Firmware/.build/$$2/release/$$1 $$file $$4 || exit 1; \
	done

translator:
	swift build --jobs $(JOBS) -c release --package-path Firmware --product PocketvisorTranslator \
	  --triple armv7-none-none-eabi --toolset Firmware/Toolsets/armv7-translator.json --experimental-lto-mode full
	@$(OBJCOPY) -O binary Firmware/.build/armv7-none-none-eabi/release/PocketvisorTranslator \
	  Firmware/.build/translator.new
	@# The assembler does not tell what it included: who includes it is assembled again when it changes.
	@cmp -s Firmware/.build/translator.new Firmware/.build/translator.img || \
	  { mv Firmware/.build/translator.new Firmware/.build/translator.img; \
	  touch Firmware/Sources/ARMv7Assembly/Exceptions.S; }
	@Scripts/firmware-size Firmware/.build/armv7-none-none-eabi/release/PocketvisorTranslator \
	  Firmware/.build/translator.img translator

tool:
	swift build --jobs $(JOBS) --product pocketvisor

run: prerequisites build guests personas ## start the default phone here, on QEMU
	$(TOOL) run $(PHONE) $(BOARD_OPTIONS) $(ARGUMENTS)

smoke: prerequisites build guests personas ## start it without a terminal, wait for user space, power off
	$(TOOL) smoke $(PHONE) $(BOARD_OPTIONS) $(if $(BOARD),--timeout 1200) $(ARGUMENTS)

test: prerequisites build guests personas ## run all tests, on the host and on QEMU
	swift test --jobs $(JOBS)

check: lint test ## what CI runs: format and tests

lint:
	@swift format lint --strict --recursive --parallel $(SWIFT_SOURCES)

hostile: prerequisites build guests ## attack the hypervisor with four million random operations
	@Scripts/hostile

bench: prerequisites build guests assets ## measure, and write Documentation/Benchmarks.md
	swift build --jobs $(JOBS) --product Benchmark
	.build/debug/Benchmark

size: firmware guests ## sections, allotments and largest symbols of the hypervisor; the steward's size
	@swift build --quiet --jobs $(JOBS) --product SizeReport
	@.build/debug/SizeReport Firmware/SizeBudget.json $(FIRMWARE_PRODUCTS)/Pocketvisor \
	  $(FIRMWARE_PRODUCTS)/PocketvisorGICv2 Firmware/.build/armv7-none-none-eabi/release/PocketvisorARMv7 \
	  Firmware/.build/armv7-none-none-eabi/release/PocketvisorTranslator \
	  $(GUEST_OUTPUT)/Steward

format: ## format all Swift sources
	@swift format format --in-place --recursive --parallel $(SWIFT_SOURCES)

docs: tool ## write the reference of the command line
	@Scripts/command-reference $(TOOL) >Documentation/CommandLine.md
	@echo "Documentation/CommandLine.md"

clean: ## remove what was built (the downloads in .cache stay)
	rm -rf .build Firmware/.build Guests/.build Guests/ARMv7/.build
