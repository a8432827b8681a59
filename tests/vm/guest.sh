#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs a command in one or two guests: virtual machines with Debian's kernel and the host's files.
#
#   guest.sh [OPTION...] -- COMMAND [ARGUMENT...]
#   --guests 1|2      two are linked to each other, and to nothing else (default 1)
#   --cpus N          of each guest (default: 2 of one guest, 1 each of two)
#   --memory MB       of each guest (default 1024)
#   --timeout SECONDS all guests end then at the latest (default 120); 15 s after one has failed
#   --victim N        guest N dies (its QEMU is killed) when a guest makes SHARED/kill
#   --results DIR     leave there, for each guest N: N/output, N/status, N/kernel
#   --can-run         only say whether guests can run here: exit status 0, or 77 and the reason
#
# Every guest runs the command as root, in the current directory; it sees the host's files as they
# are, and what it writes is gone at its end. Its stdin is empty. It has a network interface, eth0,
# and on it an RDMA device, rxe0. In its environment:
#
#   GUEST, GUESTS     its number, from 1; how many there are
#   ADDRESS, PEER     its own IP address and the other guest's (of one guest: its own)
#   SHARED            a directory that all guests see and that ends up in DIR; for what they tell
#                     each other apart from the network (lib.sh)
#
# What guest 1 prints goes to stdout as it is, behind it that of guest 2 with "# guest 2: " before
# each line. Exit status: that of the first guest whose status isn't 0. Instead, with a
# message: 120 a kernel complained, 121 a guest ended without a status, 124 timeout, 125 wrong usage
# or QEMU didn't start, 77 as above. Nothing of a guest outlives this script, even if it is killed.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)

fail() { echo "guest.sh: $2" >&2; exit "$1"; }

guests=1 cpus='' memory=1024 limit=120 results='' victim='' can_run=''
while [ $# -gt 0 ]; do
	case $1 in
	--) shift; break ;;
	--can-run) can_run=1; shift; continue ;;
	--guests | --cpus | --memory | --timeout | --victim | --results) ;;
	*) fail 125 "unknown option $1; the head of $0 says which there are" ;;
	esac
	[ $# -ge 2 ] || fail 125 "$1 wants a value"
	case $1 in
	--guests) guests=$2 ;;
	--cpus) cpus=$2 ;;
	--memory) memory=$2 ;;
	--timeout) limit=$2 ;;
	--victim) victim=$2 ;;
	--results) results=$2 ;;
	esac
	shift 2
done
[[ -z $victim || $victim =~ ^[1-$guests]$ ]] || fail 125 "--victim is a guest, got $victim"
case $guests in 1 | 2) ;; *) fail 125 "--guests is 1 or 2, got $guests" ;; esac
[ -n "$can_run" ] || [ $# -gt 0 ] || fail 125 "which command? It follows --"
cpus=${cpus:-$((3 - guests))}

image=$("$here/image.sh")
status=$?
case $status in
0) image=$(tail -n 1 <<<"$image") ;;
77) echo "guests can't run here: $image"; exit 77 ;;
*) fail 125 "$here/image.sh failed: exit status $status" ;;
esac
[ -z "$can_run" ] || exit 0

