#!/bin/bash
# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the server tests share: TAP, starting a server natively or as variants, waiting on
# conditions, comparing with the native run, and looking for what a run leaves behind.
#
# A test defines a scenario, a function that starts its server, uses it and stops it, and calls
#     in_each_mode scenario
# which runs it natively and then under every policy of MODES. `record NAME COMMAND...` keeps
# what the command prints in the native run, and asserts in all others that it is the same.
#
# Environment: BUILD  directory with tandem and libtandem.so (default: build in the root)
#              OUT    directory for what the tests build (default: $BUILD/tests)
#              MODES  policies to run under (default: "socket_rw_oc full"; "" for native only)
#              CONFIG "plain": two equal variants in place of those of configs/NAME.cfg
#              KEEP   not empty: the scratch directory is not removed
#              SHORT  not empty: what takes a load is left out (redis)
#              WAIT   deadline of a wait, seconds (default: 20)
#              HOSTS  not empty: each variant is started by a command of its own. A word for each:
#                     ADDRESS, or NAMESPACE@ADDRESS for another network namespace
#              MORE   added to the configuration; MORE_POLICY: to that of this policy
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	echo "1..0 # SKIP this is the library of the other scripts"
	exit 0
fi
set -u
shopt -s nullglob
export LC_ALL=C

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${BUILD:-$root/build}
tandem=$build/tandem
out=${OUT:-$build/tests}
deadline=${WAIT:-20}
# The service itself (the proxy's upstream, the client) must not be limited by descriptors.
ulimit -n "$(ulimit -Hn)"
ulimit -c 0

bail() {
	echo "Bail out! $1"
	exit 1
}

