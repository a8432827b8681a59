#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs every program of this directory natively and then as variants, and prints TAP.
#
#   run.sh BUILD_DIR [--native] [--trap auto|sud|seccomp] [--policy P] [--variants N]
#          [--compare full|hash] [--wait adaptive|spin|block] [--transport shm|tcp|rdma]
#          [--hosts LIST] [--more KEYS]
#          [--preload LIB] [--only GLOB] [--share I/N] [--jobs N] [--timeout SECONDS]
#          [--prepare DIR | --judge DIR]
#
# --prepare leaves in DIR what it takes to run the programs elsewhere instead of running them:
# DIR/NAME/command for each (--id=0 stands for the variant's number). --judge takes what came of that:
# stdout, stderr, status, reports in the same place; of the other variants stdout.1 and so on. A file
# kernel that isn't empty there, or kernel.1 and so on, is what a kernel complained of meanwhile.
#
# With another transport than shm each variant is started by a command of its own. LIST says where,
# one word for each variant, in one argument: ADDRESS, or NAMESPACE@ADDRESS for another network
# namespace; default: 127.0.0.1. KEYS: added to the configuration, "link = ...;".
#
# --share takes of the programs every Nth, from the Ith on: 1/N to N/N are all of them.
#
# Comments among the first lines of a program tell what it needs:
#   /* expect: exit N */  /* expect: signal N */     its own end; without one: exit 0
#   /* expect: divergence REGEX */                   diverge/ only: how what is said begins
#   /* needs: root */                                skipped for everybody else
#   /* needs: one host */                            skipped between several
#   /* args: A B */                                  its arguments
#   /* cc: FLAGS */                                  what the compiler is given besides
#   /* config: KEY = VALUE; */                       added to the configuration
#   /* time: N */                                    N times as long as others may take
#
# A run fails when stdout or the exit status differ from the native run, when it takes too
# long, or when a process of it is left over.
set -u
shopt -s nullglob
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
unset TWIN

usage() {
	sed -n '6,10s/^# *//p' "$0" >&2
	echo "run.sh: $1" >&2
	exit 2
}

[ $# -ge 1 ] || usage "BUILD_DIR is missing"
case $1 in -*) usage "BUILD_DIR must come first, got $1" ;; esac
mkdir -p "$1/programs" || exit 2
build=$(cd "$1" && pwd)
shift

