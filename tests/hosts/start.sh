#!/bin/bash
# SPDX-License-Identifier: MIT
# How a session of several hosts begins: in any order, and only among hosts that fit.
. "$(dirname "$0")/lib.sh"
hosts_up a b c || { echo "Bail out! no network namespaces"; exit 1; }
[ -x "$build/other/protocol/tandem" ] || { echo "Bail out! no tandem of another version: make others"; exit 1; }
spanning 2

# --- order -----------------------------------------------------------------------------------

launch a 0 -- "$target" exit 7
check "the leader's host starts first, and says whom it waits for" until_said a 'waiting for variant 1 at 10.77.0.2'
launch b 1 -- "$target" exit 7
check "all end with the program's status" all_over 7
launch b 1 -- "$target" exit 7
check "the follower's host starts first, and says whom it waits for" until_said b "waiting for the leader's host at 10.77.0.1 port 7000"
launch a 0 -- "$target" exit 7
check "... and all end with the program's status" all_over 7
launch a 0 -- "$target" exit 0
launch b 1 -- "$target" exit 0
check "at the same time" all_over 0
check "nothing is said" equal "$(cat "$scratch"/err.*)" ""
launch b 1 -- "$target" sleep
check "a follower waits" until_said b 'waiting for'
kill -TERM "${command[b]}"
check "... and can be told to end" all_over 143
launch a 0 -- "$target" sleep
check "a leader waits" until_said a 'waiting for'
kill -INT "${command[a]}"
check "... and can be told to end" all_over 130
spanning 3
launch a 0 -v -- "$target" exit 7
launch b 1 -- "$target" exit 7
check "one of two followers' hosts is there" until_said a 'is connected'
asked() { on "$1" "$tandem" status --json | python3 -c 'import json, sys; exit(not json.load(sys.stdin)["sessions"])'; }
check "the leader's host answers meanwhile" asked a
check "... and the follower's" asked b
launch c 2 -- "$target" exit 7
check "the last comes, and all end with the program's status" all_over 7
spanning 2 'connect_timeout = 1.5;'
sed -i 's/connect_timeout = 20;//' "$scratch/cfg"
launch a 0 -- "$target" sleep
check "nobody comes" all_over 111
check "... is said" says_there a 'nothing came of variant 1 at 10.77.0.2 within connect_timeout'
launch b 1 -- "$target" sleep
check "nobody is there" all_over 111
check "... is said" says_there b "nothing came of the leader's host at 10.77.0.1 port 7000 within connect_timeout"

# --- what carries the streams -------------------------------------------------------------------

chosen() { # chosen REGEX: both hosts say so, with the reason
	says_there a "10.77.0.2:[0-9]* is connected: $1" && says_there b "10.77.0.1[^ ]* is connected: $1"
}
spanning 2
sed -i 's/transport = "tcp";//' "$scratch/cfg"
launch a 0 -v -- "$target" exit 7
launch b 1 -v -- "$target" exit 7
check "auto, encrypted" all_over 7
check "... is TCP, and why is said" chosen 'tcp \(RDMA needs link = "trusted"\), encrypted'
# Devices that only seem to be there, as in a container: the kernel lists them, /dev has none.
seeming='{ [ ! -d /dev/infiniband ] || mount -t tmpfs none /dev/infiniband; } && mount -t tmpfs none /sys/class && for port in 1 2; do
	mkdir -p /sys/class/infiniband/mlx5_0/ports/$port && echo "1: DOWN" >/sys/class/infiniband/mlx5_0/ports/$port/state || exit
done && echo "4: ACTIVE" >/sys/class/infiniband/mlx5_0/ports/2/state && exec "$@"'
spanning 2 'link = "trusted";'
sed -i 's/transport = "tcp";//' "$scratch/cfg"
under=(unshare -m bash -c "$seeming" bash)
launch a 0 -v -- "$target" exit 7
launch b 1 -v -- "$target" exit 7
under=()
check "auto, trusted, with RDMA devices that don't work" all_over 7
check "... is TCP, and why is said" chosen 'tcp \(no RDMA here: /dev/infiniband has no rdma_cm or no uverbs'
check "tandem check says it, too" unshare -m bash -c "$seeming" bash bash -c "'$tandem' check --id 0 -c '$scratch/cfg' |
	grep -q 'note: .*transport = \"auto\": TCP, since RDMA is not possible here: /dev/infiniband has no rdma_cm or no uverbs'"

# --- several variants on one host --------------------------------------------------------------

