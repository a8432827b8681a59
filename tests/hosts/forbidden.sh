#!/bin/bash
# SPDX-License-Identifier: MIT
# Hosts on which io_uring is forbidden, as containers do it, or which have none: plain sockets take
# its place unless the configuration insists, and what happens is said.
. "$(dirname "$0")/lib.sh"
hosts_up a b || { echo "Bail out! no network namespaces"; exit 1; }
${CC:-cc} -std=gnu17 -O1 -Wall -Wextra -Werror -o "$scratch/forbid" "$(dirname "$0")/forbid.c" ||
	{ echo "Bail out! forbid.c"; exit 1; }

up() { # up MODE...
	launch b 1 -v -- "$target" "$@"
	launch a 0 -v -- "$target" "$@"
}
check_says() { # check_says STATUS REGEX: tandem check of the configuration
	on a "${under[@]}" "$tandem" check -c "$scratch/cfg" >"$scratch/checked" 2>&1
	equal $? "$1" && says "$2" checked
}

# --- io_uring is there ------------------------------------------------------------------------

spanning 2 'tcp_io = "uring";'
check "with io_uring, the check is content" check_says 0 'can run here'
up exit 7
check "... and it is used" all_over 7
check "... which is said" says_there a 'transport: io_uring'

# --- it isn't ---------------------------------------------------------------------------------

for why in "EPERM is forbidden here" "ENOSYS is not in this kernel"; do
	under=("$scratch/forbid" "${why%% *}")
	spanning 2
	check "io_uring ${why#* }: the check says so" check_says 0 'note: .*tcp_io = "auto": plain sockets, since io_uring is not possible here: (forbidden|the kernel has none)'
	up exit 7
	check "... and sockets carry the session" all_over 7
	for host in a b; do
		check "... which host $host says" says_there $host "transport: plain sockets: io_uring ${why#* }"
	done
	up sleep
	until_said a ready
	on a "$tandem" status >"$scratch/shown" 2>&1
	check "... and status shows" says 'tcp over plain sockets' shown
	kill -TERM "${command[a]}"
	check "... to the end" all_over 143
	spanning 2 'tcp_io = "uring";'
	check "a configuration that insists is refused by the check" check_says 111 'problem: .*tcp_io = "uring" is not possible here: io_uring: .*"auto" takes plain sockets'
	up exit 7
	check "... and by the run" all_over 111
	for host in a b; do
		check "... for the reason, host $host" says_there $host 'tcp_io = "uring" is not possible here: io_uring: (forbidden|the kernel has none).*"auto" takes plain sockets then'
	done
done

# --- on one host only -------------------------------------------------------------------------

spanning 2
under=("$scratch/forbid" EPERM)
launch b 1 -v -- "$target" exit 7
under=()
launch a 0 -v -- "$target" exit 7
check "one host has it and the other doesn't" all_over 7
check "... the leader's uses it" says_there a 'transport: io_uring'
check "... the follower's does without" says_there b 'transport: plain sockets'
finish