scratch=$(mktemp -d "${TMPDIR:-/tmp}/guest.XXXXXX") || exit 125
shared=$scratch/shared
pids=()
finish() {
	# shellcheck disable=SC2086
	[ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" ${doom:-} 2>/dev/null
	wait
	if [ -n "$results" ]; then mkdir -p "$results" && cp -r "$shared/." "$results/"; fi
	rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

mkdir "$shared"
printf '%s\0' "$@" >"$shared/command"
[[ $PWD$here$image$scratch != *[[:space:],]* ]] ||
	fail 125 "the kernel's command line and QEMU's options allow no blank or comma in $PWD, $here, $image or $scratch"

start() { # start N
	local link
	case $guests$1 in
	1*) link=hubport,id=link,hubid=0 ;;
	21) link=stream,id=link,server=on,addr.type=unix,addr.path=$scratch/link ;;
	22) link=stream,id=link,server=off,addr.type=unix,addr.path=$scratch/link ;;
	esac
	mkdir "$shared/$1"
	: >"$shared/$1/output"
	# Without tsc=reliable the guest measures time with the hpet, and latency tools print nonsense.
	# no_timer_check: where the host is busy the kernel finds its timer too slow, and panics.
	# loglevel=5: warnings and what is worse; more takes longer to print than to boot.
	setpriv --pdeathsig KILL qemu-system-x86_64 -machine q35 -accel tcg,thread=multi,tb-size=256 \
		-cpu max -smp "$cpus" -m "$memory" -nodefaults -no-user-config -display none -no-reboot \
		-serial "file:$shared/$1/kernel" -kernel "$image/vmlinux" -initrd "$image/initramfs" \
		-append "console=ttyS0 loglevel=5 mitigations=off nokaslr tsc=reliable clocksource=tsc no_timer_check net.ifnames=0 panic=-1 inside=$here/inside.sh GUEST=$1 GUESTS=$guests IMAGE=$image DIRECTORY=$PWD" \
		-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=root,mount_tag=root \
		-fsdev "local,id=guests,path=$shared,security_model=none" \
		-device virtio-9p-pci,fsdev=guests,mount_tag=guests \
		-netdev "$link" -device "virtio-net-pci,netdev=link,romfile=,mac=52:54:00:00:00:0$1" \
		>"$shared/$1/qemu" 2>&1 </dev/null &
	pids+=($!)
}

start 1
if [ "$guests" = 2 ]; then
	# QEMU 7.2 tries once: the socket must be there.
	for ((i = 0; i < 200; i++)); do
		[ ! -S "$scratch/link" ] || break
		sleep 0.05
	done
	start 2
fi

# Its death is what was asked for, so it isn't a failure.
doom() { # doom N PID
	until [ -e "$shared/kill" ]; do sleep 0.1; done
	echo 0 >"$shared/$1/status"
	kill -KILL "$2"
}
doom=''
if [ -n "$victim" ]; then
	doom "$victim" "${pids[victim - 1]}" &
	doom=$!
fi

# When one has failed, the other may wait for it in vain.
patience=15
timer() { sleep "$1" & timer=$!; }
timer "$limit"
declare -A waiting
for n in "${!pids[@]}"; do waiting[${pids[n]}]=$((n + 1)); done
timeout=''
while [ ${#waiting[@]} -gt 0 ]; do
	wait -n -p ended "${!waiting[@]}" $timer
	if [ "$ended" = $timer ]; then timeout=1; break; fi
	status=$(cat "$shared/${waiting[$ended]}/status" 2>/dev/null)
	unset "waiting[$ended]"
	if [ "$status" != 0 ] && [ ${#waiting[@]} -gt 0 ]; then
		kill $timer
		timer $patience
	fi
done
# shellcheck disable=SC2086
kill "${pids[@]}" $timer $doom 2>/dev/null
wait

cat "$shared/1/output"
[ "$guests" = 1 ] || sed 's/^/# guest 2: /' "$shared/2/output"

complaints=$(cat "$here/complaints")
worst=0
for ((n = 1; n <= guests; n++)); do
	own=$(cat "$shared/$n/status" 2>/dev/null)
	if grep -qaE "$complaints" "$shared/$n/kernel"; then
		echo "guest.sh: guest $n: its kernel complained:" >&2
		tr -d '\r' <"$shared/$n/kernel" | grep -aE -A 30 "$complaints" | head -n 60 >&2
		own=120
	elif [ -z "$own" ] && [ -n "$timeout" ]; then
		echo "guest.sh: guest $n: killed after $SECONDS s" >&2
		own=124
	elif [ -z "$own" ]; then
		echo "guest.sh: guest $n: ended without a status; QEMU said, and the kernel at last:" >&2
		{ cat "$shared/$n/qemu"; tail -n 20 "$shared/$n/kernel" 2>/dev/null; } >&2
		own=121
	fi
	[ $worst != 0 ] || worst=$own
done
exit "$worst"