on a ip addr add 10.77.0.11/24 dev eth0
on b ip addr add 10.77.0.12/24 dev eth0
for policy in socket_rw_oc full; do
	spanning 3 "" "1 2 11"
	sed -i "s/socket_rw_oc/$policy/" "$scratch/cfg"
	launch a "" -- "$target" tree 3
	launch b "" -- "$target" tree 3
	check "one follower beside the leader, one elsewhere ($policy)" until_said a ready
	kill -TERM -"${command[a]}"
	check "... end as all do" all_over 143
done
launch a "" -- "$target" differ
launch b "" -- "$target" differ
check "a divergence of either" all_over 110
check "... is said on both hosts" says_there b 'divergence: '
spanning 3 "" "1 2 12"
launch b "" -- "$target" exit 7
check "several followers without the leader are refused" all_over 111
check "... with what to do" says_there b 'variants 1, 2 .*this machine.*a command of its own.*--id 1.*--id 2'
check "nothing else is said" equal "$(wc -l <"$scratch/err.b")" 1
on b "$tandem" check -c "$scratch/cfg" >"$scratch/checked" 2>&1
check "tandem check says it, too" grep -q "note: .*variants 1, 2 .*--id 1" "$scratch/checked"
for order in "a b 12" "12 a b" "b 12 a"; do
	for who in $order; do
		case $who in
		a) launch a "" -- "$target" exit 7 ;;
		b) launch b 1 -- "$target" exit 7 ;;
		12) # a second command on host b
			nsenter --net="/run/netns/$prefix-b" -- "$tandem" run --id 2 -c "$scratch/cfg" -- "$target" exit 7 \
				>"$scratch/out.b2" 2>"$scratch/err.b2" </dev/null &
			command[b2]=$!
			;;
		esac
	done
	check "... with --id each they work ($order)" all_over 7
done

# --- few descriptors ----------------------------------------------------------------------------

spanning 2 'connect_timeout = 2;'
sed -i 's/connect_timeout = 20;//' "$scratch/cfg"
for host in a b; do
	# From too few for the session's memory to as many as it takes: whoever lacks them says so.
	for n in 18 22 23 30; do
		[ $host = a ] && under=(prlimit --nofile="$n")
		launch a 0 -- "$target" exit 7
		under=()
		[ $host = b ] && under=(prlimit --nofile="$n")
		launch b 1 -- "$target" exit 7
		under=()
		check "$n descriptors on host $host" all_over "7|111"
		check "... are enough, or that is said" bash -c "[ -s '$scratch/err.$host' ] && grep -q 'raise the limit on open files (ulimit -H*n)' '$scratch/err.$host' || ! [ -s '$scratch/err.$host' ]"
	done
done

# --- what a program inherits ------------------------------------------------------------------

spanning 2
mkdir "$scratch/directory"
cat >"$scratch/inherits" <<'END'
#!/bin/sh
pwd; umask; ulimit -Sn; echo "$ONLY_THERE"
END
chmod 755 "$scratch/inherits"
(
	cd "$scratch/directory" || exit
	umask 027
	ulimit -Sn 700
	ONLY_THERE=yes
	export ONLY_THERE
	launch a 0 -- "$scratch/inherits"
	echo "${command[a]}" >"$scratch/pid"
	all_over 0 >"$scratch/inner" 2>&1
	echo $? >"$scratch/result"
) &
launch b 1 -- "$scratch/inherits"
check "the follower inherits what the leader does" all_over 0
wait
check "... and so the program" equal "$(paste -sd' ' "$scratch/out.a")" "$scratch/directory 0027 700 yes"

# --- hosts that don't fit ----------------------------------------------------------------------

refused() { # refused REGEX: on both, what differs is named; the leader's host goes on waiting
	over b 111 && says_there b "$1" && until_said a "$1" && kill -0 "${command[a]}"
}
sed -i 's/connect_timeout = 20;/connect_timeout = 120;/' "$scratch/cfg"
sed 's/socket_rw_oc/full/' "$scratch/cfg" >"$scratch/cfg.full"
launch a 0 -- "$target" exit 3
cfg=$scratch/cfg.full launch b 1 -- "$target" exit 3
check "another policy" refused 'policy differs'
launch b 1 -- "$target" exit 4
check "another argument" refused 'command line differs'
sed 's/TWIN=1/TWIN=2/' "$scratch/cfg" >"$scratch/cfg.other"
cfg=$scratch/cfg.other launch b 1 -- "$target" exit 3
check "another configuration" refused 'configuration differs'
sed 's/ring_size/x/; s/compare/x/; 1s/^/ring_size = 131072; compare = "hash"; /' "$scratch/cfg" >"$scratch/cfg.ring"
cfg=$scratch/cfg.ring launch b 1 -- "$target" exit 3
check "another size of the ring" refused 'ring_size differs: .* 131072|ring_size differs: .* 1048576, .* 131072'
for host in a b; do
	check "... and what else differs, on host $host" says_there $host 'compare differs: (this one|10\.77\.0\.[12]:[0-9]+) (full|hash), '
