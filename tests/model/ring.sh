#!/bin/sh
# SPDX-License-Identifier: MIT

# Check tests/model/ring.pml exhaustively with spin, then break the protocol in each way that
# the model knows and see that this is noticed. TAP on stdout; exit status 0 when all is well.
# Needs spin and a C compiler.

set -u
model=$(cd "$(dirname "$0")" && pwd)/ring.pml
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
count=0
failed=0

# verify NAME EXPECTED OPTIONS...: EXPECTED is "holds" or "broken"
verify() {
	name=$1 expected=$2
	shift 2
	count=$((count + 1))
	rm -f pan pan.* ./*.trail
	if ! spin -a "$@" "$model" >spin.log 2>&1 || ! ${CC:-cc} -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=4096 -w -o pan pan.c; then
		sed 's/^/# /' spin.log
		result="not checked"
	else
		./pan -m200000 -w24 >pan.log 2>&1
		if grep -q 'max search depth too small\|out of memory\|reached -DMEMLIM\|Search not completed' pan.log &&
			! grep -q 'errors: [1-9]' pan.log; then
			result=incomplete
		elif grep -q 'errors: 0$' pan.log; then
			result=holds
		elif grep -q 'errors: [1-9]' pan.log; then
			result=broken
		else
			result="not checked"
		fi
	fi
	states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log | head -1)
	if [ "$result" = "$expected" ]; then
		echo "ok $count - $name: $result (${states:-0} states)"
	else
		echo "not ok $count - $name: $result, expected: $expected"
		grep -v '^Depth' pan.log | head -n 12 | sed 's/^/# /'
		failed=1
	fi
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
echo "1..$count"
exit $failed
