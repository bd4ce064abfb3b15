"""The servers that are measured, and one of them running on its core."""

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Servers run in folders of their own, and some set up by others are links.
TOOLS = ROOT / "target/tools/bench"
WITAPI = ROOT / "target/release/witapi"
NATIVE = ROOT / "target/release/bench-native"
PLUGIN = ROOT / "target/plugins/orders.wasm"
UVICORN = TOOLS / "fastapi/bin/uvicorn"
FASTIFY = TOOLS / "fastify"
WASMTIME = TOOLS / "wasmtime-48.0.8/bin/wasmtime"
GUESTS = ROOT / "target/guests/wasm32-wasip2/release"
P2, P3 = GUESTS / "bench_p2.wasm", GUESTS / "bench_p3.wasm"
ORDER = ROOT / "bench/order.json"
# Method and path, and the file of the body.
ENDPOINTS = {"GET /hello": None, "POST /orders": ORDER}

SERVER_CORE, CLIENT_CORE = "0", "1"
ANY_PORT = "127.0.0.1:0"
# The first start of the host compiles the plugin, on one core.
PATIENCE = 60


class Failed(Exception):
    """Why there are no figures."""


@dataclass
class Kind:
    """A server, and how it is started."""

    command: list
    # Beside ours.
    environment: dict = field(default_factory=dict)
    # Of its witapi.toml.
    config: str = ""


# What the operator writes to have instances used again.
REUSE = """
[plugin.orders]
requests_per_instance = 1000000
"""


def witapi(config="", **environment):
    return Kind([WITAPI, "serve", PLUGIN, "--listen", ANY_PORT], environment, config)


def wasmtime_serve(guest, *options):
    # `-Scli` because guests that are built for wasm32-wasip2, by Rust's standard library, import some of that.
    return Kind([WASMTIME, "serve", "-Scli", *options, "--addr", ANY_PORT, guest])


# Instances are used again 128 times, which is its default for those of 0.3, while its default for 0.2 is never.
ONCE = ["--max-instance-reuse-count", "1", "--max-instance-concurrent-reuse-count", "1"]
AGAIN = ["--max-instance-reuse-count", "128"]
# What its documentation of `PoolingAllocationConfig` offers for fast instantiation, and the host uses too.
TUNED = ["-Opooling-pagemap-scan=y", "-Opooling-memory-keep-resident=1048576", "-Opooling-table-keep-resident=65536"]

NATIVE_AXUM = "native axum"
FRESH = "WitAPI, fresh"
REUSED = "WitAPI, reuse"
FASTAPI = "FastAPI"
FASTIFY_5 = "fastify"
WASMTIME_FRESH = ["wasmtime serve, 0.2, fresh", "wasmtime serve, 0.3, fresh"]
WASMTIME_REUSED = ["wasmtime serve, 0.2, reuse", "wasmtime serve, 0.3, reuse"]

# In the order of the table: ours last. None but "log on" writes a line for a request.
SERVERS = {
    NATIVE_AXUM: Kind([NATIVE, ANY_PORT]),
    FASTAPI: Kind(
        [UVICORN, "app:app", "--app-dir", ROOT / "bench/fastapi", "--host", "127.0.0.1", "--port", "0", "--workers", "1",
         "--no-access-log"]
    ),
    FASTIFY_5: Kind(["node", ROOT / "bench/fastify/server.js", FASTIFY, "0"], {"NODE_ENV": "production"}),
    WASMTIME_FRESH[0]: wasmtime_serve(P2),
    WASMTIME_FRESH[1]: wasmtime_serve(P3, *ONCE),
    "wasmtime serve, 0.2, fresh, tuned": wasmtime_serve(P2, *TUNED),
    "wasmtime serve, 0.3, fresh, tuned": wasmtime_serve(P3, *ONCE, *TUNED),
    WASMTIME_REUSED[0]: wasmtime_serve(P2, *AGAIN),
    WASMTIME_REUSED[1]: wasmtime_serve(P3),
    "WitAPI, fresh, log on": witapi(),
    REUSED: witapi(REUSE, WITAPI_LOG="warn"),
    FRESH: witapi(WITAPI_LOG="warn"),
}


