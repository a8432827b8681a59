#!/bin/bash
# SPDX-License-Identifier: MIT
#
# `tandem run`, `status` and `explain` as their user sees them: exit statuses, signals, what is
# left when any part is killed, bad input. Prints TAP. BUILD: the build directory.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
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
${CC:-cc} -static -o "$scratch/static" -x c - <<<'int main(void) { return 0; }' 2>/dev/null

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

configuration() { # configuration POLICY MORE
	cat >"$scratch/cfg" <<-END
		leader_id = 0; policy = "$1"; report_dir = "$scratch/reports"; ${2:-}
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
	supervisor=$(pgrep -P $guard | head -n 1)
	sleep 0.2
	leader=$("$tandem" status --json | variant_pid 0)
	follower=$("$tandem" status --json | variant_pid 1)
}
variant_pid() { # variant_pid ID: the first process of a variant of the run $guard
	python3 -c 'import json, sys
for s in json.load(sys.stdin)["sessions"]:
    if s["pid"] == int(sys.argv[1]):
        for v in s["variants"]:
            if v["id"] == int(sys.argv[2]): print(v["pids"][0])' $guard "$1"
}
# ended STATUS: the run ends by itself within 20 s, with that status, and leaves nothing.
ended() {
	local status
	for ((i = 0; i < 400; i++)); do
		kill -0 $guard 2>/dev/null || break
		sleep 0.05
	done
	kill -0 $guard 2>/dev/null && { echo "it still runs"; end_left; wait $guard; return 1; }
	wait $guard 2>/dev/null
	status=$?
	equal $status "$1" && nothing_left
}
run() { # run STATUS ARGS...: runs to the end
	local want=$1
	shift
	timeout 30 "$tandem" run -c "$scratch/cfg" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
	equal $? "$want" && nothing_left
}

configuration socket_rw_oc
check "the program's exit status" run 37 -- "$target" exit 37
check "nothing is said in a good run" silent
check "the program's signal" run 134 -- "$target" signal 6
check "a program that kills itself" run 137 -- "$target" signal 9
check "-v says what starts" run 0 -v -- "$target" exit 0
check "... each variant" says 'variant 1 \(follower\) is .*target, pid'
check "... and the trap" says 'trap '
check "SIGCHLD that the caller ignores stays ignored" bash -c "trap '' CHLD; '$tandem' run -c '$scratch/cfg' -- '$target' ignored; [ \$? = 1 ]"

check "no such program" run 111 -- "$scratch/none"
check "... is said" says 'none: can.t be executed: No such file'
check "an empty name" run 111 -- ""
check "a directory" run 111 -- "$scratch"
check "a file that isn't executable" run 111 -- "$here/target.c"
if [ -x "$scratch/static" ]; then
	check "a static program" run 111 -- "$scratch/static"
	check "... is said" says 'static'
fi
check "no program" run 111
check "... shows the usage" says '^usage: '
check "an unknown option" run 111 --frobnicate -- "$target"
check "--id of no variant" run 111 --id 7 -- "$target"
check "--id that is no number" run 111 --id x -- "$target"
check "a missing configuration" bash -c "'$tandem' run -c /nonexistent -- true 2>'$scratch/err'; [ \$? = 111 ]"
check "a library that isn't there" env TANDEM_LIBRARY=/nonexistent.so bash -c "'$tandem' run -c '$scratch/cfg' -- true 2>'$scratch/err'; [ \$? = 111 ]"
: >"$scratch/empty.so"
check "a library that can't be loaded" env TANDEM_LIBRARY="$scratch/empty.so" bash -c "'$tandem' run -c '$scratch/cfg' -- '$target' exit 0 2>'$scratch/err'; [ \$? = 111 ]"
check "... is said" says 'the monitor never started'

for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
	case $closed in '<&-') want=6 ;; '>&-') want=5 ;; '2>&-') want=3 ;; *) want=0 ;; esac
	check "closed at the start: $closed" bash -c "timeout 20 '$tandem' run -c '$scratch/cfg' -- '$target' standard $closed; s=\$?; [ \$s = $want ] || { echo \$s; exit 1; }"
done
check "few descriptors" bash -c "ulimit -Sn 40; exec timeout 20 '$tandem' run -c '$scratch/cfg' -- '$target' exit 0"
check "too few descriptors" bash -c "ulimit -n 12; timeout 20 '$tandem' run -c '$scratch/cfg' -- '$target' exit 0 2>'$scratch/err'; [ \$? = 111 ]"
check "... says what to do" says 'ulimit'

check "a daemon is awaited" run 3 -- "$target" daemon "$scratch/daemon"
check "... to its end" equal "$(cat "$scratch/daemon")" "done"

# --- signals -------------------------------------------------------------------------------

