#!/bin/bash
# SPDX-License-Identifier: MIT
# A variant that writes what no monitor writes, and headers that aren't a session's: what is said,
# that everything ends, and that nobody else is harmed.
set -u
. "$(dirname "$0")/lib.sh"
configuration socket_rw_oc 'hang_timeout = 3.0;'
scribble=$scratch/scribble
${CC:-cc} -std=gnu17 -O1 -Wall -Wextra -Werror -I"$here/../../monitor" -o "$scribble" "$here/scribble.c" || { echo "Bail out! scribble.c"; exit 1; }

# A session beside all that is destroyed here.
COMMAND_TEST_MARK=$mark.other begin -- "$target" tree 2
other=$guard
trap 'kill -9 $other 2>/dev/null; end_left; rm -rf "$scratch"' EXIT

# --- what a variant can't write ------------------------------------------------------------------

writable() { # writable PID: the session's files that it has mapped, or open, for writing
	local fd name
	sed -nE 's|^[^ ]* .w.s .*/memfd:tandem-([a-z]+).*|\1|p' "/proc/$1/maps"
	for fd in "/proc/$1/fd"/*; do
		name=$(readlink "$fd")
		[[ $name == /memfd:tandem-* ]] || continue
		grep -q '^flags:.*0$' "/proc/$1/fdinfo/${fd##*/}" || echo "${name#/memfd:tandem-}" | cut -d' ' -f1
	done
}
states() { # states PID: whose state it has mapped
	sed -nE 's|.* ([0-9]+) */memfd:tandem-state.*|\1|p' "/proc/$1/maps" | sort -u
}
begin -- "$target" tree 1
check "the leader writes its log and its state, no more" equal "$(writable "$leader" | sort -u | xargs)" "log state"
check "a follower writes its line and its state, no more" equal "$(writable "$follower" | sort -u | xargs)" "ack state"
check "the state is each one's own" test "$(states "$leader")" != "$(states "$follower")"
for pid in $(pgrep -P "$follower"); do
	check "... and so it is in children" equal "$(writable "$pid" | sort -u | xargs)" "ack state"
done
kill -TERM -- -$guard
check "... which end" ended 143

garbage() { # garbage STATUS MODE [SEED]: the follower meets it while the leader sleeps
	begin -- "$target" sleep
	"$scribble" "$leader" "${@:2}" && ended "$1" && says 'tandem: '
}
for mode in size-zero size-odd size-huge kind padding args hash part parts signal signal-number; do
	check "a record that can't be: $mode" garbage 113 $mode
	check "... is said" says 'garbage in a ring: variant 1 .follower.: '
done
for mode in call arguments leave start; do
	check "a record that is none of this call's: $mode" garbage 110 $mode
done
check "a head too far ahead" garbage 113 head-far
check "a head that goes back" garbage 113 head-back
for seed in 1 2 3 4 5 6 7 8 9 10 11 12; do
	check "any bytes ($seed)" garbage '110|113' random $seed
	# The bytes may say that the leader crashed. The reader mustn't.
	check "... are no crash" bash -c "! grep -E 'this variant crashed|a fault within' '$scratch/err'"
done
# Its owner would put a line right that nobody has looked at yet: it is stopped before.
begin -- "$target" stream
kill -STOP "$follower"
until grep -q '^State:.T' "/proc/$follower/status"; do sleep 0.01; done
"$scribble" "$follower" tail
check "a tail that can't be" ended 113
check "... is said" says 'variant 0 .leader.: a follower.s line of the ring'
begin -- "$target" sleep
"$scribble" "$leader" streams
check "a number of streams that can't be" ended 113
check "... is said" says 'garbage in a ring: variant 0 .leader.: it says to have begun'

# --- what isn't a session ----------------------------------------------------------------------

library=$build/libtandem.so
# A program that finds such a control file: BYTES, then zeroes up to SIZE.
stray() { # stray SIZE MAGIC VERSION STRUCTURE
	python3 -c 'import struct, sys
size, magic, version, structure = (int(n, 0) for n in sys.argv[2:6])
data = struct.pack("<QII", magic, version, structure)
open(sys.argv[1], "wb").write((data + bytes(size))[:size])' "$scratch/control" "$@"
	: >"$scratch/none"
	# shellcheck disable=SC2016
	timeout 10 bash -c 'exec env TANDEM_SESSION=50:0:0:0:0:0:0:$$ LD_PRELOAD="$1" "$0" exit 0' \
		"$target" "$library" 50<"$scratch/control" 51<"$scratch/none" 52<"$scratch/none" 2>"$scratch/err"
	equal $? 111
}
magic=0x31307365536e6154
check "an empty control file" stray 0 0 0 0
check "... is said" says 'truncated'
check "a truncated control file" stray 4096 $magic 2 8192
check "... is said" says 'truncated'
check "a control file of another version" stray 65536 $magic 9999 8192
check "... is said" says 'different versions'
check "a control file of another size" stray 65536 $magic 2 1
check "... is said" says 'different versions'
check "no control file" stray 65536 0 0 0
for value in '' x 1:2 50:0:0:0:0:0:0 50:0:0:0:0:0:0:0:0 99999999999999999999:0:0:0:0:0:0:0 -1:0:0:0:0:0:0:0; do
	check "a handle that can't be: '$value'" bash -c "TANDEM_SESSION='$value' LD_PRELOAD='$library' timeout 10 '$target' exit 0 2>'$scratch/err'; [ \$? = 111 ]"
done
check "no handle: the library does nothing" bash -c "LD_PRELOAD='$library' '$target' exit 5; [ \$? = 5 ]"

# --- the machine ------------------------------------------------------------------------------

alone() { unshare -m bash -c "$1" 2>"$scratch/err" </dev/null; }
if alone true; then
	mkdir -p "$scratch/full"
	configuration full "" "$scratch/full/reports"
	alone "mount -t tmpfs -o size=4k,nr_inodes=2 none '$scratch/full' && exec timeout 20 '$tandem' run -c '$scratch/cfg' -- '$target' differ"
	check "no room for the report: the run is stopped all the same" equal $? 110
	check "... and said" says "the report can.t be written to $scratch/full/reports: No space left on device; free some, or name another report_dir"
	alone "mount -t tmpfs -o size=4k none '$scratch/full' && ! head -c 9999 /dev/zero >'$scratch/full/x' && ! '$tandem' keygen '$scratch/full/key' && [ ! -e '$scratch/full/key' ]"
	check "no room for a key: none is left behind" equal $? 0
	check "... is said" says "$scratch/full/key: No space left on device: free some, or write it elsewhere"
	configuration full
	alone "mount -t tmpfs -o mode=0 none /dev/shm && exec timeout 20 '$tandem' run -c '$scratch/cfg' -- '$target' exit 4"
	check "/dev/shm isn't needed" equal $? 4
	alone "umount -l /proc && exec timeout 20 '$tandem' run -c '$scratch/cfg' -- '$target' exit 4"
	check "no /proc" equal $? 111
	check "... is said" says '/proc'
fi
check "a HOME that can't be written" env HOME=/proc/none bash -c "timeout 20 '$tandem' run -c '$scratch/cfg' -- '$target' exit 3; [ \$? = 3 ]"

# --- and meanwhile ------------------------------------------------------------------------------

check "the session beside it goes on" kill -0 $other
guard=$other
kill -TERM -- -$other
mark=$mark.other
check "... and ends as it should" ended 143

finish
