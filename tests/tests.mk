# SPDX-License-Identifier: MIT
# The tests, each part of them through prove:
#
#   make check                                every test; installs what it needs
#   make check-matrix                         every program in every cell: make check runs those on
#                                             one host, and of those between hosts a share in each
#   make check-PART                           lint, unit, model, fuzz, command, servers, programs,
#                                             hosts or vm
#   make check-unit TESTS="test_ring"         some of a part's tests: units, fuzzers and
#   make check-programs TESTS="fork_tree"     programs by name, tests/run and tests/vm by name
#                                             without .sh, of lint its checks (tests/lint.sh)

PARTS := lint unit model fuzz command servers programs hosts vm
JOBS ?= $(shell nproc)
# What failed, and what it says of that.
prove := prove --failures --comments
PROVE := CMOCKA_MESSAGE_OUTPUT=TAP BUILD=$(abspath $B) $(prove) -e ''
# Those of a list of names that TESTS asks for: all without it.
chosen = $(if $(TESTS),$(filter $(TESTS),$(1)),$(1))

PACKAGES_CHECK := $(PACKAGES) clang clang-format clang-tidy libclang-rt-14-dev cppcheck shellcheck spin \
	libck-dev # perf, for lint

deps-check:
	$(call need,$(PACKAGES_CHECK))

# The second make sees the installed headers; the third runs one part after the other.
check: deps-check
	@$(MAKE) --no-print-directory -j$(JOBS) all check-build
	@$(MAKE) --no-print-directory -j1 $(PARTS:%=check-%)

check-build: units fuzzers

TEST := $(COMMON) -I. -Isupervisor -Imonitor -Imonitor/arch/$(ARCH)
TEST_SANITIZED := $(TEST) -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined

$B/plain/%.o: %.c
	@mkdir -p $(@D)
	$Q$(CC) $(TEST) -c -o $@ $<

$B/plain/%.o: %.S
	@mkdir -p $(@D)
	$Q$(CC) $(TEST) -c -o $@ $<

$B/asan/%.o: %.c
	@mkdir -p $(@D)
	$Q$(CC) $(TEST_SANITIZED) -c -o $@ $<

$B/asan/%.o: %.S
	@mkdir -p $(@D)
	$Q$(CC) $(TEST) -c -o $@ $<

# A unit test is a program of cmocka; what else it is made of:
PACK := $(addprefix monitor/syscalls/,pack.c pack_in.c pack_msg.c pack_out.c table.c)
PATCH := $(addprefix monitor/interpose/,maps.c patch.c sites.c stubs.c) \
	$(addprefix monitor/arch/$(ARCH)/,branch.c commit.c decode.c stub.c) \
	$(addprefix tests/unit/arch/$(ARCH)/,patch_host.c patch_entry.S)

UNITS := test_config test_report test_ring test_ring_errors test_record test_table \
	test_pack test_pack_msg test_pack_garbage test_patch test_vdso test_engine test_engine_faults test_handshake \
	test_frame test_key test_policy test_protocol
test_config := $(wildcard supervisor/config*.c) $(addprefix supervisor/,check.c machine.c program.c) transport/rdma_device.c
test_report := $(addprefix supervisor/,arguments.c flags.c explain.c columns.c reports.c) \
	monitor/syscalls/pack.c monitor/syscalls/table.c
test_ring := transport/ring.c tests/unit/futex_host.c
test_ring_errors := $(test_ring)
test_record := transport/record.c
test_table := monitor/syscalls/table.c
test_pack := $(PACK) tests/unit/pack_host.c tests/unit/user_host.c
test_pack_msg := $(test_pack)
test_pack_garbage := $(test_pack)
test_patch := $(PATCH) tests/unit/arch/$(ARCH)/patch_sites.S
test_vdso := $(PATCH) monitor/interpose/vdso.c

ENGINE := $(addprefix transport/,engine.c frame.c link.c poller.c queue.c rdma.c rdma_device.c rdma_meet.c rdma_pair.c \
	libcrypto.c ring.c ring_data.c seal.c slice.c streams.c tcp.c turn.c wire.c) tests/unit/futex_host.c
test_handshake := $(addprefix transport/,handshake.c key.c libcrypto.c meet.c seal.c ring.c) \
	tests/unit/futex_host.c
test_frame := $(addprefix transport/,frame.c libcrypto.c seal.c)
test_key := transport/key.c
test_protocol := transport/frame.c
test_policy := monitor/policy.c monitor/syscalls/table.c
test_engine := $(ENGINE) tests/unit/engine_host.c
test_engine_faults := $(test_engine)

objects = $(patsubst %,$B/$(1)/%.o,$(basename $(2)))

# $(1): the test, which may be of this ISA only
unit_source = $(wildcard tests/unit/$(1).c tests/unit/arch/$(ARCH)/$(1).c)
define unit
$B/unit/$(1): $(call objects,plain,$(unit_source) $($(1)))
$B/asan/unit/$(1): $(call objects,asan,$(unit_source) $($(1)))
UNIT_OBJ += $(call objects,plain,$(unit_source) $($(1))) \
	$(call objects,asan,$(unit_source) $($(1)))
