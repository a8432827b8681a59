# SPDX-License-Identifier: MIT
# Targets: all, deps (installs what all needs), install, check, demo, bench, clean; variables: B (build
# directory), PREFIX, DESTDIR, CC, V=1 (show commands); of bench: BENCH (parts), PAIRS (see perf/bench
# --help).

B ?= build
PREFIX ?= /usr/local
CC := gcc
ARCH := x86_64
Q := $(if $(V),,@)

WARN := -Wall -Wextra -Werror
CFLAGS ?= -O2 -g
# Builds in different directories are alike: hosts compare them.
COMMON := -std=gnu17 -D_GNU_SOURCE $(WARN) $(CFLAGS) -ffile-prefix-map=$(CURDIR)=. -MMD -MP

# The monitor calls no libc on its paths and leaves the program's vector registers alone.
MONITOR := $(COMMON) -fPIC -ffreestanding -fno-stack-protector -fvisibility=hidden \
	-fno-plt -fcf-protection=none -fno-tree-loop-distribute-patterns -mgeneral-regs-only \
	-fno-asynchronous-unwind-tables -Imonitor/arch/$(ARCH) -Imonitor
MONITOR_SRC := $(wildcard monitor/*.c monitor/calls/*.c monitor/interpose/*.c \
	monitor/syscalls/*.c monitor/arch/$(ARCH)/*.c) transport/ring.c transport/record.c
MONITOR_ASM := $(wildcard monitor/arch/$(ARCH)/*.S)
MONITOR_OBJ := $(MONITOR_SRC:%.c=$B/monitor.o/%.o) $(MONITOR_ASM:%.S=$B/monitor.o/%.o)

SUPERVISOR_SRC := $(wildcard supervisor/*.c) monitor/syscalls/table.c \
	monitor/syscalls/pack.c $(wildcard transport/*.c)
SUPERVISOR_OBJ := $(SUPERVISOR_SRC:%.c=$B/supervisor.o/%.o) $B/supervisor.o/starter_file.o

# What exec executes under seccomp: no libc, no relocations, read-only (monitor/starter/starter.h).
STARTER_OBJ := $(patsubst %.c,$B/monitor.o/%.o,$(wildcard monitor/starter/*.c)) \
	$B/monitor.o/monitor/arch/$(ARCH)/starter/entry.o $B/monitor.o/monitor/arch/$(ARCH)/gate.o

all: $B/tandem $B/libtandem.so

# Of what is missing one line is said, instead of a page of the compiler's.
NEEDED := libconfig.h Zydis/Zydis.h xxhash.h cjson/cJSON.h elfutils/libdwfl.h sodium.h liburing.h \
	infiniband/verbs.h rdma/rdma_cma.h
$(MONITOR_OBJ) $(SUPERVISOR_OBJ) $(STARTER_OBJ): | prepared
prepared:
	@printf '\043include <%s>\n' $(NEEDED) | $(CC) -E -o /dev/null - 2>/dev/null || { \
		echo "make: a compiler or headers are missing; 'make deps' installs what Tandem is built with" >&2; \
		exit 1; }

# What decodes instructions runs in the trap's signal handler, whose vector state is saved.
# So do stdio.c and hidden.c: variadic functions receive vector arguments.
$B/monitor.o/monitor/arch/$(ARCH)/decode.o $B/monitor.o/monitor/stdio.o $B/monitor.o/monitor/hidden.o: MONITOR := $(filter-out -mgeneral-regs-only,$(MONITOR))

# gcc 12's -O3 and its own memcpy(), which -ffreestanding takes away, hash 14 GB/s; without, 0.7.
$B/monitor.o/monitor/hash.o: MONITOR += -fbuiltin -O3

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

$B/starter.elf: $(STARTER_OBJ) monitor/starter/starter.lds
	$(if $V,,@echo "  LD      $@")
	$Q$(CC) -nostdlib -pie -Wl,--no-dynamic-linker,-s,-z,norelro,-z,noexecstack,--build-id=none \
		-T monitor/starter/starter.lds -o $@ $(STARTER_OBJ)

$B/supervisor.o/starter_file.o: supervisor/starter_file.S $B/starter.elf
	@mkdir -p $(@D)
	$Q$(CC) -c -Wa,-I,$B -o $@ $<

$B/libtandem.so: $(MONITOR_OBJ)
	$(if $V,,@echo "  LD      $@")
	$Q$(CC) -shared -nostdlib -Wl,-z,now,-z,relro,-z,noexecstack,-soname,libtandem.so \
		-o $@ $^ -lZydis -lgcc

$B/tandem: $(SUPERVISOR_OBJ)
	$(if $V,,@echo "  LD      $@")
	$Q$(CC) $(CFLAGS) -o $@ $^ $(SUPERVISOR_LIBS)

SUPERVISOR_LIBS := -lconfig -lcjson -ldw -lelf -lm -lsodium -luring -libverbs -lrdmacm -pthread

# What a build needs, and tests besides.
PACKAGES_BUILD := gcc libc6-dev libconfig-dev libzydis-dev libzycore-dev libxxhash-dev libcjson-dev libdw-dev \
	libelf-dev libsodium-dev liburing-dev libibverbs-dev librdmacm-dev
PACKAGES := $(PACKAGES_BUILD) libcmocka-dev perl gawk util-linux diffutils libjemalloc2 procps python3
SERVERS := nginx-light lighttpd redis-server redis-tools apache2-utils wrk curl python3

SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)

# Installs what is missing; needs neither root nor a package manager when nothing is.
need = @for p in $(1); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		for tool in apt-get $(SUDO); do command -v $$tool >/dev/null || { \
			echo "make: these packages are missing:$$missing" >&2; \
			echo "make: there is no $$tool to install them with; install them as root, then try again" >&2; \
			exit 1; }; done; \
		echo "Installing:$$missing"; $(SUDO) apt-get update -qq && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi

deps:
	$(call need,$(PACKAGES_BUILD))

deps-demo:
	$(call need,$(PACKAGES_BUILD) nginx-light wrk curl util-linux procps)

deps-servers:
	$(call need,$(PACKAGES) $(SERVERS))

deps-bench:
	$(call need,$(PACKAGES) $(SERVERS) libck-dev iproute2 iperf3)

include tests/tests.mk

demo: deps-demo
	@$(MAKE) --no-print-directory -j$(JOBS) all
	perf/demo.sh $(abspath $B)

# What bench measures with: the ring against others, a site and its entry alone, calls.
PERF := $B/perf/bench_ring $B/perf/bench_engine $B/perf/bench_site $B/perf/calls

$B/perf/bench_ring: perf/bench_ring.c transport/ring.c tests/unit/futex_host.c
	@mkdir -p $(@D)
	$Q$(CC) $(TEST) -MF $@.d -o $@ $(filter %.c %.o,$^)

$B/perf/bench_site: perf/arch/$(ARCH)/bench_site.c $(addprefix $B/monitor.o/monitor/, \
		$(patsubst %,interpose/%.o,maps patch sites stubs) \
		$(patsubst %,arch/$(ARCH)/%.o,branch commit decode entry gate stub))
	@mkdir -p $(@D)
	$Q$(CC) $(TEST) -MF $@.d -o $@ $(filter %.c %.o,$^) -lZydis

$B/perf/bench_engine: perf/bench_engine.c tests/unit/engine_host.c $(ENGINE)
	@mkdir -p $(@D)
	$Q$(CC) $(TEST) -MF $@.d -o $@ $(filter %.c %.o,$^) $(UNIT_LIBS)

$B/perf/calls: perf/calls.c
	@mkdir -p $(@D)
	$Q$(CC) $(TEST) -MF $@.d -o $@ $(filter %.c %.o,$^)

$B/perf/bench_rdma: perf/bench_rdma.c tests/unit/engine_host.c $(ENGINE)
	@mkdir -p $(@D)
	$Q$(CC) $(TEST) -MF $@.d -o $@ $(filter %.c %.o,$^) $(UNIT_LIBS)

bench: deps-bench
	@$(MAKE) --no-print-directory all bench-programs
	perf/bench --build $(abspath $B) $(if $(PAIRS),--pairs $(PAIRS)) $(BENCH)

bench-programs: $(PERF)

# The transport engine against plain TCP, between two network namespaces; needs root.
bench-engine: deps-bench
	@$(MAKE) --no-print-directory $B/perf/bench_engine
	perf/bench_engine.sh $(abspath $B)

# The engine over RDMA against perftest, in guests; a page of `make bench` that comes later shows it too.
bench-rdma: deps-vm deps-servers
	@$(MAKE) --no-print-directory all $B/perf/bench_rdma
	perf/bench --build $(abspath $B) $(if $(PAIRS),--pairs $(PAIRS)) rdma

install: all
	install -D -m 755 $B/tandem $(DESTDIR)$(PREFIX)/bin/tandem
	install -D -m 755 $B/libtandem.so $(DESTDIR)$(PREFIX)/lib/tandem/libtandem.so
	install -D -m 644 docs/man/tandem.1 $(DESTDIR)$(PREFIX)/share/man/man1/tandem.1
	install -D -m 644 docs/man/tandem.cfg.5 $(DESTDIR)$(PREFIX)/share/man/man5/tandem.cfg.5
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/tandem/examples $(wildcard configs/*.cfg)

clean:
	rm -rf $B

.PHONY: all clean prepared deps deps-demo deps-servers deps-bench demo bench bench-programs bench-engine bench-rdma install
-include $(MONITOR_OBJ:.o=.d) $(STARTER_OBJ:.o=.d) $(SUPERVISOR_OBJ:.o=.d) $(PERF:=.d)
