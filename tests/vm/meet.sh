#!/bin/bash
# SPDX-License-Identifier: MIT
#
#   meet.sh PLACE     in a guest: waits until both guests have come to PLACE
#
# guest.sh's timeout is the end of a wait for a guest that never comes.
: >"$SHARED/$GUEST/at.$1" || exit 1
until [ -e "$SHARED/$((3 - GUEST))/at.$1" ]; do
	sleep 0.1
done