endef
$(foreach u,$(UNITS),$(eval $(call unit,$u)))

UNIT_LIBS := -Wl,--as-needed -lcmocka -lconfig -lcjson -lZydis -lsodium -luring -libverbs -lrdmacm -lm -pthread

$(UNITS:%=$B/unit/%):
	@mkdir -p $(@D)
	$Q$(CC) -o $@ $^ $(UNIT_LIBS)

$(UNITS:%=$B/asan/unit/%):
	@mkdir -p $(@D)
	$Q$(CC) -fsanitize=address,undefined -o $@ $^ $(UNIT_LIBS)

# ThreadSanitizer sees one process only, so ring_tsan is a stress of threads, not one of the units.
$B/tsan/unit/ring_tsan: tests/unit/ring_tsan.c tests/unit/futex_host.c transport/ring.c
	@mkdir -p $(@D)
	$Q$(CC) $(filter-out -MMD -MP,$(TEST)) -fsanitize=thread -o $@ $^

$B/tsan/unit/engine_tsan: $(ENGINE) tests/unit/engine_host.c tests/unit/test_engine.c
	@mkdir -p $(@D)
	$Q$(CC) $(filter-out -MMD -MP,$(TEST)) -fsanitize=thread -o $@ $^ $(UNIT_LIBS)

UNIT_RUN = $(foreach u,$(call chosen,$(UNITS)),$B/unit/$u $B/asan/unit/$u) \
	$(addprefix $B/tsan/unit/,$(call chosen,ring_tsan engine_tsan))

units: $(UNITS:%=$B/unit/%) $(UNITS:%=$B/asan/unit/%) $B/tsan/unit/ring_tsan $B/tsan/unit/engine_tsan

check-lint:
	JOBS=$(JOBS) ARCH=$(ARCH) $(prove) -e '' tests/lint.sh $(if $(TESTS),:: $(TESTS))

check-unit: $(UNIT_RUN)
	$(PROVE) -j$(JOBS) $(UNIT_RUN)

check-model:
	JOBS=$(JOBS) $(prove) -e '' tests/model/ring.sh

# Fuzzers of libFuzzer, from sources that clang builds anew: the coverage of all of them counts.
FUZZERS := fuzz_config fuzz_frame fuzz_handshake fuzz_message fuzz_pack fuzz_record fuzz_ring
fuzz_config := $(filter-out supervisor/check.c supervisor/machine.c,$(test_config))
fuzz_frame := $(test_frame)
fuzz_handshake := $(addprefix transport/,handshake.c key.c libcrypto.c seal.c)
fuzz_message := $(addprefix supervisor/,arguments.c columns.c config.c config_place.c config_reader.c \
	config_scan.c config_variant.c events.c evidence.c explain.c flags.c follow.c hang.c hosts.c lead.c \
	libraries.c parameters.c processes.c report.c session.c standing.c status.c stop.c unsaid.c) \
	monitor/syscalls/pack.c monitor/syscalls/table.c transport/ring.c transport/ring_data.c
# What it would do to the process that it runs in.
fuzz_message_flags := $(foreach f,fork kill chdir umask,-D$f=fuzz_$f)
fuzz_pack := supervisor/arguments.c supervisor/flags.c monitor/syscalls/pack.c monitor/syscalls/table.c
fuzz_record := $(PACK) transport/record.c
fuzz_ring := transport/ring.c tests/unit/futex_host.c

