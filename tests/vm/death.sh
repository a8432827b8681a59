#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A host that is gone from one moment to the next, without a FIN or a goodbye: a guest whose QEMU is
# killed. The other one notices and names it, over TCP and RDMA, whichever of the two it was. Prints
# TAP.
. "$(dirname "$0")/lib.sh"

peer_timeout=15
"$build/tandem" keygen "$scratch/key" || { echo "Bail out! no key"; exit 1; }
${CC:-cc} -std=gnu17 -O1 -Wall -Wextra -Werror -o "$scratch/ticks" "$here/ticks.c" ||
	{ echo "Bail out! ticks.c"; exit 1; }
port=7000
session() { # session NAME KEYS
	port=$((port + 1))
	cat >"$scratch/$1.cfg" <<-END2
		leader_id = 0; policy = "socket_rw_oc"; report_dir = "/tmp"; ring_size = 65536;
		connect_timeout = 60; peer_timeout = $peer_timeout; hang_timeout = 60; $2
		variants = ( { id = 0; address = "10.77.0.1"; port = $port; },
			{ id = 1; address = "10.77.0.2"; port = $port; } );
	END2
}
tcp="transport = \"tcp\"; key_file = \"$scratch/key\";"
rdma='transport = "rdma"; link = "trusted";'
session tcp "$tcp"
session rdma "$rdma"
session tcp.on "$tcp on_peer_loss = \"continue\";"
session rdma.on "$rdma on_peer_loss = \"continue\";"

# in guests: SCRATCH TANDEM VICTIM SESSION...
cat >"$scratch/in" <<'END2'
scratch=$1 tandem=$2 victim=$3
shift 3
mkfifo /run/pause
exec 9<>/run/pause
pause() { read -rt 0.1 -u 9; }
mine=$SHARED/$GUEST leaders=$SHARED/1
declare -A pid
watch=()
for s; do
	: >"$mine/$s.err"
	"$tandem" run --id $((GUEST - 1)) -c "$scratch/$s.cfg" -- "$scratch/ticks" \
		>"$mine/$s.out" 2>"$mine/$s.err" </dev/null &
	pid[$s]=$!
	# One after the other: to begin takes a guest long.
	until [ -s "$leaders/$s.out" ]; do
		kill -0 "${pid[$s]}" || exit 1
		pause
	done
done
# further NAME: this session has gone on by more than its ring holds
further() {
	local enough=$(($(wc -c <"$leaders/$1.out") + 160000))
	until [ "$(wc -c <"$leaders/$1.out")" -ge $enough ]; do
		kill -0 "${pid[$1]}" || exit 1
		pause
		pause
	done
}
elapsed() { now=$EPOCHREALTIME; echo $(((${now/./} - ${at/./}) / 1000)) >"$mine/$1.elapsed"; }

if [ "$GUEST" = 1 ]; then
	for s; do further "$s"; done
	at=$EPOCHREALTIME
	echo "$at" >"$SHARED/at"
	: >"$SHARED/kill"
else
	until [ -s "$SHARED/at" ]; do pause; done
	read -r at <"$SHARED/at"
fi
[ "$GUEST" != "$victim" ] || exec sleep 1000
# All at once, so each has its own time.
for s; do
	(
		until [[ $(<"$mine/$s.err") == *lost* ]]; do pause; done
		elapsed "$s"
	) &
	watch+=($!)
done
wait "${watch[@]}"
for s; do
	if [[ $s == *.on && $GUEST = 1 ]]; then
		further "$s"
		kill -TERM "${pid[$s]}"
	fi
	wait "${pid[$s]}"
	echo $? >"$mine/$s.status"
done
pgrep -a tandem >"$mine/left"
exit 0
END2

# noticed GUEST SESSION: the loss of the other one, in time
noticed() {
	local ms
	ms=$(cat "$scratch/results/$1/$2.elapsed") || return
	echo "after $ms ms"
	[ "$ms" -le $((peer_timeout * 2000)) ]
}
ended() { equal "$(cat "$scratch/results/$1/$2.status")" "$3"; }
named() { grep -E "$3" "$scratch/results/$1/$2.err" || { cat "$scratch/results/$1/$2.err"; return 1; }; }

cd "$tree" || exit 1
all=(rdma rdma.on tcp tcp.on)
check "the follower's host dies" guest 0 --guests 2 --victim 2 --timeout "${LIMIT:-300}" -- \
	bash "$scratch/in" "$scratch" "$build/tandem" 2 "${all[@]}"
for s in "${all[@]}"; do
	check "$s: the leader's host notices in time" noticed 1 "$s"
done
for s in tcp rdma; do
	check "$s: it says so" named 1 $s '^tandem: variant 1: its host 10\.77\.0\.2:[0-9]+ is lost: .*; all variants are ended$'
	check "$s: the session ends" ended 1 $s 114
	check "$s.on: the leader's host says so" named 1 $s.on '^tandem: variant 1: its host 10\.77\.0\.2:[0-9]+ is lost: .*; the run goes on without it$'
	check "$s.on: the leader goes on, until it is told to end" ended 1 $s.on 143
done
check "nothing is left" equal "$(cat "$scratch/results/1/left")" ""
grep -h lost "$scratch"/results/1/*.err | sed 's/^/# /'

rm -rf "$scratch/results"
check "the leader's host dies" guest 0 --guests 2 --victim 1 --timeout "${LIMIT:-300}" -- \
	bash "$scratch/in" "$scratch" "$build/tandem" 1 rdma.on tcp
for s in tcp rdma.on; do
	check "$s: the follower's host notices in time" noticed 2 "$s"
	check "$s: it says so" named 2 "$s" "^tandem: the leader's host 10\.77\.0\.1:[0-9]+ is lost: .*; the follower is ended$"
	check "$s: the session ends" ended 2 "$s" 114
done
check "nothing is left" equal "$(cat "$scratch/results/2/left")" ""
grep -h lost "$scratch"/results/2/*.err | sed 's/^/# /'
finish
