# SPDX-License-Identifier: MIT
"""One self-contained page: the targets, the plots and the figures behind them."""
import html

import svg

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
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(520px, 1fr)); gap: 18px; align-items: start; }
.card { background: #fff; border: 1px solid #e5e7eb; border-radius: 8px; padding: 16px 18px; overflow-x: auto; }
svg { width: 100%; height: auto; font-family: system-ui, "DejaVu Sans", sans-serif; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th { text-align: left; color: #6b7280; font-weight: 600; border-bottom: 2px solid #e5e7eb; padding: 5px 10px; }
td { border-bottom: 1px solid #eef0f3; padding: 5px 10px; } .n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.badge { border-radius: 10px; padding: 1px 10px; font-size: 12.5px; font-weight: 600; white-space: nowrap; }
.met { background: #dcfce7; color: #15803d; } .missed { background: #fee2e2; color: #b91c1c; }
.not { background: #fef3c7; color: #92400e; } .failed { border-left: 4px solid #b91c1c; }
pre { white-space: pre-wrap; margin: 4px 0; font-size: 12.5px; }
"""


def cell(value, form="{:.3g}"):
    return f'<td class="n">{form.format(value)}</td>'


def card(title, note, content):
    return (f'<div class="card"><h3>{html.escape(title)}</h3>'
            f'<p class="soft">{html.escape(note)}</p>{content}</div>')


def target_table(table):
    rows = "".join(
        f"<tr><td>{html.escape(what)}</td><td>{html.escape(target)}</td>"
        f'<td class="n">{html.escape(measured)}</td>'
        f'<td><span class="badge {verdict.split()[0]}">{verdict}</span></td></tr>'
        for what, target, measured, verdict in table)
    return ('<div class="card"><table><tr><th>Figure</th><th>Target</th><th class="n">Measured</th>'
            f"<th>Verdict</th></tr>{rows}</table></div>")


def figures_table(rows):
    head = "".join(f"<th{align}>{name}</th>" for name, align in (
        ("Workload", ""), ("Policy", ""), ("Placement", ""), ("Rounds", ' class="n"'),
        ("Native /s", ' class="n"'), ("Tandem /s", ' class="n"'), ("Ratio", ' class="n"'),
        ("CPU native µs", ' class="n"'), ("CPU leader µs", ' class="n"'), ("Ratio", ' class="n"'),
        ("p50 ms", ' class="n"'), ("p99 ms", ' class="n"')))
    body = "".join(
        f"<tr><td>{row['workload']}</td><td>{row['policy']}</td><td>{row['placement']}</td>"
        + cell(row["rounds"], "{}") + cell(row["native_rps"], "{:,.0f}")
        + cell(row["tandem_rps"], "{:,.0f}") + cell(row["ratio_rps"], "<b>{:.3f}</b>")
        + cell(row["native_cpu_us"], "{:.1f}") + cell(row["tandem_cpu_us"], "{:.1f}")
        + cell(row["ratio_cpu_us"], "<b>{:.3f}</b>")
        + f'<td class="n">{row["native_p50_ms"]:.2f} → {row["tandem_p50_ms"]:.2f}</td>'
        + f'<td class="n">{row["native_p99_ms"]:.2f} → {row["tandem_p99_ms"]:.2f}</td></tr>'
        for row in rows)
    return f'<div class="card"><table><tr>{head}</tr>{body}</table></div>'


def reference(row):
    if row["workload"].startswith("redis"):
        # A8's redis benchmark is PING without pipelining.
        return A8_REDIS.get(row["policy"]) if row["workload"] == "redis PING -P 1" else None
    return A8.get((row["workload"], row["policy"]))


def ratio_entries(rows, policy, field, with_reference):
    chosen = [row for row in rows if row["policy"] == policy]
    several = len({(row["placement"]) for row in chosen}) > 1
    return [(row["workload"] + (", client" if several else ""), row[f"ratio_{field}"],
             row[f"lowest_{field}"], row[f"highest_{field}"],
             reference(row) if with_reference else None, row["placement"]) for row in chosen]


def server_plots(rows):
    plots = []
    relaxed = [entry[:5] for entry in ratio_entries(rows, "socket_rw_oc", "rps", True)]
    if relaxed:
        plots.append(card("Throughput, policy socket_rw_oc",
                          "More is better. Whiskers: lowest and highest round.",
                          svg.ratio_bars("Throughput against native", "throughput / native", relaxed,
                                         0.90, "≥", 1.1)))
    cpu = [entry[:5] for entry in ratio_entries(rows, "socket_rw_oc", "cpu_us", False)]
    if cpu:
        plots.append(card("Leader's CPU time a request, policy socket_rw_oc",
                          "Less is better. User and system time of the leader's processes.",
                          svg.ratio_bars("CPU time against native", "CPU time / native", cpu, 1.08,
                                         "≤", 1.2)))
    strict = []
    for name, value, low, high, mark, placement in ratio_entries(rows, "full", "rps", True):
        side = "leader" if placement.endswith("leader") else "follower"
        strict.append((name.replace(", client", "") + f", {side}", value, low, high, mark))
    if strict:
        plots.append(card("Throughput, policy full",
                          "More is better. Every call in lockstep; the name says whose core the "
                          "client runs on.",
                          svg.ratio_bars("Throughput under policy full", "throughput / native",
                                         strict, 0.30, "≥", 1.05)))
    return plots


def other_plots(bench):
    plots = []
    if bench.call_rows:
        sides = ("native", "socket_rw_oc", "full")
        groups = [(row["call"], [row.get(side) for side in sides]) for row in bench.call_rows]
        plots.append(card("One system call", "Less is better. The fastest batch, logarithmic.",
                          svg.grouped_bars("Time of a call", "ns a call (logarithmic)", groups, sides,
                                           (svg.NATIVE, svg.TANDEM, svg.FULL))))
    if bench.start_rows:
        rows = [(side, colour, [row["ms"] for row in bench.start_rows if row["side"] == side])
                for side, colour in (("native", svg.NATIVE), ("tandem", svg.TANDEM))]
        plots.append(card("Start-up: /bin/true from start to end",
                          "Less is better. The line is the median.",
                          svg.strips("Start-up time", "ms", rows)))
    if bench.memory_rows:
        rows = [(f"{row['role']}, {row['process']}", [(row["rss_kib"] - row["rings_kib"]) / 1024,
                                    row["rings_kib"] / 1024])
                for row in sorted(bench.memory_rows, key=lambda row: (row["role"] != "native",
                                                                      row["role"], row["pid"]))]
        plots.append(card("Resident memory of each nginx process",
                          "After a load. Ring pages that are mapped twice count twice.",
                          svg.stacked("Resident memory", "MiB", rows, ("process", "rings, shared"),
                                      (svg.TANDEM, "#93c5fd"))))
    tests = {}
    for row in bench.ring_rows:
        if float(row["median"]) > 0:
            tests.setdefault((row["test"], row["unit"]), {}).setdefault(row["transport"], []).append(
                (float(row["bytes"]), float(row["median"])))
    # A transport has the same colour in every plot.
    names = list(dict.fromkeys(row["transport"] for row in bench.ring_rows))
    colours = {name: svg.SERIES[index % len(svg.SERIES)] for index, name in enumerate(names)}
    for (test, unit), series in tests.items():
        if any(len(points) > 1 for points in series.values()):
            plots.append(card(f"Ring: {test}", "Against other transports between two cores.",
                              svg.lines(f"Ring, {test}", "bytes a message", unit, series, colours)))
    return plots


def write_page(path, facts, bench, rows, table):
    said = " · ".join(f"{html.escape(name)}: {html.escape(value)}" for name, value in facts.items())
    failures = "".join(f'<div class="card failed"><b>Not measured: {html.escape(what)}</b>'
                       f"<pre>{html.escape(why)}</pre></div>" for what, why in bench.failures)
    met = sum(row[3] == "met" for row in table)
    missed = sum(row[3] == "missed" for row in table)
    servers = "".join(server_plots(rows))
    others = "".join(other_plots(bench))
    text = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Tandem: performance</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>
<h1>Tandem: performance against native</h1>
<p class="soft">{said}</p>
<p>Two variants on one machine over shared memory, compared with the same program run natively.
Native and Tandem runs alternate; a ratio is the median of the ratios within a round. Server or
leader on core 0; follower and client on core 1, unless said otherwise.</p>
{failures}
<h2>Targets: {met} met, {missed} missed</h2>
{target_table(table)}
<h2>Servers</h2>
<div class="grid">{servers}</div>
<h2>Calls, start-up, memory, rings</h2>
<div class="grid">{others}</div>
<h2>Figures</h2>
{figures_table(rows) if rows else ""}
</body></html>
"""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
