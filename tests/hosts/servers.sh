# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A server's tests on host a, where its clients are too, with the follower on host b: one policy over
# io_uring and encrypted, the other over sockets on a link that is trusted.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/net.sh"
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP network namespaces need root"; exit 0; }

server_over_tcp() { # server_over_tcp NAME [COMMAND...]: the command makes the network worse
	local key status
	hosts_up a b || { echo "Bail out! no network namespaces"; hosts_down; exit 1; }
	key=$(mktemp -u "${TMPDIR:-/tmp}/tandem-key.XXXXXX")
	trap 'hosts_down; rm -f "$key"' EXIT
	"${BUILD:-$here/../../build}/tandem" keygen "$key" || exit 1
	"${@:2}" || { echo "Bail out! no such network: ${*:2}"; exit 1; }
	export MORE_socket_rw_oc=${MORE_socket_rw_oc-'tcp_io = "uring"; link = "encrypted";'}
	export MORE_full=${MORE_full-'tcp_io = "sockets"; link = "trusted";'}
	HOSTS="10.77.0.1 $prefix-b@10.77.0.2" MORE="transport = \"tcp\"; key_file = \"$key\"; ${MORE:-}" \
		on a "$here/../servers/$1.sh"
	status=$?
	hosts_down
	exit $status
}
