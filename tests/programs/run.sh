#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs every program of this directory natively and then as variants, and prints TAP.
#
#   run.sh BUILD_DIR [--native] [--trap auto|sud|seccomp] [--policy P] [--variants N]
#          [--compare full|hash] [--wait adaptive|spin|block] [--transport T]
#          [--preload LIB] [--only GLOB] [--jobs N] [--timeout SECONDS]
#
# Comments among the first lines of a program tell what it needs:
#   /* expect: exit N */  /* expect: signal N */     its own end; without one: exit 0
#   /* expect: divergence REGEX */                   diverge/ only: what the report must match
#   /* needs: root */                                skipped for everybody else
#   /* args: A B */                                  its arguments
#   /* config: KEY = VALUE; */                       added to the configuration
#
# A run fails when stdout or the exit status differ from the native run, when it takes too
# long, or when a process of it is left over.
set -u
shopt -s nullglob
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)

usage() {
	sed -n '5,7s/^# *//p' "$0" >&2
	echo "run.sh: $1" >&2
	exit 2
}

[ $# -ge 1 ] || usage "BUILD_DIR is missing"
case $1 in -*) usage "BUILD_DIR must come first, got $1" ;; esac
mkdir -p "$1/programs" || exit 2
build=$(cd "$1" && pwd)
shift

native=0 trap=auto policy=socket_rw_oc variants=2 compare=full wait=adaptive transport=shm
preload='' only='*' jobs=1 limit=20
while [ $# -gt 0 ]; do
	case $1 in
	--native) native=1; shift; continue ;;
	--trap | --policy | --variants | --compare | --wait | --transport | --preload | --only | --jobs | --timeout) ;;
	*) usage "unknown option $1" ;;
	esac
	[ $# -ge 2 ] || usage "$1 wants a value"
	case $1 in
	--trap) trap=$2 ;;
	--policy) policy=$2 ;;
	--variants) variants=$2 ;;
	--compare) compare=$2 ;;
	--wait) wait=$2 ;;
	--transport) transport=$2 ;;
	--preload) preload=$2 ;;
	--only) only=$2 ;;
	--jobs) jobs=$2 ;;
	--timeout) limit=$2 ;;
	esac
	shift 2
done
for n in "$variants" "$jobs" "$limit"; do
	[[ $n =~ ^[1-9][0-9]*$ ]] || usage "a number above 0 is wanted, got $n"
done

out=$build/programs
tandem=$build/tandem
if [ $native = 1 ]; then
	label=native
else
	label=$trap/$policy/$variants/$transport
	[ -x "$tandem" ] || { echo "Bail out! $tandem is not there: build it first"; exit 1; }
fi

# One directory for everything this run makes, removed at the end.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/programs.XXXXXX") || exit 2
chmod 755 "$scratch"
running=()
cleanup() {
	local pid
	for pid in "${running[@]}"; do kill "$pid" 2>/dev/null; done
	rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
ulimit -c 0

# The value of a "/* key: value */" comment of a program.
header() {
	sed -n "1,6s|^/\* $2: \(.*[^ ]\) *\*/\$|\1|p" "$1" | head -n 1
}

newer() { # newer TARGET SOURCE...: is the target up to date?
	local target=$1 source
	shift
	[ -e "$target" ] || return 1
	for source; do [ "$source" -nt "$target" ] && return 1; done
	return 0
}

compile() { # compile SOURCE TARGET [FLAG...]
	local src=$1 dst=$2
	shift 2
	newer "$dst" "$src" "$here/check.h" "$here/net.h" && return 0
	mkdir -p "$(dirname "$dst")"
	${CC:-cc} -O1 -g -Wall -Wextra -Werror -pthread -I"$here" "$@" "$src" -o "$dst.new.$$" -ldl &&
		mv "$dst.new.$$" "$dst"
}

# Processes of a run that are still there: by the mark in their environment, or by the session
# of the run. Zombies that nobody has reaped yet don't count.
leftovers() { # leftovers MARK SESSION
	{
		grep -lzxF "PROGRAM_TEST_MARK=$1" /proc/[0-9]*/environ
		echo "session $2"
		cat /proc/[0-9]*/stat
	} 2>/dev/null | awk '
		/^\/proc\// { split($0, part, "/"); marked[part[3]] = 1; next }
		/^session / { session = $2; next }
		{
			name = $0; sub(/\).*/, ")", name)
			sub(/.*\) /, "")
			if ($1 != "Z" && $1 != "X" && ($4 == session || (name + 0) in marked))
				print name
		}'
}

