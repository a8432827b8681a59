#!/bin/bash
# SPDX-License-Identifier: MIT
# kill -9 of any part, at any time: what is said, and what is left.
set -u
. "$(dirname "$0")/lib.sh"
configuration socket_rw_oc
# A process of a variant by its place in the order of pids.
pick() { # pick VARIANT N
	"$tandem" status --json | python3 -c 'import json, sys
for s in json.load(sys.stdin)["sessions"]:
    if s["pid"] == int(sys.argv[1]):
        for v in s["variants"]:
            if v["id"] == int(sys.argv[2]): print(sorted(v["pids"])[int(sys.argv[3])])' $guard "$1" "$2"
}
shm_before=$(ls /dev/shm /run 2>/dev/null)

# A session beside all that is killed here.
COMMAND_TEST_MARK=$mark.other begin -- "$target" tree 2
other=$guard
trap 'kill -9 $other 2>/dev/null; end_left; rm -rf "$scratch"' EXIT

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

# --- both at once: nobody is left who could look for the processes ---------------------------

mkdir "$scratch/empty"
chmod 755 "$scratch"
for mode in "tree 4" churn stopped exec "confined $scratch/empty"; do
	[ "$mode" = "${mode#confined}" ] || [ "$(id -u)" = 0 ] || continue
	for ((round = 0; round < 2; round++)); do
		# shellcheck disable=SC2086
		begin -- "$target" $mode
		kill -9 $guard "$supervisor"
		check "guard and supervisor are killed ($mode)" ended 137
	done
done

# --- before anything is ready ------------------------------------------------------------------

early() { # early SECONDS: guard, or both
	setsid "$tandem" run -c "$scratch/cfg" -- "$target" tree 3 >"$scratch/out" 2>"$scratch/err" </dev/null &
	guard=$!
	sleep "$1"
	# shellcheck disable=SC2046
	kill -9 $guard $([ $((RANDOM % 2)) = 0 ] || pgrep -P $guard)
	ended 137
}
for ((round = 0; round < 10; round++)); do
	check "killed after $((2 * round)) ms" early "0.0$((2 * round / 10))$((2 * round % 10))"
done

# Behind the constructors of libraries, one of which never ends.
echo '#include <unistd.h>
__attribute__((constructor)) static void first(void) { pause(); }' >"$scratch/first.c"
${CC:-cc} -shared -fPIC -o "$scratch/first.so" "$scratch/first.c" || echo "Bail out! first.c"
for v in 0 1; do
	configuration socket_rw_oc
	sed -i "s|{ id = $v;|& preload = ( \"$scratch/first.so\" );|" "$scratch/cfg"
	setsid "$tandem" run -c "$scratch/cfg" -- "$target" sleep >"$scratch/out" 2>"$scratch/err" </dev/null &
	guard=$!
	victim=
	while [ -z "$victim" ] && kill -0 $guard 2>/dev/null; do
		victim=$(grep -slz "^LD_PRELOAD=.*$scratch/first.so" /proc/[0-9]*/environ | cut -d/ -f3)
	done
	kill -9 "$victim"
	check "variant $v is killed before the monitor starts in it" ended 113
	check "... is said" says "variant $v .*: its process $victim was killed from outside .SIGKILL. before the monitor had started"
done
configuration socket_rw_oc

# --- variants --------------------------------------------------------------------------------

begin -- "$target" sleep
kill -9 "$follower"
check "a follower is killed" ended 113
check "... is said" says "variant 1 .follower.: its process $follower was killed from outside .SIGKILL."
begin -- "$target" sleep
kill -9 "$leader"
check "the leader is killed" ended 113
check "... is said" says "variant 0 .leader.: its process $leader was killed from outside .SIGKILL."
for v in 0 1; do
	for n in 3 -1; do
		begin -- "$target" tree 3
		victim=$(pick $v $n)
		kill -9 "$victim"
		check "a process in a tree is killed (variant $v, process $n)" ended 113
		check "... is said" says "its process $victim was killed from outside"
	done
done
begin -- "$target" sleep
kill -9 "$leader" "$follower"
check "both are killed: as the program would be" ended 137
begin -- "$target" sleep
kill -9 "$follower" "$leader"
check "... in either order" ended 137
check "the program kills its own processes" run 0 -- "$target" killer
begin -- "$target" sleep
kill -TERM "$follower"
sleep 0.3
check "a signal for a follower has no effect" kill -0 "$follower"
kill -TERM $guard
check "... the leader's has" ended 143

# --- anybody, at any moment --------------------------------------------------------------------

any() { # any ROUND: the run ends, with a status that fits, and leaves nothing
	local victims pid
	begin -- "$target" load
	sleep 0.$((RANDOM % 10))
	mapfile -t victims < <(left)
	case $(($1 % 4)) in
	0) kill -9 $guard ;;
	1) kill -9 "$supervisor" ;;
	*) kill -9 "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null ;;
	esac
	# Whoever was about to end anyway is missed by nobody.
	for ((i = 0; i < 100; i++)); do
		kill -0 $guard 2>/dev/null || break
		[ $i != 40 ] || kill -9 "$leader"
		sleep 0.05
	done
	kill -0 $guard 2>/dev/null && { echo "it still runs"; end_left; return 1; }
	wait $guard 2>/dev/null
	case $? in 113 | 137) ;; *) echo "status $?"; return 1 ;; esac
	nothing_left
}
# For 20 seconds, but each kind of victim at least once.
for ((round = 0, start = SECONDS; round < 4 || SECONDS - start < 20; round++)); do
	check "somebody is killed under load ($((round % 4)))" any $round
done

check "the session beside it goes on" kill -0 $other
guard=$other
kill -TERM -- -$other
own=$mark mark=$mark.other
check "... and ends as it should" ended 143
mark=$own

check "nothing is left in /dev/shm and /run" equal "$(ls /dev/shm /run 2>/dev/null)" "$shm_before"

finish
