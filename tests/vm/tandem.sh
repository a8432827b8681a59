#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Tandem on Debian's own kernel: what the machine check says there, and a few of the programs of
# tests/programs by both traps. Prints TAP.
. "$(dirname "$0")/lib.sh"

programs='@(echo_server|exec_script|fork_tree|mutex_counter)'

# run.sh compiles what isn't there; a guest would take minutes for it.
"$tree/tests/programs/run.sh" "$build" --native --only "$programs" >"$scratch/native" ||
	{ cat "$scratch/native"; echo "Bail out! programs that can't be built"; exit 1; }

cat >"$scratch/in" <<'END'
"$BUILD/tandem" check
for trap in sud seccomp; do
	"$TREE/tests/programs/run.sh" "$BUILD" --trap $trap --only "$1" --timeout 60 || exit 1
done
END

cd "$tree" || exit 1
check "programs run on Debian's kernel" guest 0 --timeout 180 -- \
	env BUILD="$build" TREE="$tree" bash "$scratch/in" "$programs"
check "all of them" equal "$(grep -c '^ok' "$scratch/out")" 8
check "tandem check finds the RDMA device" says '^rdma +yes: rxe0'
check "and Syscall User Dispatch" says '^sud +yes'
finish
