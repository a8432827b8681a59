#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The transport engine against plain TCP between two network namespaces of this machine:
#
#     tandem-a  10.77.0.1 ──── veth ──── 10.77.0.2  tandem-b
#     core 0                                          core 1
#
#   bench_engine.sh BUILD [options of bench_engine]
#
# Prints medians, and the medians of the ratios to plain TCP of the same round. Needs root.
set -eu
build=$1
shift
a=tandem-a$$ b=tandem-b$$
csv=$(mktemp)
clean() {
	ip netns del $a 2>/dev/null || :
	ip netns del $b 2>/dev/null || :
	rm -f "$csv"
}
trap clean EXIT
ip netns add $a
ip netns add $b
ip link add va netns $a type veth peer name vb netns $b
ip -n $a addr add 10.77.0.1/24 dev va
ip -n $b addr add 10.77.0.2/24 dev vb
ip -n $a link set va up
ip -n $b link set vb up
"$build/perf/bench_engine" "$@" $a $b 10.77.0.2 >"$csv"
python3 - "$csv" <<'END'
import collections
import csv
import statistics
import sys

UNITS = {"latency": "us", "goodput": "MB/s", "processor": "us"}
with open(sys.argv[1], encoding="ascii") as file:
    rows = list(csv.DictReader(file))
values = collections.defaultdict(dict)
for row in rows:
    key = row["measure"], int(row["bytes"]), row["way"]
    values[key][row["round"]] = float(row["value"])
for (measure, size, way), found in values.items():
    plain = values.get((measure, size, "plain TCP"), {})
    ratios = [value / plain[turn] for turn, value in found.items() if turn in plain]
    ratio = f"{statistics.median(ratios):8.2f} of plain TCP" if ratios else ""
    print(f"{measure:10}{size:7} B  {way:26}{statistics.median(found.values()):10.1f} "
          f"{UNITS[measure]:5}{ratio}")
END
