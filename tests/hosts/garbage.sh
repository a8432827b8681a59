#!/bin/bash
# SPDX-License-Identifier: MIT
# A host that has the key and says what can't be (impostor.c), in a session of three: the connection to
# it ends with the reason, the leader and the other follower go on. And a leader's host that does: the
# follower's ends, and has executed nothing.
. "$(dirname "$0")/lib.sh"
hosts_up a b c || { echo "Bail out! no network namespaces"; exit 1; }
top=$(cd "$(dirname "$0")/../.." && pwd)
${CC:-cc} -std=gnu17 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -I"$top" -o "$scratch/impostor" "$(dirname "$0")/impostor.c" \
	"$top"/transport/{handshake,key,seal,libcrypto,frame}.c -lsodium || { echo "Bail out! impostor.c"; exit 1; }

declare -A why=(
	[garbage]='it sent garbage: .*' [truncated]='it has hung up without a goodbye.*'
	[replayed]='it sent garbage: .*replayed.*' [reordered]='it sent garbage: .*reordered.*'
	[oversized]='it sent garbage: a frame is larger than allowed'
	[tail]='it acknowledged position 1099511627776 of stream 0, where .* can be'
	[bytes]='it sent (bytes of stream 0, which|more of stream 0 than fits).*'
)
# impostor HOST ACTION WRONG: there, in the background
impostor() {
	on "$1" "$scratch/impostor" "$2" 10.77.0.1 7000 "$scratch/key" "$form" "$3" >"$scratch/said.$1" 2>"$scratch/err.$1" &
	impostor=$!
}
for io in uring sockets; do
	link=encrypted form=sealed
	[ $io = uring ] || link=trusted form=plain
	spanning 3 "on_peer_loss = \"continue\"; tcp_io = \"$io\"; link = \"$link\"; hang_timeout = 20.0;"
	sed -i 's/peer_timeout = 1;/peer_timeout = 10;/' "$scratch/cfg"

	# --- a follower's host ---

	for wrong in garbage truncated replayed reordered oversized tail bytes; do
		launch a 0 -- "$target" stream
		launch c 2 -- "$target" stream
		impostor b follow $wrong
		check "$io, $link: $wrong: the leader's host says why it drops it" until_said a \
			"^tandem: variant 1: its host 10\\.77\\.0\\.2:[0-9]+ is lost: ${why[$wrong]}; the run goes on without it$"
		check "... has hung up" wait $impostor
		kill -TERM "${command[a]}"
		check "... and the others end as they are told" all_over 143
		check "... without a word" equal "$(cat "$scratch/err.c")" ""
	done
	launch a 0 -- "$target" stream
	launch c 2 -- "$target" stream
	impostor b follow message
	check "$io, $link: a message that makes no sense ends the session" all_over 113
	check "... is said" says_there a 'variant 1: what its host 10\.77\.0\.2:[0-9]+ says makes no sense \(message 99'
	wait $impostor

	# --- the leader's ---

	spanning 2 "tcp_io = \"$io\"; link = \"$link\";"
	sed -i 's/peer_timeout = 1;/peer_timeout = 10;/' "$scratch/cfg"
	for wrong in garbage truncated replayed reordered oversized bytes; do
		impostor a lead $wrong
		until grep -q listens "$scratch/said.a" || ! kill -0 $impostor 2>/dev/null; do sleep 0.05; done
		launch b 1 -- "$target" exit 7
		check "$io, $link: $wrong of the leader's host ends the follower's" over b 114
		check "... is said" says_there b "^tandem: the leader's host 10\\.77\\.0\\.1:7000 is lost: ${why[$wrong]}; the follower is ended$"
		wait $impostor
		command=()
		check "... nothing is left" nothing_left
	done
done
finish
