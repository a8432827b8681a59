# SPDX-License-Identifier: MIT
"""What is measured. Every comparison is interleaved: native, Tandem, native, Tandem ..."""
import csv
import io
import os
import statistics
import subprocess
import time
from functools import partial

import hosts
import load
from machine import (LEADER_CORE, OTHER_CORE, Failure, Instance, configuration, cpu_seconds,
                     free_port, memory, title)

SIDES = ("native", "tandem")
RELAXED, STRICT = "socket_rw_oc", "full"
BESIDE_FOLLOWER, BESIDE_LEADER = "client with follower", "client with leader"
CORE = {BESIDE_FOLLOWER: OTHER_CORE, BESIDE_LEADER: LEADER_CORE, hosts.OVER_TCP: OTHER_CORE}
REDIS_COMMANDS, REDIS_PIPELINES = ("SET", "GET", "PING"), (1, 16)

# The parts, and the seconds that each may take; together less than six minutes.
PARTS = {"nginx": 50, "lighttpd": 46, "redis": 82, "calls": 18, "start": 8, "ring": 24,
         "hosts": 72, "engine": 54}


class Plan:
    """How long and how often; `quick` is a smoke test of the bench itself."""

    def __init__(self, parts, pairs, quick):
        self.parts = [part for part in PARTS if part in parts]
        self.pairs = pairs or (1 if quick else 9)
        self.strict_pairs = pairs or (1 if quick else 4)
        self.scale = max(1, self.pairs / 9)  # who asks for more pairs waits longer
        self.redis_seconds = 0.2 if quick else 0.5
        self.call_pairs = pairs or (1 if quick else 7)
        self.call_batches = 50 if quick else 100
        self.site_batches = 500 if quick else 3000
        self.starts = 3 if quick else 2 * self.pairs
        self.ring_seconds = 1 if quick else 20
        self.engine_rounds = 1 if quick else 3


