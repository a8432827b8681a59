# SPDX-License-Identifier: MIT
"""The targets, what was measured, and the verdicts."""
import statistics

MEMORY_SLACK_MIB = 2.0


def targets(bench, rows):
    """[(what, target, measured, verdict)] as text; the verdict is met, missed or not measured."""
    table = []

    def compare(what, target, value, form, met):
        if value is None:
            table.append((what, target, "", "not measured"))
        else:
            table.append((what, target, form.format(value), "met" if met(value) else "missed"))

    seen = {(row["workload"], row["policy"], row["placement"]): row for row in rows}
    beside = "client with follower"
    names = ["nginx", "lighttpd"] + [f"redis {command} -P {pipeline}" for pipeline in
                                     bench.plan.redis_pipelines for command in ("SET", "GET", "PING")]
    for name in names:
        row = seen.get((name, "socket_rw_oc", beside))
        compare(f"{name}: throughput against native", ">= 0.90, aim 0.97",
                row and row["ratio_rps"], "{:.3f}", lambda value: value >= 0.90)
    for name in names:
        row = seen.get((name, "socket_rw_oc", beside))
        compare(f"{name}: leader's CPU time a request", "<= 1.08",
                row and row["ratio_cpu_us"], "{:.3f}", lambda value: value <= 1.08)
    for name, placement in (("nginx", beside), ("nginx", "client with leader"), ("lighttpd", beside),
                            ("redis GET -P 1", beside)):
        row = seen.get((name, "full", placement))
        compare(f"{name}: policy full, {placement}", ">= 0.30",
                row and row["ratio_rps"], "{:.3f}", lambda value: value >= 0.30)

    calls = {row["call"]: row for row in bench.call_rows}

    def added(call, policy="socket_rw_oc"):
        row = calls.get(call)
        return row[policy] - row["native"] if row and policy in row and "native" in row else None
    for call, limit in (("sched_yield", 20), ("futex_wake", 20), ("read_64", 120)):
        kind = calls[call]["kind"] if call in calls else "call"
        compare(f"{call} ({kind}): time added", f"<= {limit} ns", added(call), "{:+.0f} ns",
                lambda value, most=limit: value <= most)

    times = {side: [row["ms"] for row in bench.start_rows if row["side"] == side]
             for side in ("native", "tandem")}
    start = (statistics.median(times["tandem"]) - statistics.median(times["native"])
             if times["native"] and times["tandem"] else None)
    compare("start-up of /bin/true: time added", "<= 50 ms", start, "{:+.1f} ms",
            lambda value: value <= 50)

    for role in ("leader", "follower"):
        compare(f"memory added to a process of the {role}, rings aside",
                f"<= {MEMORY_SLACK_MIB:.0f} MiB", memory_added(bench.memory_rows, role),
                "{:+.2f} MiB", lambda value: value <= MEMORY_SLACK_MIB)
    return table


def memory_added(rows, role):
    """MiB without the rings, the mean of a process of the variant less that of a native one."""
    def mean(name):
        own = [row["rss_kib"] - row["rings_kib"] for row in rows if row["role"] == name]
        return sum(own) / len(own) / 1024 if own else None
    with_tandem, native = mean(role), mean("native")
    return None if with_tandem is None or native is None else with_tandem - native


def print_table(table, colour):
    width = max(len(row[0]) for row in table)
    middle = max(len(row[1]) for row in table)
    paint = {"met": "32", "missed": "31", "not measured": "33"}
    print(f"\n{'':{width}}  {'target':<{middle}}  {'measured':>10}")
    for what, target, measured, verdict in table:
        shown = f"\033[{paint[verdict]}m{verdict}\033[0m" if colour else verdict
        print(f"{what:<{width}}  {target:<{middle}}  {measured:>10}  {shown}")