class Server:
    """A server on its core, in a folder of its own kind, ended at the end of the `with`."""

    def __init__(self, name, folder, kind=None):
        self.name = name
        self.kind = kind or SERVERS[name]
        self.folder = folder / re.sub(r"\W+", "-", name)
        self.log = self.folder / "log"

    def __enter__(self):
        # Compiled code stays here for the next start.
        self.folder.mkdir(exist_ok=True)
        if self.kind.config:
            (self.folder / "witapi.toml").write_text(self.kind.config)
        out = self.folder / "out"
        ours = {name: value for name, value in os.environ.items() if name != "WITAPI_LOG"}
        # A file, as in production; not a pipe, which someone would have to read on some core.
        with open(out, "wb") as stdout, open(self.log, "wb") as stderr:
            self.process = subprocess.Popen(
                ["taskset", "-c", SERVER_CORE, *self.kind.command], cwd=self.folder, env=ours | self.kind.environment,
                stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
            )
        try:
            self.url = self.wait_for_url(out)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def wait_for_url(self, out):
        """Each says in its own words where it listens."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failed(f"{self.name} ended with {self.process.returncode}:\n{self.log.read_text()}")
            said = out.read_text() + self.log.read_text()
            if found := re.search(r"(?:Listening|Serving HTTP|running) on (http://127\.0\.0\.1:\d+)\b", said):
                return found[1]
            time.sleep(0.01)
        raise Failed(f"{self.name} did not listen within {PATIENCE} s:\n{self.log.read_text()}")

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def tree(self):
        """The ids of its process and of all below it."""
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found += map(int, children.read_text().split())
        return found

    def cpu(self):
        """Seconds in user mode and in the kernel, of all threads of all its processes."""
        tick = os.sysconf("SC_CLK_TCK")
        user = kernel = 0
        for pid in self.tree():
            # The second field, the name, may have spaces; the 14th and 15th are utime and stime.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            user += int(fields[11])
            kernel += int(fields[12])
        return user / tick, kernel / tick

    def peak_kib(self):
        statuses = [Path(f"/proc/{pid}/status").read_text() for pid in self.tree()]
        return sum(int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[1]) for status in statuses)


def ask(url, body=None):
    """Status, media type and JSON of an answer."""
    request = urllib.request.Request(url, data=body, headers={"content-type": "application/json"} if body else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, media_type(answer), json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            body = error.read()
            return error.code, media_type(error), json.loads(body) if "json" in media_type(error) else body


def media_type(answer):
    """Without its parameter, which fastify adds."""
    return answer.headers.get("content-type", "").partition(";")[0]


def answers(server):
    """What has to be the same of every server: it is the same work only then."""
    order = json.loads(ORDER.read_text())
    post = lambda order: ask(server.url + "/orders", json.dumps(order).encode())
    unreachable = order["customer"] | {"email": "nowhere"}
    # How the fault is told is each server's own.
    refused = {
        "an unknown member": order | {"lables": {}},
        "an unknown member further in": order | {"items": [{"sku": "cup-01", "qty": 3, "price": 1}]},
        "no items": order | {"items": []},
        "a quantity below its minimum": order | {"items": [{"sku": "cup-01", "qty": 0}]},
        "a quantity that is a string": order | {"items": [{"sku": "cup-01", "qty": "3"}]},
        "a quantity that is too large for its type": order | {"items": [{"sku": "cup-01", "qty": 2**32}]},
        "a percentage above its maximum": order | {"discount": {"tag": "percent", "val": 101}},
        "a delivery that is not offered": order | {"delivery": {"tag": "drone"}},
        "no e-mail address": order | {"customer": unreachable},
    }
    return {
        "GET /hello": ask(server.url + "/hello"),
        "POST /orders": ask(server.url + "/orders", ORDER.read_bytes()),
        "POST /orders with all there is": post(order | {
            "delivery": {"tag": "express", "val": 3}, "packing": ["gift"], "discount": {"tag": "percent", "val": 10},
            "labels": {"cost-centre": "R&D"},
        }),
        "POST /orders of what is sold out": post(order | {"items": [{"sku": "cup-02", "qty": 3}]}),
    } | {f"the status of POST /orders with {what}": post(order)[0] for what, order in refused.items()}


def check_answers(names, folder):
    wanted = None
    for name in names:
        with Server(name, folder) as server:
            found = answers(server)
        wanted = wanted or found
        for what, answer in found.items():
            if answer != wanted[what]:
                raise Failed(f"{what}: {name} answers {answer}, {names[0]} {wanted[what]}")
    statuses = [wanted[endpoint][0] for endpoint in ENDPOINTS]
    if statuses != [200] * len(ENDPOINTS):
        raise Failed(f"{', '.join(ENDPOINTS)}: found {statuses}, wanted 200")