done
sed '1s/^/link = "trusted"; /' "$scratch/cfg" >"$scratch/cfg.link"
cfg=$scratch/cfg.link launch b 1 -- "$target" exit 3
check "another link" refused 'link differs: .*(encrypted, .* trusted|trusted, .* encrypted)$'
mkdir "$scratch/old"
cp "$tandem" "$scratch/old/tandem"
cp "$build/libtandem.so" "$scratch/old/libtandem.so"
printf '\0' >>"$scratch/old/libtandem.so"
tandem=$scratch/old/tandem launch b 1 -- "$target" exit 3
check "another build of the monitor" refused 'build of the monitor differs'
cp "$tandem" "$scratch/old/tandem"
cp "$build/libtandem.so" "$scratch/old/libtandem.so"
printf '\0' >>"$scratch/old/tandem"
tandem=$scratch/old/tandem launch b 1 -- "$target" exit 3
check "another build of tandem" refused 'build of tandem differs'
check "... and of nothing else" equal "$(grep -c 'differs' "$scratch/err.b")" 1
sed "s|$scratch/key|$scratch/key.other|" "$scratch/cfg" >"$scratch/cfg.key"
"$tandem" keygen "$scratch/key.other"
sed -i '1s/^/connect_timeout = 3; /; s/connect_timeout = 120;//' "$scratch/cfg.key"
cfg=$scratch/cfg.key launch b 1 -- "$target" exit 3
at_once="^tandem: 10\.77\.0\.2:[0-9]+: it doesn't have our key \(key_file\)$"
check "another key: the leader's host says so at once" until_said a "$at_once" 15
check "... and the other one, what to look at" until_said b '^tandem: 10\.77\.0\.1:7000: it has hung up without an answer: does it have the same key' 15
check "... nobody answers" over b 111
check "... nor is it said each time that it calls" test "$(grep -cE "$at_once" "$scratch/err.a")" = 1
check "... is said with what to look at" says_there b 'nothing came of .* within connect_timeout \(3 s\): 10\.77\.0\.1:7000: it has hung up without an answer: does it have the same key \(key_file\)'
check "... and on the leader's host" until_said a "waiting for variant 1 at 10\.77\.0\.2 \(10\.77\.0\.2:[0-9]+: it doesn't have our key \(key_file\)\)"
check "... which goes on waiting" kill -0 "${command[a]}"
chmod 640 "$scratch/key.other"
cfg=$scratch/cfg.key launch b 1 -- "$target" exit 3
check "a key that others may read" over b 111
check "... is said" says_there b 'key.other'
# Many who open a connection and say nothing, or nearly nothing, or what can't be.
cat >"$scratch/half_open.py" <<'END'
import os, select, socket, sys, time
held = []
for i in range(96):
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(("10.77.0.1", 7000))
    held.append(s)
begin = time.monotonic()
said = heard = 0
print("open", flush=True)
# Who may speak says the beginning of a hello, byte by byte; or a whole one that is none.
while not select.select([sys.stdin], [], [], 0.2)[0]:
    for i, s in enumerate(held):
        try:
            said += s.send([b"", b"T", b"TANDEM\r\n" + os.urandom(104)][i % 3])
            heard += len(s.recv(4096))
        except OSError:
            pass
print("heard" if heard else "silence" if said else "nothing said", flush=True)
END
descriptors() { # how many the leader's supervisor has
	find "/proc/$(supervisor a)/fd" -mindepth 1 | wc -l
}
cpu() { # of the leader's supervisor, in 10 ms
	sed 's/.*) //' "/proc/$(supervisor a)/stat" | awk '{ print $12 + $13 }'
}
before=$(descriptors) spent=$(cpu)
coproc half { on c python3 "$scratch/half_open.py"; }
read -r -u "${half[0]}"
sleep 1
check "half-open connections: not more of them than there are places" test $(($(descriptors) - before)) -le 16
check "... which are used" test $(($(descriptors) - before)) -ge 8
check "... and which cost next to nothing" test $(($(cpu) - spent)) -le 20
launch b 1 -- "$target" exit 3
check "... one that fits comes through all the same" over b 3 400
check "... and the leader's host is done" over a 3
command=()
echo >&"${half[1]}"
read -r -u "${half[0]}" answer
check "... who was told nothing" equal "$answer" silence
wait "$half_PID"
launch a 0 -- "$target" exit 3
until_said a 'waiting for'
# Bytes of a stranger are no host's; they are told nothing.
check "a stranger" on c bash -c 'exec 3<>/dev/tcp/10.77.0.1/7000; head -c 4000 /dev/urandom >&3; timeout 5 cat <&3 | wc -c | grep -qx 0'
launch b 1 -- "$target" exit 3
check "one that fits, after all of these" all_over 3
cp "$target" "$scratch/other"
printf '\0' >>"$scratch/other"
launch a 0 -- "$target" exit 3
on b unshare -m bash -c "mount --bind '$scratch/other' '$target' && exec '$tandem' run --id 1 -c '$scratch/cfg' -- '$target' exit 3" \
	>"$scratch/out.b" 2>"$scratch/err.b" </dev/null &
