#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs run.sh with the given arguments; a failure that known-failures lists is reported as TODO
# (TAP: seen and counted, but not a failure of the suite). All others fail it.
here=$(dirname "$0")
"$here/run.sh" "$@" | awk -v list="$here/known-failures" '
	BEGIN { while ((getline line < list) > 0) if (line !~ /^#/ && line != "") known[line] = 1 }
	/^not ok/ {
		name = $0; sub(/^not ok [0-9]+ - /, "", name); sub(/ .*/, "", name)
		if (name in known) { print $0 " # TODO known failure"; next }
		bad = 1
	}
	{ print }
	END { exit bad }'
