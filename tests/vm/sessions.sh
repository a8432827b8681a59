#!/bin/bash
# SPDX-License-Identifier: MIT
#
#   sessions.sh DIR BUILD_DIR     in both guests: runs what `tests/programs/run.sh --prepare DIR` left
#
# One session after the other: guest 1 runs the leader of each, guest 2 the follower, and neither
# waits for the other but in tandem. What is left of them goes to SHARED/N, under DIR's name, for
# run.sh --judge; so does what the kernel has complained of since the session before. The guests have
# no file in common but those below SHARED: so that is where the programs find their TMPDIR. Few
# processes, since to start one takes a guest as long as hundreds take its host.
set -u
dir=$1 build=$2 complaints=$(<"${0%/*}/complaints")
suffix=''
[ "$GUEST" = 1 ] || suffix=.1
export TMPDIR=$SHARED/tmp TEST_LIB_DIR=$build/programs/lib
[ "$GUEST" = 2 ] || [ -d "$TMPDIR" ] || mkdir -m 777 "$TMPDIR"
ulimit -c 0
for session in "$dir"/*/; do
	[ -e "$session/command" ] || continue # its native run is enough, or not possible
	mapfile -d '' -t command <"$session/command"
	setsid -w timeout -k 2 "${LIMIT:-60}" "${command[@]/#--id=0/--id=$((GUEST - 1))}" \
		>"$session/stdout$suffix" 2>"$session/stderr$suffix" </dev/null
	echo $? >"$session/status$suffix"
	dmesg -c | grep -aE -A 30 "$complaints" >"$session/kernel$suffix"
done
cp -r "$dir" "$SHARED/$GUEST/"
# Nothing of them may be left; an orphan may need a moment.
for ((i = 0; i < 20; i++)); do
	left=$(pgrep -af "^$build/") || exit 0
	sleep 0.2
done
echo "left over: $left"
exit 1
