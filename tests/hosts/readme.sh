#!/bin/bash
# SPDX-License-Identifier: MIT
# "Two hosts" of README.md, followed by copy and paste. The hosts are network namespaces that have an
# /etc and a /usr/local of their own; their root has no need of sudo, and their packages are there.
. "$(dirname "$0")/lib.sh"
top=$(cd "$(dirname "$0")/../.." && pwd)
hosts_up a b || { echo "Bail out! no network namespaces"; exit 1; }
on a ip addr add 192.0.2.1/24 dev eth0
on b ip addr add 192.0.2.2/24 dev eth0

# The blocks of commands in that section, in order.
mapfile -d '' -t block < <(awk '/^## / { inside = $0 == "## Two hosts" }
	/^```/ { if (in_block) printf "%c", 0; in_block = inside && !in_block && /^```sh$/; next }
	in_block' "$top/README.md")
check "README has three blocks of commands" equal ${#block[@]} 3

# What a host is called by: a process that holds its file systems.
declare -A holder
settle() { # settle HOST
	mkdir "$scratch/$1"
	on "$1" unshare -m bash -c '
		mount -t tmpfs none "$1" && mkdir "$1"/{etc,local}{,.work} &&
		mount -t overlay -o "lowerdir=/etc,upperdir=$1/etc,workdir=$1/etc.work" none /etc &&
		mount -t tmpfs none /usr/local && echo $$ >"$1.settled" && exec sleep infinity' bash "$scratch/$1" &
	for ((i = 0; i < 100; i++)); do
		[ -s "$scratch/$1.settled" ] && break
		sleep 0.1
	done
	read -r "holder[$1]" <"$scratch/$1.settled" &&
		! cmp <(stat -Lc %i "/proc/${holder[$1]}/ns/mnt") <(stat -Lc %i /proc/self/ns/mnt)
}
end_there() { # what a failed test has left
	local pid
	for pid in "${command[@]}"; do pkill -9 -P "$pid"; done
	kill "${holder[@]}" 2>/dev/null
}
trap 'end_there; end_left; hosts_down; rm -rf "$scratch"' EXIT
# What a host's shell knows besides: a machine's way to others, and what needs no doing here.
export USER=root TOP=$top B=$build OTHER
scp() { tar -C / -cpf - "${@:2:$#-2}" 2>/dev/null | nsenter -t "$OTHER" -m tar -C / -xpf -; }
sudo() { "$@"; }
apt-get() { :; }
make() { command make -s -C "$TOP" B="$B" "$@"; }
export -f scp sudo apt-get make
paste() { # paste HOST TEXT...: into a shell there
	OTHER=${holder[$([ "$1" = a ] && echo b || echo a)]} \
		nsenter -t "${holder[$1]}" -m -n bash -e -c "cd '$top'; PATH=/usr/local/bin:\$PATH; ${*:2}"
}
begin_there() { # begin_there HOST TEXT: in the background
	paste "$1" "exec $2" >"$scratch/out.$1" 2>"$scratch/err.$1" </dev/null &
	command[$1]=$!
}

# Not without: what is pasted writes to /etc and /usr/local.
for host in a b; do
	settle $host >/dev/null 2>&1 || { echo "Bail out! no file systems of its own for host $host"; exit 1; }
done
for host in a b; do check "Tandem is installed on host $host" paste $host "${block[0]}"; done
check "key and configuration are made, and copied" paste a "${block[1]}"
check "... and are the same" equal "$(paste b 'cksum </etc/tandem/key; cksum </etc/tandem/cfg')" \
	"$(paste a 'cksum </etc/tandem/key; cksum </etc/tandem/cfg')"
check "... and the key is its user's alone" equal "$(paste b 'stat -c %a /etc/tandem/key')" 600
for order in "a b" "b a"; do
	for host in $order; do begin_there "$host" "${block[2]}"; done
	serves() { paste a 'for ((i = 0; i < 100; i++)); do redis-cli ping 2>/dev/null && exit; sleep 0.2; done; exit 1'; }
	check "the leader serves, started in the order $order" equal "$(serves)" PONG
	for host in a b; do
		check "... status on host $host shows both variants" equal \
			"$(paste $host 'tandem status' | grep -cE 'variant [01], (leader|follower)')" 2
		check "... and the connection" bash -c "grep -qE '192\\.0\\.2\\.[12]:[0-9]+: tcp over' <<<'$(paste $host 'tandem status')'"
	done
	kill -TERM "$(pgrep -P "${command[a]}")"
	check "... and a signal ends it on both" all_over 0
done
finish
