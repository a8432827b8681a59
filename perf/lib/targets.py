# SPDX-License-Identifier: MIT
"""The targets, what was measured, and the verdicts."""
import statistics

from hosts import OVER_TCP
from iperf import NAME as IPERF
from measure import (BESIDE_FOLLOWER, BESIDE_LEADER, HOST_WORKLOADS, REDIS_COMMANDS,
                     RDMA, REDIS_PIPELINES, RELAXED, STRICT, SWEEP)

MEMORY_MIB = 2.0
START_MS = 50
THROUGHPUT, THROUGHPUT_AIM, CPU_TIME, STRICT_THROUGHPUT = 0.90, 0.97, 1.08, 0.30
ADDED_NS = {"sched_yield": 20, "futex_wake": 20, "read_64": 120}
SITE_NS = 10
MEMCPY = 0.80
GOODPUT, LATENCY, IDLE = 0.90, 1.30, 0.005  # between hosts: against plain TCP; of a core
RDMA_LATENCY, RDMA_BANDWIDTH = 1.50, 0.80  # against perftest
GUESTS = {1: "within a guest", 2: "between two guests"}
PLAIN = "plain TCP"
WAYS = ("io_uring, trusted", "io_uring, encrypted", "plain sockets, trusted",
        "plain sockets, encrypted")
RING = "ring_adaptive"  # how Tandem waits unless told otherwise


class Table:
    """Rows (part, what, target, measured, verdict): met, missed, given, failed or not measured."""

    def __init__(self, bench):
        self.bench, self.rows = bench, []
        self.failed = {part for part, _, _ in bench.failures}

    def add(self, part, what, target, value, form, met, more=""):
        """met: whether a value meets the target; None: there is none. more: said behind the value."""
        if part not in self.bench.plan.shown and not (part == RDMA and self.bench.rdma_rows):
            return
        if value is None:
            self.rows.append((part, what, target, "",
                              "failed" if part in self.failed else "not measured"))
        else:
            verdict = "given" if met is None else "met" if met(value) else "missed"
            self.rows.append((part, what, target, form.format(value) + more, verdict))


def incomplete(table):
    return any(row[4] in ("failed", "not measured") for row in table)


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
    engines(table, bench.engine_rows)
    over_rdma(table, bench.rdma_rows)
    return table.rows


def servers(table, seen):
    for part, name in workloads(strict=False):
        row = seen.get((name, RELAXED, BESIDE_FOLLOWER))
        table.add(part, f"{name}: throughput against native",
                  f">= {THROUGHPUT:.2f}, aim {THROUGHPUT_AIM}", row and row["ratio_rps"], "{:.3f}",
                  lambda value: value >= THROUGHPUT,
                  f" (of {row['most_rps']:.2f} that the second core allows)" if row else "")
        table.add(part, f"{name}: leader's CPU time a request against native", f"<= {CPU_TIME}",
                  row and row["ratio_cpu_us"], "{:.3f}", lambda value: value <= CPU_TIME,
                  processor(row))
    for part, name in workloads(strict=True):
        for placement in (BESIDE_FOLLOWER, BESIDE_LEADER):
            row = seen.get((name, STRICT, placement))
            beside = placement == BESIDE_FOLLOWER
            table.add(part, f"{name}: throughput, policy full, {placement}",
                      f">= {STRICT_THROUGHPUT:.2f}" if beside else "none",
                      row and row["ratio_rps"], "{:.3f}",
                      (lambda value: value >= STRICT_THROUGHPUT) if beside else None)


def processor(row):
    return f" ({row['native_cpu_us']:.1f} -> {row['tandem_cpu_us']:.1f} us)" if row else ""


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
    limit, ratio = lockstep(table.bench)
    table.add("calls", "read_64 in lockstep: against two round trips of the ring and the call",
              "<= 1.00", ratio, "{:.2f}", lambda value: value <= 1,
              f" ({calls.get('read_64', {}).get(STRICT, 0):,.0f} of {limit or 0:,.0f} ns)")


