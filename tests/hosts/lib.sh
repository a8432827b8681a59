# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests of sessions that span hosts share, besides net.sh (which draws the hosts): a key,
# a configuration, commands on hosts. Sourced; prints TAP; ends with finish.
. "$(dirname "${BASH_SOURCE[0]}")/../run/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/net.sh"
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP network namespaces need root"; exit 0; }
trap 'end_left; hosts_down; rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
: >"$scratch/err"
"$tandem" keygen "$scratch/key" || { echo "Bail out! no key"; exit 1; }

# spanning HOSTS [KEYS [ADDRESSES]]: a configuration of as many variants; the first one leads.
spanning() {
	local n addresses=(${3:-1 2 3})
	{
		echo "leader_id = 0; policy = \"socket_rw_oc\"; report_dir = \"$scratch/reports\";"
		echo "transport = \"tcp\"; key_file = \"$scratch/key\"; connect_timeout = 20; peer_timeout = 1; ${2:-}"
		echo "variants = ("
		for ((n = 0; n < $1; n++)); do
			[ $n = 0 ] || echo ,
			printf '{ id = %d; address = "10.77.0.%d"; port = 7000; %s }' $n "${addresses[n]}" "$([ $n = 0 ] || echo 'env = ( "TWIN=1" );')"
		done
		echo ");"
	} >"$scratch/cfg"
}

# The commands that run, by host; what they say is in out.HOST and err.HOST.
declare -A command
under=() # a command that runs its arguments, to run tandem by
supervisor() { # of the command on a host
	first_child "${command[$1]}"
}
# launch HOST ID COMMAND...: starts tandem run there in the background; ID "": without --id.
launch() {
	local host=$1 id=$2
	shift 2
	set -m # a process group of its own
	nsenter --net="/run/netns/$prefix-$host" -- "${under[@]}" "$tandem" run ${id:+--id "$id"} -c "${cfg:-$scratch/cfg}" "$@" \
		>"$scratch/out.$host" 2>"$scratch/err.$host" </dev/null &
	command[$host]=$!
	set +m
}
# over HOST STATUSES [TENTHS]: the command there ends by itself, within 20 s, with one of them.
over() {
	local status i
	for ((i = 0; i < ${3:-200}; i++)); do
		kill -0 "${command[$1]}" 2>/dev/null || break
		sleep 0.1
	done
	kill -0 "${command[$1]}" 2>/dev/null && { echo "it still runs on host $1"; cat "$scratch/err.$1"; return 1; }
	wait "${command[$1]}" 2>/dev/null
	status=$?
	[[ $status =~ ^($2)$ ]] || { echo "host $1: got $status; wanted $2"; cat "$scratch/err.$1"; return 1; }
}
all_over() { # all_over STATUSES: on all hosts; nothing is left
	local host bad=0
	for host in "${!command[@]}"; do over "$host" "$1" || bad=1; done
	command=()
	nothing_left && [ $bad = 0 ]
}
# until_said HOST REGEX [TENTHS]: within 20 s, on standard output or error.
until_said() {
	local i
	for ((i = 0; i < ${3:-200}; i++)); do
		grep -qE -- "$2" "$scratch/out.$1" "$scratch/err.$1" 2>/dev/null && return
		sleep 0.1
	done
	echo "host $1 didn't say $2:"
	cat "$scratch/out.$1" "$scratch/err.$1"
	return 1
}
says_there() { # says_there HOST REGEX
	grep -qE -- "$2" "$scratch/err.$1" || { echo "host $1: no match for: $2"; cat "$scratch/err.$1"; return 1; }
}