begin -- "$target" count
kill -USR1 $guard
check "a signal to tandem reaches the program" ended 0
check "... once" equal "$(tail -n 1 "$scratch/out")" 1
begin -- "$target" count
kill -USR1 -- -$guard
check "a signal to its process group too" ended 0
check "... once" equal "$(tail -n 1 "$scratch/out")" 1
begin -- "$target" sleep
kill -TERM $guard
check "SIGTERM ends the program" ended 143
begin -- "$target" sleep
kill -TSTP $guard
sleep 0.3
check "SIGTSTP stops tandem" equal "$(sed 's/.*) //; s/ .*//' /proc/$guard/stat)" T
check "... and the leader" equal "$(sed 's/.*) //; s/ .*//' "/proc/$leader/stat")" T
kill -CONT $guard
sleep 0.3
check "SIGCONT resumes the leader" equal "$(sed 's/.*) //; s/ .*//' "/proc/$leader/stat")" S
kill -TERM $guard
check "... which ends" ended 143

# --- kill -9 -------------------------------------------------------------------------------

begin -- "$target" tree 3
kill -9 $guard
check "the guard is killed: nothing is left" ended 137
begin -- "$target" tree 3
kill -9 "$supervisor"
check "the supervisor is killed" ended 113
check "... is said" says 'the supervisor was killed'
begin -- "$target" churn
kill -9 "$supervisor"
check "... while processes come and go" ended 113
begin -- "$target" churn
kill -9 $guard
check "... and likewise the guard" ended 137
begin -- "$target" sleep
kill -9 "$follower"
check "a follower is killed" ended 113
check "... is said" says 'killed from outside'
begin -- "$target" sleep
kill -9 "$leader"
check "the leader is killed: its follower follows" ended 137
begin -- "$target" sleep
kill -9 "$leader" "$follower"
check "both are killed" ended 137
begin -- "$target" sleep
kill -9 "$follower" "$leader"
check "... in either order" ended 137
begin -- "$target" sleep
kill -TERM "$follower"
sleep 0.3
check "a signal for a follower has no effect" kill -0 "$follower"
kill -TERM $guard
check "... the leader's has" ended 143

# --- status --------------------------------------------------------------------------------

begin -- "$target" tree 2
"$tandem" status >"$scratch/status" 2>"$scratch/err"
check "status lists the run" says "run $guard: $target tree 2" status
check "... and its processes" says 'variant 1, follower: 7 processes' status
check "status --json is JSON" bash -c "'$tandem' status --json | python3 -c 'import json, sys; [v[\"lag\"][\"records\"] for s in json.load(sys.stdin)[\"sessions\"] for v in s[\"variants\"] if v[\"role\"] == \"follower\"]'"
check "status --watch --json: one a line" bash -c "timeout 3.5 '$tandem' status --watch --json | head -n 2 | python3 -c 'import json, sys; [json.loads(l) for l in sys.stdin]'"
kill -TERM -- -$guard
check "... ends as before" ended 143
"$tandem" status >"$scratch/status" 2>&1
check "status without a run" equal $? 0
check "status to a full disk" bash -c "'$tandem' status >/dev/full; [ \$? = 111 ]"

# --- reports -------------------------------------------------------------------------------

configuration full 'hang_timeout = 2.0;'
check "a divergence" run 110 -- "$target" differ
check "... is said in one line" equal "$(wc -l <"$scratch/err")" 1
check "... with both calls" says 'write\(1, "right.*where the leader made write\(1, "left'
check "nothing of it gets out" equal "$(cat "$scratch/out")" ""
check "report_dir is its user's only" equal "$(stat -c %a "$scratch/reports")" 700
"$tandem" explain -c "$scratch/cfg" >"$scratch/explained" 2>"$scratch/err"
check "explain shows it" says 'argument 2 +"left' explained
check "... and where" says 'main\+0x' explained
check "... in 80 columns" equal "$(awk 'length > 80' "$scratch/explained")" ""
check "explain --json is JSON" bash -c "'$tandem' explain --json -c '$scratch/cfg' | python3 -m json.tool >/dev/null"
check "one variant hangs" run 110 -- "$target" hang
check "... is said" says 'hang'
check "the leader hangs" run 110 -- "$target" leaderhang
check "... is said" says 'hang'
for ((i = 0; i < 22; i++)); do "$tandem" run -c "$scratch/cfg" -- "$target" differ >/dev/null 2>&1; done
check "the newest 20 reports are kept" equal "$(ls "$scratch/reports" | wc -l)" 20
configuration full 'report_dir = "/proc/none";'
sed -i 's|report_dir = "[^"]*/reports";||' "$scratch/cfg"
timeout 20 "$tandem" run -c "$scratch/cfg" -- "$target" differ >"$scratch/out" 2>"$scratch/err"
check "a report directory that can't be made" equal $? 110
check "... is said" says "the report can't be written to /proc/none"
mkdir "$scratch/readonly"
echo '{"version": 1, "variants": [{"role": 1, "trace": 7, "call": []}, 3]}' >"$scratch/odd.json"
check "explain of an odd report" "$tandem" explain "$scratch/odd.json"
echo '{' >"$scratch/bad.json"
check "explain of a broken report" bash -c "'$tandem' explain '$scratch/bad.json' 2>'$scratch/err'; [ \$? = 111 ]"
check "explain of a missing report" bash -c "'$tandem' explain '$scratch/none.json' 2>'$scratch/err'; [ \$? = 111 ]"
check "explain of a directory" bash -c "'$tandem' explain '$scratch' 2>'$scratch/err'; [ \$? = 111 ]"

echo "1..$tests"
[ $failures = 0 ]
