#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The RDMA carrier against perftest on the same device (soft-RoCE), in turns: within one guest, or
# between two. Ratios only: what a guest takes for something says little.
#
#   rdma.sh BUILD [GUESTS [PAIRS]]
#
# Leaves perf/results/rdma.csv, which the page of perf/bench shows.
#
# latency: one way of a record of that size, half of a round trip whose way back is a word of 24 bytes;
# compared with the mean of ib_write_lat of that size and of 24 bytes. The least of each run counts:
# the emulated CPUs are taken away for milliseconds now and then. bandwidth: against ib_write_bw's mean.
set -u
here=$(cd "$(dirname "$0")" && pwd)
guests=${2:-1} pairs=${3:-3}
[ $# -ge 1 ] && build=$(cd "$1" && pwd) || { echo "usage: rdma.sh BUILD [GUESTS [PAIRS]]" >&2; exit 2; }

if [ "${IN_GUEST:-}" = "" ]; then
	said=$(mktemp)
	trap 'rm -f "$said"' EXIT
	"$here/../tests/vm/guest.sh" --guests "$guests" --timeout 400 -- \
		env IN_GUEST=1 "$here/rdma.sh" "$build" "$guests" "$pairs" | tee "$said"
	status=${PIPESTATUS[0]}
	mkdir -p "$here/results"
	{
		echo bytes,latency,bandwidth
		sed -nE 's/.*\b([0-9]+) bytes: latency ([0-9.]+) of perftest.s, bandwidth ([0-9.]+).*/\1,\2,\3/p' "$said"
	} >"$here/results/rdma.csv"
	exit "$status"
fi

# pair LEADER FOLLOWER: one here and one there, or both here; the leader's output.
turn=0
pair() {
	turn=$((turn + 1))
	if [ "$GUESTS" = 1 ]; then
		$2 >/dev/null 2>&1 &
		sleep 0.7
		$1
		wait
	elif [ "$GUEST" = 1 ]; then
		"$here/../tests/vm/meet.sh" "pair.$turn"
		sleep 0.7
		$1
		"$here/../tests/vm/meet.sh" "done.$turn"
	else
		"$here/../tests/vm/meet.sh" "pair.$turn"
		$2 >/dev/null 2>&1
		"$here/../tests/vm/meet.sh" "done.$turn"
	fi
}
ours() { pair "$build/perf/bench_rdma lead $1 $2" "$build/perf/bench_rdma follow $1 $2" | tail -n 1; }
theirs() { # theirs TOOL COLUMN SIZE N
	pair "$1 -d rxe0 -x 1 -n $4 -s $3 $PEER" "$1 -d rxe0 -x 1 -n $4 -s $3" 2>/dev/null |
		awk -v size="$3" -v column="$2" '$1 == size { print $column }'
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# bench_rdma's leader listens, perftest's caller is the one that prints.
export ADDRESS
[ "$GUEST" = 1 ] || ADDRESS=$PEER
for size in 64 1024 4096 65536; do
	n=1000
	[ $size = 65536 ] && n=200
	latency=() bandwidth=()
	for ((i = 0; i < pairs; i++)); do
		read -r _ own _ _ rate < <(ours $size $n)
		there=$(theirs ib_write_lat 3 $size $n)
		back=$(theirs ib_write_lat 3 24 1000)
		their_rate=$(theirs ib_write_bw 4 $size $n)
		latency+=("$own/(($there+$back)/2)")
		bandwidth+=("$rate/$their_rate")
		[ "$GUEST" = 1 ] && echo "# $size bytes: $own us ($there, back $back), $rate MiB/s ($their_rate)"
	done
	[ "$GUEST" = 1 ] || continue
	ratio() { for r in "$@"; do awk "BEGIN { printf \"%.2f\\n\", $r }"; done | median; }
	echo "$size bytes: latency $(ratio "${latency[@]}") of perftest's, bandwidth $(ratio "${bandwidth[@]}")"
done
