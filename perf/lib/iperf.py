# SPDX-License-Identifier: MIT
"""The bandwidth of a link, by iperf3: from host a to host b of a hosts.Network."""
import json
import subprocess

import load
from hosts import ADDRESSES
from machine import LEADER_CORE, OTHER_CORE, Failure, read, tool, wait_for

PORT = 5201
NAME = "iperf3"
FIRST_BYTES = 32_000_000  # tells the rate


class Iperf:
    """Use as a context: its server runs meanwhile, on host b."""

    def __init__(self, network):
        self.network, self.program, self.rate = network, tool("iperf3", "iperf3"), None

    def __enter__(self):
        self.server = subprocess.Popen(  # pylint: disable=consider-using-with
            [*self.network.inside(1), "taskset", "-c", str(OTHER_CORE), self.program, "-s",
             "-B", ADDRESSES[1], "-p", str(PORT)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(self.listens, 5, "iperf3's server listens")
        except Failure:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        self.server.kill()
        self.server.wait(10)

    def listens(self):
        if self.server.poll() is not None:
            raise Failure(f"iperf3's server: ended with status {self.server.returncode}")
        return any(fields[1].endswith(f":{PORT:04X}") and fields[3] == "0A" for fields in map(
            str.split, read(f"/proc/{self.server.pid}/net/tcp").splitlines()[1:]))

    def bandwidth(self, seconds):
        """MB/s, of about that long: it takes whole seconds only, but any number of bytes."""
        if self.rate is None:
            self.rate = self.transfer(FIRST_BYTES)
        self.rate = self.transfer(max(FIRST_BYTES, int(self.rate * 1e6 * seconds)))
        return self.rate

    def transfer(self, count):
        text = load.run([*self.network.inside(0), "taskset", "-c", str(LEADER_CORE), self.program,
                         "-c", ADDRESSES[1], "-p", str(PORT), "-n", str(count), "-J"], NAME, 30)
        try:
            return json.loads(text)["end"]["sum_received"]["bits_per_second"] / 8e6
        except (ValueError, LookupError) as error:
            raise Failure(f"iperf3: unexpected answer: {text.strip()[-200:]}") from error