def lockstep(bench):
    """What two round trips of the ring and a native call take, in ns, and a call in lockstep as a
    part of it: medians over the rounds that have all three."""
    times = {}
    for row in bench.call_samples:
        if row["call"] == "read_64":
            times.setdefault(row["round"], {})[row["side"]] = row["low_ns"]
    limits, ratios = [], []
    for row in bench.lockstep_rows:
        found = times.get(row["round"], {})
        if "native" in found and STRICT in found:
            limits.append(2 * row["round_trip_ns"] + found["native"])
            ratios.append(found[STRICT] / limits[-1])
    return (statistics.median(limits), statistics.median(ratios)) if ratios else (None, None)


def start_and_memory(table):
    times = {side: [row["ms"] for row in table.bench.start_rows if row["side"] == side]
             for side in ("native", "tandem")}
    added = (statistics.median(times["tandem"]) - statistics.median(times["native"])
             if times["native"] and times["tandem"] else None)
    table.add("start", "start-up of /bin/true: time added", f"<= {START_MS} ms", added,
              "{:+.1f} ms", lambda value: value <= START_MS)
    for server in ("nginx", "lighttpd", "redis"):
        added = memory_added([row for row in table.bench.memory_rows if row["server"] == server])
        for role in ("leader", "follower"):
            most = max(added.get(role, {}).items(), key=lambda entry: entry[1], default=None)
            table.add(server, f"{server}: memory added to a process of the {role}, rings aside, the most",
                      f"<= {MEMORY_MIB:.0f} MiB", most and most[1], "{:+.2f} MiB",
                      lambda value: value <= MEMORY_MIB, f" ({most[0]})" if most else "")


def memory_added(rows):
    """{role: {process: resident MiB without the rings, less those of the same native process}}"""
    own, added = {}, {}
    for row in rows:
        own.setdefault((row["role"], row["process"]), []).append(row["rss_kib"] - row["rings_kib"])
    for (role, process), sizes in own.items():
        if role != "native" and ("native", process) in own:
            added.setdefault(role, {})[process] = (max(sizes) - min(own["native", process])) / 1024
    return added


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
        table.add("ring", f"ring, {what}, worst size", target, found and found[0], "{:.2f}", met,
                  f" ({found[1]:,} B)" if found else "")


def between_hosts(table, seen):
    for name, policies in HOST_WORKLOADS.items():
        row = seen.get((name, RELAXED, OVER_TCP), {})
        what = f"{name}, over TCP: "
        table.add("hosts", what + "throughput against native", "none", row.get("ratio_rps"), "{:.3f}",
                  None)
        table.add("hosts", what + "leader's CPU time a request against native", f"<= {CPU_TIME}",
                  row.get("ratio_cpu_us"), "{:.3f}", lambda value: value <= CPU_TIME, processor(row))
        for field, whose in (("engine_us", "leader's"), ("far_engine_us", "follower's")):
            table.add("hosts", what + f"CPU time of the {whose} engine, a request", "none",
                      row.get(field), "{:.1f} us", None)
        if STRICT in policies:
            table.add("hosts", what + "throughput, policy full", "none",
                      seen.get((name, STRICT, OVER_TCP), {}).get("ratio_rps"), "{:.3f}", None)
    batches = {}
    for name, connections in SWEEP.items():
        row = seen.get((name, RELAXED, OVER_TCP))
        batches[connections] = row and row["batch_bytes"]
        table.add("hosts", f"{name}, over TCP: mean size of the engine's batches", "none",
                  row and row["batch_bytes"], "{:,.0f} B", None,
                  f" ({1 / row['sends']:.1f} requests)" if row and row["sends"] else "")
    least, most = batches[min(batches)], batches[max(batches)]
    table.add("hosts", "batches grow by themselves: their mean size, "
              f"{max(batches)} connections against {min(batches)}", "> 1",
              most / least if most and least else None, "{:.2f}", lambda value: value > 1)
    idle = {row["host"]: row["core"] for row in table.bench.idle_rows}
    for host in ("leader", "follower"):
        table.add("hosts", f"idle session: of a core, on the {host}'s host", f"< {IDLE:.1%}",
                  idle.get(host), "{:.2%}", lambda value: value < IDLE)


