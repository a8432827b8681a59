#!/bin/bash
# SPDX-License-Identifier: MIT
# What `tandem status` shows of a session of three hosts, on each of them; what comes over a slow
# link, and over one that loses packets.
. "$(dirname "$0")/lib.sh"
hosts_up a b c || { echo "Bail out! no network namespaces"; exit 1; }
spanning 3
sed -i 's/peer_timeout = 1;/peer_timeout = 5;/' "$scratch/cfg"

up() { # up MODE...
	launch a 0 -- "$target" "$@"
	launch b 1 -- "$target" "$@"
	launch c 2 -- "$target" "$@"
	until_said a ready
}
# status HOST PYTHON: of the session there; v: its variants by id.
status() {
	on "$1" "$tandem" status --json >"$scratch/status" || return
	python3 -c '
import json, sys
session = [s for s in json.load(open(sys.argv[1]))["sessions"] if s["pid"] == int(sys.argv[2])][0]
v = {x["id"]: x for x in session["variants"]}
result = eval(sys.argv[3])
if not result:
    print(json.dumps(session, indent=1))
sys.exit(not result)' "$scratch/status" "${command[$1]}" "$2"
}

under=(env MALLOC_PERTURB_=165) # what is freed isn't what it was
up tree 3
under=()
for host in a b c; do
	check "status on host $host shows all variants" status $host 'sorted(v) == [0, 1, 2]'
	check "... with their processes" status $host 'len({x["processes"] for x in v.values()}) == 1 and v[0]["processes"] > 7'
	check "... and calls" status $host 'all(x["calls"]["both"] == v[0]["calls"]["both"] > 0 for x in v.values())'
	check "... and how far they are behind" status $host 'v[1]["lag"]["bytes"] == v[2]["lag"]["bytes"] == 0'
	check "... and by what they are connected" status $host '"tcp" in v[1]["link"]["carrier"] and v[1]["link"]["batches"] > 0 and sum(v[1]["link"]["batch_sizes"]) == v[1]["link"]["batches"]'
done
on a "$tandem" status >"$scratch/said" 2>&1
cp "$scratch/said" "$scratch/shown"
check "status names the hosts" says 'at 10\.77\.0\.2:[0-9]+: tcp over io_uring, (AES-256-GCM|ChaCha20-Poly1305);' shown
kill -TERM -"${command[a]}"
check "the session ends" all_over 143

# --- the leader computes -----------------------------------------------------------------------

spanning 3 'hang_timeout = 20.0;'
launch a 0 -- "$target" leaderhang
launch b 1 -- "$target" leaderhang
launch c 2 -- "$target" leaderhang
sleep 3
check "a leader that computes makes no traffic between supervisors" status a 'all(0 < v[i]["link"]["batches"] < 200 for i in (1, 2))'
kill -TERM -"${command[a]}"
check "... and ends on a signal" all_over 143
spanning 3
sed -i 's/peer_timeout = 1;/peer_timeout = 5;/' "$scratch/cfg"

# --- one is slow -------------------------------------------------------------------------------

# The link takes less than the program writes, so its host is behind by about a ring a stream for as
# long as that lasts; the other is behind only by what is under way, now and then by more.
# The slow host's answer comes behind all that: status doesn't wait for it longer than a second.
behind() { # behind V OTHER: before long, status shows twice in a row that V is the one
	local i row=0
	local far="all(of(v[$1]) > 2 * of(v[$2]) and of(v[$1]) > 0 for of in
		(lambda x: x['lag']['bytes'], lambda x: x['link']['behind']))"
	for ((i = 0; i < 12 && row < 2; i++)); do
		sleep 0.3
		if status a "$far" >"$scratch/seen"; then row=$((row + 1)); else row=0; fi
	done
	[ $row = 2 ] || { cat "$scratch/seen"; return 1; }
}
# By the bytes behind and what the link takes, of which headers and the burst are a part.
# shellcheck disable=SC2016
lasts='all(0.5 < l["microseconds"] / (l["bytes"] / 2.5) < 4 for l in [v[$v]["lag"]])'
took() { # took COMMAND...: sets ms
	local start=$EPOCHREALTIME
	"$@" || return
	ms=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
}
# soon COMMAND...: the second that status waits, and what it takes where it needn't wait.
soon() {
	took "$@" || return
	[ $ms -le $((2 * answered + 2000)) ] || { echo "it took $ms ms; where all answer, $answered ms"; return 1; }
}
up sleep
took status a 'v' && answered=$ms
kill -TERM -"${command[a]}"
check "status of a session in which all answer" all_over 143
for host in b c; do
	v=$([ $host = b ] && echo 1 || echo 2)
	slow $host 20mbit
	up load
	check "status shows who is behind, host $host" behind "$v" $((3 - v))
	check "... for how long, and that soon" soon status a "${lasts//\$v/$v}"
	check "... and that host at least itself" status $host "$v in v"
	slow $host off
	kill -TERM -"${command[a]}"
	check "a session with a slow link ends as all do" all_over 143
done

# --- one is slow, and there is room in its ring --------------------------------------------------

# The leader, whom nobody holds up, has done all long before the slow one has it; the fast one has
# acknowledged all by then.
"${CC:-cc}" -O1 -o "$scratch/talker" "$(dirname "$0")/talker.c" || echo "Bail out! talker.c"
slow b 200kbit
launch a 0 -- "$scratch/talker" 100
launch b 1 -- "$scratch/talker" 100
launch c 2 -- "$scratch/talker" 100
check "the leader doesn't wait for the slow one" until_said a '^[a-z]+ 99$'
check "... nor is the fast one held up" status a 'v[1]["lag"]["bytes"] > 20000 and v[2]["lag"]["bytes"] == 0'
check "... and in the end all have all" all_over 0
check "... and nothing is missing" equal "$(cksum <"$scratch/out.a")" "$("$scratch/talker" 100 | cksum)"
slow b off

# --- packets are lost --------------------------------------------------------------------------

for policy in socket_rw_oc full; do
	sed "s/socket_rw_oc/$policy/" "$scratch/cfg" >"$scratch/cfg.$policy"
	# In lockstep each line waits for the packets, and for those that are sent again.
	lines=$([ $policy = full ] && echo 100 || echo 2000)
	lossy a 3
	lossy b 3
	slow b 50mbit
	cfg=$scratch/cfg.$policy
	launch a 0 -- "$scratch/talker" $lines
	launch b 1 -- "$scratch/talker" $lines
	launch c 2 -- "$scratch/talker" $lines
	check "3 % of the packets are lost, and the link is slow ($policy)" all_over 0
	check "... nothing is missing" equal "$(cksum <"$scratch/out.a")" "$("$scratch/talker" $lines | cksum)"
	lossy a off
	lossy b off
	slow b off
done
finish
