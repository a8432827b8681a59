#!/bin/bash
# SPDX-License-Identifier: MIT
# `tandem status`.
set -u
. "$(dirname "$0")/lib.sh"

configuration socket_rw_oc
begin -- "$target" tree 2
"$tandem" status >"$scratch/status" 2>"$scratch/err"
check "status lists the run" says "run $guard: $target tree 2" status
check "... and its processes" says 'variant 1, follower: 7 processes' status
check "status --json is JSON" bash -c "'$tandem' status --json | python3 -c 'import json, sys; [v[\"lag\"][\"records\"] for s in json.load(sys.stdin)[\"sessions\"] for v in s[\"variants\"] if v[\"role\"] == \"follower\"]'"
check "status --watch --json: one a line" bash -c "timeout 3.5 '$tandem' status --watch --json | head -n 2 | python3 -c 'import json, sys; [json.loads(l) for l in sys.stdin]'"
kill -TERM -- -$guard
check "... ends as before" ended 143
"$tandem" status >"$scratch/status" 2>&1
check "status without a run" equal $? 0
check "status to a full disk" bash -c "'$tandem' status >/dev/full; [ \$? = 111 ]"

finish