$(FUZZERS:%=$B/fuzz/%): $B/fuzz/%: tests/fuzz/%.c $(wildcard */*.h */*/*.h)
	@mkdir -p $(@D)
	$Qclang $(filter-out -MMD -MP,$(TEST)) -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined $($*_flags) -o $@ $< $($*) -Wl,--as-needed -lconfig -lcjson \
		-lsodium -libverbs -lrdmacm -lm

fuzzers: $(FUZZERS:%=$B/fuzz/%)

# FUZZ_SECONDS=600 SEED=0 for a longer look, each time another one.
check-fuzz: $(patsubst %,$B/fuzz/%,$(call chosen,$(FUZZERS)))
	$(prove) -j$(JOBS) -e tests/fuzz/run.sh $(patsubst %,$B/fuzz/%,$(call chosen,$(FUZZERS)))

check-command: all
	$(PROVE) $(patsubst %,tests/run/%.sh,$(call chosen,$(basename $(notdir \
		$(filter-out %/lib.sh,$(wildcard tests/run/*.sh))))))

# Every program in each cell: trap/policy/variants. Twice JOBS at a time, since most of them wait.
CELLS ?= $(foreach trap,sud seccomp,$(foreach policy,socket_rw_oc full,$(trap)/$(policy)/2 $(trap)/$(policy)/3))

check-programs: $(CELLS:%=programs/%)

programs/%: all
	$(prove) -e '' tests/programs/check.sh :: $(abspath $B) --trap $(word 1,$(subst /, ,$*)) \
		--policy $(word 2,$(subst /, ,$*)) --variants $(word 3,$(subst /, ,$*)) \
		--jobs $$((2 * $(JOBS))) --timeout 30 $(if $(TESTS),--only '@($(ALTERNATIVES))')

# Debian's servers, unmodified, and an exploit.
check-servers: all deps-servers
	$(PROVE) $(patsubst %,tests/servers/%.sh,$(call chosen,lighttpd nginx redis)) \
		$(if $(TESTS),,tests/exploit/exploit.sh)

# What needs another kernel or an RDMA device, in guests (tests/vm/guest.sh).
PACKAGES_VM := $(PACKAGES) $(SERVERS) procps qemu-system-x86 busybox-static kmod cpio xz-utils binutils iproute2 \
	iputils-ping ibverbs-providers ibverbs-utils perftest

# Programs that guests run.
$B/vm/%: $B/plain/tests/vm/%.o $(call objects,plain,$(ENGINE) tests/unit/engine_host.c)
	@mkdir -p $(@D)
	$Q$(CC) -o $@ $^ $(UNIT_LIBS)

deps-vm:
	$(call need,$(PACKAGES_VM))

# How long they may take together.
VM_SECONDS ?= 480

check-vm: all deps-vm $B/vm/test_rdma $(addprefix $B/unit/,test_engine test_engine_faults)
	tests/vm/timed.sh $(VM_SECONDS) env $(PROVE) $(patsubst %,tests/vm/%.sh,$(call chosen,boot rdma tandem programs servers death))

# Variants on several hosts, which are network namespaces: io/link/variants/policy/trap of the
# programs; the servers; how such sessions begin and end. Of the 32 cells make check runs eight, in
# which each two values of two of these meet, and in each a quarter of the programs. A program runs in
# two cells that have nothing but the number of variants in common.
HOST_CELLS ?= \
	uring/encrypted/2/socket_rw_oc/sud/1of4 sockets/trusted/2/full/seccomp/1of4 \
	uring/encrypted/2/full/seccomp/2of4 sockets/trusted/2/socket_rw_oc/sud/2of4 \
	uring/trusted/3/full/sud/3of4 sockets/encrypted/3/socket_rw_oc/seccomp/3of4 \
	uring/trusted/3/socket_rw_oc/seccomp/4of4 sockets/encrypted/3/full/sud/4of4
ALL_HOST_CELLS := $(foreach io,uring sockets,$(foreach link,encrypted trusted,$(foreach n,2 3,$(foreach \
	policy,socket_rw_oc full,$(foreach trap,sud seccomp,$(io)/$(link)/$n/$(policy)/$(trap))))))

check-hosts: deps-hosts $(HOST_CELLS:%=host-programs/%)
	$(PROVE) $(patsubst %,tests/hosts/%.sh,$(call chosen,$(filter-out lib net servers programs, \
		$(basename $(notdir $(wildcard tests/hosts/*.sh))))))

deps-hosts:
	$(call need,$(PACKAGES) $(SERVERS) iproute2 nftables)
	@$(MAKE) --no-print-directory all others

# Hosts of another version: tandem from the same objects but one, to whose source a version is 99.
define other
others: $B/other/$(1)/tandem
$B/other/$(1)/tandem: $(2).c $(SUPERVISOR_OBJ)
	@mkdir -p $$(@D)
	$$Qsed 's/\<$(3)\>/99/' $(2).c | $(CC) $(filter-out -MMD -MP,$(COMMON)) -I$(dir $(2)) -Imonitor/arch/$(ARCH) \
		-o $$@ -x c - -x none $(filter-out %/$(2).o,$(SUPERVISOR_OBJ)) $(SUPERVISOR_LIBS)
endef
$(eval $(call other,protocol,transport/handshake,HANDSHAKE_VERSION))
$(eval $(call other,records,supervisor/facts,RECORD_VERSION))

# The sixth word of a cell is the share of the programs; those that are asked for run in any case.
host-programs/%: deps-hosts
	$(prove) -e '' tests/hosts/programs.sh :: $(abspath $B) $(wordlist 1,3,$(subst /, ,$*)) \
		--policy $(word 4,$(subst /, ,$*)) --trap $(word 5,$(subst /, ,$*)) \
		$(if $(TESTS),--only '@($(ALTERNATIVES))',--share $(or $(subst of,/,$(word 6,$(subst /, ,$*))),1/1)) \
		--jobs $$((2 * $(JOBS))) --timeout 30

check-matrix: deps-check $(CELLS:%=programs/%) $(ALL_HOST_CELLS:%=host-programs/%)

empty :=
ALTERNATIVES = $(subst $(empty) ,|,$(strip $(TESTS)))

.PHONY: check check-matrix deps-check deps-hosts deps-vm check-build units fuzzers others $(PARTS:%=check-%)
-include $(sort $(UNIT_OBJ:.o=.d)) $B/plain/tests/vm/test_rdma.d