native=0 trap=auto policy=socket_rw_oc variants=2 compare=full wait=adaptive transport=shm
hosts='' keys=''
preload='' only='*' share=1/1 jobs=1 limit=20 stage='' work=''
while [ $# -gt 0 ]; do
	case $1 in
	--native) native=1; shift; continue ;;
	--trap | --policy | --variants | --compare | --wait | --transport | --hosts | --more | --preload | --only | --share | --jobs | --timeout | --prepare | --judge) ;;
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
	--hosts) hosts=$2 ;;
	--more) keys=$2 ;;
	--preload) preload=$2 ;;
	--only) only=$2 ;;
	--share) share=$2 ;;
	--jobs) jobs=$2 ;;
	--timeout) limit=$2 ;;
	--prepare | --judge) stage=${1#--} work=$2 ;;
	esac
	shift 2
done
for n in "$variants" "$jobs" "$limit" "${share%/*}" "${share#*/}"; do
	[[ $n =~ ^[1-9][0-9]*$ ]] || usage "a number above 0 is wanted, got $n"
done
# Where each variant runs: the namespace, and the address.
namespace=() address=()
for ((id = 0; id < variants; id++)); do
	read -r host hosts <<<"$hosts"
	case $host in *@*) namespace+=("${host%@*}") ;; *) namespace+=('') ;; esac
	host=${host#*@}
	address+=("${host:-127.0.0.1}")
done

out=$build/programs
export TEST_LIB_DIR=$out/lib
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
work=${work:-$scratch}
running=()
cleanup() {
	local pid
	for pid in "${running[@]}"; do kill "$pid" 2>/dev/null; done
	rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
ulimit -c 0

# What the comments "/* key: value */" of a program say; the first of a key counts.
declare -A header
headers() {
	local line n
	header=()
	for ((n = 0; n < 6; n++)); do
		IFS= read -r line || break
		[[ $line =~ ^'/* '([a-z]+)': '(.*[^ ])' '*'*/'$ ]] || continue
		: "${header[${BASH_REMATCH[1]}]:=${BASH_REMATCH[2]}}"
	done <"$1"
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
	newer "$dst" "$src" "$here/check.h" "$here/net.h" "$here/scm.h" && return 0
	mkdir -p "$(dirname "$dst")"
	${CC:-cc} -O1 -g -Wall -Wextra -Werror -pthread -I"$here" "$@" "$src" -o "$dst.new.$$" -ldl &&
		mv "$dst.new.$$" "$dst"
}

# execute OTHERS DIR COMMAND...: leaves DIR/{stdout,stderr,status}, and DIR/left with the processes
# that did not go away, if there are any (runner/session.c). As many others run with it, --id N in
# place of --id 0, and leave DIR/{stdout,stderr,status,left}.N.
execute() {
	local others=$1 dir=$2 id pids=() enter=() seconds=$((limit * ${header[time]:-1}))
	shift 2
	for ((id = others; id > 0; id--)); do
		[ -z "${namespace[id]}" ] || enter=(nsenter --net="/run/netns/${namespace[id]}" --)
		"$session" "$seconds" "$dir" ".$id" "${enter[@]}" "${@/#--id=0/--id=$id}" &
		pids+=($!)
	done
	enter=()
	[ "$others" = 0 ] || [ -z "${namespace[0]}" ] || enter=(nsenter --net="/run/netns/${namespace[0]}" --)
	"$session" "$seconds" "$dir" '' "${enter[@]}" "$@"
	wait "${pids[@]}"
}
left() { # left DIR: are there files that tell of processes?
	compgen -G "$1/left*" >/dev/null
}

configuration() { # configuration REPORT_DIR TWIN PORT; headers has read the program's
	local id more=${header[config]-}
	echo "leader_id = 0; policy = \"$policy\"; transport = \"$transport\";"
	echo "compare = \"$compare\"; trap = \"$trap\"; wait = \"$wait\"; on_divergence = \"stop\";"
	echo "report_dir = \"$1\";"
	case $more in *hang_timeout*) ;; *) echo "hang_timeout = 10.0;" ;; esac
	echo "$more $keys"
	echo "variants = ("
	for ((id = 0; id < variants; id++)); do
		printf '  { id = %d;' $id
		[ $transport = shm ] || printf ' address = "%s"; port = %d;' "${address[id]}" "$3"
		[ -n "$2" ] && printf ' env = ( "TWIN=%d" );' $((id > 0))
		[ $id -gt 0 ] && [ -n "$preload" ] && printf ' preload = ( "%s" );' "$preload"
		[ $id -lt $((variants - 1)) ] && echo ' },' || echo ' }'
	done
	echo ");"
}

diagnose() { # diagnose DIR
	local report file
	[ -s "$1/stderr" ] && { echo "# stderr:"; tail -n 15 "$1/stderr" | sed 's/^/#   /'; }
	for file in "$1"/stderr.* "$1"/kernel*; do
		[ -s "$file" ] && { echo "# ${file##*/}:"; tail -n 15 "$file" | sed 's/^/#   /'; }
	done
	left "$1" && { echo "# left over:"; cat "$1"/left* | sed 's/^/#   /'; }
	for report in "$1"/reports/*; do
		"$tandem" explain "$report" 2>&1 | head -n 60 | cut -c1-200 | sed 's/^/#   /'
	done
}

failed() { # failed NAME DIR REASON
	echo "not ok - $1 [$label]"
	echo "# $3"
	diagnose "$2"
}

judge_divergence() { # judge_divergence NAME DIR REGEX
	local status report='' said file
	read -r status <"$2/status"
	[ "$status" = 110 ] || { failed "$1" "$2" "exit status $status, 110 (divergence) wanted"; return; }
	for file in "$2/reports"/*; do [ "$file" -nt "$report" ] && report=$file; done
	[ -n "$report" ] || { failed "$1" "$2" "no report in report_dir"; return; }
	# What was said of it on standard error; "; report: PATH" names the program, too.
	said=$(sed -n 's/^tandem: \(divergence: .*\); report: .*/\1/p' "$2"/stderr*)
	if ! grep -qE -- "^divergence: $3" <<<"$said"; then
		failed "$1" "$2" "\"$said\" does not match \"$3\""
		return
	fi
	left "$2" && { failed "$1" "$2" "processes are left over"; return; }
	echo "ok - $1 [$label]"
}

