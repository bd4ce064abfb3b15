"""The clients: wrk, which sends as fast as it gets answers, and bench-rate, which sends at a constant rate."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

from servers import CLIENT_CORE, ENDPOINTS, ROOT, Failed, Server

RATE = ROOT / "target/release/bench-rate"
SCRIPT = ROOT / "bench/wrk.lua"


def wrk_command(url, seconds, connections):
    # A late answer is a latency, not an error: with its own 2 s, wrk would call it one on a busy machine.
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "--latency", "-s", SCRIPT]
    return ["taskset", "-c", CLIENT_CORE, "wrk", *options, url]


def counts_of(said, what):
    found = re.search(r"^counts (.*)$", said, re.MULTILINE)
    if not found:
        raise Failed(f"{what}: wrk counted nothing\n{said}")
    return json.loads(found[1])


def wrk(server, endpoint, seconds, connections):
    path, body = endpoint.split()[1], ENDPOINTS[endpoint]
    what = f"{server.name}, {endpoint}"
    environment = os.environ | ({"BENCH_BODY": str(body)} if body else {})
    done = subprocess.run(
        wrk_command(server.url + path, seconds, connections), env=environment, capture_output=True, text=True,
        timeout=seconds + 30,
    )
    if done.returncode != 0:
        raise Failed(f"{what}: wrk ended with {done.returncode}\n{done.stdout}{done.stderr}")
    counts = counts_of(done.stdout, what)
    if any(counts["errors"].values()):
        raise Failed(f"{what}: wrk met errors\n{done.stdout}")
    if counts["requests"] == 0:
        raise Failed(f"{what}: no answer in {seconds} s; is this machine too busy to measure?")
    return counts


def at_rate(server, path, rate, seconds, connections):
    """Latencies in µs of requests at a constant rate a second, from when each was due."""
    arguments = [server.url.removeprefix("http://"), path, rate, seconds, connections]
    done = subprocess.run(
        ["taskset", "-c", CLIENT_CORE, RATE, *map(str, arguments)], capture_output=True, text=True, timeout=seconds + 90,
    )
    if done.returncode != 0:
        raise Failed(f"{server.name}, {path}: bench-rate ended with {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def measure(name, endpoint, folder, options):
    """One row of raw figures, of a server that was started for it."""
    with Server(name, folder) as server:
        wrk(server, endpoint, options.warm_up, options.connections)
        before, began = server.cpu(), time.monotonic()
        counts = wrk(server, endpoint, options.seconds, options.connections)
        user, kernel = (after - before for after, before in zip(server.cpu(), before))
        elapsed = time.monotonic() - began
        peak_kib = server.peak_kib()
    requests = counts["requests"]
    return {
        "server": name,
        "endpoint": endpoint,
        "requests": requests,
        "rate": round(requests / counts["us"] * 1e6, 1),
        "p50_ms": counts["p50_us"] / 1e3,
        "p99_ms": counts["p99_us"] / 1e3,
        "cpu_us": round((user + kernel) / requests * 1e6, 3),
        "kernel_us": round(kernel / requests * 1e6, 3),
        "core": round((user + kernel) / elapsed, 3),
        "peak_mib": round(peak_kib / 1024, 1),
    }
