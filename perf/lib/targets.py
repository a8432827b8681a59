# SPDX-License-Identifier: MIT
"""The targets, what was measured, and the verdicts."""
import statistics

from hosts import OVER_TCP
from measure import (BESIDE_FOLLOWER, BESIDE_LEADER, REDIS_COMMANDS, REDIS_PIPELINES, RELAXED,
                     STRICT)

MEMORY_MIB = 2.0
START_MS = 50
THROUGHPUT, THROUGHPUT_AIM, CPU_TIME, STRICT_THROUGHPUT = 0.90, 0.97, 1.08, 0.30
ADDED_NS = {"sched_yield": 20, "futex_wake": 20, "read_64": 120}
SITE_NS = 10
MEMCPY = 0.80
GOODPUT, LATENCY, IDLE = 0.90, 1.30, 0.005  # between hosts: against plain TCP; of a core
PLAIN, TRUSTED, ENCRYPTED = "plain TCP", "io_uring, trusted", "io_uring, encrypted"
RING, LOCKSTEP = "ring_adaptive", "lockstep_adaptive"  # how Tandem waits unless told otherwise


class Table:
    """Rows (part, what, target, measured, verdict): met, missed, failed, not measured or given."""

    def __init__(self, bench):
        self.bench, self.rows = bench, []
        self.failed = {part for part, _, _ in bench.failures}

    def add(self, part, what, target, value, form, met):
        if part not in self.bench.plan.parts:
            return
        if value is None:
            self.rows.append((part, what, target, "",
                              "failed" if part in self.failed else "not measured"))
        else:
            verdict = "given" if met is None else "met" if met(value) else "missed"
            self.rows.append((part, what, target, form.format(value), verdict))


def workloads(strict):
    yield "nginx", "nginx"
    yield "lighttpd", "lighttpd"
    for pipeline in (1,) if strict else REDIS_PIPELINES:
        for command in REDIS_COMMANDS:
            yield "redis", f"redis {command} -P {pipeline}"


def targets(bench, rows, calls):
    table = Table(bench)
    seen = {(row["workload"], row["policy"], row["placement"]): row for row in rows}
    servers(table, seen)
    system_calls(table, {row["call"]: row for row in calls})
    start_and_memory(table)
    rings(table, {(row["test"], row["transport"], int(row["bytes"])): row
                  for row in bench.ring_rows})
    between_hosts(table, seen)
    engines(table, engine_values(bench.engine_rows))
    return table.rows


def servers(table, seen):
    for part, name in workloads(strict=False):
        row = seen.get((name, RELAXED, BESIDE_FOLLOWER))
        table.add(part, f"{name}: throughput against native",
                  f">= {THROUGHPUT:.2f}, aim {THROUGHPUT_AIM}", row and row["ratio_rps"], "{:.3f}",
                  lambda value: value >= THROUGHPUT)
        table.add(part, f"{name}: leader's CPU time a request against native", f"<= {CPU_TIME}",
                  row and row["ratio_cpu_us"], "{:.3f}", lambda value: value <= CPU_TIME)
    for part, name in workloads(strict=True):
        for placement in (BESIDE_FOLLOWER, BESIDE_LEADER):
            row = seen.get((name, STRICT, placement))
            beside = placement == BESIDE_FOLLOWER
            table.add(part, f"{name}: throughput, policy full, {placement}",
                      f">= {STRICT_THROUGHPUT:.2f}" if beside else "none",
                      row and row["ratio_rps"], "{:.3f}",
                      (lambda value: value >= STRICT_THROUGHPUT) if beside else None)


def system_calls(table, calls):
    site = {row["case"]: float(row["median_ns"]) for row in table.bench.site_rows}
    table.add("calls", "patched site without the monitor's work: time added", f"<= {SITE_NS} ns",
              site.get("added"), "{:+.0f} ns", lambda value: value <= SITE_NS)
    for call, most in ADDED_NS.items():
        row = calls.get(call, {})
        kind = f" ({row['kind']})" if row else ""
        table.add("calls", f"{call}{kind}: time added at the leader", f"<= {most} ns",
                  row.get(f"added_{RELAXED}"), "{:+.0f} ns", lambda value, most=most: value <= most)
    clock = calls.get("clock_gettime", {})
    table.add("calls", "clock_gettime (vdso): time added at the leader", "none",
              clock.get(f"added_{RELAXED}"), "{:+.0f} ns", None)
    trip = round_trip_ns(table.bench.ring_rows)
    if trip:
        call = calls.get("read_64", {})
        most = 2 * trip + call.get("native", 0)
        table.add("calls", "read_64 in lockstep: its time, against two round trips of the ring "
                  "and the call", f"<= {most:,.0f} ns", call.get(STRICT), "{:,.0f} ns",
                  lambda value: value <= most)


def round_trip_ns(ring_rows):
    """The ring's own round trip, a record of 64 B and the follower's answer."""
    for row in ring_rows:
        if (row["test"], row["transport"], row["bytes"]) == ("roundtrip", LOCKSTEP, "64"):
            return float(row["median"])
    return None