command[b]=$!
check "another program of that name" refused 'hash of the program differs'
launch b 1 -- "$target" exit 3
check "... and the right one" all_over 3

# --- another version, another ISA ----------------------------------------------------------------

other() { # other WHAT: a tandem to which the version of that is 99
	cp "$build/other/$1/tandem" "$build/libtandem.so" "$scratch/old/"
}
version() { # version OURS ITS: what is said of the protocol's
	echo "protocol version differs: ours is $1, its is $2; install the same tandem on both hosts"
}
own=$(sed -n 's/#define HANDSHAKE_VERSION \([0-9]*\)u/\1/p' "$(dirname "$0")/../../transport/handshake.h")
other protocol
sed 's/connect_timeout = 120;/connect_timeout = 3;/' "$scratch/cfg" >"$scratch/cfg.soon"
launch a 0 -- "$target" exit 3
tandem=$scratch/old/tandem cfg=$scratch/cfg.soon launch b 1 -- "$target" exit 3
check "a follower's host of another version is told so at once" until_said b "^tandem: 10\\.77\\.0\\.1:7000: $(version 99 "$own")$" 15
check "... which the leader's host says, too" until_said a "^tandem: 10\\.77\\.0\\.2:[0-9]+: $(version "$own" 99)$" 15
check "... it ends" over b 111
check "... and says why" says_there b "nothing came of the leader's host at 10\\.77\\.0\\.1 port 7000 .*: 10\\.77\\.0\\.1:7000: $(version 99 "$own")$"
check "... the leader's host says so of the one that it waits for" until_said a "waiting for variant 1 .*10\\.77\\.0\\.2:[0-9]+: $(version "$own" 99)"
other records
tandem=$scratch/old/tandem launch b 1 -- "$target" exit 3
check "another version of the records" refused ' version differs: (this one|10\.77\.0\.[12]:[0-9]+) [0-9.]+, (this one|10\.77\.0\.[12]:[0-9]+) [0-9.]+$'
check "... which is that of the follower's host" says_there b 'version differs: this one 99\.'
launch b 1 -- "$target" exit 3
check "... and the right one" all_over 3
other protocol
tandem=$scratch/old/tandem launch a 0 -- "$target" exit 3
cfg=$scratch/cfg.soon launch b 1 -- "$target" exit 3
check "a leader's host of another version" over b 111
check "... is named" says_there b "^tandem: 10\\.77\\.0\\.1:7000: $(version "$own" 99)$"
check "... and names the follower's" says_there a "^tandem: 10\\.77\\.0\\.2:[0-9]+: $(version 99 "$own")$"
kill -TERM "${command[a]}"
check "... until it is ended" over a 143

# Not really: only uname(2) says so.
cp "$tandem" "$build/libtandem.so" "$scratch/old/"
printf '\0' >>"$scratch/old/tandem"
printf '\0' >>"$scratch/old/libtandem.so"
launch a 0 -v -- "$target" exit 3
on b unshare -m bash -c "mount --bind '$scratch/other' '$target' && exec setarch i686 '$scratch/old/tandem' run -v --id 1 -c '$scratch/cfg' -- '$target' exit 3" \
	>"$scratch/out.b" 2>"$scratch/err.b" </dev/null &
command[b]=$!
check "a host of another ISA has builds and a program of its own" all_over 3
isa=$(uname -m)
check "... which the leader's host knows" says_there a "10\\.77\\.0\\.2:[0-9]+ has another ISA: i686; here it is $isa$"
check "... and the other one" says_there b "10\\.77\\.0\\.1:7000 has another ISA: $isa; here it is i686$"
launch a 0 -- "$target" exit 3
under=(setarch i686)
cfg=$scratch/cfg.full launch b 1 -- "$target" exit 3
under=()
check "... but must have the same policy" refused 'policy differs'
kill -TERM "${command[a]}"
check "... as all must" over a 143
command=()
check "... and nothing is left" nothing_left

finish
