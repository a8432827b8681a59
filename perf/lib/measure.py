# SPDX-License-Identifier: MIT
"""What is measured. Every comparison is interleaved: native, Tandem, native, Tandem ..."""
import csv
import io
import os
import statistics
import time
from collections import namedtuple
from functools import partial

import hosts
import load
from iperf import NAME as IPERF
from iperf import Iperf
from machine import (LEADER_CORE, OTHER_CORE, Failure, Instance, client_seconds, configuration,
                     cpu_seconds, free_port, memory, title, user_seconds)

PERF = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SIDES = ("native", "tandem")
RELAXED, STRICT = "socket_rw_oc", "full"
BESIDE_FOLLOWER, BESIDE_LEADER = "client with follower", "client with leader"
CORE = {BESIDE_FOLLOWER: OTHER_CORE, BESIDE_LEADER: LEADER_CORE, hosts.OVER_TCP: OTHER_CORE}
REDIS_COMMANDS, REDIS_PIPELINES = ("SET", "GET", "PING"), (1, 16)
# Between hosts: what is measured under which policies; and nginx' load that rises, for the batches.
HOST_WORKLOADS = {"nginx": (RELAXED, STRICT), "lighttpd": (RELAXED, STRICT),
                  "redis GET -P 1": (RELAXED, STRICT), "redis GET -P 16": (RELAXED,)}
SWEEP = {f"nginx, {count} connection{'s'[:count > 1]}": count for count in (1, 4, 16, 64)}
ENGINE_SIZES = (64, 512, 4096, 16384, 65536)
LOCKSTEP = "lockstep_adaptive"  # of bench_ring: as a leader waits unless told otherwise

# The parts, and the seconds that each takes: together less than four minutes. Whose time is over
# makes fewer rounds, but three at least; at twice its time a part gives up.
PARTS = {"nginx": 26, "lighttpd": 24, "redis": 46, "calls": 14, "start": 5, "ring": 15,
         "hosts": 68, "engine": 34}
RDMA = "rdma"  # a part only for who asks for it: it needs guests, and minutes
SECONDS = {**PARTS, RDMA: 300}
FEWEST = 3

# client(port, requests a second seen before or None): load.wrk()'s result.
Load = namedtuple("Load", "workload policy placement client rounds")


class Plan:
    """How long and how often; `quick` is a smoke test of the bench itself."""

    def __init__(self, parts, shown, pairs, quick):
        """parts: those that are measured, of those that are shown."""
        self.parts = [part for part in SECONDS if part in parts]
        self.shown = [part for part in SECONDS if part in shown]
        self.pairs = pairs or (1 if quick else 7)
        self.fewer_pairs = pairs or (1 if quick else 5)  # of policy full, and between hosts
        self.sweep_pairs = pairs or (1 if quick else 3)
        self.scale = max(1, self.pairs / 7)  # who asks for more pairs waits longer
        # Many short rounds: what disturbs the machine for a while spoils one of them.
        self.web_seconds, self.redis_seconds = (0.2, 0.1) if quick else (0.4, 0.2)
        self.call_pairs = pairs or (1 if quick else 7)
        self.call_batches = 50 if quick else 100
        self.lockstep_seconds = 0.1 if quick else 0.2
        self.site_batches = 500 if quick else 3000
        self.starts = 3 if quick else 2 * self.pairs
        self.ring_seconds = 1 if quick else 13
        self.engine_rounds, self.engine_seconds = (1, 0.05) if quick else (3, 0.15)
        self.rdma_rounds = pairs or (1 if quick else 3)
        self.rdma_sizes = (64,) if quick else (64, 1024, 4096, 65536)


