#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs of tests/programs with each variant on a host of its own (net.sh draws them).
#
#   programs.sh BUILD_DIR uring|sockets encrypted|trusted VARIANTS [OPTION OF run.sh]...
here=$(cd "$(dirname "$0")" && pwd)
. "$here/net.sh"
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP network namespaces need root"; exit 0; }
build=$1 io=$2 link=$3 variants=$4
shift 4
names=(a b c d) list=''
hosts_up "${names[@]:0:variants}" || { echo "Bail out! no network namespaces"; hosts_down; exit 1; }
key=$(mktemp -u "${TMPDIR:-/tmp}/tandem-key.XXXXXX")
trap 'hosts_down; rm -f "$key"' EXIT
trap 'exit 130' INT TERM
"$build/tandem" keygen "$key" || exit 1
for ((n = 0; n < variants; n++)); do list+="$prefix-${names[n]}@10.77.0.$((n + 1)) "; done
"$here/../programs/check.sh" "$build" --transport tcp --variants "$variants" --hosts "$list" \
	--more "key_file = \"$key\"; link = \"$link\"; tcp_io = \"$io\"; connect_timeout = 20;" "$@"
