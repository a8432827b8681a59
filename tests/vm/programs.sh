#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs of tests/programs with the leader in one guest and the follower in the other: over RDMA, and
# over TCP while packets are delayed and change places on their way (netem). And what carries a session
# whose transport is "auto". Prints TAP.
#
# PROGRAMS: a glob of names, in place of those that are run over RDMA by default; '*' takes a while.
. "$(dirname "$0")/lib.sh"

of() { local IFS='|'; echo "@($*)"; }
fork=(fork_simple fork_tree fork_pipes fork_share_socket posix_spawn vfork_exec orphan wait_forms exec_script)
large=(large_write large_writev file_rw tcp_echo mmsg)
threads=(mutex_counter condvar_queue threads_many threads_sockets thread_fork thread_exec barrier_spin)
signals=(sig_siginfo sig_queue_order sig_restart sig_child_reap timer_signal thread_signals)
ends=(death_abort diverge/write_bytes diverge/exit_status diverge/fork_child diverge/follower_crash diverge/thread_count)
over_rdma=${PROGRAMS:-$(of "${fork[@]}" "${large[@]}" "${threads[@]}" "${signals[@]}" "${ends[@]}")}
over_tcp=$(of fork_tree large_write threads_sockets sig_queue_order diverge/write_bytes)

# sessions ACTION NAME PROGRAMS [OPTION OF run.sh]...
sessions() {
	local action=$1 name=$2 only=$3
	shift 3
	"$tree/tests/programs/run.sh" "$build" --hosts "10.77.0.1 10.77.0.2" --only "$only" --jobs 2 "$@" \
		"--$action" "$scratch/$name" >"$scratch/$action.$name"
}
"$build/tandem" keygen "$scratch/key" || { echo "Bail out! no key"; exit 1; }
patient='connect_timeout = 60; peer_timeout = 20;'
uring=(tcp.uring "$over_tcp" --transport tcp --more "key_file = \"$scratch/key\"; tcp_io = \"uring\"; $patient")
sockets=(tcp.sockets "$over_tcp" --transport tcp --more "link = \"trusted\"; tcp_io = \"sockets\"; $patient")
rdma=(rdma "$over_rdma" --transport rdma --more "link = \"trusted\"; $patient")

cat >"$scratch/auto.cfg" <<END
leader_id = 0; policy = "full"; transport = "auto"; link = "trusted"; $patient
variants = ( { id = 0; address = "10.77.0.1"; port = 7000; }, { id = 1; address = "10.77.0.2"; } );
END
cat >"$scratch/in" <<'END2'
scratch=$1 build=$2 sessions=$3
auto() { "$build/tandem" run --id $((GUEST - 1)) -v -c "$scratch/auto.cfg" -- /bin/true 2>"$SHARED/$GUEST/$1"; }
"$sessions" "$scratch/rdma" "$build" || exit 1
auto auto.both || exit 1
[ "$GUEST" = 1 ] || mv /dev/infiniband/uverbs0 /dev/infiniband/away
auto auto.one || exit 1
modprobe sch_netem && tc qdisc add dev eth0 root netem delay 20ms 10ms reorder 25% 50% || exit 1
"$sessions" "$scratch/tcp.uring" "$build" && "$sessions" "$scratch/tcp.sockets" "$build" || exit 1
grep ^TcpExt: /proc/net/netstat >"$SHARED/$GUEST/netstat"
END2
# reordered: how many segments have come to a guest before those that were sent before them
reordered() {
	awk '!n { n = split($0, name); next }
		{ for (i = 1; i <= n; i++) if (name[i] == "TCPOFOQueue") print $i }' "$scratch/results/$1/netstat"
}
judged() { # judged NAME PROGRAMS...: each of them becomes a test
	local line
	cp -r "$scratch"/results/[12]/"$1"/. "$scratch/$1/"
	sessions judge "$@"
	while IFS= read -r line; do
		case $line in
		ok*) tests=$((tests + 1)); echo "ok $tests ${line#ok +([0-9]) }" ;;
		not*) tests=$((tests + 1)) failures=$((failures + 1)); echo "not ok $tests ${line#not ok +([0-9]) }" ;;
		'#'*) echo "$line" ;;
		esac
	done <"$scratch/judge.$1"
}
shopt -s extglob

cd "$tree" || exit 1
for stage in rdma uring sockets; do
	declare -n arguments=$stage
	mkdir "$scratch/${arguments[0]}"
	sessions prepare "${arguments[@]}" ||
		{ cat "$scratch/prepare.${arguments[0]}"; echo "Bail out! programs that can't be built"; exit 1; }
done
check "two guests run sessions" guest 0 --guests 2 --timeout "${LIMIT:-1200}" -- \
	bash "$scratch/in" "$scratch" "$build" "$here/sessions.sh"
judged "${rdma[@]}"
chosen() { # chosen GUEST SESSION REGEX
	grep -qE "10.77.0.[12][^ ]* is connected: $3" "$scratch/results/$1/$2" ||
		{ echo "guest $1: no match for $3 in:"; cat "$scratch/results/$1/$2"; return 1; }
}
for n in 1 2; do
	check "auto takes RDMA where both have a device that works, and says so ($n)" chosen $n auto.both 'rdma \(both have an RDMA device that works\)'
done
check "... and TCP where one of them can't be opened there" chosen 1 auto.one 'tcp \(no RDMA there: /dev/infiniband has no rdma_cm or no uverbs'
check "... or here" chosen 2 auto.one 'tcp \(no RDMA here: /dev/infiniband has no rdma_cm or no uverbs'
judged "${uring[@]}"
judged "${sockets[@]}"
echo "# out of order: $(reordered 1) segments at guest 1, $(reordered 2) at guest 2"
check "packets have changed places" test $(($(reordered 1) + $(reordered 2))) -gt 0
finish
