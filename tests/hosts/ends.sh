#!/bin/bash
# SPDX-License-Identifier: MIT
# How a session of three hosts ends: a variant diverges or hangs, somebody is killed, a host or its
# cable is gone, on the leader's side or a follower's. Each host says why, and nothing is left.
. "$(dirname "$0")/lib.sh"
hosts_up a b c || { echo "Bail out! no network namespaces"; exit 1; }

# up [MODE...]: a session of three hosts whose program has said that it is ready.
up() {
	launch c 2 -- "$target" "${@:-sleep}"
	launch a 0 -- "$target" "${@:-sleep}"
	launch b 1 -- "$target" "${@:-sleep}"
	until_said a ready
}
variant() { # the first process of the variant there
	first_child "$(supervisor "$1")"
}
says_everywhere() {
	local host
	for host in a b c; do says_there $host "$1" || return; done
}

# --- the program's own ends, and signals -------------------------------------------------------

spanning 3
launch a 0 -- "$target" signal 15
launch b 1 -- "$target" signal 15
launch c 2 -- "$target" signal 15
check "a signal ends the program" all_over 143
launch a 0 -- "$target" killer
launch b 1 -- "$target" killer
launch c 2 -- "$target" killer
check "the program kills its own processes" all_over 0
check "nothing is said" equal "$(cat "$scratch"/err.*)" ""
for host in a b; do
	up
	kill -TERM "${command[$host]}"
	check "a signal for the command on host $host is the program's" all_over 143
done

# --- divergences ------------------------------------------------------------------------------

launch a 0 -- "$target" differ
launch b 1 -- "$target" differ
launch c 2 -- "$target" differ
check "a divergence" all_over 110
check "... is said on each host" says_everywhere 'divergence: .*variant [12] .*write\(1, "right.*where the leader made write\(1, "left'
for host in b c; do
	check "... and where the report is, on host $host" says_there $host "; the report is on the leader's host: $scratch/reports/.*json$"
done
mkdir "$scratch/nothing"
sed "s|$scratch/reports|$scratch/nothing|" "$scratch/cfg" >"$scratch/cfg.there"
"$tandem" explain -c "$scratch/cfg.there" >"$scratch/explained" 2>&1
check "... which explain says, too, where there is none" says "there is no report here; that of a session of several hosts is on the leader's" explained
"$tandem" explain -c "$scratch/cfg" >"$scratch/explained" 2>&1
check "explain shows both sides" says '"left.*"right' explained
# The other follower may not have come far by then.
check "... and where in the follower's host's process" bash -c "'$tandem' explain --json -c '$scratch/cfg' | python3 -c '
import json, sys
v = json.load(sys.stdin)[\"variants\"]
assert all(any(p.get(\"symbol\", \"\").startswith(\"main\") for p in x[\"backtrace\"]) for x in v if \"call\" in x), v
assert all(x[\"trace\"] for x in v if \"call\" in x), v'"
spanning 3 'hang_timeout = 2.0;'
launch a 0 -- "$target" hang
launch b 1 -- "$target" hang
launch c 2 -- "$target" hang
check "a follower hangs" all_over 110
check "... is said on each host" says_everywhere 'hang'
launch a 0 -- "$target" leaderhang
launch b 1 -- "$target" leaderhang
launch c 2 -- "$target" leaderhang
check "the leader hangs" all_over 110
check "... is said on each host" says_everywhere 'hang'

# --- kill -9 -----------------------------------------------------------------------------------

spanning 3
for host in b a; do
	up
	kill -9 "$(variant $host)"
	check "the variant on host $host is killed" all_over 113
	check "... is said on each host" says_everywhere 'was killed from outside'
done
for mode in "tree 3" churn; do
	for host in b a; do
		# shellcheck disable=SC2086
		up $mode
		kill -9 "$(supervisor $host)"
		check "the supervisor on host $host is killed ($mode)" over $host 113
		unset "command[$host]"
		check "... which ends the session" all_over 114
		check "... and is said" says_there c 'lost'
		# shellcheck disable=SC2086
		up $mode
		# At once: whichever goes first, the other must not have the time to say so.
		victim=$(supervisor $host)
		# The supervisor first: the end of its parent would leave it in an orphaned process
		# group, and the kernel lets the stopped ones of such a group go on.
		kill -STOP "$victim" "${command[$host]}"
		kill -9 "$victim" "${command[$host]}"
		check "guard and supervisor on host $host are killed ($mode)" over $host 137
		unset "command[$host]"
		check "... which ends the session" all_over 114
	done
done

# --- cables ------------------------------------------------------------------------------------

for host in b a; do
	up load
	unplug $host
	check "the cable of host $host is cut: the others notice in time" over c 114 50
	check "... and it does" all_over 114
	check "... is said" says_there c 'lost'
	plug $host
done
spanning 3 'peer_timeout = 4.0;'
sed -i 's/peer_timeout = 1;//' "$scratch/cfg"
up
unplug b
sleep 0.6
plug b
sleep 3
check "a cable that is back in time changes nothing" kill -0 "${command[a]}"
kill -TERM "${command[a]}"
check "... whatever comes next" all_over 143

# --- on_peer_loss = "continue" -----------------------------------------------------------------

spanning 3 'on_peer_loss = "continue";'
for mode in sleep "tree 3" load; do
	# shellcheck disable=SC2086
	up $mode
	unplug b
	check "a follower's host is lost, and the rest goes on ($mode)" until_said a 'the run goes on without it'
	check "... the host itself ends" over b 114
	plug b
	kill -9 "$(supervisor c)"
	check "the other one, too" until_said a 'variant 2: .*the run goes on without it'
	over c 113 >/dev/null
	sleep 1
	check "the leader goes on alone" kill -0 "${command[a]}"
	kill -TERM -"${command[a]}"
	unset "command[b]" "command[c]"
	check "... to the end" all_over 143
done
launch a 0 -- "$target" differ
launch b 1 -- "$target" differ
launch c 2 -- "$target" differ
check "a divergence still ends all" all_over 110
up
unplug a
check "the leader's host is lost: that ends all" over b 114
check "... there, too" over c 114
unset "command[b]" "command[c]"
kill -TERM "${command[a]}"
check "... while it goes on by itself" all_over 143
plug a
finish