# execute DIR COMMAND...: runs a command with its own TMPDIR and session; leaves DIR/{stdout,
# stderr,status}, and DIR/left with the processes that did not go away.
execute() {
	local dir=$1 mark session left try fd
	shift
	mkdir -p "$dir/tmp"
	chmod 777 "$dir/tmp"
	mark=${dir##*/}.$$.$RANDOM$RANDOM
	(
		cd "$dir/tmp" || exit 2
		for fd in /proc/$BASHPID/fd/*; do # only 0, 1 and 2 are handed on
			fd=${fd##*/}
			[ "$fd" -gt 2 ] && eval "exec $fd>&-"
		done
		exec env --default-signal -u TWIN TMPDIR="$dir/tmp" TEST_LIB_DIR="$out/lib" \
			PROGRAM_TEST_MARK="$mark" setsid -w timeout -k 2 "$limit" "$@"
	) >"$dir/stdout" 2>"$dir/stderr" </dev/null &
	session=$!
	wait $session 2>/dev/null
	echo $? >"$dir/status"
	# A daemon or an orphan may need a moment to end after its parent did.
	for try in 1 2 3 4 5 6 7 8 9 10; do
		left=$(leftovers "$mark" $session)
		[ -n "$left" ] || break
		sleep 0.1
	done
	: >"$dir/left"
	if [ -n "$left" ]; then
		echo "$left" >"$dir/left"
		kill -9 $(echo "$left" | cut -d' ' -f1) 2>/dev/null
	fi
}

configuration() { # configuration SOURCE REPORT_DIR TWIN
	local id more
	more=$(header "$1" config)
	echo "leader_id = 0; policy = \"$policy\"; transport = \"$transport\";"
	echo "compare = \"$compare\"; trap = \"$trap\"; wait = \"$wait\"; on_divergence = \"stop\";"
	echo "report_dir = \"$2\";"
	case $more in *hang_timeout*) ;; *) echo "hang_timeout = 10.0;" ;; esac
	echo "$more"
	echo "variants = ("
	for ((id = 0; id < variants; id++)); do
		printf '  { id = %d;' $id
		if [ $id -gt 0 ]; then
			[ -n "$3" ] && printf ' env = ( "TWIN=1" );'
			[ -n "$preload" ] && printf ' preload = ( "%s" );' "$preload"
		fi
		[ $id -lt $((variants - 1)) ] && echo ' },' || echo ' }'
	done
	echo ");"
}

diagnose() { # diagnose DIR
	[ -s "$1/stderr" ] && { echo "# stderr:"; tail -n 15 "$1/stderr" | sed 's/^/#   /'; }
	[ -s "$1/left" ] && { echo "# left over:"; sed 's/^/#   /' "$1/left"; }
	return 0
}

failed() { # failed NAME DIR REASON
	echo "not ok - $1 [$label]"
	echo "# $3"
	diagnose "$2"
}

judge_divergence() { # judge_divergence NAME DIR REGEX
	local status report
	status=$(cat "$2/status")
	[ "$status" = 110 ] || { failed "$1" "$2" "exit status $status, 110 (divergence) wanted"; return; }
	report=$(ls -t "$2/reports" | head -n 1)
	[ -n "$report" ] || { failed "$1" "$2" "no report in report_dir"; return; }
	if ! grep -qE -- "$3" "$2/reports/$report"; then
		failed "$1" "$2" "the report does not match \"$3\""
		head -n 15 "$2/reports/$report" | sed 's/^/#   /'
		return
	fi
	[ -s "$2/left" ] && { failed "$1" "$2" "processes are left over"; return; }
	echo "ok - $1 [$label]"
}

