#!/bin/bash
# SPDX-License-Identifier: MIT
# perf/bench when something can't be measured: with programs that only say that they have measured.
set -u
. "$(dirname "$0")/lib.sh"

fake=$scratch/fake results=$scratch/results
mkdir -p "$fake/perf"
ln -s "$build/tandem" "$build/libtandem.so" "$fake"

# program NAME STATUS LINES...
program() {
	local file=$fake/perf/$1 status=$2
	shift 2
	{
		echo '#!/bin/sh'
		printf "echo '%s'\n" "$@"
		[ "$status" = 0 ] || echo "echo the reason why >&2"
		echo "exit $status"
	} >"$file.new"
	chmod +x "$file.new"
	mv "$file.new" "$file"
}
row='throughput,ring_adaptive,8192,100,MB/s,0.9,1.1,90,110'
head=test,transport,bytes,median,unit,to_memcpy,to_ck,min,max
calls() { # calls STATUS
	program calls "$1" call,kind,median_ns,low_ns sched_yield,private,100,100 read_64,replicated,100,100
}
calls 0
program bench_site 0 case,median_ns,low_ns native,100,100 patched,105,105 added,5,5 entry_exit,3,3
program bench_ring 0 $head "$row" roundtrip,ring_adaptive,8192,100,ns,,0.9,90,110
program bench_engine 0 measure,way,bytes,round,value

bench() { # bench STATUS PART...: what it prints is in $scratch/out
	local want=$1
	shift
	timeout 120 "$here/../../perf/bench" --quick --build "$fake" --results "$results" "$@" \
		>"$scratch/out" 2>"$scratch/err" </dev/null
	equal $? "$want"
}
verdict() { # verdict WHAT VERDICT: as targets.csv has it
	equal "$(grep -F "$1" "$results/targets.csv" | head -n 1 | grep -oE '[^,]*$')" "$2"
}

check "a whole measurement ends with status 0" bench 0 ring
check "... has a verdict for each target" verdict "throughput against ck_ring" met
check "... is on the page" test -s "$results/index.html"
check "... and its figures in CSV" grep -q "$row" "$results/ring.csv"

program bench_ring 1 $head "$row"
check "a program that fails after some figures: status 1" bench 1 ring start
check "... says which and why" says 'rings: FAILED: bench_ring: status 1: the reason why' out
check "... and again at the end" says 'INCOMPLETE: 1 measurements FAILED' out
check "... leaves no figures, nor those of before" test ! -e "$results/ring.csv"
check "... fails its targets" verdict "throughput against ck_ring" failed
check "... leaves the others alone" grep -qE '^start,.*ms,(met|missed)$' "$results/targets.csv"
check "... is said on the page" grep -q 'Incomplete' "$results/index.html"

program bench_ring 0 $head
check "a program without any figures has failed" bench 1 ring
check "... which is said" says 'bench_ring: it ended well, but without all of its figures' out
program bench_ring 0 $head throughput,ring_adaptive
check "so has one that ends within a line" bench 1 ring

program bench_ring 0 $head roundtrip,lockstep_adaptive,64,100,ns,,,90,110
calls 3
check "calls that fail under Tandem and natively" bench 1 calls
check "... each is said" says '3 measurements FAILED' out
check "... their targets fail" verdict "sched_yield: time added" failed
check "... also that of lockstep" verdict "read_64 in lockstep" failed
check "... a patched site is there yet" verdict "patched site" met

touch "$fake/perf/calls"
chmod -x "$fake/perf/calls"
cp "$results/index.html" "$scratch/before"
check "a program that isn't there: status 1 at once" bench 1 calls
check "... says what to do" says 'perf/calls is not there: make all bench-programs'
check "... and leaves the results alone" cmp "$scratch/before" "$results/index.html"
check "no half-written file is left" equal "$(find "$results" -name '*.new')" ""

check "an unknown part" bench 2 rings
check "... is named" says 'no such part: rings'

finish
