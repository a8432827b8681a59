#!/bin/bash
# SPDX-License-Identifier: MIT
#
#   timed.sh BOUND COMMAND...     runs prove, and says at the end what else counts of it
#
# That is how many seconds it took of those that it may take, and which tests were skipped: where guests
# can't run, for lack of memory or of QEMU, nothing else would have failed.
set -o pipefail
bound=$1
shift
said=$(mktemp "${TMPDIR:-/tmp}/timed.XXXXXX") || exit 1
trap 'rm -f "$said"' EXIT
"$@" 2>&1 | tee "$said"
status=$?
echo "Tests in guests took $SECONDS s; $([ $SECONDS -le "$bound" ] && echo "within" || echo "MORE THAN") the bound of $bound s."
if skipped=$(sed -nE 's/^(tests[^ ]*) .*skipped: (.*)/\1 \2/p' "$said") && [ -n "$skipped" ]; then
	echo "NOT TESTED in guests: $(wc -l <<<"$skipped") tests were skipped."
	sed -E 's/^([^ ]*) /  \1: /' <<<"$skipped"
fi
exit $status