# same_ends NAME DIR: all commands of a run have ended as the leader's has.
same_ends() {
	local file leader other
	read -r leader <"$2/status"
	for file in "$2"/status.*; do
		read -r other <"$file"
		[ "$other" = "$leader" ] && continue
		failed "$1" "$2" "exit status $other on host ${file##*.}, $leader on the leader's"
		return 1
	done
}

same() { # same FILE FILE: equal? Most are empty.
	[ ! -s "$1" ] && [ ! -s "$2" ] || cmp -s "$1" "$2"
}

# one NAME PORT: prints the TAP line (without its number) of one program, and diagnostics.
one() {
	local name=$1 src=$here/$1.c bin=$out/$1 dir=$work/${1//\//.} ref expect want args status
	local report_regex='' line flags command=(run) others=0 file
	headers "$src"
	read -ra flags <<<"${header[cc]-}"
	if ! compile "$src" "$bin" "${flags[@]}" 2>"$scratch/$2.cc"; then
		echo "not ok - $name [$label]"
		echo "# does not compile:"
		head -n 20 "$scratch/$2.cc" | sed 's/^/#   /'
		return
	fi
	if [ "${header[needs]-}" = root ] && [ "$UID" != 0 ]; then
		echo "ok - $name [$label] # SKIP needs root"
		return
	fi
	if [ "${header[needs]-}" = 'one host' ] && [ -n "${namespace[0]}" ]; then
		echo "ok - $name [$label] # SKIP what it causes is found on one host only"
		return
	fi
	read -ra args <<<"${header[args]-}"
	expect=${header[expect]-}
	case $expect in
	'') want=0 ;;
	'exit '*) want=${expect#exit } ;;
	'signal '*) want=$((128 + ${expect#signal })) ;;
	'divergence '*) want=0 report_regex=${expect#divergence } ;;
	*) echo "not ok - $name [$label]"; echo "# bad expect comment: $expect"; return ;;
	esac

	# The native run is the reference; it is made once for each build of the program and user.
	ref=$out/native.$UID/$name
	if [ $native = 1 ] || ! newer "$ref/status" "$bin"; then
		mkdir -p "$ref" "$dir.native"
		rm -f "$ref/status"
		execute 0 "$dir.native" "$bin" "${args[@]}"
		read -r status <"$dir.native/status"
		if [ "$status" != "$want" ] && [ "$status" != 77 ]; then
			failed "$name" "$dir.native" "native run: exit status $status, $want wanted"
			return
		fi
		left "$dir.native" && { failed "$name" "$dir.native" "native run: processes are left over"; return; }
		cp "$dir.native/stdout" "$dir.native/stderr" "$ref"
		cp "$dir.native/status" "$ref/status"
	fi
	read -r status <"$ref/status"
	if [ "$status" = 77 ]; then
		line=$(tail -n 1 "$ref/stderr")
		echo "ok - $name [$label] # SKIP ${line#skip: }"
		return
	fi
	[ $native = 1 ] && { echo "ok - $name [$label]"; return; }

	[ "$stage" = judge ] || configuration "$dir/reports" "$report_regex" "$2" >"$dir/generated.cfg"
	[ $transport = shm ] || others=$((variants - 1)) command=(run --id=0)
	command=("$tandem" "${command[@]}" -c "$dir/generated.cfg" -- "$bin" "${args[@]}")
	case $stage in
	prepare) printf '%s\0' "${command[@]}" >"$dir/command"; echo "ok - $name [$label]"; return ;;
	judge)
		for file in "$dir/status" $([ $others = 0 ] || seq -f "$dir/status.%g" $others); do
			[ -e "$file" ] || { failed "$name" "$dir" "it wasn't run: there is no $file"; return; }
		done
		for file in "$dir"/kernel*; do
			[ ! -s "$file" ] || { failed "$name" "$dir" "a kernel has complained (${file##*/})"; return; }
		done ;;
	*) execute $others "$dir" "${command[@]}" ;;
	esac
	same_ends "$name" "$dir" || return
	[ -n "$report_regex" ] && { judge_divergence "$name" "$dir" "$report_regex"; return; }
	read -r status <"$dir/status"
	if [ "$status" != "$want" ]; then
		line="exit status $status, $want wanted"
		[ "$status" = 124 ] && line+=" (stopped at its time limit)"
		failed "$name" "$dir" "$line"
	elif ! same "$ref/stdout" "$dir/stdout"; then
		failed "$name" "$dir" "stdout differs from the native run:"
		diff -a "$ref/stdout" "$dir/stdout" | head -n 10 | cut -c1-200 | sed 's/^/#   /'
	elif left "$dir"; then
		failed "$name" "$dir" "processes are left over"
	else
		echo "ok - $name [$label]"
	fi
}

