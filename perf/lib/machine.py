# SPDX-License-Identifier: MIT
"""Processes, ports, CPU time and memory, from /proc; and running a program natively or as variants."""
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import time

LEADER_CORE = 0
OTHER_CORE = 1 if (os.cpu_count() or 1) > 1 else 0
RING_FILE = "/memfd:tandem-log"


class Failure(Exception):
    """Something could not be measured; the text says what and why."""


def tool(name, package):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not path:
        raise Failure(f"{name} is not installed: apt-get install {package}")
    return path


def wait_for(condition, seconds, what):
    """Polls until the condition holds; Failure at the deadline."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def read(path):
    """The text of a file of /proc; empty when the process has gone."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def listening_inode(port, pid="self"):
    """Of the socket that listens on a port of 127.0.0.1, in the network of a process."""
    want = f"0100007F:{port:04X}"
    for line in read(f"/proc/{pid}/net/tcp").splitlines()[1:]:
        fields = line.split()
        if fields[1] == want and fields[3] == "0A":
            return fields[9]
    return None


def holders(port, pid):
    """The processes that have the socket listening on a port of 127.0.0.1, in the network of pid."""
    inode = listening_inode(port, pid)
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")) if inode else ():
        try:
            for fd in os.scandir(f"/proc/{pid}/fd"):
                if os.readlink(fd.path) == f"socket:[{inode}]":
                    found.append(int(pid))
                    break
        except OSError:
            continue
    return found


def cpu_seconds(pids):
    """User and system time of processes, all living threads, from the scheduler: nanoseconds."""
    total = 0
    for pid in pids:
        try:
            threads = os.listdir(f"/proc/{pid}/task")
        except FileNotFoundError as error:
            raise Failure(f"process {pid} of the server has ended") from error
        for thread in threads:
            # A thread may have ended meanwhile.
            total += int((read(f"/proc/{pid}/task/{thread}/schedstat") or "0").split()[0])
    return total / 1e9


def user_seconds(pids):
    """What of that they were in their own code, as the kernel estimates it by its ticks."""
    ticks = 0
    for pid in pids:
        stat = read(f"/proc/{pid}/stat")
        if not stat:
            raise Failure(f"process {pid} of the server has ended")
        ticks += int(stat.rsplit(")", 1)[1].split()[11])
    return ticks / os.sysconf("SC_CLK_TCK")


def client_seconds():
    """User and system time of the clients that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def busy(seconds=0.5):
    """The part of all cores' time, 0 to 1, that the machine is busy now."""
    def now():
        times = [int(word) for word in read("/proc/stat").split("\n", 1)[0].split()[1:9]]
        return sum(times), times[3] + times[4]
    total, idle = now()
    time.sleep(seconds)
    later, later_idle = now()
    return 1 - (later_idle - idle) / max(1, later - total)


def stolen():
    """Seconds of all cores that the hypervisor has had for others, since the machine began."""
    return int(read("/proc/stat").split("\n", 1)[0].split()[8]) / os.sysconf("SC_CLK_TCK")


def title(pid):
    """The last part of "nginx: worker process" or the like; else the program's name."""
    words = read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()
    return words.split(": ")[1].split()[0] if ": " in words else words.split(" ")[0].split("/")[-1]


def descendants(pid):
    """A process and all below it."""
    children = {}
    for other in filter(str.isdigit, os.listdir("/proc")):
        text = read(f"/proc/{other}/stat")
        if text:
            children.setdefault(int(text.rsplit(")", 1)[1].split()[1]), []).append(int(other))
    found, queue = [], [pid]
    while queue:
        found.append(queue.pop())
        queue += children.get(found[-1], [])
    return found


def living(pid):
    return bool(read(f"/proc/{pid}/task/{pid}/schedstat"))


def allowed_cores(pid):
    for line in read(f"/proc/{pid}/status").splitlines():
        if line.startswith("Cpus_allowed_list:"):
            return line.split()[1]
    return ""


