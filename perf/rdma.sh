#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A stream over RDMA against perftest on the same device (soft-RoCE), in turns: within one guest, or
# between two; and between two, what an idle session costs. What a guest takes for something says
# little: ratios do.
#
#   rdma.sh BUILD GUESTS ROUNDS [SIZE...]
#
# Prints CSV, guests,measure,what,round,value,perftest, if everything could be measured; else says what
# failed, and exits with a status that isn't 0. perf/bench makes rows and plots of it.
#
#   latency, typical   one way of a record of `what` bytes in lockstep, in us: the least and the median of
#                      a run, engines spin as perftest does. Half of a round trip whose way back is a word
#                      of 24 bytes; against the mean of ib_write_lat of that size and of 24 bytes.
#   adaptive           the median, while engines rest as they usually do: less like perftest
#   bandwidth          MiB/s (perftest says MB and means 2^20 bytes), against ib_write_bw's average
#   idle rdma, tcp     of a core, over 10 s: all processes of a session of nginx that nobody asks for
#                      anything, on the host `what`, over this transport
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 3 ] && build=$(cd "$1" && pwd) || { echo "usage: rdma.sh BUILD GUESTS ROUNDS [SIZE...]" >&2; exit 2; }
guests=$2 rounds=$3
shift 3
sizes=("${@:-64}")
[ $# -gt 0 ] || sizes=(64 1024 4096 65536)

if [ -z "${IN_GUEST:-}" ]; then
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/rdma.XXXXXX") || exit 1
	trap 'rm -rf "$scratch"' EXIT
	chmod 755 "$scratch"
	for transport in rdma tcp; do
		echo "leader_id = 0; policy = \"socket_rw_oc\"; transport = \"$transport\"; link = \"trusted\";
			connect_timeout = 60; variants = ( { id = 0; address = \"10.77.0.1\"; port = 7000; },
			{ id = 1; address = \"10.77.0.2\"; port = 7000; } );" >"$scratch/$transport.cfg"
	done
	echo "user root; daemon off; worker_processes 1; pid /tmp/nginx.pid; error_log /tmp/nginx.log;
		events { } http { access_log off; server { listen 127.0.0.1:8080; } }" >"$scratch/nginx.conf"
	# Whoever ends this script ends the guests.
	setpriv --pdeathsig TERM "$here/../tests/vm/guest.sh" --guests "$guests" --timeout $((120 + rounds * ${#sizes[@]} * 60)) -- \
		env IN_GUEST="$scratch" "$here/rdma.sh" "$build" "$guests" "$rounds" "${sizes[@]}" >"$scratch/said"
	status=$?
	if [ $status != 0 ]; then
		grep -v '^[12],' "$scratch/said" | tail -n 20 >&2
		exit $status
	fi
	echo guests,measure,what,round,value,perftest
	grep '^[12],' "$scratch/said"
	exit
fi

# ---- in the guests ----

LIMIT=60 # seconds that one measurement may take
errors=$(mktemp)
fail() { echo "guest $GUEST: $1"; cat "$errors"; exit 1; }
turn=0
meet() {
	[ "$GUESTS" = 1 ] || timeout $((2 * LIMIT)) "$here/../tests/vm/meet.sh" "$1.$turn" ||
		fail "the other guest doesn't come to $1.$turn"
}
# Without it a caller may be too early, and who was to be called waits for ever.
wait_listening() { # wait_listening PORT PID
	until grep -q ":$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp /proc/net/tcp6 2>/dev/null; do
		kill -0 "$2" 2>/dev/null || fail "nobody listens"
		sleep 0.05
	done
}
# pair PORT CALLED CALLER: CALLED listens there, in guest 2 if there is one; said: what CALLER printed
pair() {
	turn=$((turn + 1)) said=''
	local called=''
	if [ "$GUEST" = "$GUESTS" ]; then
		timeout $LIMIT $2 >/dev/null 2>>"$errors" &
		called=$!
		wait_listening "$1" $called
	fi
	meet called
	if [ "$GUEST" = 1 ]; then
		said=$(timeout $LIMIT $3 2>>"$errors") || fail "$3: status $?"
	fi
	[ -z "$called" ] || wait $called || fail "$2: status $?"
	meet ended
}
# Here it is the leader that listens, and prints; a follower calls until it is there.
ours() { # ours SIZE RECORDS
	turn=$((turn + 1)) said=''
	local follower=''
	meet both
	if [ "$GUEST" = "$GUESTS" ]; then
		timeout $LIMIT "$build/perf/bench_rdma" follow "$1" "$2" >/dev/null 2>>"$errors" &
		follower=$!
	fi
	if [ "$GUEST" = 1 ]; then
		said=$(timeout $LIMIT "$build/perf/bench_rdma" lead "$1" "$2" 2>>"$errors") ||
			fail "bench_rdma lead $1 $2: status $?"
	fi
	[ -z "$follower" ] || wait $follower || fail "bench_rdma follow $1 $2: status $?"
	meet ended
}
# theirs TOOL SIZE N COLUMN...: those columns of the line of that size
theirs() {
	local tool=$1 size=$2 n=$3
	shift 3
	pair 18515 "$tool -d rxe0 -x 1 -s $size -n $n" "$tool -d rxe0 -x 1 -s $size -n $n $PEER"
	[ "$GUEST" = 1 ] || return
	said=$(awk -v size="$size" -v columns="$*" '$1 == size {
		for (n = split(columns, c, " "); i++ < n;) printf "%s ", $c[i] }' <<<"$said")
	[ -n "$said" ] || fail "$tool says nothing of $size bytes"
}
row() { [ "$GUEST" != 1 ] || echo "$GUESTS,$*"; }
mean() { awk "BEGIN { printf \"%.2f\", ($1 + $2) / 2 }"; }

round() { # round NUMBER SIZE
	local n=1000 many=4000
	[ "$2" -lt 16384 ] || n=100 many=250
	[ "$GUESTS" = 1 ] || n=$((n / 4)) # twenty times as slow
	ours "$2" $n
	read -r _ least median _ adaptive rate <<<"$said"
	theirs ib_write_lat "$2" $n 3 5
	read -r there typical <<<"$said"
	theirs ib_write_lat 24 $n 3 5
	read -r back typical_back <<<"$said"
	theirs ib_write_bw "$2" $many 4
	read -r their_rate <<<"$said"
	[ "$GUEST" = 1 ] || return
	row "latency,$2,$1,$least,$(mean "$there" "$back")"
	row "typical,$2,$1,$median,$(mean "$typical" "$typical_back")"
	row "adaptive,$2,$1,$adaptive,$(mean "$typical" "$typical_back")"
	row "bandwidth,$2,$1,$rate,$their_rate"
}

processor() { # in ns, of all of the session
	local process program
	for process in /proc/[0-9]*; do
		program=$(readlink "$process/exe")
		case ${program##*/} in tandem | nginx) cat "$process"/task/*/schedstat ;; esac
	done | awk '{ sum += $1 } END { printf "%d", sum }'
}
idle() { # idle TRANSPORT
	local session before began host=follower
	turn=$((turn + 1))
	"$build/tandem" run --id $((GUEST - 1)) -c "$IN_GUEST/$1.cfg" -- \
		/usr/sbin/nginx -e /tmp/nginx.log -c "$IN_GUEST/nginx.conf" >"$errors" 2>&1 &
	session=$!
	[ "$GUEST" = 2 ] || wait_listening 8080 $session
	meet begun
	sleep 3
	before=$(processor) began=${EPOCHREALTIME/./}
	sleep 10
	before=$(($(processor) - before)) began=$((${EPOCHREALTIME/./} - began))
	kill -0 $session || fail "the session over $1 has ended"
	[ "$GUEST" = 2 ] || host=leader
	echo "$GUESTS,idle $1,$host,0,$(awk "BEGIN { printf \"%.5f\", $before / 1000 / $began }")," >"$SHARED/$GUEST/idle"
	meet measured
	kill $session
	wait $session
	[ "$GUEST" = 2 ] || cat "$SHARED"/[12]/idle
	meet ended
}

# The leader's, which is in guest 1.
export ADDRESS
[ "$GUEST" = 1 ] || ADDRESS=$PEER
for size in "${sizes[@]}"; do
	for ((i = 0; i < rounds; i++)); do
		round $i "$size"
	done
done
if [ "$GUESTS" = 2 ]; then
	idle rdma
	idle tcp
fi
