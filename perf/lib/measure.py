# SPDX-License-Identifier: MIT
"""What is measured. Every comparison is interleaved: native, Tandem, native, Tandem ..."""
import csv
import io
import os
import statistics
import subprocess
import time

import load
from machine import (LEADER_CORE, OTHER_CORE, Failure, Instance, configuration, cpu_seconds,
                     free_port, memory, title)

SIDES = ("native", "tandem")


class Plan:
    """How long and how often; `quick` is a smoke test of the bench itself."""

    def __init__(self, quick):
        self.rounds = 1 if quick else 7
        self.full_rounds = 1 if quick else 3
        self.web_seconds = 1 if quick else 2
        self.web_warm_up = not quick
        self.redis_seconds = 0.2 if quick else 0.8
        self.redis_pipelines = (16,) if quick else (1, 16)
        self.call_rounds = 1 if quick else 3
        self.call_arguments = ["3", "5"] if quick else ["9", "15"]
        self.starts = 3 if quick else 20
        self.ring_seconds = 1 if quick else 20


class Bench:
    def __init__(self, tandem, calls, ring, scratch, plan):
        self.tandem, self.calls_program, self.ring_program = tandem, calls, ring
        self.scratch, self.plan = scratch, plan
        self.samples = []    # one dictionary for each measurement of a server
        self.call_rows, self.ring_rows, self.start_rows, self.memory_rows = [], [], [], []
        self.failures = []   # (what, why)
        self.number = 0

    def directory(self, name):
        self.number += 1
        path = os.path.join(self.scratch, f"{self.number}.{name}")
        os.makedirs(path)
        return path

    def attempt(self, what, measure, *arguments):
        """A measurement that fails is reported; the others go on."""
        print(f"  {what} ...", flush=True)
        try:
            measure(*arguments)
        except Failure as failure:
            self.failures.append((what, str(failure)))
            print(f"  {what}: FAILED: {failure}", flush=True)

    def server(self, kind, policy):
        directory, port = self.directory(kind.name), free_port()
        return Instance(self.tandem, kind().argv(directory, port), directory, policy, port)

    def sample(self, instance, labels, client):
        """One load: the client's figures and the leader's CPU time a request."""
        before = cpu_seconds(instance.servers)
        result = client()
        cpu = cpu_seconds(instance.servers) - before
        instance.alive(labels["workload"])
        self.samples.append({**labels, **result, "cpu_us": cpu / result["requests"] * 1e6})
        return result

    def pair(self, kind, policy, rounds, loads):
        """loads: [(workload, placement, client(port, seen))]; both servers live side by side."""
        with self.server(kind, None) as native, self.server(kind, policy) as tandem:
            both = dict(zip(SIDES, (native.wait_listening(), tandem.wait_listening())))
            for load_of_one in loads:
                try:
                    self.compare(kind, policy, rounds, both, *load_of_one)
                except Failure as failure:
                    # When a server has died, the client's error is not the reason to tell.
                    for instance in both.values():
                        instance.tell_end(load_of_one[0], failure)
                    raise
            if kind is load.Nginx and policy == "socket_rw_oc":
                self.memory(native, tandem)

    def compare(self, kind, policy, rounds, both, workload, placement, client):
        seen = {}
        # Warms up (caches, patched sites) and tells the rate, which redis' loads need.
        if kind is load.Redis or self.plan.web_warm_up:
            for side, instance in both.items():
                seen[side] = client(instance.port, None)["rps"]
        for number in range(rounds):
            for side, instance in both.items():
                labels = {"workload": workload, "policy": policy, "placement": placement,
                          "side": side, "round": number}
                self.sample(instance, labels,
                            lambda i=instance, s=side: client(i.port, seen.get(s, 1)))

    def web(self, kind):
        def client(port, seen):
            return load.wrk(port, self.plan.web_seconds if seen else 1, OTHER_CORE)
        self.pair(kind, "socket_rw_oc", self.plan.rounds,
                  [(kind.name, "client with follower", client)])

    def web_full(self, kind):
        def on(core):
            return lambda port, seen: load.wrk(port, self.plan.web_seconds if seen else 1, core)
        loads = [(kind.name, "client with follower", on(OTHER_CORE))]
        if kind is load.Nginx:
            loads.append((kind.name, "client with leader", on(LEADER_CORE)))
        self.pair(kind, "full", self.plan.full_rounds, loads)

    def redis(self, policy, commands, pipelines, rounds):
        def client(command, pipeline):
            def one(port, seen):
                requests = int(seen * self.plan.redis_seconds) if seen else 4000
                return load.redis_benchmark(port, command, pipeline, requests, OTHER_CORE)
            return one
        self.pair(load.Redis, policy, rounds,
                  [(f"redis {command} -P {pipeline}", "client with follower",
                    client(command, pipeline)) for pipeline in pipelines for command in commands])

    def memory(self, native, tandem):
        """Resident KiB of each process, and what of it is shared-memory files (the rings)."""
        for side, instance in zip(SIDES, (native, tandem)):
            for pid in instance.variants():
                total, shared = memory(pid)
                role = "native" if side == "native" else (
                    "leader" if pid in instance.servers else "follower")
                self.memory_rows.append({"side": side, "role": role, "process": title(pid), "pid": pid,
                                         "rss_kib": total, "rings_kib": shared})

    def calls(self):
        """The fastest batch of each call: what else runs on the machine only makes calls slower."""
        samples = {}
        for _ in range(self.plan.call_rounds):
            for policy in (None, "socket_rw_oc", "full"):
                directory = self.directory("calls")
                text = self.output(directory, policy, [self.calls_program] + self.plan.call_arguments)
                for row in csv.DictReader(io.StringIO(text)):
                    samples.setdefault((row["call"], row["kind"]), {}).setdefault(
                        policy or "native", []).append(float(row["min_ns"]))
        for (call, kind), sides in samples.items():
            self.call_rows.append({"call": call, "kind": kind, **{
                side: round(min(values), 1) for side, values in sides.items()}})

    def command(self, directory, policy, argv):
        if not policy:
            return ["taskset", "-c", str(LEADER_CORE)] + argv
        config = configuration(os.path.join(directory, "tandem.cfg"), policy, directory)
        return [self.tandem, "run", "-c", config, "--"] + argv

    def output(self, directory, policy, argv):
        return load.run(self.command(directory, policy, argv),
                        f"{os.path.basename(argv[0])} under {policy or 'no policy (native)'}", 60)

    def starts(self):
        """Wall time of /bin/true, from before the fork to its end."""
        directory = self.directory("true")
        for number in range(-1, self.plan.starts):  # the first warms up
            for side in SIDES:
                argv = self.command(directory, "socket_rw_oc" if side == "tandem" else None,
                                    ["/bin/true"])
                argv = argv if side == "tandem" else ["/bin/true"]
                start = time.perf_counter()
                status = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                                        timeout=30, check=False)
                took = time.perf_counter() - start
                if status.returncode:
                    raise Failure(f"/bin/true ({side}): status {status.returncode}: "
                                  f"{status.stderr.decode(errors='replace').strip()[-300:]}")
                if number >= 0:
                    self.start_rows.append({"side": side, "round": number, "ms": round(took * 1e3, 3)})

    def ring(self):
        if not self.ring_program:
            raise Failure("there is no bench_ring beside tandem: build it for the ring's figures")
        text = load.run([self.ring_program, str(self.plan.ring_seconds), str(LEADER_CORE),
                         str(OTHER_CORE)], "bench_ring", self.plan.ring_seconds * 4 + 30)
        self.ring_rows = list(csv.DictReader(io.StringIO(text)))

    def everything(self):
        plan = self.plan
        self.attempt("nginx, socket_rw_oc", self.web, load.Nginx)
        self.attempt("lighttpd, socket_rw_oc", self.web, load.Lighttpd)
        self.attempt("redis, socket_rw_oc", self.redis, "socket_rw_oc", ("SET", "GET", "PING"),
                     plan.redis_pipelines, plan.rounds)
        self.attempt("nginx, full", self.web_full, load.Nginx)
        self.attempt("lighttpd, full", self.web_full, load.Lighttpd)
        self.attempt("redis, full", self.redis, "full", ("GET",), (1,), plan.full_rounds)
        self.attempt("system calls", self.calls)
        self.attempt("start-up", self.starts)
        self.attempt("rings", self.ring)


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
        for field in ("rps", "cpu_us", "p50_ms", "p99_ms"):
            for side in SIDES:
                row[f"{side}_{field}"] = statistics.median(sides[side][r][field] for r in rounds)
            ratios = [sides["tandem"][r][field] / sides["native"][r][field] for r in rounds
                      if sides["native"][r][field] > 0]
            row[f"ratio_{field}"] = statistics.median(ratios) if ratios else float("nan")
            if field in ("rps", "cpu_us"):
                row[f"lowest_{field}"] = min(ratios, default=float("nan"))
                row[f"highest_{field}"] = max(ratios, default=float("nan"))
        rows.append(row)
    return rows
