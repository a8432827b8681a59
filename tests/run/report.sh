#!/bin/bash
# SPDX-License-Identifier: MIT
# Reports and `tandem explain`.
set -u
. "$(dirname "$0")/lib.sh"

configuration full 'hang_timeout = 2.0;'
check "a divergence" run 110 -- "$target" differ
check "... is said in one line" equal "$(wc -l <"$scratch/err")" 1
check "... with both calls" says 'write\(1, "right.*where the leader made write\(1, "left'
check "nothing of it gets out" equal "$(cat "$scratch/out")" ""
check "report_dir is its user's only" equal "$(stat -c %a "$scratch/reports")" 700
"$tandem" explain -c "$scratch/cfg" >"$scratch/explained" 2>"$scratch/err"
check "explain shows it" says 'argument 2 +"left' explained
check "... and where" says 'main\+0x' explained
check "... in 80 columns" equal "$(awk 'length > 80' "$scratch/explained")" ""
check "explain --json is JSON" bash -c "'$tandem' explain --json -c '$scratch/cfg' | python3 -m json.tool >/dev/null"
check "one variant hangs" run 110 -- "$target" hang
check "... is said" says 'hang'
check "the leader hangs" run 110 -- "$target" leaderhang
check "... is said" says 'hang'
for ((i = 0; i < 22; i++)); do "$tandem" run -c "$scratch/cfg" -- "$target" differ >/dev/null 2>&1; done
check "the newest 20 reports are kept" equal "$(ls "$scratch/reports" | wc -l)" 20
configuration full 'report_dir = "/proc/none";'
sed -i 's|report_dir = "[^"]*/reports";||' "$scratch/cfg"
timeout 20 "$tandem" run -c "$scratch/cfg" -- "$target" differ >"$scratch/out" 2>"$scratch/err"
check "a report directory that can't be made" equal $? 110
check "... is said" says "the report can't be written to /proc/none"
mkdir "$scratch/readonly"
echo '{"version": 1, "variants": [{"role": 1, "trace": 7, "call": []}, 3]}' >"$scratch/odd.json"
check "explain of an odd report" "$tandem" explain "$scratch/odd.json"
echo '{' >"$scratch/bad.json"
check "explain of a broken report" bash -c "'$tandem' explain '$scratch/bad.json' 2>'$scratch/err'; [ \$? = 111 ]"
check "explain of a missing report" bash -c "'$tandem' explain '$scratch/none.json' 2>'$scratch/err'; [ \$? = 111 ]"
check "explain of a directory" bash -c "'$tandem' explain '$scratch' 2>'$scratch/err'; [ \$? = 111 ]"

finish
