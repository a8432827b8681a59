#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/servers/nginx.sh, with the follower on another host (net.sh draws them).
. "$(dirname "$0")/servers.sh"
server_over_tcp nginx
