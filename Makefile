# SPDX-License-Identifier: MIT
# Targets: all, install, check, bench, demo, clean; variables: B (build directory),
# PREFIX, DESTDIR, CC, V=1 (show commands).

B ?= build
PREFIX ?= /usr/local
CC := gcc
ARCH := x86_64
Q := $(if $(V),,@)

WARN := -Wall -Wextra -Werror
CFLAGS ?= -O2 -g
COMMON := -std=gnu17 -D_GNU_SOURCE $(WARN) $(CFLAGS) -MMD -MP

# The monitor calls no libc on its paths and leaves the program's vector registers alone.
MONITOR := $(COMMON) -fPIC -ffreestanding -fno-stack-protector -fvisibility=hidden \
	-fno-plt -fcf-protection=none -fno-tree-loop-distribute-patterns -mgeneral-regs-only \
	-fno-asynchronous-unwind-tables -Imonitor/arch/$(ARCH) -Imonitor
MONITOR_SRC := $(wildcard monitor/*.c monitor/calls/*.c monitor/interpose/*.c \
	monitor/syscalls/*.c monitor/arch/$(ARCH)/*.c) transport/ring.c transport/record.c
MONITOR_ASM := $(wildcard monitor/arch/$(ARCH)/*.S)
MONITOR_OBJ := $(MONITOR_SRC:%.c=$B/monitor.o/%.o) $(MONITOR_ASM:%.S=$B/monitor.o/%.o)

SUPERVISOR_SRC := $(wildcard supervisor/*.c) monitor/syscalls/table.c \
	$(wildcard monitor/syscalls/pack_difference.c) transport/ring.c transport/record.c
SUPERVISOR_OBJ := $(SUPERVISOR_SRC:%.c=$B/supervisor.o/%.o)

all: $B/tandem $B/libtandem.so

# What decodes instructions runs in the trap's signal handler, whose vector state is saved.
# So does stdio.c: variadic functions receive vector arguments.
$B/monitor.o/monitor/arch/$(ARCH)/decode.o $B/monitor.o/monitor/stdio.o: MONITOR := $(filter-out -mgeneral-regs-only,$(MONITOR))

$B/monitor.o/%.o: %.c
	@mkdir -p $(@D)
	$(if $V,,@echo "  CC      $<")
	$Q$(CC) $(MONITOR) -c -o $@ $<

$B/monitor.o/%.o: %.S
	@mkdir -p $(@D)
	$(if $V,,@echo "  AS      $<")
	$Q$(CC) $(MONITOR) -c -o $@ $<

$B/supervisor.o/%.o: %.c
	@mkdir -p $(@D)
	$(if $V,,@echo "  CC      $<")
	$Q$(CC) $(COMMON) -Imonitor/arch/$(ARCH) -c -o $@ $<

$B/libtandem.so: $(MONITOR_OBJ)
	$(if $V,,@echo "  LD      $@")
	$Q$(CC) -shared -nostdlib -Wl,-z,now,-z,relro,-z,noexecstack,-soname,libtandem.so \
		-o $@ $^ -lZydis -lgcc

$B/tandem: $(SUPERVISOR_OBJ)
	$(if $V,,@echo "  LD      $@")
	$Q$(CC) $(CFLAGS) -o $@ $^ $(SUPERVISOR_LIBS)

SUPERVISOR_LIBS := -lconfig -lm

clean:
	rm -rf $B

.PHONY: all clean
-include $(MONITOR_OBJ:.o=.d) $(SUPERVISOR_OBJ:.o=.d)
