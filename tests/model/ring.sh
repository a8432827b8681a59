#!/bin/bash
# SPDX-License-Identifier: MIT

# Check tests/model/ring.pml exhaustively with spin, then break the protocol in each way that
# the model knows and see that this is noticed. TAP on stdout; exit status 0 when all is well.
# JOBS: searches at once. Needs spin and
# a C compiler.

set -u
model=$(cd "$(dirname "$0")" && pwd)/ring.pml
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
count=0
jobs=${JOBS:-1}

# search OPTIONS...: in a directory of its own; prints holds, broken or what went wrong
search() {
	spin -a "$@" "$model" >spin.log 2>&1 || { echo "not checked"; return; }
	# -O2 pays for the largest searches only; they are most of the time
	${CC:-cc} -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=4096 -w -o pan pan.c >>spin.log 2>&1 ||
		{ echo "not checked"; return; }
	./pan -m200000 -w24 >pan.log 2>&1
	if grep -q 'errors: [1-9]' pan.log; then
		echo broken
	elif grep -q 'max search depth too small\|out of memory\|reached -DMEMLIM\|Search not completed' pan.log; then
		echo incomplete
	elif grep -q 'errors: 0$' pan.log; then
		echo holds
	else
		echo "not checked"
	fi
}

# verify NAME EXPECTED OPTIONS...: EXPECTED is "holds" or "broken". Searches run in the background,
# as many at once as JOBS says; report prints what they have found in the order of the list.
verify() {
	count=$((count + 1))
	mkdir "$count"
	printf '%s\n%s\n' "$1" "$2" >"$count/name"
	shift 2
	[ "$(jobs -rp | wc -l)" -lt "$jobs" ] || wait -n
	(cd "$count" && search "$@" >result) &
}

report() {
	failed=0
	for i in $(seq "$count"); do
		{ read -r name; read -r expected; } <"$i/name"
		result=$(cat "$i/result")
		states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$i/pan.log" | head -1)
		if [ "$result" = "$expected" ]; then
			echo "ok $i - $name: $result (${states:-0} states)"
		else
			echo "not ok $i - $name: $result, expected: $expected"
			grep -hv '^Depth' "$i/spin.log" "$i/pan.log" | head -n 12 | sed 's/^/# /'
			failed=1
		fi
	done
	echo "1..$count"
	return $failed
}

verify "block, 1 consumer" holds -DRECORDS=5
verify "block, 1 consumer, producer stops" holds -DRECORDS=5 -DSILENT
verify "block, 1 consumer, ring of 4" holds -DRECORDS=6 -DSIZE=4
verify "block, 2 consumers" holds -DRECORDS=2 -DSIZE=1 -DCONSUMERS=2
verify "batch, 1 consumer, fenced" holds -DRECORDS=5 -DSIZE=4 -DBATCH=2
verify "adaptive, urgent, 1 consumer" holds -DRECORDS=5 -DADAPTIVE
verify "adaptive, urgent, producer stops" holds -DRECORDS=5 -DADAPTIVE -DSILENT
verify "adaptive, batch, 1 consumer" holds -DRECORDS=5 -DSIZE=4 -DBATCH=2 -DADAPTIVE
verify "adaptive, 2 consumers" holds -DRECORDS=2 -DSIZE=1 -DCONSUMERS=2 -DADAPTIVE

verify "bug: publish without fence" broken -DBUG=1 -DSILENT
verify "bug: producer falls asleep without fence" broken -DBUG=2
verify "bug: release without fence" broken -DBUG=3
verify "bug: consumer falls asleep without fence" broken -DBUG=5 -DSILENT
verify "bug: bell read after the last look" broken -DBUG=6
# What the first nap is for, and what not: lockstep is exact without it, thanks to the fence in kick.
verify "adaptive, lockstep, first nap endless" holds -DADAPTIVE -DNO_NAP
verify "bug: kick without fence" broken -DADAPTIVE -DNO_NAP -DBUG=4
verify "bug: adaptive, producer stops, first nap endless" broken -DADAPTIVE -DNO_NAP -DSILENT
wait
report