class Bench:
    def __init__(self, build, scratch, reports, plan):
        self.build, self.tandem = build, os.path.join(build, "tandem")
        self.scratch, self.reports, self.plan = scratch, reports, plan
        self.samples = []    # one dictionary for each measurement of a server
        self.call_samples, self.site_rows, self.ring_rows = [], [], []
        self.lockstep_rows = []
        self.start_rows, self.memory_rows = [], []
        self.engine_rows, self.idle_rows = [], []
        self.rdma_rows = []  # where it isn't measured, those of an earlier run
        self.network = None  # of two hosts, while there are
        self.failures = []   # (part, what, why)
        self.number = 0
        self.others = 0.0    # how busy the machine was before: 0 to 1
        self.part, self.part_end = "", 0.0

    def everything(self):
        for part in self.plan.parts:
            print(f"{part}:", flush=True)
            start = time.monotonic()
            self.part, self.part_end = part, start + SECONDS[part] * self.plan.scale
            getattr(self, part)()
            print(f"  ({time.monotonic() - start:.0f} s)", flush=True)

    def nginx(self):
        self.web(load.Nginx)

    def lighttpd(self):
        self.web(load.Lighttpd)

    def attempt(self, what, measure, *arguments):
        """A measurement that fails is reported and leaves no figures; the others go on."""
        try:
            measure(*arguments)
            return True
        except Failure as failure:
            why = str(failure)
        except (OSError, ValueError, LookupError, TypeError) as error:
            # What can't be read or understood; a traceback would take the others along.
            why = f"{type(error).__name__}: {error}"
        self.failures.append((self.part, what, why))
        print(f"  {what}: FAILED: {why}", flush=True)
        return False

    def directory(self, name):
        self.number += 1
        path = os.path.join(self.scratch, f"{self.number}.{name}")
        os.makedirs(path)
        return path

    # --- servers ---

    def wrk(self, port, _, core, inside=(), connections=10):
        return load.wrk(port, self.plan.web_seconds, core, inside, connections)

    def redis_benchmark(self, port, seen, command, pipeline, core, inside=()):
        requests = int(seen * self.plan.redis_seconds) if seen else 500
        return load.redis_benchmark(port, command, pipeline, requests, core, inside)

    def cells(self):
        """The policies and placements on one machine, and how many rounds of each."""
        return ((RELAXED, BESIDE_FOLLOWER, self.plan.pairs),
                (STRICT, BESIDE_FOLLOWER, self.plan.fewer_pairs),
                (STRICT, BESIDE_LEADER, self.plan.fewer_pairs))

    def web(self, kind):
        self.servers(kind, [Load(kind.name, policy, placement,
                                 partial(self.wrk, core=CORE[placement]), rounds)
                            for policy, placement, rounds in self.cells()])

    def redis(self):
        self.servers(load.Redis, [
            Load(f"redis {command} -P {pipeline}", policy, placement,
                 partial(self.redis_benchmark, command=command, pipeline=pipeline,
                         core=CORE[placement]), rounds)
            for policy, placement, rounds in self.cells()
            for pipeline in (REDIS_PIPELINES if policy == RELAXED else (1,))
            for command in REDIS_COMMANDS])

    def servers(self, kind, loads):
        both, running = {}, None
        try:
            for index, one in enumerate(loads):
                end = time.monotonic() + (self.part_end - time.monotonic()) / (len(loads) - index)
                if running != one.policy:
                    self.stop(both)
                    running = one.policy
                if not self.attempt(", ".join(one[:3]), self.compare, kind, both, one, end):
                    # The next load gets fresh servers.
                    self.stop(both)
                last = one.policy == RELAXED and (one is loads[-1] or loads[index + 1].policy != RELAXED)
                if last and not self.network:
                    self.attempt(f"memory of {kind.name}", self.memory, kind, both)
        finally:
            self.stop(both)

    def hosts(self):
        self.attempt("two hosts", self.between_hosts)

    def between_hosts(self):
        whole, end = self.part_end - time.monotonic(), self.part_end
        with hosts.Network(self.tandem, self.directory("network")) as self.network:
            inside = self.network.inside(0)
            wrk = partial(self.wrk, core=OTHER_CORE, inside=inside)
            redis = partial(self.redis_benchmark, command="GET", core=OTHER_CORE, inside=inside)
            loads = [Load(name, policy, hosts.OVER_TCP, partial(
                redis, pipeline=int(name.split()[-1])) if "redis" in name else wrk,
                self.plan.fewer_pairs) for name, policies in HOST_WORKLOADS.items()
                for policy in policies]
            loads += [Load(name, RELAXED, hosts.OVER_TCP, partial(wrk, connections=count),
                           self.plan.sweep_pairs) for name, count in SWEEP.items()]
            loads.sort(key=lambda one: one.policy == STRICT)
            for kind, until in ((load.Nginx, 0.5), (load.Lighttpd, 0.7), (load.Redis, 0.9)):
                self.part_end = end - whole * (1 - until)
                self.servers(kind, [one for one in loads if kind.name in one.workload])
            self.part_end = end
            self.attempt("idle hosts", self.idle)
        self.network = None

    def idle(self):
        """CPU time of each host's processes while nobody asks for anything, as a part of a core."""
        both = {}
        try:
            self.start_both(load.Nginx, RELAXED, both)
            time.sleep(1)
            before = [cpu_seconds(both["tandem"].everyone((host,))) for host in (0, 1)]
            time.sleep(hosts.IDLE_SECONDS)
            both["tandem"].alive("idle")
            self.idle_rows = [
                {"host": name, "core": (cpu_seconds(both["tandem"].everyone((host,)))
                                        - before[host]) / hosts.IDLE_SECONDS}
                for host, name in enumerate(("leader", "follower"))]
        finally:
            self.stop(both)

    @staticmethod
    def stop(both):
        for instance in both.values():
            instance.stop()
        both.clear()

    def start_both(self, kind, policy, both):
        """Native and Tandem, side by side; one that waits costs the other nothing."""
        for side in SIDES:
            directory, port = self.directory(kind.name), free_port()
            make = partial(hosts.Spanning, self.network) if self.network else Instance
            both[side] = make(self.tandem, kind().argv(directory, port), directory,
                              self.reports, policy if side == "tandem" else None, port)
            both[side].wait_listening()

    def compare(self, kind, both, one, end):
        """Adds samples when all rounds went well; else none."""
        now = time.monotonic()
        if now > self.part_end + SECONDS[self.part] * self.plan.scale:
            raise Failure(f"not measured: this part has taken twice its "
                          f"{SECONDS[self.part] * self.plan.scale:.0f} s")
        labels = {"workload": one.workload, "policy": one.policy, "placement": one.placement,
                  "of": one.rounds}
        samples = []
        try:
            if not both:
                self.start_both(kind, one.policy, both)
            # Warms up (caches, patched sites, redis' key) and tells the rate.
            seen = {side: self.warm_up(kind, instance, one) for side, instance in both.items()}
            for number in range(one.rounds):
                if number >= FEWEST and time.monotonic() > end:
                    break
                for side, instance in both.items():
                    samples.append({**labels, "side": side, "round": number, **self.sample(
                        instance, one.workload, partial(one.client, instance.port, seen[side]))})
        except Failure as failure:
            # When a server has died, the client's error is not the reason to tell.
            for instance in both.values():
                instance.tell_end(one.workload, failure)
            raise
        self.samples += samples
        row = summary(samples)[0]
        fewer = f" ({row['rounds']} rounds: the time was over)" if row["rounds"] < one.rounds else ""
        print(f"  {', '.join(one[:3])}: "
              f"{row['native_rps']:,.0f} -> {row['tandem_rps']:,.0f} requests/s, "
              f"ratio {row['ratio_rps']:.3f}; CPU {row['native_cpu_us']:.1f} -> "
              f"{row['tandem_cpu_us']:.1f} us a request, ratio {row['ratio_cpu_us']:.3f}{fewer}",
              flush=True)

    def warm_up(self, kind, instance, one):
        if kind is load.Redis and "GET" in one.workload:
            load.redis_benchmark(instance.port, "SET", 1, 500, CORE[one.placement],
                                 self.network.inside(0) if self.network else ())
        rate = one.client(instance.port, None)["rps"]
        # A second look: the first was short, and slow for the sites that were patched.
        return one.client(instance.port, rate)["rps"] if kind is load.Redis else rate

    @staticmethod
    def sample(instance, workload, client):
        """One load: the client's figures, the CPU time a request, and what else is counted."""
        counters = instance.counters()
        before, all_before = cpu_seconds(instance.servers), cpu_seconds(instance.everyone())
        user_before, client_before = user_seconds(instance.servers), client_seconds()
        result = client()
        cpu = cpu_seconds(instance.servers) - before
        user = user_seconds(instance.servers) - user_before
        all_cpu = cpu_seconds(instance.everyone()) - all_before
        client_cpu = client_seconds() - client_before
        instance.alive(workload)
        requests = result["requests"]
        added = {name: [now - then for now, then in zip(value, counters[name])]
                 if isinstance(value, list) else (value - counters[name]) / requests
                 for name, value in instance.counters().items()}
        return {**result, "cpu_us": cpu / requests * 1e6, "all_cpu_us": all_cpu / requests * 1e6,
                "user_us": user / requests * 1e6, "client_us": client_cpu / requests * 1e6,
                **added}

    def memory(self, kind, both):
        """Resident KiB of each process, behind its loads, and what of it is the rings."""
        if not both:
            raise Failure("the servers have ended")
        rows = []
        for side, instance in both.items():
            for pid in instance.variants():
                role = "native" if side == "native" else (
                    "leader" if pid in instance.servers else "follower")
                rows.append({"server": kind.name, "role": role, "process": title(pid),
                             "pid": pid, **memory(pid)})
        self.memory_rows += rows

    # --- between two hosts ---

    def engine(self):
        self.attempt("the engine", self.engines)

    def engines(self):
        """Latency: the engine's ways and a plain ping-pong in turn; goodput: with iperf3 as well."""
        rows = []
        with hosts.Network(self.tandem, self.directory("network")) as network, Iperf(network) as iperf:
            def ways(measure, *arguments):
                return self.rows(
                    f"bench_engine, {measure}",
                    [os.path.join(self.build, "perf", "bench_engine"), "-m", measure, "-t",
                     str(int(self.plan.engine_seconds * 1000)), *arguments, *network.names,
                     hosts.ADDRESSES[1]])
            rows += ways("latency", "-r", str(self.plan.engine_rounds))
            for size in ENGINE_SIZES:
                for number in range(self.plan.engine_rounds):
                    rows.append({"measure": "goodput", "way": IPERF, "bytes": size, "round": number,
                                 "value": iperf.bandwidth(self.plan.engine_seconds)})
                    rows += [{**row, "round": number}
                             for row in ways("goodput", "-b", str(size), "-r", "1")]
        self.engine_rows = rows

    # --- programs ---

    def command(self, directory, policy, argv):
        if not policy:
            return ["taskset", "-c", str(LEADER_CORE)] + argv
        config = configuration(os.path.join(directory, "tandem.cfg"), policy, self.reports)
        return [self.tandem, "run", "-c", config, "--"] + argv

    @staticmethod
    def rows(what, argv, seconds=60):
        """The CSV that a program prints; of one that fails, nothing."""
        rows = list(csv.DictReader(io.StringIO(load.run(argv, what, seconds))))
        if not rows or any(None in row.values() or None in row for row in rows):
            raise Failure(f"{what}: it ended well, but without all of its figures")
        return rows

    def calls(self):
        sides = [None, RELAXED, STRICT, LOCKSTEP]
        for number in range(self.plan.call_pairs):
            if number >= FEWEST and time.monotonic() > self.part_end - 3:
                break
            for side in tuple(sides):
                what = "the ring's round trip" if side == LOCKSTEP else f"calls, {side or 'native'}"
                if not self.attempt(what, self.lockstep_once if side == LOCKSTEP else self.calls_once,
                                    side, number):
                    sides.remove(side)
        self.call_samples = [row for row in self.call_samples
                             if row["side"] in [side or "native" for side in sides]]
        self.lockstep_rows = self.lockstep_rows if LOCKSTEP in sides else []
        self.attempt("a patched site", self.site)

    def calls_once(self, policy, number):
        argv = [os.path.join(self.build, "perf", "calls"), str(self.plan.call_batches)]
        rows = self.rows(f"calls under {policy or 'no policy (native)'}",
                         self.command(self.directory("calls"), policy, argv))
        self.call_samples += [{"call": row["call"], "kind": row["kind"], "side": policy or "native",
                               "round": number, "median_ns": float(row["median_ns"]),
                               "low_ns": float(row["low_ns"])} for row in rows]

    def lockstep_once(self, transport, number):
        """A record of 64 B and the follower's answer, through the ring alone."""
        row, = self.rows("bench_ring", self.bench_ring(self.plan.lockstep_seconds, transport, "64"))
        self.lockstep_rows.append({"round": number, "round_trip_ns": float(row["median"]),
                                   "least_ns": float(row["min"])})

    def site(self):
        argv = [os.path.join(self.build, "perf", "bench_site"), str(self.plan.site_batches)]
        self.site_rows = self.rows("bench_site", self.command(None, None, argv))

    def start(self):
        self.attempt("start-up", self.starts)

    def starts(self):
        """Wall time of /bin/true, from before the fork to its end."""
        directory, rows = self.directory("true"), []
        commands = {"native": ["taskset", "-c", str(LEADER_CORE), "/bin/true"],
                    "tandem": self.command(directory, RELAXED, ["/bin/true"])}
        for number in range(-1, self.plan.starts):  # the first warms up
            for side, argv in commands.items():
                start = time.perf_counter()
                load.run(argv, f"/bin/true ({side})", 30)
                took = time.perf_counter() - start
                if number >= 0:
                    rows.append({"side": side, "round": number, "ms": round(took * 1e3, 3)})
        self.start_rows = rows

    def ring(self):
        self.attempt("rings", self.rings)

    def bench_ring(self, seconds, *only):
        return [os.path.join(self.build, "perf", "bench_ring"), str(seconds), str(LEADER_CORE),
                str(OTHER_CORE), *only]

    def rings(self):
        self.ring_rows = self.rows("bench_ring", self.bench_ring(self.plan.ring_seconds),
                                   self.plan.ring_seconds * 4 + 30)


    # --- in guests ---

    def rdma(self):
        for guests, what in ((1, "RDMA within a guest"), (2, "RDMA between two guests")):
            self.attempt(what, self.rdma_in, guests, what)

    def rdma_in(self, guests, what):
        rounds, sizes = self.plan.rdma_rounds, self.plan.rdma_sizes
        self.rdma_rows += self.rows(
            what, [os.path.join(PERF, "rdma.sh"), self.build, str(guests), str(rounds),
                   *map(str, sizes)], 240 + 70 * rounds * len(sizes))


