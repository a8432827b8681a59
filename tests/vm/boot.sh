#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The guests themselves (guest.sh): what a command finds in one, what comes back from it, what its
# kernel says, and two of them over the network and RDMA. Prints TAP.
. "$(dirname "$0")/lib.sh"

cat >"$scratch/one" <<'END'
printf '<%s>\n' "$@"
[ "$PWD" = "$TREE" ] && [ -x "$HERE/guest.sh" ] && echo "the tree is here"
[ "$(id -u)" = 0 ] && touch /root/file /tmp/file "$TREE/file" && echo "root writes anywhere"
ibv_devices | grep rxe0
ping -c 1 -q "$ADDRESS" | grep received
echo "to stderr" >&2
: >"$SHARED/left"
exit 7
END
cat >"$scratch/warning" <<'END'
echo "WARNING: CPU: 0 PID: 1 at kernel/test.c:1" >/dev/kmsg
END
cat >"$scratch/crash" <<'END'
echo c >/proc/sysrq-trigger
END
cat >"$scratch/two" <<'END'
meet=$1
set -e
"$meet" up
ping -c 3 -q "$PEER" >"$SHARED/$GUEST/ping"
ibv_devices >"$SHARED/$GUEST/devices"
if [ "$GUEST" = 1 ]; then
	echo "as guest 1"
	ib_write_lat -d rxe0 -x 1 -n 1000 -s 64 >"$SHARED/1/lat" &
	until ss -ltn | grep -q :18515; do sleep 0.1; done
	"$meet" listening
	wait $!
else
	echo "as guest 2"
	"$meet" listening
	ib_write_lat -d rxe0 -x 1 -n 1000 -s 64 "$PEER" >"$SHARED/2/lat"
fi
END

cd "$tree" || exit 1
start=$SECONDS
check "a guest starts and its exit status comes back" guest 7 -- \
	env TREE="$tree" HERE="$here" bash "$scratch/one" a "b  c" ''
echo "# $((SECONDS - start)) s from start to end"
check "arguments arrive as they are" equal "$(head -n 3 "$scratch/out")" "$(printf '<%s>\n' a "b  c" '')"
check "the current directory is the host's" says '^the tree is here'
check "it writes what it likes" says '^root writes anywhere'
check "nothing of it reaches the host" test ! -e "$tree/file"
check "it has an RDMA device" says '^ *rxe0'
check "it has an address" says '1 received'
check "stderr comes back" says '^to stderr'
check "SHARED comes back" test -e "$scratch/results/left"

start=$SECONDS
check "a guest that doesn't end is killed at the timeout" guest 124 --timeout 5 -- sleep 1000
check "in time" test $((SECONDS - start)) -lt 20
check "that is said" says 'guest 1: killed after [0-9]+ s' err
check "a kernel's warning is noticed" guest 120 -- bash "$scratch/warning"
check "it is shown" says 'WARNING: CPU: 0 PID: 1 at kernel/test.c:1' err
check "so is a panic" guest 120 -- bash "$scratch/crash"
check "it is shown" says 'Kernel panic - not syncing: sysrq triggered crash' err
check "guest.sh refuses what it doesn't know" guest 125 --gests 2 -- true

check "two guests run" guest 0 --guests 2 --timeout 180 -- bash "$scratch/two" "$here/meet.sh"
check "output of the first comes back" says '^as guest 1$'
check "and of the second, marked" says '^# guest 2: as guest 2$'
for n in 1 2; do
	check "guest $n reaches the other" grep -q ' 0% packet loss' "$scratch/results/$n/ping"
	check "guest $n has an RDMA device" grep -q rxe0 "$scratch/results/$n/devices"
	check "RDMA write latency at guest $n" grep -qE '^ *64 +1000 +[0-9.]+' "$scratch/results/$n/lat"
done
grep -hE '^ *(#bytes|64)' "$scratch/results/2/lat" | sed 's/^/# /'
finish
