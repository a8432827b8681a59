#!/bin/bash
# SPDX-License-Identifier: MIT
# Configurations: what a mistake is answered with, and what the keys of A8 do.
set -u
. "$(dirname "$0")/lib.sh"
configuration socket_rw_oc
configs=$here/../../configs

# mistake LINE WORDS: the configuration on standard input is refused, by run and by check, in one
# line with its file, that line and those words, and nothing has been started.
mistake() {
	cat >"$scratch/bad.cfg"
	for command in "run -c $scratch/bad.cfg -- $target touch $scratch/started" "check -c $scratch/bad.cfg"; do
		# shellcheck disable=SC2086
		timeout 20 "$tandem" $command >"$scratch/out" 2>"$scratch/err" </dev/null
		equal $? 111 && says "^tandem: $scratch/bad.cfg:${1:+$1: }.*$2" && equal "$(wc -l <"$scratch/err")" 1 || return 1
	done
	[ ! -e "$scratch/started" ]
}
two='variants = ( { id = 0; }, { id = 1; } );'
check "a missing brace" mistake 2 "never closed" <<<"leader_id = 0;
variants = ( { id = 0; }, { id = 1; "
check "a missing quote" mistake 1 "" <<<"policy = \"full; leader_id = 0; $two"
check "a missing value" mistake 1 "" <<<"leader_id = ; $two"
check "a wrong type" mistake 1 "leader_id: .*expected a" <<<"leader_id = \"zero\"; $two"
check "a list for a number" mistake 2 "ring_size: .*expected a" <<<"leader_id = 0;
ring_size = ( 1, 2 ); $two"
check "an unknown key" mistake 2 "polcy: unknown key; did you mean policy" <<<"leader_id = 0;
polcy = \"full\"; $two"
check "an unknown key of a variant" mistake 1 "variants.1..prot: unknown key; did you mean port" <<<"leader_id = 0; variants = ( { id = 0; }, { id = 1; prot = 1; } );"
check "a word that can't be" mistake 1 "policy: .*socket_rw_oc" <<<"policy = \"socket_wr\"; leader_id = 0; $two"
check "ids that are the same" mistake 3 "id: .*" <<<"leader_id = 0;
variants = ( { id = 0; },
{ id = 0; } );"
check "a key twice" mistake 2 "" <<<"leader_id = 0;
leader_id = 1; $two"
check "a leader that isn't there" mistake 1 "leader_id: .*7" <<<"leader_id = 7; $two"
check "no leader" mistake "" "leader_id" <<<"$two"
check "no variants" mistake "" "variants" <<<"leader_id = 0;"
check "too many variants" mistake "" "variants" <<<"leader_id = 0; variants = ( $(for i in {0..8}; do echo -n "${i/#0/}" >/dev/null; [ "$i" = 0 ] || echo -n ', '; echo -n "{ id = $i; }"; done) );"
check "a number too large" mistake 1 "replication_batch_size" <<<"replication_batch_size = 99999999999999999999; leader_id = 0; $two"
check "a negative number" mistake 1 "ring_size" <<<"ring_size = -4096; leader_id = 0; $two"
check "a ring that isn't a power of two" mistake 1 "ring_size: .*power of two" <<<"ring_size = 100000; leader_id = 0; $two"
check "a probability of 1" mistake 1 "inject_fault_probability" <<<"inject_fault_probability = 1.0; leader_id = 0; $two"
check "a relative path" mistake 1 "report_dir: .*absolute" <<<"report_dir = \"reports\"; leader_id = 0; $two"
check "CPUs that can't be" mistake 1 "cpus" <<<"leader_id = 0; variants = ( { id = 0; cpus = \"3-1\"; }, { id = 1; } );"
check "an address that is none" mistake 1 "address" <<<"leader_id = 0; variants = ( { id = 0; address = \"no where\"; }, { id = 1; } );"
check "a port too large" mistake 1 "port" <<<"leader_id = 0; variants = ( { id = 0; port = 65536; }, { id = 1; } );"
check "LD_PRELOAD in env" mistake 1 "env" <<<"leader_id = 0; variants = ( { id = 0; env = ( \"LD_PRELOAD=x\" ); }, { id = 1; } );"
check "@include" mistake 1 "include" <<<"@include \"x\"
leader_id = 0; $two"
check "an empty file" mistake "" "" </dev/null
check "NUL bytes" mistake 1 "0x00" < <(printf 'leader_id = 0;\0 %s\n' "$two")
check "what isn't UTF-8" mistake 1 "" < <(printf 'leader_id = 0; \377\376\200 = 1; %s\n' "$two")
check "a terminal's control characters" mistake 1 "" < <(printf 'leader_id = 0; policy = "\033[2J"; %s\n' "$two")
check "... don't reach the terminal" bash -c "! grep -q $'\033' '$scratch/err'"
check "brackets without end" mistake "" "" < <(printf 'a = '; head -c 100000 /dev/zero | tr '\0' '(')
check "a large file" mistake "" "" < <(printf 'leader_id = 0; %s\n' "$two"; head -c 300000 /dev/zero | tr '\0' ' ')
check "random bytes" mistake "" "" < <(head -c 4096 /dev/urandom)

unreadable() { # unreadable FILE WORDS
	timeout 20 "$tandem" run -c "$1" -- "$target" exit 0 2>"$scratch/err"
	equal $? 111 && says "^tandem: $1: .*$2"
}
check "a configuration that isn't there" unreadable "$scratch/none.cfg" "No such file"
check "a directory" unreadable "$scratch" ""
check "/dev/null" unreadable /dev/null ""
check "/dev/zero" unreadable /dev/zero ""
if [ "$(id -u)" != 0 ]; then
	: >"$scratch/secret.cfg"
	chmod 0 "$scratch/secret.cfg"
	check "no permission" unreadable "$scratch/secret.cfg" "Permission denied"
fi

# --- what isn't possible here ---------------------------------------------------------------

cat >"$scratch/rdma.cfg" <<END
leader_id = 0; transport = "rdma"; link = "trusted"; report_dir = "$scratch/reports";
variants = ( { id = 0; address = "127.0.0.1"; port = 7000; }, { id = 1; address = "127.0.0.1"; } );
END
without_rdma() { # a machine without a device, which this one may be, too
	unshare -m bash -c 'mount -t tmpfs none /sys/class && exec "$@"' bash "$tandem" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
	equal $? 111
}
impossible='transport = "rdma" is not possible here: there is no RDMA device.*; "auto" takes TCP then'
if unshare -m true 2>"$scratch/err"; then
	check "check: transport = \"rdma\" without a device" without_rdma check --id 0 -c "$scratch/rdma.cfg"
	check "... is said" says "^problem: .*$impossible" out
	check "... and the verdict" says 'rdma.cfg cannot run here' out
	check "run: likewise" without_rdma run --id 0 -c "$scratch/rdma.cfg" -- "$target" exit 0
	check "... is said" says "^tandem: .*rdma.cfg: $impossible"
fi

# --- A8's files -----------------------------------------------------------------------------

sed 's/^#\( [a-z_]* = \)/\1/' "$configs/a8.cfg" >"$scratch/cfg"
check "A8's file runs" run 0 -- "$target" exit 0
check "... and says what is not active" says 'breakpoints: accepted, but not active'
check "... once" equal "$(grep -c breakpoints "$scratch/err")" 2
check "... socket_read_usleep too" says 'socket_read_usleep: accepted, but not active'
for file in "$configs"/*.cfg; do
	# The other build has to be there: any program will do.
	sed "s|/usr/local/lib/server-follower|$target|" "$file" >"$scratch/example.cfg"
	check "$(basename "$file") can be read" bash -c "'$tandem' check -c '$scratch/example.cfg' >'$scratch/out' 2>'$scratch/err'; [ ! -s '$scratch/err' ]"
done

# jemalloc says of words that it doesn't know that it doesn't, and goes on without them.
for setting in $(sed -n 's/.*"\(MALLOC_CONF=[^"]*\)".*/\1/p' "$configs"/*.cfg | sort -u); do
	check "jemalloc knows $setting" equal "$(env "$setting" LD_PRELOAD=libjemalloc.so.2 true 2>&1)" ""
done

configuration full 'inject_fault_probability = 0.2;'
check "a fault is injected" run 110 -- "$target" calls 200
check "... is said" says 'injected'
configuration socket_rw_oc 'inject_fault_probability = 0.2;'
check "... not only in lockstep" run 110 -- "$target" calls 200
# How many calls a program makes until the fault, on average: by the positions that reports name.
until_fault() {
	local i
	for ((i = 0; i < 40; i++)); do
		rm -rf "$scratch/reports"
		timeout 30 "$tandem" run -c "$scratch/cfg" -- "$target" calls 2000 >/dev/null 2>&1
		python3 -c 'import json, sys
for name in sys.argv[1:]:
    report = json.load(open(name))
    at = [c["position"] for v in report["variants"] for c in v["trace"]]
    print(report["position"] / max(min(b - a for a, b in zip(at, at[1:]) if b > a), 1)) if len(at) > 2 else print(1)' "$scratch"/reports/*
	done | awk '{ sum += $1 } END { print int(sum / NR) }'
}
configuration full 'inject_fault_probability = 0.05;'
mean=$(until_fault)
# 20, less or more by 4 standard deviations at least.
check "... with that probability for each call" test "$mean" -ge 8 -a "$mean" -le 45
configuration full 'inject_fault_probability = 0;'
check "none at 0" run 0 -- "$target" calls 200
configuration full 'inject_fault_probability = 0.000000001;'
check "none at next to 0" run 0 -- "$target" calls 200

# waits [FILE]: lockstep waits of the leader of a program that has made 200 calls, or opened a file as often.
waits() {
	begin -- "$target" callsleep 200 "$@"
	"$tandem" status --json | python3 -c 'import json, sys
for s in json.load(sys.stdin)["sessions"]:
    if s["pid"] == int(sys.argv[1]): print(s["variants"][0]["lockstep"]["waits"], s["variants"][0]["lockstep"]["nanoseconds"])' $guard
	kill -TERM $guard
	wait $guard 2>/dev/null
}
configuration full
read -r all time < <(waits)
check "policy full: each call is waited for" test "$all" -ge 200
check "... for some time" test "$time" -gt 0
configuration full 'ignore_first_n = 100;'
read -r some time < <(waits)
check "ignore_first_n: the first aren't" test "$some" -le $((all - 90))
check "... but the others are" test "$some" -ge 100
configuration full 'ignore_first_n = 100000;'
check "a difference there is still found" run 110 -- "$target" differ

# programs OPTIONS...: some of tests/programs pass with them, and those that differ are found out: two,
# or all.
few='file_rw|fork_pipes|large_write|mutex_counter|tcp_echo'
programs() {
	"$here/../programs/run.sh" "$build" --jobs 4 --only "@($few|diverge/write_bytes|diverge/extra_follower)" "$@"
}
for policy in base nonsocket_ro nonsocket_rw socket_ro socket_rw; do
	configuration $policy
	read -r some time < <(waits)
	if [ $policy = base ]; then
		check "policy $policy: looking at files is waited for" test "$some" -ge 200
	else
		check "policy $policy: looking at files isn't" test "$some" -le $((all - 200))
	fi
	# What a policy exempts is compared all the same, only later.
	check "... programs, and all that differ" programs --policy $policy --only "@($few|diverge/*)"
done

# --- what is not in A8 ----------------------------------------------------------------------

check "compare = \"hash\"" programs --compare hash
check "wait = \"spin\"" programs --wait spin
check "wait = \"block\"" programs --wait block
check "every record is shown at once" programs --more 'replication_batch_size = 0;'
check "... none before its batch is full" programs --more 'replication_batch_size = 65536;'
check "a ring that is smaller than what is written" programs --more 'ring_size = 65536;'
check "a large ring" programs --more 'ring_size = 16777216;'

configuration socket_rw_oc "write_paths = ( \"$scratch/in/\" );"
mkdir "$scratch/in"
read -r inside time < <(waits "$scratch/in/file")
read -r outside time < <(waits "$scratch/file")
check "opening for writing outside of write_paths is waited for" test "$outside" -ge 200
check "... inside it isn't" test "$inside" -le $((outside - 200))

cpu() { # cpu PID: which it may use
	sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$1/status"
}
own=$(cpu $$)
first=${own%%[-,]*} last=${own##*[-,]}
cp "$target" "$scratch/other"
cat >"$scratch/cfg" <<-END
	leader_id = 0; report_dir = "$scratch/reports";
	variants = ( { id = 0; cpus = "$last"; }, { id = 1; cpus = "$first"; exec = "$scratch/other"; } );
END
begin -- "$target" sleep
check "cpus: the leader's" equal "$(cpu "$leader")" "$last"
check "... the follower's" equal "$(cpu "$follower")" "$first"
check "exec: the leader's program" equal "$(readlink "/proc/$leader/exe")" "$target"
check "... the follower's" equal "$(readlink "/proc/$follower/exe")" "$scratch/other"
kill -TERM $guard
check "... both end" ended 143
printf '#!/bin/sh\necho other\n' >"$scratch/other"
check "exec: a program that does something else" run 110 -- "$target" exit 0
finish