def memory(pid):
    """Resident KiB of a process: all, of which rings; and its proportional share, without rings."""
    sums = {"rss_kib": 0, "rings_kib": 0, "pss_kib": 0}
    in_ring = False
    for line in read(f"/proc/{pid}/smaps").splitlines():
        fields = line.split()
        if not fields[0].endswith(":"):
            in_ring = len(fields) > 5 and fields[5] == RING_FILE
        elif fields[0] == "Rss:":
            sums["rss_kib"] += int(fields[1])
            sums["rings_kib"] += int(fields[1]) if in_ring else 0
        elif fields[0] == "Pss:" and not in_ring:
            sums["pss_kib"] += int(fields[1])
    return sums


def configuration(path, policy, reports, cores=(LEADER_CORE, OTHER_CORE)):
    with open(path, "w", encoding="ascii") as file:
        file.write(
            f'leader_id = 0; policy = "{policy}"; compare = "full";\n'
            f'report_dir = "{reports}"; hang_timeout = 10.0;\n'
            f'variants = ( {{ id = 0; cpus = "{cores[0]}"; }}, {{ id = 1; cpus = "{cores[1]}"; }} );\n')
    return path


class Instance:
    """A running program, natively (policy None) or as two variants. Use as a context."""

    def __init__(self, tandem, argv, directory, reports, policy=None, port=0):
        self.argv, self.directory, self.port = argv, directory, port
        os.makedirs(directory, exist_ok=True)
        self.stderr = os.path.join(directory, "stderr")
        self.policy = policy
        self.servers = []
        self.process = self.begin(self.command(tandem, reports), self.stderr)

    def command(self, tandem, reports):
        if not self.policy:
            return ["taskset", "-c", str(LEADER_CORE)] + self.argv
        config = configuration(os.path.join(self.directory, "tandem.cfg"), self.policy, reports)
        return [tandem, "run", "-c", config, "--"] + self.argv

    @staticmethod
    def begin(command, stderr):
        with open(stderr, "wb") as errors:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors,
                                    stderr=errors, start_new_session=True)

    def explain(self, what):
        # The advice names a configuration that is gone when it's read.
        said = re.sub(r"; run 'tandem explain [^']*'", "", read(self.stderr))
        lines = said.strip().splitlines()[-6:]
        return f"{what} ({'tandem, ' + self.policy if self.policy else 'native'})" + "".join(
            "\n    " + line for line in lines)

    def alive(self, what):
        status = self.process.poll()
        if status is not None:
            raise Failure(self.explain(f"{what}: ended with status {status}"))

    def tell_end(self, what, cause):
        """Failure with the server's last words when it ends within a second of a failed load."""
        try:
            status = self.process.wait(1)
        except subprocess.TimeoutExpired:
            return
        raise Failure(self.explain(f"{what}: {cause}; the server ended with status {status}"))

    def wait_listening(self):
        """Until it listens; finds the leader's processes: those that have the socket."""
        def ready():
            self.alive("start")
            return listening_inode(self.port, self.process.pid) is not None
        wait_for(ready, 15, self.explain("start"))
        time_out = time.monotonic() + 5
        while time.monotonic() < time_out:
            before = self.servers
            self.servers = [pid for pid in holders(self.port, self.process.pid)
                            if allowed_cores(pid) == str(LEADER_CORE)]
            if self.servers and self.servers == before:
                return self
            time.sleep(0.1)
        raise Failure(self.explain("no process of the leader has the listening socket"))

    def everyone(self):
        """All living processes, the supervisor included."""
        return [pid for pid in descendants(self.process.pid) if living(pid)]

    def counters(self):
        """More that only grows, by name: hosts.py."""
        return {}

    def variants(self):
        """All processes of variants (or of the native program), followers included."""
        own = f"/proc/{self.process.pid}/exe"
        return [pid for pid in descendants(self.process.pid)
                if not self.policy or not os.path.samefile(own, f"/proc/{pid}/exe")]

    def stop(self):
        if self.process.poll() is None:
            target = min(self.servers) if self.servers else self.process.pid
            try:
                os.kill(target, signal.SIGTERM)
                self.process.wait(10)
            except (subprocess.TimeoutExpired, ProcessLookupError):
                for pid in reversed(descendants(self.process.pid)):
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                self.process.wait(10)
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()
