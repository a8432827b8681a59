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
# What differs is in sight, however long the argument is.
seen() { # seen LEADER FOLLOWER [WORDS]: in one line of two columns
	"$tandem" explain -c "$scratch/cfg" >"$scratch/explained" 2>"$scratch/err" || return
	says "$1.* # .*$2" explained && says "${3:-}" explained && awk 'length > 80 { print; bad = 1 } END { exit bad }' "$scratch/explained"
}
check "a path that differs at its end" run 110 -- "$target" farpath
check "... is said" says '\(AT_FDCWD, "?\.\.\..*right.*the leader made .*left'
check "... and explained" seen left right 'Argument 2 differs from its byte 2900 on'
check "... with the bytes" says '^ +2896  64 2f 64 2f>6c>65>66>74  d/d/left \|  64 2f 64 2f>72>69>67>68  d/d/righ' explained
check "... in full with --json" bash -c "'$tandem' explain --json -c '$scratch/cfg' | grep -qE '\"(d/){1450}left'"
check "bytes that differ far behind" run 110 -- "$target" farbytes
check "... is said" says 'write\(1, "d/d/.*argument 2 differs from its byte 60000 on;'
check "... and explained" seen 'd/left' 'd/right' 'Argument 2 differs from its byte 60000 on'
# Reads of clocks and calls without records stand in one order in both columns.
check "a divergence behind reads of clocks" run 110 -- "$target" clocks
"$tandem" explain -c "$scratch/cfg" >"$scratch/explained" 2>"$scratch/err"
last=$(sed '1,/^The last calls/d' "$scratch/explained")
check "... is explained" says 'getppid\(\) = .* \| getppid\(\) = ' explained
check "... with the last calls side by side" equal "$(grep -c '#' <<<"$last")" 0
check "a divergence beside other processes" run 110 -- sh -c "'$target' differ & wait"
"$tandem" explain -c "$scratch/cfg" >"$scratch/explained" 2>"$scratch/err"
check "... is explained with where they stand" says '^  0 +pid [0-9]+ at [0-9]+, in .* . pid [0-9]+ at [0-9]+, in' explained
check "... each in a line" says '^  1 +pid [0-9]+ at [0-9]+, in write' explained
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
