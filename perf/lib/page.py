# SPDX-License-Identifier: MIT
"""One self-contained page: the targets, the plots and the figures behind them."""
import html

import svg
import targets
from hosts import OVER_TCP
from iperf import NAME as IPERF
from measure import BESIDE_LEADER, PARTS, RELAXED, STRICT, SWEEP

# Throughput as a fraction of native, as A8's authors measured it (ACSAC 2024; arm64 leader and
# x86-64 follower on two hosts, batches of 8 KB). Another set-up: a landmark, not a comparison.
A8 = {("nginx", "socket_rw_oc"): 0.574, ("lighttpd", "socket_rw_oc"): 0.705,
      ("nginx", "full"): 0.231, ("lighttpd", "full"): 0.214}
A8_REDIS = {"socket_rw_oc": 0.527, "full": 0.097}

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #1f2937; background: #f8fafc;
  margin: 0 auto; max-width: 1240px; padding: 28px 24px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 34px 0 10px; }
h3 { font-size: 15px; margin: 0 0 2px; } p { margin: 0 0 8px; } .soft { color: #6b7280; font-size: 13px; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(520px, 1fr)); gap: 18px; align-items: start; }
.card { background: #fff; border: 1px solid #e5e7eb; border-radius: 8px; padding: 16px 18px; overflow-x: auto; }
svg { width: 100%; height: auto; font-family: system-ui, "DejaVu Sans", sans-serif; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th { text-align: left; color: #6b7280; font-weight: 600; border-bottom: 2px solid #e5e7eb; padding: 5px 10px; }
td { border-bottom: 1px solid #eef0f3; padding: 5px 10px; } .n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.group { font-weight: 600; background: #f1f5f9; padding-top: 9px; }
.badge { border-radius: 10px; padding: 1px 10px; font-size: 12.5px; font-weight: 600; white-space: nowrap; }
.met { background: #dcfce7; color: #15803d; } .missed { background: #fee2e2; color: #b91c1c; }
.not { background: #fef3c7; color: #92400e; } .failed { background: #b91c1c; color: #fff; }
.given { background: #e5e7eb; color: #374151; } .failure { border-left: 4px solid #b91c1c; margin-bottom: 10px; }
.failure p { margin-top: 10px; } pre { white-space: pre-wrap; margin: 4px 0; font-size: 12.5px; }
"""


def cell(value, form="{:.3g}"):
    return f'<td class="n">{form.format(value)}</td>'


def card(title, note, content):
    return (f'<div class="card"><h3>{html.escape(title)}</h3>'
            f'<p class="soft">{html.escape(note)}</p>{content}</div>')


GROUPS = {"nginx": "Servers on one machine", "lighttpd": "Servers on one machine",
          "redis": "Servers on one machine", "calls": "System calls", "start": "Start-up",
          "ring": "The ring", "hosts": "Two hosts, over TCP", "engine": "The engine between two hosts",
          "rdma": "RDMA, in guests"}


def signs(text):
    for plain, sign in ((">=", "≥"), ("<=", "≤"), ("->", "→"), (" us", " µs")):
        text = text.replace(plain, sign)
    return html.escape(text)


def target_table(table):
    groups = {}
    for part, what, target, measured, verdict in table:
        groups.setdefault(GROUPS.get(part, part), []).append(
            f"<tr><td>{html.escape(what)}</td><td>{signs(target)}</td>"
            f'<td class="n">{signs(measured)}</td>'
            f'<td><span class="badge {verdict.split()[0]}">{verdict}</span></td></tr>')
    rows = "".join(f'<tr><td class="group" colspan="4">{name}</td></tr>' + "".join(group)
                   for name, group in groups.items())
    return ('<div class="card"><table><tr><th>Figure</th><th>Target</th><th class="n">Measured</th>'
            f"<th>Verdict</th></tr>{rows}</table></div>")


def figures_table(rows):
    head = "".join(f"<th{align}>{name}</th>" for name, align in (
        ("Workload", ""), ("Policy", ""), ("Placement", ""), ("Rounds", ' class="n"'),
        ("Native /s", ' class="n"'), ("Tandem /s", ' class="n"'), ("Ratio", ' class="n"'),
        ("CPU native µs", ' class="n"'), ("CPU leader µs", ' class="n"'), ("Ratio", ' class="n"'),
        ("CPU all µs", ' class="n"'), ("p50 ms", ' class="n"'), ("p99 ms", ' class="n"')))
    body = "".join(
        f"<tr><td>{row['workload']}</td><td>{row['policy']}</td><td>{row['placement']}</td>"
        + cell(f"{row['rounds']} of {row['of']}", "{}") + cell(row["native_rps"], "{:,.0f}")
        + cell(row["tandem_rps"], "{:,.0f}") + cell(row["ratio_rps"], "<b>{:.3f}</b>")
        + cell(row["native_cpu_us"], "{:.1f}") + cell(row["tandem_cpu_us"], "{:.1f}")
        + cell(row["ratio_cpu_us"], "<b>{:.3f}</b>")
        + cell(row["tandem_all_cpu_us"], "{:.1f}") + f'<td class="n">{row["native_p50_ms"]:.2f} → {row["tandem_p50_ms"]:.2f}</td>'
        + f'<td class="n">{row["native_p99_ms"]:.2f} → {row["tandem_p99_ms"]:.2f}</td></tr>'
        for row in rows)
    return f'<div class="card"><table><tr>{head}</tr>{body}</table></div>'


def reference(row):
    if row["workload"].startswith("redis"):
        # A8's redis benchmark is PING without pipelining.
        return A8_REDIS.get(row["policy"]) if row["workload"] == "redis PING -P 1" else None
    return A8.get((row["workload"], row["policy"]))


def ratio_entries(rows, policy, field, with_reference):
    entries = []
    for row in rows:
        if row["policy"] == policy:
            name = row["workload"]
            if policy == STRICT:
                name += ", leader" if row["placement"] == BESIDE_LEADER else ", follower"
            entries.append((name, row[f"ratio_{field}"], row[f"lowest_{field}"],
                            row[f"highest_{field}"], reference(row) if with_reference else None,
                            row["placement"] != BESIDE_LEADER))
    return entries


def server_plots(rows):
    plots = []
    rows = [row for row in rows if row["placement"] != OVER_TCP]
    for title, note, axis, policy, field, target, better, at_least in (
            ("Throughput, policy socket_rw_oc", "More is better. Whiskers: lowest and highest "
             "round. Aim: 0.97.", "throughput / native", RELAXED, "rps", targets.THROUGHPUT, "≥", 1.1),
            ("Leader's CPU time a request, policy socket_rw_oc", "Less is better. User and system "
             "time of the leader's processes.", "CPU time / native", RELAXED, "cpu_us",
             targets.CPU_TIME, "≤", 1.2),
            ("Throughput, policy full", "More is better. Every call in lockstep. The name says whose "
             "core the client shares; the native run has its client there too. The target is for "
             "the follower's.", "throughput / native", STRICT, "rps",
             targets.STRICT_THROUGHPUT, "≥", 1.05),
            ("Leader's CPU time a request, policy full", "Less is better. No target; waiting "
             "for followers counts where the leader spins.", "CPU time / native", STRICT, "cpu_us",
             None, "≤", 1.2)):
        entries = ratio_entries(rows, policy, field, field == "rps")
        if entries:
            plots.append(card(title, note, svg.ratio_bars(title, axis, entries, target, better,
                                                          at_least)))
    return plots


def call_plots(bench, calls):
    plots = []
    if calls:
        sides = ("native", RELAXED, STRICT)
        groups = [(row["call"], [row.get(side) for side in sides]) for row in calls]
        plots.append(card("One system call, at the leader",
                          "Less is better. Logarithmic.",
                          svg.grouped_bars("Time of a call", "ns a call (logarithmic)", groups, sides,
                                           (svg.NATIVE, svg.TANDEM, svg.FULL))))
        entries = [(row["call"], row[f"added_{RELAXED}"], targets.ADDED_NS.get(row["call"]))
                   for row in calls if f"added_{RELAXED}" in row]
        site = {row["case"]: float(row["median_ns"]) for row in bench.site_rows}
        if site:
            entries.append(("patched site alone", site["added"], targets.SITE_NS))
        if entries:
            plots.append(card("What is added to a call, policy socket_rw_oc",
                              "Less is better. Longer bars are cut. “Patched site alone”: entry and "
                              "exit, without the monitor's work.",
                              svg.added_bars("Time added to a call", "ns added at the leader",
                                             entries, 5 * max(targets.ADDED_NS.values()))))
    return plots


def start_and_memory_plots(bench):
    plots = []
    if bench.start_rows:
        rows = [(side, colour, [row["ms"] for row in bench.start_rows if row["side"] == side])
                for side, colour in (("native", svg.NATIVE), ("tandem", svg.TANDEM))]
        plots.append(card("Start-up: /bin/true from start to end",
                          f"Less is better. The bar is the median. Target: native + "
                          f"{targets.START_MS} ms.",
                          svg.strips("Start-up time", "ms", rows, targets.START_MS)))
    if bench.memory_rows:
        order, roles = ("nginx", "lighttpd", "redis"), ("native", "leader", "follower")
        own = {row["pid"]: (row["rss_kib"] - row["rings_kib"]) / 1024 for row in bench.memory_rows}
        native = {(row["server"], row["process"]): own[row["pid"]] for row in bench.memory_rows
                  if row["role"] == "native"}
        rows = [(f"{row['server']}{title}, {row['role']}", [own[row["pid"]], row["rings_kib"] / 1024],
                 native[row["server"], row["process"]] + targets.MEMORY_MIB
                 if row["role"] != "native" and (row["server"], row["process"]) in native else None)
                for row, title in sorted(
                    ((row, f" {row['process']}" if row["server"] == "nginx" else "")
                     for row in bench.memory_rows),
                    key=lambda one: (order.index(one[0]["server"]), one[1],
                                     roles.index(one[0]["role"])))]
        plots.append(card("Resident memory of each process",
                          "After a load. Ring pages that are mapped twice count twice. Target: "
                          f"native + {targets.MEMORY_MIB:.0f} MiB, rings aside.",
                          svg.stacked("Resident memory", "MiB", rows, ("process", "rings, shared"),
                                      (svg.TANDEM, "#93c5fd"))))
    return plots


def ring_plots(ring_rows):
    plots = []
    # A transport has the same colour in every plot.
    names = list(dict.fromkeys(row["transport"] for row in ring_rows))
    colours = {name: svg.SERIES[index % len(svg.SERIES)] for index, name in enumerate(names)}

    def series(test, field, wanted=lambda name: True):
        lines = {}
        for row in ring_rows:
            if row["test"] == test and wanted(row["transport"]) and float(row[field] or 0) > 0:
                lines.setdefault(row["transport"], []).append((float(row["bytes"]), float(row[field])))
        return lines

    def ours(name):
        return name.startswith("ring")
    size = "bytes a message"
    for title, note, unit, lines, target in (
            ("Ring: throughput", "More is better. One process on each of two cores.", "MB/s",
             series("throughput", "median"), None),
            ("Ring: round trip", "Less is better. “lockstep”: a record, answered by the follower's "
             "position.", "ns", series("roundtrip", "median"), None),
            ("Ring: throughput against ck_ring", "More is better.", "ratio",
             series("throughput", "to_ck", ours), (1.0, "never slower: ≥ 1")),
            ("Ring: round trip against ck_ring", "Less is better.", "ratio",
             series("roundtrip", "to_ck", ours), (1.0, "never slower: ≤ 1")),
            ("Ring: throughput against memcpy", "More is better. The target is for more than 4 KiB.",
             "ratio", series("throughput", "to_memcpy", ours),
             (targets.MEMCPY, f"target ≥ {targets.MEMCPY}", 4096))):
        if lines:
            plots.append(card(title, note, svg.lines(title, size, unit, lines, colours, target)))
    return plots


def host_plots(bench, rows):
    plots = []
    rows = [row for row in rows if row["placement"] == OVER_TCP]
    ordinary = [row for row in rows if row["workload"] not in SWEEP]
    for policy in (RELAXED, STRICT):
        entries = ratio_entries(ordinary, policy, "rps", False)
        if entries:
            title = f"Follower on another host: throughput, policy {policy}"
            plots.append(card(title, "More is better. Two network namespaces, two cores for all.",
                              svg.ratio_bars(title, "throughput / native",
                                             [(name.split(", ")[0], *rest) for name, *rest in entries],
                                             None, "≥", 1.1)))
    relaxed = [row for row in ordinary if row["policy"] == RELAXED]
    if relaxed:
        plots.append(card("Follower on another host: CPU time a request", "Less is better. The "
                          f"target for the leader's processes: {targets.CPU_TIME} of native.",
                          svg.stacked("CPU time", "µs a request", [
                              (row["workload"], [row["tandem_cpu_us"], row["engine_us"],
                                                 row["far_engine_us"]],
                               row["native_cpu_us"] * targets.CPU_TIME) for row in relaxed],
                              ("leader", "its engine", "follower's engine"), svg.SERIES)))
    return plots + batch_plots(rows)


def batch_plots(rows):
    """Histograms: the shares of an engine's batches by size, in powers of two."""
    note = ("A batch is what has gathered while the one before was being sent: nothing sets its size. "
            "Part of the batches by size; the mark is the mean size.")
    plots = []
    for title, wanted in (
            ("Sizes of the engine's batches as load rises: nginx",
             [row for row in rows if row["workload"] in SWEEP]),
            ("Sizes of the engine's batches by workload",
             [row for row in rows if row["workload"] not in SWEEP])):
        if wanted:
            plots.append(card(title, note, svg.histograms(title, "bytes a batch (logarithmic)", [
                (row["workload"] if row["workload"] in SWEEP else
                 f"{row['workload']}, {'full' if row['policy'] == STRICT else 'relaxed'}",
                 f"{row['tandem_rps']:,.0f}/s", row["batches"], row["batch_bytes"])
                for row in wanted], svg.TANDEM)))
    return plots


def engine_plots(rows):
    plots = []
    values, ratios = targets.engine_values(rows), targets.engine_values(rows, IPERF)
    ways = list(dict.fromkeys(way for _, way in values))
    colours = {way: svg.SERIES[index % len(svg.SERIES)] for index, way in enumerate(ways)}
    for found, measure, which, title, unit, target in (
            (values, "goodput", 0, "Engine: goodput of one stream", "MB/s", None),
            (ratios, "goodput", 1, "Engine: goodput against iperf3", "ratio",
             (targets.GOODPUT, f"target ≥ {targets.GOODPUT}")),
            (values, "latency", 0, "Engine: round trip of a record and its answer", "µs", None),
            (values, "latency", 1, "Engine: round trip against a plain ping-pong", "ratio",
             (targets.LATENCY, f"target ≤ {targets.LATENCY}"))):
        baseline = which and (IPERF if measure == "goodput" else targets.PLAIN)
        lines = {way: [(size, value[which]) for size, value in sorted(found[measure, way].items())]
                 for way in ways if (measure, way) in found and way != baseline}
        if lines:
            plots.append(card(title, "More is better." if measure == "goodput" else "Less is better.",
                              svg.lines(title, "bytes a record", unit, lines, colours, target)))
    return plots


SERVERS_NOTE = """4 KB pages and wrk with 10 connections; redis-benchmark with 50, one request or 16 (-P) at
a time. A8 is the system that Tandem follows, as its authors measured it (ACSAC 2024) between two machines of
another kind: a landmark, not a comparison."""


ENGINE_NOTE = """One stream between two network namespaces, which a veth pair links; each end is a
process with a core of its own. Goodput is compared with iperf3 (one stream, its 128 KiB writes) and
with a plain sender of this bench (send() of 128 KiB, recv() at the other end), whatever the size of
the records; the round trip of a record, until the leader sees that it was checked, with a plain TCP
ping-pong: a message of that size, and 24 bytes back. All take turns; a ratio is the median of
those within a round. What is measured is a round trip, of which one way is half: the ratio is the same."""


RDMA_NOTE = """Soft-RoCE in guests of emulated CPUs (`make bench-rdma`): ratios say something, times
don't. At each end one thread is variant and engine in turns, as perftest is one thread at each end.
Latency is half of a round trip whose way back is a word of 24 bytes, against the mean of ib_write_lat of
both sizes; bandwidth is that of records as fast as they go, those that wait in one write."""


def rdma_plots(rows):
    plots = []
    values = targets.rdma_values(rows)
    colours = {where: svg.SERIES[number] for number, where in enumerate(targets.GUESTS.values())}
    for measure, title, target in (
            ("typical", "RDMA: one way of a record against ib_write_lat",
             (targets.RDMA_LATENCY, f"target ≤ {targets.RDMA_LATENCY}")),
            ("bandwidth", "RDMA: bandwidth against ib_write_bw",
             (targets.RDMA_BANDWIDTH, f"target ≥ {targets.RDMA_BANDWIDTH}"))):
        lines = {where: [(float(size), ratio) for size, (_, ratio) in values[guests, measure].items()]
                 for guests, where in targets.GUESTS.items() if (guests, measure) in values}
        if lines:
            plots.append(card(title, "Medians of the ratios within a round.",
                              svg.lines(title, "bytes a record", "ratio", lines, colours, target)))
    return plots


def section(title, plots, note=""):
    note = f'<p class="soft">{note}</p>\n' if note else ""
    return f'<h2>{title}</h2>\n{note}<div class="grid">{"".join(plots)}</div>' if plots else ""


def count(table, verdict):
    return sum(row[4] == verdict for row in table)


def page(facts, bench, rows, calls, table):
    said = " · ".join(f"{html.escape(name)}: {html.escape(value)}" for name, value in facts.items())
    failures = "".join(f"<p><b>{html.escape(what)}</b></p><pre>{html.escape(why)}</pre>"
                       for _, what, why in bench.failures)
    if failures:
        failures = f'<h2>Failed</h2><div class="card failure">{failures}</div>'
    warning = ('<div class="card failure"><b>The machine was busy with other work: these figures say '
               "little.</b></div>" if bench.others > 0.1 else "")
    left_out = [part for part in bench.plan.shown if part not in bench.plan.parts]
    if targets.incomplete(table) or failures:
        said_why = " Left out: " + ", ".join(left_out) + ", which need root." if left_out else ""
        warning += ('<div class="card failure"><b>Incomplete: what is not measured is marked below.'
                    f"{said_why}</b></div>")
    elif len(bench.plan.shown) < len(PARTS):
        warning += f'<p class="soft">Only these parts: {", ".join(bench.plan.shown)}.</p>'
    if any(row["rounds"] < row["of"] for row in rows):
        warning += ('<div class="card failure"><b>Time ran out: some figures are of fewer rounds than '
                    "they should be (last table).</b></div>")
    summed = ", ".join(f"{count(table, verdict)} {verdict}" for verdict in (
        "met", "missed", "failed", "not measured") if count(table, verdict) or verdict[0] == "m")
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Tandem: performance</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>
<h1>Tandem: performance against native</h1>
<p class="soft">{said}</p>
<p>Two variants on one machine over shared memory, compared with the same program run natively.
Native and Tandem runs alternate; a ratio is the median of the ratios within a round. Server or
leader on core 0; follower and client on core 1, unless said otherwise. compare = "full"; the leader may run
ahead by a ring of 1 MiB, the default.</p>
{warning}
<h2>Targets: {summed}</h2>
<p class="soft">Given: a figure that has no target. Failed, not measured: there is no figure, and the
page is incomplete.</p>
{target_table(table)}
{failures}
{section("Servers", server_plots(rows), SERVERS_NOTE)}
{section("System calls", call_plots(bench, calls))}
{section("Start-up and memory", start_and_memory_plots(bench))}
{section("Rings", ring_plots(bench.ring_rows))}
{section("Two hosts", host_plots(bench, rows))}
{section("The engine between two hosts", engine_plots(bench.engine_rows), ENGINE_NOTE)}
{section("RDMA", rdma_plots(bench.rdma_rows), RDMA_NOTE)}
{"<h2>Figures</h2>" + figures_table(rows) if rows else ""}
</body></html>
"""
