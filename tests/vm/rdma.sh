#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The engine over RDMA (soft-RoCE): within one guest, and between two. Prints TAP.
. "$(dirname "$0")/lib.sh"

cat >"$scratch/two" <<'END'
[ "$GUEST" = 1 ] || export ADDRESS=$PEER
half=(0 lead follow)
exec "$1" "${half[$GUEST]}"
END

cat >"$scratch/one" <<'END'
"$1/unit/test_engine" rdma && "$1/unit/test_engine_faults" rdma && "$1/vm/test_rdma"
END

cd "$tree" || exit 1
check "within one guest" guest 0 --timeout 180 -- env CMOCKA_MESSAGE_OUTPUT=TAP bash "$scratch/one" "$build"
sed 's/^/# /' "$scratch/out"
check "between two guests" guest 0 --guests 2 --timeout 240 -- \
	env CMOCKA_MESSAGE_OUTPUT=TAP bash "$scratch/two" "$build/vm/test_rdma"
sed 's/^/# /' "$scratch/out"
finish