def start_and_memory(table):
    times = {side: [row["ms"] for row in table.bench.start_rows if row["side"] == side]
             for side in ("native", "tandem")}
    added = (statistics.median(times["tandem"]) - statistics.median(times["native"])
             if times["native"] and times["tandem"] else None)
    table.add("start", "start-up of /bin/true: time added", f"<= {START_MS} ms", added,
              "{:+.1f} ms", lambda value: value <= START_MS)
    for role in ("leader", "follower"):
        table.add("nginx", f"memory added to a process of the {role}, rings aside",
                  f"<= {MEMORY_MIB:.0f} MiB", memory_added(table.bench.memory_rows, role),
                  "{:+.2f} MiB", lambda value: value <= MEMORY_MIB)


def memory_added(rows, role):
    """Resident MiB without the rings: the mean of a process of the variant less a native one's."""
    def mean(name):
        own = [row["rss_kib"] - row["rings_kib"] for row in rows if row["role"] == name]
        return sum(own) / len(own) / 1024 if own else None
    with_tandem, native = mean(role), mean("native")
    return None if with_tandem is None or native is None else with_tandem - native


def rings(table, rows):
    def worst(test, field, sizes, pick):
        found = [(float(rows[test, RING, size][field]), size) for size in sizes
                 if (test, RING, size) in rows]
        return pick(found) if found else None
    sizes = sorted({size for _, _, size in rows})
    for what, test, field, among, pick, target, met in (
            ("throughput against ck_ring", "throughput", "to_ck", sizes, min, ">= 1.00",
             lambda value: value >= 1.0),
            ("round trip against ck_ring", "roundtrip", "to_ck", sizes, max, "<= 1.00",
             lambda value: value <= 1.0),
            ("throughput above 4 KiB against memcpy", "throughput", "to_memcpy",
             [size for size in sizes if size > 4096], min, f">= {MEMCPY:.2f}",
             lambda value: value >= MEMCPY)):
        found = worst(test, field, among, pick)
        name = f"ring, {what}, worst size" + (f" ({found[1]} B)" if found else "")
        table.add("ring", name, target, found and found[0], "{:.2f}", met)


def between_hosts(table, seen):
    names = list(dict.fromkeys(name for name, _, placement in seen if placement == OVER_TCP))
    for name in names or ["nginx, lighttpd, redis"]:
        row = seen.get((name, RELAXED, OVER_TCP), {})
        strict = seen.get((name, STRICT, OVER_TCP), {})
        what = f"{name}, over TCP: "
        table.add("hosts", what + "throughput against native", "none", row.get("ratio_rps"), "{:.3f}",
                  None)
        table.add("hosts", what + "leader's CPU time a request against native", f"<= {CPU_TIME}",
                  row.get("ratio_cpu_us"), "{:.3f}", lambda value: value <= CPU_TIME)
        for field, whose in (("engine_us", "leader's"), ("far_engine_us", "follower's")):
            table.add("hosts", what + f"CPU time of the {whose} engine, a request", "none",
                      row.get(field), "{:.1f} us", None)
        table.add("hosts", what + "throughput, policy full", "none", strict.get("ratio_rps"),
                  "{:.3f}", None)
    idle = {row["host"]: row["core"] for row in table.bench.idle_rows}
    for host in ("leader", "follower"):
        table.add("hosts", f"idle session: of a core, on the {host}'s host", f"<= {IDLE:.1%}",
                  idle.get(host), "{:.2%}", lambda value: value <= IDLE)


def engine_values(rows):
    """{(measure, way): {bytes: (median, median of the ratios to plain TCP within a round)}}"""
    rounds = {}
    for row in rows:
        rounds.setdefault((row["measure"], row["way"]), {}).setdefault(int(row["bytes"]), {})[
            row["round"]] = float(row["value"])
    values = {}
    for (measure, way), sizes in rounds.items():
        for size, found in sizes.items():
            plain = rounds.get((measure, PLAIN), {}).get(size, {})
            ratios = [value / plain[turn] for turn, value in found.items() if plain.get(turn)]
            values.setdefault((measure, way), {})[size] = (
                statistics.median(found.values()),
                statistics.median(ratios) if ratios else float("nan"))
    return values


def engines(table, values):
    for way in (TRUSTED, ENCRYPTED):
        for measure, what, pick, target, met in (
                ("goodput", "goodput", min, f">= {GOODPUT:.2f}", lambda value: value >= GOODPUT),
                ("latency", "round trip", max, f"<= {LATENCY:.2f}", lambda value: value <= LATENCY)):
            worst = pick(((ratio, size) for size, (_, ratio) in values.get((measure, way),
                                                                            {}).items()),
                         default=None)
            size = f" ({worst[1]} B)" if worst else ""
            table.add("engine", f"engine, {way}: {what} against plain TCP, worst size{size}", target,
                      worst and worst[0], "{:.2f}", met)


def print_table(head, rows, left=(0,), paint=None):
    """Text in columns, those of `left` to the left; paint: the colour of a last column's text."""
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    for row in [head] + rows:
        cells = [f"{text:<{width}}" if i in left else f"{text:>{width}}"
                 for i, (text, width) in enumerate(zip(row, widths))]
        if paint and row[-1] in paint:
            cells[-1] = f"\033[{paint[row[-1]]}m{row[-1]}\033[0m"
        print("  ".join(cells).rstrip())
