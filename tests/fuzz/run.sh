#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs a fuzzer for a bounded time over a copy of its seeds; prints TAP.
#
#   run.sh FUZZER     FUZZ_SECONDS: its time (default 10); SEED: 0 for another course each time
#
# The seeds: corpus/NAME (of fuzz_NAME). An input that fails is kept beside the fuzzer; give it to
# the fuzzer as its only argument to see the failure again.
set -u
here=$(cd "$(dirname "$0")" && pwd)
fuzzer=$1
name=${fuzzer##*/fuzz_}
work=$(mktemp -d "${TMPDIR:-/tmp}/fuzz.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cp "$here/corpus/$name"/* "$work" || exit 1
[ "$name" != config ] || cp "$here"/../../configs/*.cfg "$work"

echo 1..1
if "$fuzzer" -seed="${SEED:-1}" -max_total_time="${FUZZ_SECONDS:-10}" -timeout=10 \
	-rss_limit_mb=1024 -max_len=4096 -close_fd_mask=2 -artifact_prefix="$fuzzer-" "$work" >"$work.log" 2>&1; then
	echo "ok 1 - $name: $(sed -n 's/^Done \([0-9]* runs\).*/\1/p' "$work.log"), $(grep -o 'cov: [0-9]*' "$work.log" | tail -1)"
	rm -f "$work.log"
else
	echo "not ok 1 - $name"
	tail -n 60 "$work.log" | sed 's/^/# /'
	rm -f "$work.log"
	exit 1
fi
