#!/bin/bash
# SPDX-License-Identifier: MIT
# What redis answers, with the follower on another host behind a link that is slow and loses packets.
. "$(dirname "$0")/servers.sh"
poor() {
	lossy a 3 && lossy b 3 && slow b 50mbit
}
export SHORT=yes MODES=socket_rw_oc
server_over_tcp redis poor