class Bench:
    def __init__(self, build, scratch, reports, plan):
        self.build, self.tandem = build, os.path.join(build, "tandem")
        self.scratch, self.reports, self.plan = scratch, reports, plan
        self.samples = []    # one dictionary for each measurement of a server
        self.call_samples, self.site_rows, self.ring_rows = [], [], []
        self.start_rows, self.memory_rows = [], []
        self.engine_rows, self.idle_rows = [], []
        self.rdma_rows = []  # of an earlier `make bench-rdma`
        self.network = None  # of two hosts, while there are
        self.failures = []   # (part, what, why)
        self.number = 0
        self.others = 0.0    # how busy the machine was before: 0 to 1
        self.part, self.part_end = "", 0.0

    def everything(self):
        for part in self.plan.parts:
            print(f"{part}:", flush=True)
            start = time.monotonic()
            self.part, self.part_end = part, start + PARTS[part] * self.plan.scale
            getattr(self, part)()
            print(f"  ({time.monotonic() - start:.0f} s)", flush=True)

    def nginx(self):
        self.web(load.Nginx)

    def lighttpd(self):
        self.web(load.Lighttpd)

    def attempt(self, what, measure, *arguments):
        """A measurement that fails is reported; the others go on."""
        try:
            measure(*arguments)
            return True
        except Failure as failure:
            self.failures.append((self.part, what, str(failure)))
            print(f"  {what}: FAILED: {failure}", flush=True)
            return False

    def directory(self, name):
        self.number += 1
        path = os.path.join(self.scratch, f"{self.number}.{name}")
        os.makedirs(path)
        return path

    # --- servers ---

    def web(self, kind):
        loads = []
        for policy, placement in ((RELAXED, BESIDE_FOLLOWER), (STRICT, BESIDE_FOLLOWER),
                                  (STRICT, BESIDE_LEADER)):
            loads.append((kind.name, policy, placement, lambda port, seen, core=CORE[placement]:
                          load.wrk(port, 1, core)))
        self.servers(kind, loads)

    def redis(self):
        loads = []
        for policy, placement, pipelines in (
                (RELAXED, BESIDE_FOLLOWER, REDIS_PIPELINES), (STRICT, BESIDE_FOLLOWER, (1,)),
                (STRICT, BESIDE_LEADER, (1,))):
            for pipeline in pipelines:
                for command in REDIS_COMMANDS:
                    def client(port, seen, command=command, pipeline=pipeline,
                               core=CORE[placement]):
                        requests = int(seen * self.plan.redis_seconds) if seen else 500
                        return load.redis_benchmark(port, command, pipeline, requests, core)
                    loads.append((f"redis {command} -P {pipeline}", policy, placement, client))
        self.servers(load.Redis, loads)

    def servers(self, kind, loads):
        """loads: [(workload, policy, placement, client(port, requests a second seen))]."""
        both, running = {}, None
        try:
            for index, (workload, policy, placement, client) in enumerate(loads):
                end = time.monotonic() + (self.part_end - time.monotonic()) / (len(loads) - index)
                if running != policy:
                    self.stop(both)
                    running = policy
                if not self.attempt(f"{workload}, {policy}, {placement}", self.compare, kind, both,
                                    {"workload": workload, "policy": policy,
                                     "placement": placement}, client, end):
                    # The next load gets fresh servers.
                    self.stop(both)
            if kind is load.Nginx and not self.network:
                self.attempt("memory", self.memory, kind)
        finally:
            self.stop(both)

    def hosts(self):
        self.attempt("two hosts", self.between_hosts)

    def between_hosts(self):
        def wrk(port, _):
            return load.wrk(port, 1, OTHER_CORE, self.network.inside(0))

        def redis(port, seen, pipeline=1):
            requests = int(seen * self.plan.redis_seconds) if seen else 500
            return load.redis_benchmark(port, "GET", pipeline, requests, OTHER_CORE,
                                        self.network.inside(0))
        both = (RELAXED, STRICT)
        kinds = ((load.Nginx, (("nginx", both, wrk),)),
                 (load.Lighttpd, (("lighttpd", both, wrk),)),
                 (load.Redis, (("redis GET -P 1", both, redis),
                               ("redis GET -P 16", (RELAXED,), partial(redis, pipeline=16)))))
        end, whole = self.part_end, self.part_end - time.monotonic()
        with hosts.Network(self.tandem, self.directory("network")) as self.network:
            for index, (kind, workloads) in enumerate(kinds):
                self.part_end = end - whole * (len(kinds) - 1 - index) / len(kinds)
                self.servers(kind, sorted([(name, policy, hosts.OVER_TCP, client)
                                           for name, policies, client in workloads
                                           for policy in policies], key=lambda row: row[1] == STRICT))
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
            for host, name in enumerate(("leader", "follower")):
                used = cpu_seconds(both["tandem"].everyone((host,))) - before[host]
                self.idle_rows.append({"host": name, "core": used / hosts.IDLE_SECONDS})
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

    def compare(self, kind, both, labels, client, end):
        if time.monotonic() > self.part_end:
            raise Failure(f"the {PARTS[self.part] * self.plan.scale:.0f} s of this part are over")
        if not both:
            self.start_both(kind, labels["policy"], both)
        try:
            # Warms up (caches, patched sites, redis' key) and tells the rate.
            seen = {side: self.warm_up(kind, instance, labels, client)
                    for side, instance in both.items()}
            pairs = self.plan.pairs if labels["policy"] == RELAXED else self.plan.strict_pairs
            for number in range(pairs):
                if number and time.monotonic() > end:
                    break
                for side, instance in both.items():
                    self.sample(instance, {**labels, "side": side, "round": number},
                                lambda i=instance, s=side: client(i.port, seen[s]))
        except Failure as failure:
            # When a server has died, the client's error is not the reason to tell.
            for instance in both.values():
                instance.tell_end(labels["workload"], failure)
            raise
        row = summary([sample for sample in self.samples
                       if all(sample[name] == labels[name] for name in labels)])[0]
        print(f"  {labels['workload']}, {labels['policy']}, {labels['placement']}: "
              f"{row['native_rps']:,.0f} -> {row['tandem_rps']:,.0f} requests/s, "
              f"ratio {row['ratio_rps']:.3f}; CPU {row['native_cpu_us']:.1f} -> "
              f"{row['tandem_cpu_us']:.1f} us a request, ratio {row['ratio_cpu_us']:.3f}",
              flush=True)

    def warm_up(self, kind, instance, labels, client):
        if kind is load.Redis and "GET" in labels["workload"]:
            load.redis_benchmark(instance.port, "SET", 1, 500, CORE[labels["placement"]],
                                 self.network.inside(0) if self.network else ())
        rate = client(instance.port, None)["rps"]
        # A second look: the first was short, and slow for the sites that were patched.
        return client(instance.port, rate)["rps"] if kind is load.Redis else rate

    def sample(self, instance, labels, client):
        """One load: the client's figures, and the CPU time a request."""
        more = instance.counters()
        before, all_before = cpu_seconds(instance.servers), cpu_seconds(instance.everyone())
        result = client()
        cpu = cpu_seconds(instance.servers) - before
        all_cpu = cpu_seconds(instance.everyone()) - all_before
        instance.alive(labels["workload"])
        added = {name: [now - then for now, then in zip(value, more[name])]
                 if isinstance(value, list) else (value - more[name]) / result["requests"] * 1e6
                 for name, value in instance.counters().items()}
        self.samples.append({**labels, **result, "cpu_us": cpu / result["requests"] * 1e6,
                             "all_cpu_us": all_cpu / result["requests"] * 1e6, **added})

    def memory(self, kind):
        """Resident KiB of each process behind a load, and what of it is the rings."""
        both = {}
        try:
            self.start_both(kind, RELAXED, both)
            for side, instance in both.items():
                load.wrk(instance.port, 1, OTHER_CORE)
                for pid in instance.variants():
                    role = "native" if side == "native" else (
                        "leader" if pid in instance.servers else "follower")
                    self.memory_rows.append({"role": role, "process": title(pid), "pid": pid,
                                             **memory(pid)})
        finally:
            self.stop(both)

    # --- between two hosts ---

    def engine(self):
        self.attempt("the engine", self.engines)

    def engines(self):
        with hosts.Network(self.tandem, self.directory("network")) as network:
            self.engine_rows = self.rows(
                "bench_engine", [os.path.join(self.build, "perf", "bench_engine"), "-r",
                                 str(self.plan.engine_rounds), *network.names, hosts.ADDRESSES[1]],
                self.plan.engine_rounds * 60)

    # --- programs ---

    def command(self, directory, policy, argv):
        if not policy:
            return ["taskset", "-c", str(LEADER_CORE)] + argv
        config = configuration(os.path.join(directory, "tandem.cfg"), policy, self.reports)
        return [self.tandem, "run", "-c", config, "--"] + argv

    def rows(self, what, argv, seconds=60):
        return list(csv.DictReader(io.StringIO(load.run(argv, what, seconds))))

    def calls(self):
        for policy in (None, RELAXED, STRICT):
            # The first run shows whether it works; all are repeated in turn below.
            self.attempt(f"calls, {policy or 'native'}", self.calls_once, policy, 0)
        works = {row["side"] for row in self.call_samples}
        for number in range(1, self.plan.call_pairs):
            if time.monotonic() > self.part_end - 4:
                break
            for policy in (None, RELAXED, STRICT):
                if (policy or "native") in works:
                    self.attempt(f"calls, {policy or 'native'}", self.calls_once, policy, number)
        self.attempt("a patched site", self.site)

    def calls_once(self, policy, number):
        argv = [os.path.join(self.build, "perf", "calls"), str(self.plan.call_batches)]
        for row in self.rows(f"calls under {policy or 'no policy (native)'}",
                             self.command(self.directory("calls"), policy, argv)):
            self.call_samples.append({"call": row["call"], "kind": row["kind"],
                                      "side": policy or "native", "round": number,
                                      "median_ns": float(row["median_ns"]),
                                      "low_ns": float(row["low_ns"])})

    def site(self):
        argv = [os.path.join(self.build, "perf", "bench_site"), str(self.plan.site_batches)]
        self.site_rows = self.rows("bench_site", self.command(None, None, argv))

    def start(self):
        self.attempt("start-up", self.starts)

    def starts(self):
        """Wall time of /bin/true, from before the fork to its end."""
        directory = self.directory("true")
        commands = {"native": ["taskset", "-c", str(LEADER_CORE), "/bin/true"],
                    "tandem": self.command(directory, RELAXED, ["/bin/true"])}
        for number in range(-1, self.plan.starts):  # the first warms up
            for side, argv in commands.items():
                start = time.perf_counter()
                done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                                      timeout=30, check=False)
                took = time.perf_counter() - start
                if done.returncode:
                    raise Failure(f"/bin/true ({side}): status {done.returncode}: "
                                  f"{done.stderr.decode(errors='replace').strip()[-300:]}")
                if number >= 0:
                    self.start_rows.append({"side": side, "round": number,
                                            "ms": round(took * 1e3, 3)})

    def ring(self):
        self.attempt("rings", self.rings)

    def rings(self):
        self.ring_rows = self.rows(
            "bench_ring", [os.path.join(self.build, "perf", "bench_ring"),
                           str(self.plan.ring_seconds), str(LEADER_CORE), str(OTHER_CORE)],
            self.plan.ring_seconds * 4 + 30)


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
        row = {"workload": workload, "policy": policy, "placement": placement, "rounds": len(rounds)}
        for field in ("rps", "cpu_us", "all_cpu_us", "p50_ms", "p99_ms"):
            for side in SIDES:
                row[f"{side}_{field}"] = statistics.median(sides[side][r][field] for r in rounds)
            ratios = [sides["tandem"][r][field] / sides["native"][r][field] for r in rounds
                      if sides["native"][r][field] > 0]
            row[f"ratio_{field}"] = statistics.median(ratios) if ratios else float("nan")
            if field in ("rps", "cpu_us"):
                row[f"lowest_{field}"] = min(ratios, default=float("nan"))
                row[f"highest_{field}"] = max(ratios, default=float("nan"))
        tandem = [sides["tandem"][r] for r in rounds]
        if "batches" in tandem[0]:
            for field in ("engine_us", "far_engine_us"):
                row[field] = statistics.median(sample[field] for sample in tandem)
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
