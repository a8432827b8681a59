# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests of the command share: they source this, check(), and end with finish. Prints TAP.
# BUILD: the build directory.
set -u
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd "${BUILD:-$here/../../build}" && pwd) || exit 1
tandem=$build/tandem
scratch=$(mktemp -d "${TMPDIR:-/tmp}/command.XXXXXX") || exit 1
target=$scratch/target
mark=command.$$.$RANDOM
export COMMAND_TEST_MARK=$mark
trap 'end_left; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
ulimit -c 0
[ -x "$tandem" ] || { echo "Bail out! $tandem is not there: build it first"; exit 1; }
${CC:-cc} -std=gnu17 -O1 -Wall -Wextra -Werror -o "$target" "$here/target.c" || { echo "Bail out! target.c"; exit 1; }

tests=0 failures=0
check() { # check NAME COMMAND...: what the command prints explains a failure
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$scratch/said" 2>&1; then # not in a subshell: it waits for our children
		echo "ok $tests - $name"
	else
		failures=$((failures + 1))
		echo "not ok $tests - $name"
		{ cat "$scratch/said"; echo "stderr:"; tail -n 12 "$scratch/err"; } | sed 's/^/#   /'
	fi
}
equal() { [ "$1" = "$2" ] || { echo "got: $1; wanted: $2"; return 1; }; }
says() { grep -qE -- "$1" "$scratch/${2:-err}" || { echo "no match for: $1"; return 1; }; }
silent() { equal "$(cat "$scratch/err")" ""; }

configuration() { # configuration POLICY MORE REPORT_DIR
	cat >"$scratch/cfg" <<-END
		leader_id = 0; policy = "$1"; report_dir = "${3:-$scratch/reports}"; ${2:-}
		variants = ( { id = 0; }, { id = 1; env = ( "TWIN=1" ); } );
	END
}

# Processes of this test that are still there; zombies have no command line.
left() {
	local p command
	for p in $(grep -lzxF "COMMAND_TEST_MARK=$mark" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3); do
		command=$(tr '\0' ' ' 2>/dev/null <"/proc/$p/cmdline")
		case $command in "$tandem "* | "$target "*) echo "$p" ;; esac
	done
}
# Not by a look at all processes: while many come and go, pgrep misses some that are there.
first_child() {
	cat "/proc/$1/task"/*/children | tr ' ' '\n' | sort -n | grep -m 1 .
}
end_left() {
	local pids
	pids=$(left)
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill -9 $pids 2>/dev/null
}
nothing_left() {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		[ -n "$(left)" ] || return 0
		sleep 0.1
	done
	echo "left: $(left | xargs ps -o pid,ppid,stat,args -p)"
	end_left
	return 1
}

# begin ARGS...: starts tandem run in the background and waits until the program says it is ready.
begin() {
	: >"$scratch/out"
	set -m # a process group of its own, but our session: job control works
	"$tandem" run -c "$scratch/cfg" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null &
	guard=$!
	set +m
	for ((i = 0; i < 200; i++)); do
		grep -q ready "$scratch/out" && break
		kill -0 $guard 2>/dev/null || break
		sleep 0.05
	done
	supervisor=$(first_child $guard)
	read -r leader follower < <("$tandem" status --json | first_pids)
}
first_pids() { # the first process of each variant of the run $guard
	python3 -c 'import json, sys
for s in json.load(sys.stdin)["sessions"]:
    if s["pid"] == int(sys.argv[1]):
        print(*[v["pids"][0] for v in s["variants"] if v["pids"]])' $guard
}
# ended STATUSES: the run ends by itself within 20 s, with one of them (a|b), and leaves nothing.
ended() {
	local status
	for ((i = 0; i < 400; i++)); do
		kill -0 $guard 2>/dev/null || break
		sleep 0.05
	done
	kill -0 $guard 2>/dev/null && { echo "it still runs"; end_left; wait $guard; return 1; }
	wait $guard 2>/dev/null
	status=$?
	[[ $status =~ ^($1)$ ]] || { echo "got: $status; wanted: $1"; return 1; }
	nothing_left
}
run() { # run STATUS ARGS...: runs to the end
	local want=$1
	shift
	timeout 30 "$tandem" run -c "$scratch/cfg" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
	equal $? "$want" && nothing_left
}
finish() {
	echo "1..$tests"
	[ $failures = 0 ]
}