for src in "$here"/lib/*.c; do
	name=$(basename "$src" .c)
	compile "$src" "$out/lib/$name.so" -shared -fPIC || { echo "Bail out! lib/$name.c does not compile"; exit 1; }
done

session=$out/runner/session
compile "$here/runner/session.c" "$session" || { echo "Bail out! runner/session.c does not compile"; exit 1; }

names=()
for src in "$here"/*.c "$here"/diverge/*.c; do
	name=${src#"$here"/}
	name=${name%.c}
	[ $native = 0 ] && [ "$variants" = 1 ] && [[ $name == diverge/* ]] && continue
	[[ $name == $only ]] && names+=("$name")
done
if [ "$share" != 1/1 ]; then
	all=("${names[@]}") names=()
	for ((i = ${share%/*} - 1; i < ${#all[@]}; i += ${share#*/})); do names+=("${all[i]}"); done
fi
[ ${#names[@]} -gt 0 ] || { echo "Bail out! no program matches $only"; exit 1; }

# A directory each, all made at once: starting a command is what a test costs most.
directories=("${names[@]//\//.}")
[ $native = 1 ] || directories=("${directories[@]/%//reports}")
(cd "$work" && mkdir -p "${directories[@]}")

# Results are printed in order; up to $jobs programs run ahead of the one to be printed.
bad=0
first_port=$((20000 + $$ % 40 * 300)) # below the ephemeral ones
started=0
pids=()
for ((i = 0; i < ${#names[@]}; i++)); do
	while [ $started -lt ${#names[@]} ] && [ $started -lt $((i + jobs)) ]; do
		one "${names[started]}" $((first_port + started)) >"$scratch/tap.$started" &
		pids[started]=$!
		started=$((started + 1))
	done
	running=("${pids[@]:i}")
	wait "${pids[i]}"
	mapfile -t tap <"$scratch/tap.$i"
	[ ${#tap[@]} -gt 0 ] || tap=("not ok - ${names[i]} [$label] (the runner itself failed)")
	[[ ${tap[0]} == 'not ok'* ]] && bad=$((bad + 1))
	tap[0]=${tap[0]/ok - /ok $((i + 1)) - }
	printf '%s\n' "${tap[@]}"
done
echo "1..${#names[@]}"
[ $bad = 0 ]
