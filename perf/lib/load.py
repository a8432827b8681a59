# SPDX-License-Identifier: MIT
"""The servers that are measured, and the clients that load them."""
import csv
import io
import math
import os
import re
import signal
import subprocess

from machine import Failure, read, tool, wait_for

UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


class Nginx:
    name = "nginx"

    def argv(self, directory, port):
        write(directory, "page.html", page())
        os.makedirs(os.path.join(directory, "temp"), exist_ok=True)
        temps = "".join(f"{kind}_temp_path {directory}/temp/{kind}; " for kind in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;" if os.getuid() == 0 else ""
        write(directory, "nginx.conf", f"""{user}
daemon off; master_process on; worker_processes 1;
pid {directory}/nginx.pid; error_log {directory}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; sendfile on; keepalive_requests 100000000; {temps}
  server {{ listen 127.0.0.1:{port}; root {directory}; }} }}
""")
        return [tool("nginx", "nginx-light"), "-p", directory, "-c", f"{directory}/nginx.conf",
                "-e", f"{directory}/error.log"]


class Lighttpd:
    name = "lighttpd"

    def argv(self, directory, port):
        write(directory, "page.html", page())
        write(directory, "lighttpd.conf", f"""
server.document-root = "{directory}"
server.port = {port}
server.bind = "127.0.0.1"
server.errorlog = "{directory}/error.log"
server.max-keep-alive-requests = 100000000
server.max-keep-alive-idle = 60
mimetype.assign = ( ".html" => "text/html" )
""")
        return [tool("lighttpd", "lighttpd"), "-D", "-f", f"{directory}/lighttpd.conf"]


class Redis:
    name = "redis"

    def argv(self, directory, port):
        write(directory, "redis.conf", f"""
bind 127.0.0.1
port {port}
dir {directory}
logfile {directory}/redis.log
save ""
appendonly no
""")
        return [tool("redis-server", "redis-server"), f"{directory}/redis.conf"]


def page():
    line = "<p>The quick brown fox jumps over the lazy dog, once more.</p>\n"
    return (line * (4096 // len(line) + 1))[:4096]


def write(directory, name, text):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "w", encoding="ascii") as file:
        file.write(text)


def catches(pid, number):
    """Whether a process has a handler for a signal."""
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)", read(f"/proc/{pid}/status"), re.M)
    return bool(caught) and bool(int(caught[1], 16) >> (number - 1) & 1)


def run(command, what, seconds, stop_after=None):
    """Its output; stop_after: seconds until it is interrupted, as from a terminal, once it is ready."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        try:
            if stop_after:
                wait_for(lambda: process.poll() is not None or catches(process.pid, signal.SIGINT),
                         seconds, f"{what} begins")
                try:
                    process.wait(stop_after)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"{what}: did not end within {seconds:.0f} s") from error
        finally:
            process.kill()  # nothing, when it has ended
    if process.returncode < 0:
        raise Failure(f"{what}: killed by {signal.Signals(-process.returncode).name}")
    if process.returncode:
        raise Failure(f"{what}: status {process.returncode}: {errors.strip()[-300:]}")
    return output


def wrk(port, seconds, core, inside=(), connections=10):
    """4 KB page, kept connections: {requests, rps, p50_ms, p99_ms}. inside: before the command."""
    # It takes whole seconds only; interrupted, it counts what was until then.
    text = run([*inside, "taskset", "-c", str(core), tool("wrk", "wrk"), "-t1", f"-c{connections}",
                f"-d{math.ceil(seconds) + 1}s", "--latency",
                f"http://127.0.0.1:{port}/page.html"], "wrk", 20, seconds)
    bad = re.search(r"Socket errors.*|Non-2xx.*", text)
    if bad:
        raise Failure(f"wrk: {bad.group(0)}")
    latency = {m[1]: float(m[2]) * UNITS[m[3]]
               for m in re.finditer(r"^ +(\d+)% +([\d.]+)(us|ms|s)$", text, re.M)}
    requests = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec: +([\d.]+)", text)
    if not (requests and rate and {"50", "99"} <= latency.keys()):
        raise Failure(f"wrk: unexpected answer: {text.strip()[-200:]}")
    if not int(requests[1]):
        raise Failure(f"wrk: not one answer within {seconds:g} s")
    return {"requests": int(requests[1]), "rps": float(rate[1]),
            "p50_ms": latency["50"], "p99_ms": latency["99"]}


def redis_benchmark(port, command, pipeline, requests, core, inside=()):
    """50 clients: {requests, rps, p50_ms, p99_ms}."""
    requests = max(1000, requests)
    test = "ping_mbulk" if command == "PING" else command.lower()
    text = run([*inside, "taskset", "-c", str(core), tool("redis-benchmark", "redis-tools"),
                "-h", "127.0.0.1", "-p", str(port), "-c", "50", "-n", str(requests),
                "-P", str(pipeline), "-t", test, "--csv"], "redis-benchmark", 20)
    # Warnings about CONFIG may come first.
    start = text.find('"test"')
    rows = list(csv.DictReader(io.StringIO(text[start:]))) if start >= 0 else []
    if len(rows) != 1:
        raise Failure(f"redis-benchmark: unexpected answer: {text[-200:]}")
    if rows[0]["rps"] == "inf":  # over before its clock has moved
        return redis_benchmark(port, command, pipeline, 10 * requests, core, inside)
    return {"requests": requests, "rps": float(rows[0]["rps"]),
            "p50_ms": float(rows[0]["p50_latency_ms"]), "p99_ms": float(rows[0]["p99_latency_ms"])}