def engine_values(rows, against=PLAIN):
    """{(measure, way): {bytes: (median, median of the ratios to another way within a round)}}"""
    rounds = {}
    for row in rows:
        rounds.setdefault((row["measure"], row["way"]), {}).setdefault(int(row["bytes"]), {})[
            int(row["round"])] = float(row["value"])
    values = {}
    for (measure, way), sizes in rounds.items():
        for size, found in sizes.items():
            other = rounds.get((measure, against), {}).get(size, {})
            ratios = [value / other[turn] for turn, value in found.items() if other.get(turn)]
            values.setdefault((measure, way), {})[size] = (
                statistics.median(found.values()),
                statistics.median(ratios) if ratios else float("nan"))
    return values


def engines(table, rows):
    plain, iperf = engine_values(rows), engine_values(rows, IPERF)
    for way in WAYS:
        for values, measure, what, pick, target, met in (
                (iperf, "goodput", "goodput against iperf3", min, f">= {GOODPUT:.2f}",
                 lambda value: value >= GOODPUT),
                (plain, "goodput", "goodput against a plain sender", min, "none", None),
                (plain, "latency", "round trip against a plain ping-pong", max,
                 f"<= {LATENCY:.2f}", lambda value: value <= LATENCY)):
            worst = pick(((ratio, size) for size, (_, ratio)
                          in values.get((measure, way), {}).items()), default=None)
            table.add("engine", f"engine, {way}: {what}, worst size", target,
                      worst and worst[0], "{:.2f}", met, f" ({worst[1]:,} B)" if worst else "")
    # Which of the two is the stricter to be compared with.
    table.add("engine", "a plain sender's goodput against iperf3's", "none",
              statistics.median(ratio for _, ratio in iperf["goodput", PLAIN].values())
              if ("goodput", PLAIN) in iperf else None, "{:.2f}", None)


def rdma_values(rows):
    """{(guests, measure): {what: (median, median of the ratios to perftest within a round)}}"""
    found = {}
    for row in rows:
        value, perftest = float(row["value"]), float(row["perftest"] or "nan")
        found.setdefault((int(row["guests"]), row["measure"]), {}).setdefault(
            row["what"], []).append((value, value / perftest))
    return {key: {what: tuple(statistics.median(column) for column in zip(*rounds))
                  for what, rounds in by.items()} for key, by in found.items()}


def over_rdma(table, rows):
    values = rdma_values(rows)
    for guests, where in GUESTS.items():
        for measure, what, pick, target, met in (
                ("typical", "one way of a record against ib_write_lat", max,
                 f"<= {RDMA_LATENCY:.2f}", lambda value: value <= RDMA_LATENCY),
                ("latency", "the same, the least of a run", max, "none", None),
                ("adaptive", "the same, where engines don't only spin", max, "none", None),
                ("bandwidth", "bandwidth against ib_write_bw", min, f">= {RDMA_BANDWIDTH:.2f}",
                 lambda value: value >= RDMA_BANDWIDTH)):
            worst = pick(((ratio, size) for size, (_, ratio)
                          in values.get((guests, measure), {}).items()), default=None)
            table.add(RDMA, f"RDMA, {where}: {what}, worst size", target, worst and worst[0],
                      "{:.2f}", met, f" ({int(worst[1]):,} B)" if worst else "")
    for transport in ("rdma", "tcp"):
        for host in ("leader", "follower"):
            value = values.get((2, f"idle {transport}"), {}).get(host)
            over = transport == "rdma"
            table.add(RDMA, f"idle session over {transport}: of an emulated core, on the {host}'s "
                      "host", f"<= {IDLE:.1%}" if over else "none", value and value[0], "{:.2%}",
                      (lambda value: value <= IDLE) if over else None)


def print_table(head, rows, left=(0,), paint=None):
    """Text in columns, those of `left` to the left; paint: the colour of a last column's text."""
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    for row in [head] + rows:
        cells = [f"{text:<{width}}" if i in left else f"{text:>{width}}"
                 for i, (text, width) in enumerate(zip(row, widths))]
        if paint and row[-1] in paint:
            cells[-1] = f"\033[{paint[row[-1]]}m{row[-1]}\033[0m"
        print("  ".join(cells).rstrip())
