# SPDX-License-Identifier: MIT
"""Two hosts, which are network namespaces of this machine, and what is measured between them.

        host a  10.77.0.1 ──── veth ──── 10.77.0.2  host b
        core 0                                      core 1
    leader, its engine;                     follower, its engine
    the client, on core 1
"""
import json
import os
import subprocess

import load
from machine import LEADER_CORE, OTHER_CORE, Failure, Instance, descendants, living, read, tool

OVER_TCP = "follower on another host, over TCP"
ADDRESSES = ("10.77.0.1", "10.77.0.2")
CORES = (LEADER_CORE, OTHER_CORE)
IDLE_SECONDS = 5


class Network:
    """Use as a context: the namespaces are gone behind it."""

    def __init__(self, tandem, directory):
        self.names = [f"tandem-bench{os.getpid()}{host}" for host in "ab"]
        self.key = os.path.join(directory, "key")
        if os.getuid():
            raise Failure("network namespaces need root")
        load.run([tandem, "keygen", self.key], "tandem keygen", 10)

    def __enter__(self):
        ip = tool("ip", "iproute2")
        cable = [("link", "add", "eth0", "netns", self.names[0], "type", "veth", "peer", "name",
                  "eth0", "netns", self.names[1])]
        for name in self.names:
            cable.insert(0, ("netns", "add", name))
        for name, address in zip(self.names, ADDRESSES):
            cable += [("-n", name, "addr", "add", address + "/24", "dev", "eth0"),
                      ("-n", name, "link", "set", "eth0", "up"),
                      ("-n", name, "link", "set", "lo", "up")]
        try:
            for arguments in cable:
                load.run([ip, *arguments], "ip " + " ".join(arguments), 10)
        except Failure:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)

    def inside(self, host):
        """Before a command that runs there."""
        return ["nsenter", f"--net=/run/netns/{self.names[host]}", "--"]

    def configuration(self, path, policy, reports):
        variants = ",\n".join(f'  {{ id = {host}; address = "{ADDRESSES[host]}"; port = 7000; '
                              f'cpus = "{CORES[host]}"; }}' for host in range(2))
        load.write(os.path.dirname(path), os.path.basename(path), f"""
leader_id = 0; policy = "{policy}"; compare = "full"; report_dir = "{reports}"; hang_timeout = 10.0;
transport = "tcp"; key_file = "{self.key}"; connect_timeout = 20;
variants = (
{variants}
);
""")
        return path


class Spanning(Instance):
    """A program on host a: natively, or as the leader of a session with a follower on host b."""

    def __init__(self, network, tandem, argv, directory, reports, policy=None, port=0):
        self.network, self.tandem, self.far = network, tandem, None
        super().__init__(tandem, argv, directory, reports, policy, port)
        if policy:
            self.far = self.begin(network.inside(1) + self.run(1), os.path.join(directory, "far"))

    def run(self, host):
        return [self.tandem, "run", "--id", str(host), "-c",
                os.path.join(self.directory, "tandem.cfg"), "--"] + self.argv

    def command(self, tandem, reports):
        if not self.policy:
            return self.network.inside(0) + super().command(tandem, reports)
        self.network.configuration(os.path.join(self.directory, "tandem.cfg"), self.policy, reports)
        return self.network.inside(0) + self.run(0)

    def explain(self, what):
        said = read(os.path.join(self.directory, "far")).strip().splitlines()[-3:]
        return super().explain(what) + "".join(f"\n    host b: {line}" for line in said)

    def everyone(self, hosts=(0, 1)):
        if not self.far:
            return super().everyone()
        roots = [(self.process, self.far)[host].pid for host in hosts]
        return [pid for root in roots for pid in descendants(root) if living(pid)]

    def counters(self):
        """What only grows: CPU us of both engines, what the leader's has sent, and batches by size."""
        if not self.far:
            return {}
        link = self.link()
        return {"engine_us": engine_seconds(self.everyone((0,))) * 1e6,
                "far_engine_us": engine_seconds(self.everyone((1,))) * 1e6,
                "sent_bytes": link["bytes_out"], "sends": link["batches"],
                "batches": link["batch_sizes"]}

    def link(self):
        """What `tandem status` on host a says of the connection."""
        # Sessions are found by names that belong to a network.
        told = json.loads(load.run(self.network.inside(0) + [self.tandem, "status", "--json"],
                                   "tandem status", 10))
        for session in told["sessions"]:
            if session["pid"] == self.process.pid:
                return next(variant["link"] for variant in session["variants"]
                            if "link" in variant)
        raise Failure("tandem status doesn't show the session")

    def stop(self):
        status = super().stop()
        if self.far:
            try:
                self.far.wait(10)
            except subprocess.TimeoutExpired:
                self.far.kill()
                self.far.wait(10)
        return status


def engine_seconds(pids):
    total = 0
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task") if living(pid) else ():
            if read(f"/proc/{pid}/task/{thread}/comm").strip() == "tandem-engine":
                total += int((read(f"/proc/{pid}/task/{thread}/schedstat") or "0").split()[0])
    return total / 1e9
