# SPDX-License-Identifier: MIT
# Targets: all, install, check, demo, clean; variables: B (build directory),
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
	monitor/syscalls/pack.c transport/ring.c transport/record.c
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

SUPERVISOR_LIBS := -lconfig -lcjson -ldw -lelf -lm

PACKAGES := gcc libc6-dev libconfig-dev libcmocka-dev libzydis-dev libzycore-dev libxxhash-dev \
	libcjson-dev libdw-dev libelf-dev perl gawk util-linux diffutils libjemalloc2 procps python3
SERVERS := nginx-light lighttpd redis-server redis-tools wrk curl python3

# Installs what is missing; quiet and without a package manager's help when nothing is.
need = @for p in $(1); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "Installing:$$missing"; apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; fi

deps:
	$(call need,$(PACKAGES))

deps-servers:
	$(call need,$(PACKAGES) $(SERVERS))

TEST := $(COMMON) -I. -Isupervisor -Imonitor -Imonitor/arch/$(ARCH)
UNIT := $B/unit/test_config $B/unit/test_report $B/unit/test_ring $B/unit/test_ring_errors

$B/unit/test_config: tests/unit/test_config.c $(wildcard supervisor/config*.c) supervisor/check.c \
		supervisor/machine.c supervisor/program.c
	@mkdir -p $(@D)
	$Q$(CC) $(TEST) -MF $@.d -fsanitize=address,undefined -o $@ $^ -lcmocka -lconfig -lm

$B/unit/test_report: tests/unit/test_report.c $(addprefix supervisor/,arguments.c explain.c \
		columns.c reports.c) monitor/syscalls/pack.c monitor/syscalls/table.c
	@mkdir -p $(@D)
	$Q$(CC) $(TEST) -MF $@.d -fsanitize=address,undefined -o $@ $^ -lcmocka -lcjson

$B/unit/test_ring $B/unit/test_ring_errors: $B/unit/%: tests/unit/%.c transport/ring.c \
		tests/unit/futex_host.c
	@mkdir -p $(@D)
	$Q$(CC) $(TEST) -MF $@.d -o $@ $^ -lcmocka -pthread

# check = install what is needed, build, test. The second make sees the installed headers.
check: deps
	@$(MAKE) --no-print-directory all run-tests

run-tests: $(UNIT)
	cd $B/unit && CMOCKA_MESSAGE_OUTPUT=TAP prove -e '' \
		./test_ring ./test_ring_errors ./test_report
	CMOCKA_MESSAGE_OUTPUT=TAP prove -e '' $B/unit/test_config :: $(CURDIR)/configs
	BUILD=$(abspath $B) prove -e '' tests/run/command.sh
	prove -e '' tests/programs/check.sh :: $(abspath $B) --trap sud --policy socket_rw_oc \
		--variants 2 --jobs 2 --timeout 10

demo: deps-servers
	@$(MAKE) --no-print-directory all
	perf/demo.sh $(abspath $B)

install: all
	install -D -m 755 $B/tandem $(DESTDIR)$(PREFIX)/bin/tandem
	install -D -m 755 $B/libtandem.so $(DESTDIR)$(PREFIX)/lib/tandem/libtandem.so
	install -D -m 644 docs/man/tandem.1 $(DESTDIR)$(PREFIX)/share/man/man1/tandem.1
	install -D -m 644 docs/man/tandem.cfg.5 $(DESTDIR)$(PREFIX)/share/man/man5/tandem.cfg.5

clean:
	rm -rf $B

.PHONY: all clean check run-tests deps deps-servers demo install
-include $(MONITOR_OBJ:.o=.d) $(SUPERVISOR_OBJ:.o=.d)
