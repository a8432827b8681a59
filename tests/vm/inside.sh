#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Process 1 of a guest once init.sh has made the machine ready: runs the command that guest.sh was
# given, leaves its exit status for it, and switches the machine off.
#
# /run/guests is the one place of the host that a guest can write to; all guests of a run share it:
# N/ belongs to guest N. What commands find in their environment is said in guest.sh.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
export ADDRESS=10.77.0.$GUEST PEER=10.77.0.$((GUESTS == 1 ? 1 : 3 - GUEST)) SHARED=/run/guests
mine=$SHARED/$GUEST
exec >>"$mine/output" 2>&1

rdma link add rxe0 type rxe netdev eth0
ulimit -l unlimited
mapfile -d '' -t command <"$SHARED/command"
cd "$DIRECTORY" && setsid -w "${command[@]}" </dev/null
echo $? >"$mine/status.new"
mv "$mine/status.new" "$mine/status"
sync
echo o >/proc/sysrq-trigger
# Without a file: what devices are gone already can't be read from, and process 1 mustn't end.
while :; do :; done