# one NAME: prints the TAP line (without its number) of one program, and diagnostics.
one() {
	local name=$1 src=$here/$1.c bin=$out/$1 dir=$scratch/${1//\//.} ref expect want args status
	local report_regex='' line
	if ! compile "$src" "$bin" 2>"$dir.cc"; then
		echo "not ok - $name [$label]"
		echo "# does not compile:"
		head -n 20 "$dir.cc" | sed 's/^/#   /'
		return
	fi
	if [ "$(header "$src" needs)" = root ] && [ "$(id -u)" != 0 ]; then
		echo "ok - $name [$label] # SKIP needs root"
		return
	fi
	read -ra args <<<"$(header "$src" args)"
	expect=$(header "$src" expect)
	case $expect in
	'') want=0 ;;
	'exit '*) want=${expect#exit } ;;
	'signal '*) want=$((128 + ${expect#signal })) ;;
	'divergence '*) want=0 report_regex=${expect#divergence } ;;
	*) echo "not ok - $name [$label]"; echo "# bad expect comment: $expect"; return ;;
	esac

	# The native run is the reference; it is made once for each build of the program and user.
	ref=$out/native.$(id -u)/$name
	if [ $native = 1 ] || ! newer "$ref/status" "$bin"; then
		mkdir -p "$ref"
		rm -f "$ref/status"
		execute "$dir.native" "$bin" "${args[@]}"
		status=$(cat "$dir.native/status")
		if [ "$status" != "$want" ] && [ "$status" != 77 ]; then
			failed "$name" "$dir.native" "native run: exit status $status, $want wanted"
			return
		fi
		[ -s "$dir.native/left" ] && { failed "$name" "$dir.native" "native run: processes are left over"; return; }
		cp "$dir.native/stdout" "$dir.native/stderr" "$ref"
		cp "$dir.native/status" "$ref/status"
	fi
	if [ "$(cat "$ref/status")" = 77 ]; then
		line=$(tail -n 1 "$ref/stderr")
		echo "ok - $name [$label] # SKIP ${line#skip: }"
		return
	fi
	[ $native = 1 ] && { echo "ok - $name [$label]"; return; }

	mkdir -p "$dir/reports"
	configuration "$src" "$dir/reports" "$report_regex" >"$dir/generated.cfg"
	execute "$dir" "$tandem" run -c "$dir/generated.cfg" -- "$bin" "${args[@]}"
	[ -n "$report_regex" ] && { judge_divergence "$name" "$dir" "$report_regex"; return; }
	status=$(cat "$dir/status")
	if [ "$status" != "$want" ]; then
		line="exit status $status, $want wanted"
		[ "$status" = 124 ] && line+=" (stopped after $limit s)"
		failed "$name" "$dir" "$line"
	elif ! cmp -s "$ref/stdout" "$dir/stdout"; then
		failed "$name" "$dir" "stdout differs from the native run:"
		diff -a "$ref/stdout" "$dir/stdout" | head -n 10 | cut -c1-200 | sed 's/^/#   /'
	elif [ -s "$dir/left" ]; then
		failed "$name" "$dir" "processes are left over"
	else
		echo "ok - $name [$label]"
	fi
}

for src in "$here"/lib/*.c; do
	name=$(basename "$src" .c)
	compile "$src" "$out/lib/$name.so" -shared -fPIC || { echo "Bail out! lib/$name.c does not compile"; exit 1; }
done

names=()
for src in "$here"/*.c "$here"/diverge/*.c; do
	name=${src#"$here"/}
	name=${name%.c}
	[ $native = 0 ] && [ "$variants" = 1 ] && [[ $name == diverge/* ]] && continue
	[[ $name == $only ]] && names+=("$name")
done
[ ${#names[@]} -gt 0 ] || { echo "Bail out! no program matches $only"; exit 1; }

# Results are printed in order; up to $jobs programs run ahead of the one to be printed.
bad=0
started=0
pids=()
for ((i = 0; i < ${#names[@]}; i++)); do
	while [ $started -lt ${#names[@]} ] && [ $started -lt $((i + jobs)) ]; do
		one "${names[started]}" >"$scratch/tap.$started" &
		pids[started]=$!
		started=$((started + 1))
	done
	running=("${pids[@]:i}")
	wait "${pids[i]}"
	[ -s "$scratch/tap.$i" ] || echo "not ok - ${names[i]} [$label] (the runner itself failed)" >"$scratch/tap.$i"
	grep -q '^not ok' "$scratch/tap.$i" && bad=$((bad + 1))
	sed "1s/ok - /ok $((i + 1)) - /" "$scratch/tap.$i"
	rm -rf "$scratch/${names[i]//\//.}" "$scratch/${names[i]//\//.}.native"
done
echo "1..${#names[@]}"
[ $bad = 0 ]
