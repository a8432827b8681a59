# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests with guests share: they source this, check(), and end with finish. Prints TAP.
# BUILD: the build directory. Where guests can't run, the whole test is a skip that says why.
set -u
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "$here/../.." && pwd)
build=$(cd "${BUILD:-$tree/build}" && pwd) || exit 1

reason=$("$here/guest.sh" --can-run)
case $? in
0) ;;
77) echo "1..0 # SKIP $reason"; exit 0 ;;
*) echo "Bail out! guest.sh --can-run failed"; exit 1 ;;
esac
scratch=$(mktemp -d "${TMPDIR:-/tmp}/vm.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

tests=0 failures=0
check() { # check NAME COMMAND...: what the command prints explains a failure
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$scratch/said" 2>&1; then
		echo "ok $tests - $name"
	else
		failures=$((failures + 1))
		echo "not ok $tests - $name"
		sed 's/^/#   /' "$scratch/said"
	fi
}
equal() { [ "$1" = "$2" ] || { echo "got: $1; wanted: $2"; return 1; }; }

# guest STATUS [OPTION...] -- COMMAND...: runs guests; its output is in $scratch/out and err.
guest() {
	local want=$1 got
	shift
	"$here/guest.sh" --results "$scratch/results" "$@" >"$scratch/out" 2>"$scratch/err"
	got=$?
	[ $got = "$want" ] && return 0
	echo "exit status $got, wanted: $want"
	tail -n 40 "$scratch/out" "$scratch/err"
	return 1
}
says() { grep -qE -- "$1" "$scratch/${2:-out}" || { echo "no match for $1 in:"; tail -n 40 "$scratch/${2:-out}"; return 1; }; }

finish() {
	echo "1..$tests"
	[ $failures = 0 ]
}