def most(native):
    """
    What of native throughput a client leaves that shares its core with a follower which costs
    nothing but the program's own code: that runs in each variant.
    """
    spent = sum(sample["requests"] * (sample["client_us"] + sample["user_us"]) for sample in native)
    passed = sum(sample["requests"] / sample["rps"] for sample in native) * 1e6
    return min(1.0, passed / spent) if spent else float("nan")


def summary(samples):
    """One row for each workload, policy and placement: medians of each side, and their ratios.

    A ratio is the median of the ratios within a round: what disturbs the machine for longer than
    a round disturbs both sides.
    """
    groups = {}
    for sample in samples:
        key = (sample["workload"], sample["policy"], sample["placement"])
        groups.setdefault(key, {}).setdefault(sample["side"], {})[sample["round"]] = sample
    rows = []
    for (workload, policy, placement), sides in groups.items():
        rounds = sorted(sides.get("native", {}).keys() & sides.get("tandem", {}).keys())
        if not rounds:
            continue
        row = {"workload": workload, "policy": policy, "placement": placement, "rounds": len(rounds),
               "of": max(sample["of"] for sample in sides["native"].values())}
        for field in ("rps", "cpu_us", "all_cpu_us", "p50_ms", "p99_ms"):
            for side in SIDES:
                row[f"{side}_{field}"] = statistics.median(sides[side][r][field] for r in rounds)
            ratios = [sides["tandem"][r][field] / sides["native"][r][field] for r in rounds
                      if sides["native"][r][field] > 0]
            row[f"ratio_{field}"] = statistics.median(ratios) if ratios else float("nan")
            if field in ("rps", "cpu_us"):
                row[f"lowest_{field}"] = min(ratios, default=float("nan"))
                row[f"highest_{field}"] = max(ratios, default=float("nan"))
        row["most_rps"] = most([sides["native"][r] for r in rounds])
        tandem = [sides["tandem"][r] for r in rounds]
        if "batches" in tandem[0]:
            for field in ("engine_us", "far_engine_us", "sent_bytes", "sends"):
                row[field] = statistics.median(sample[field] for sample in tandem)
            row["batch_bytes"] = row["sent_bytes"] / row["sends"] if row["sends"] else 0.0
            row["batches"] = [sum(counts) for counts in zip(*(s["batches"] for s in tandem))]
        rows.append(row)
    return rows


def call_summary(samples):
    """One row for each call: ns natively and under each policy, and what Tandem adds.

    A figure is the median over the runs of each run's undisturbed batches (perf/calls.c); what is added, the median
    of the differences within a round.
    """
    calls = {}
    for sample in samples:
        calls.setdefault((sample["call"], sample["kind"]), {}).setdefault(
            sample["side"], {})[sample["round"]] = sample["low_ns"]
    rows = []
    for (call, kind), sides in calls.items():
        row = {"call": call, "kind": kind}
        for side, runs in sides.items():
            row[side] = statistics.median(runs.values())
            both = runs.keys() & sides.get("native", {}).keys()
            if side != "native" and both:
                row[f"added_{side}"] = statistics.median(runs[r] - sides["native"][r] for r in both)
        rows.append(row)
    return rows