need() { # need COMMAND PACKAGE [COMMAND PACKAGE]...
	while [ $# -gt 0 ]; do
		PATH=$PATH:/usr/sbin command -v "$1" >/dev/null || bail "$1 is missing: install the package $2"
		shift 2
	done
}

PATH=$PATH:/usr/sbin
scratch=$(mktemp -d "${TMPDIR:-/tmp}/servers.XXXXXX") || bail "no temporary directory"
chmod 755 "$scratch"
server='' followers=() helpers=() mark=''
cleanup() {
	end_leftovers
	local pid
	for pid in "${helpers[@]}"; do kill "$pid" 2>/dev/null; done
	[ -n "${KEEP:-}" ] && echo "# kept: $scratch" || rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# --- TAP -----------------------------------------------------------------------------------

tests=0 failures=0
ok() {
	tests=$((tests + 1))
	echo "ok $tests - [$mode] $1"
}
fail() { # fail NAME [REASON]
	tests=$((tests + 1)) failures=$((failures + 1))
	echo "not ok $tests - [$mode] $1"
	[ -z "${2:-}" ] || sed 's/^/#   /' <<<"$2"
	return 1
}
check() { # check NAME COMMAND...: ok when the command succeeds; what it prints explains a failure
	local name=$1 said
	shift
	if said=$("$@" 2>&1); then ok "$name"; else fail "$name" "$(tail -n 20 <<<"$said" | cut -c1-300)"; fi
}
equal() { # equal NAME GOT WANTED
	if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "got: $(head -c 300 <<<"$2")"$'\n'"wanted: $(head -c 300 <<<"$3")"; fi
}
finish_tap() {
	echo "1..$tests"
	[ $failures = 0 ]
}

# record NAME COMMAND...: the command must succeed and print the same as in the native run.
record() {
	local name=$1 native=$scratch/native/${1//\//.} file=$dir/record status
	shift
	[ "$mode" != native ] || file=$native
	"$@" >"$file" 2>"$dir/record.err"
	status=$?
	if [ $status != 0 ]; then
		fail "$name" "status $status from: $*"$'\n'"$(tail -n 5 "$dir/record.err")"
	elif [ "$mode" = native ]; then
		ok "$name"
	elif [ ! -e "$native" ]; then
		fail "$name" "there is no native run to compare with"
	elif cmp -s "$native" "$file"; then
		ok "$name"
	else
		fail "$name" "differs from the native run ($(stat -c %s "$native") bytes, here $(stat -c %s "$file")):
$(diff -a "$native" "$file" | head -n 8 | cut -c1-200)"
	fi
}

# --- waiting -------------------------------------------------------------------------------

running() {
	[ -n "$server" ] && kill -0 "$server" 2>/dev/null
}
# await COMMAND...: polls until the command succeeds; fails at the deadline, and at once when the
# server has gone. await_end waits for the server's end itself.
await() {
	local end=$((SECONDS + deadline))
	until "$@" >/dev/null 2>&1; do
		[ -z "$server" ] || running || { "$@" >/dev/null 2>&1 && return; echo "the server has ended"; return 1; }
		[ $SECONDS -lt $end ] || { echo "not within $deadline s: $*"; return 1; }
		sleep 0.03
	done
}
await_end() { # sets status
	local end=$((SECONDS + deadline))
	while running; do
		[ $SECONDS -lt $end ] || { status=none; return 1; }
		sleep 0.03
	done
	wait "$server"
	status=$?
}

listening() { # listening PORT
	local hex
	printf -v hex '0100007F:%04X 00000000:0000 0A' "$1"
	grep -q "$hex" /proc/net/tcp
}
unconnected() { # unconnected PORT: has the server closed all its connections?
	local hex
	printf -v hex ' [0-9A-F]{8}:%04X [0-9A-F:]{13} (01|08) ' "$1"
	! grep -qE "$hex" /proc/net/tcp
}
# A port of 127.0.0.1 that nobody uses, below the ephemeral ones; every call gives another.
next_port=$((20000 + $$ * 8 % 10000))
free_port() { # sets port
	local hex
	while :; do
		next_port=$((next_port + 1))
		printf -v hex ':%04X ' $next_port
		grep -qF "$hex" /proc/net/tcp /proc/net/tcp6 || break
	done
	port=$next_port
}

# --- a server's life -----------------------------------------------------------------------

# configuration NAME POLICY: the tandem configuration of a run, from configs/NAME.cfg when it is
# there; its policy and report directory are replaced.
configuration() {
	local file=$root/configs/$1.cfg more=MORE_$2
	if [ -e "$file" ] && [ "${CONFIG:-}" != plain ]; then
		sed -E '/^[[:space:]]*(policy|report_dir|hang_timeout)[[:space:]]*[=:]/d' "$file"
	else
		printf '%s\n' 'leader_id = 0; variants = (' '{ id = 0; },' '{ id = 1; }' ');'
	fi
	echo "policy = \"$2\"; report_dir = \"$dir/reports\"; hang_timeout = 10.0; ${MORE:-} ${!more:-}"
}
# The variants' addresses in turn become those of HOSTS, on a port that is free.
place() {
	[ -n "${HOSTS:-}" ] || { cat; return; }
	free_port
	awk -v hosts="$HOSTS" -v port="$port" '
		BEGIN { split(hosts, host, " ") }
		/^[[:space:]]*(address|port) = / { next }
		/\<id = / {
			n++; sub(/.*@/, "", host[n])
			sub(/\<id = [0-9]+;/, "& address = \"" host[n] "\"; port = " port ";")
		}
		{ print }'
}

# in_each_mode SCENARIO [CONFIG_NAME]: `dir` is the working directory of a run, `mode` its name.
in_each_mode() {
	local scenario=$1
	[ -z "${MODES-x}" ] || [ -x "$tandem" ] || bail "$tandem is not there: build it first"
	mkdir -p "$scratch/native"
	for mode in native ${MODES-socket_rw_oc full}; do
		dir=$scratch/$mode.run
		mkdir -p "$dir/reports"
		chmod 755 "$dir"
		[ "$mode" = native ] || configuration "${2:-none}" "$mode" | place >"$dir/tandem.cfg"
		"$scenario" || fail "the scenario was cut short" "$(tail -n 20 "$dir/stderr" 2>/dev/null)"
		[ -z "$server" ] || stopped none
		release
		[ -n "${KEEP:-}" ] || rm -rf "$dir"
	done
}

# start COMMAND...: natively or as variants, in a session of its own, in $dir.
start() {
	local command=("$@") host id=0
	mark=$$.$RANDOM$RANDOM
	followers=()
	[ "$mode" = native ] || command=("$tandem" run -c "$dir/tandem.cfg" -- "$@")
	for host in $([ "$mode" = native ] || echo "${HOSTS:-}"); do
		command=("$tandem" run --id $id -c "$dir/tandem.cfg" -- "$@")
		[ $id = 0 ] || start_follower "$host" "${command[@]}"
		id=$((id + 1))
	done
	[ $id = 0 ] || command=("$tandem" run --id 0 -c "$dir/tandem.cfg" -- "$@")
	shm_before=$(cd /dev/shm && echo *)
	(
		cd "$dir" || exit
		exec env --default-signal SERVER_TEST_MARK="$mark" setsid "${command[@]}"
	) >>"$dir/stdout" 2>>"$dir/stderr" </dev/null &
	server=$!
}

start_follower() { # start_follower HOST COMMAND...
	local enter=()
	case $1 in *@*) enter=(nsenter --net="/run/netns/${1%@*}" --) ;; esac
	shift
	(
		cd "$dir" || exit
		exec env --default-signal SERVER_TEST_MARK="$mark" setsid "${enter[@]}" "$@"
	) >>"$dir/stdout" 2>>"$dir/stderr" </dev/null &
	followers+=($!)
}

# helper COMMAND...: a process that lives until `release`; its output goes to $dir/helper.N.
helper() {
	"$@" >"$dir/helper.${#helpers[@]}" 2>&1 </dev/null &
	helpers+=($!)
}
release() {
	local pid
	for pid in "${helpers[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	helpers=()
}

# stopped STATUS: the server, told to stop before, ends with that status and leaves nothing.
stopped() {
	local left reports follower
	if await_end; then
		if [ "$status" = "$1" ]; then ok "exit status $1"; else
			fail "exit status $1" "exit status $status"$'\n'"$(tail -n 20 "$dir/stderr")"
		fi
	else
		fail "exit status $1" "the server is still running after $deadline s"$'\n'"$(processes)"
	fi
	for follower in "${followers[@]}"; do
		server=$follower
		await_end
		equal "exit status $1 on the follower's host" "$status" "$1"
	done
	left=$(processes)
	equal "no process is left" "$left" ""
	end_leftovers
	equal "nothing is left in /dev/shm" "$(shm_leaks)" ""
	server=''
	if [ "$mode" != native ] && [ "$1" != 110 ]; then
		reports=("$dir"/reports/*)
		if [ ${#reports[@]} = 0 ]; then ok "no divergence is reported"; else
			fail "no divergence is reported" "$("$tandem" explain "${reports[0]}" 2>&1 | head -n 60 | cut -c1-200)"
		fi
	fi
}

# The processes of the run, "PID (NAME)": by session, by a mark in the environment (which servers
# overwrite when they set their title), or by a working directory in $dir. Zombies don't count.
processes() {
	local proc stat rest
	[ -n "$mark" ] || return 0
	for proc in /proc/[0-9]*; do
		[ "$proc" != /proc/$$ ] || continue
		{ read -r stat <"$proc/stat"; } 2>/dev/null || continue
		rest=(${stat##*) })
		case ${rest[0]} in Z | X) continue ;; esac
		if [ "${rest[3]}" = "$server" ] || grep -qzxF "SERVER_TEST_MARK=$mark" "$proc/environ" 2>/dev/null ||
			[[ $(readlink "$proc/cwd") == "$dir"* ]]; then
			echo "${proc#/proc/} ${stat%%)*})" | cut -d' ' -f1,3-
		fi
	done
}
end_leftovers() {
	local pids
	pids=$(processes | cut -d' ' -f1)
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill -9 $pids 2>/dev/null
}
# New files in /dev/shm that no living process has mapped or open (other runs own theirs).
shm_leaks() {
	local file
	for file in /dev/shm/*; do
		[[ " $shm_before " != *" ${file##*/} "* ]] || continue
		grep -qsF "$file" /proc/[0-9]*/maps && continue
		[ -z "$(find /proc/[0-9]*/fd -lname "$file*" -print -quit 2>/dev/null)" ] || continue
		echo "$file"
	done
}

# --- HTTP ----------------------------------------------------------------------------------

# fetch URL [CURL OPTION...]: the status line, the headers but for the date, and the body.
fetch() {
	local status
	curl -sS --max-time "$deadline" -D "$dir/fetch.h" -o "$dir/fetch.b" "${@:2}" "$1"
	status=$?
	tr -d '\r' <"$dir/fetch.h" | grep -v '^Date: '
	[ ! -e "$dir/fetch.b" ] || cat "$dir/fetch.b"
	rm -f "$dir/fetch.h" "$dir/fetch.b"
	return $status
}
answers() { # answers URL [TEXT]: does the server answer, and with this text?
	local said
	said=$(curl -sf --max-time 2 "$1") || return
	[ $# = 1 ] || [ "$said" = "$2" ]
}
# raw PORT BYTES: sends bytes, prints the answer up to the end of the connection, without dates.
raw() {
	exec 9<>"/dev/tcp/127.0.0.1/$1" || return
	printf "$2" >&9
	timeout "$deadline" cat <&9 | tr -d '\r' | grep -av '^Date: '
	local status=${PIPESTATUS[0]}
	exec 9>&-
	return "$status"
}
# load COUNT CONCURRENT URL [AB OPTION...]: every one of COUNT requests must succeed.
load() {
	local count=$1 concurrent=$2 url=$3
	shift 3
	ab -q -s "$deadline" -n "$count" -c "$concurrent" "$@" "$url" >"$dir/ab" 2>&1 &&
		grep -qE "^Complete requests: +$count\$" "$dir/ab" && grep -qE '^Failed requests: +0$' "$dir/ab" &&
		! grep -q '^Non-2xx' "$dir/ab" && return
	sed '/^Connection Times/,$d' "$dir/ab" # without the percentiles the counts are at the end
	return 1
}
# A document root with files of 0 B to 8 MiB, every line of them different.
document_root() { # document_root DIR
	mkdir -p "$1/sub"
	local size
	for size in 0 1 4096 65537 1048576 8388608; do seq 1 1300000 2>/dev/null | head -c $size >"$1/$size.html"; done
	echo 'in a directory' >"$1/sub/index.txt"
	echo 'nobody may read this' >"$1/forbidden.html"
	chmod 0 "$1/forbidden.html"
	find "$1" -exec touch -d '2024-01-01 00:00:00 UTC' {} +
}
