"""What is made of the figures: tables, ratios, bars, and where and with what they were made."""

import json
import os
import platform
import re
import statistics
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

import fairness
from servers import (
    CLIENT_CORE, ENDPOINTS, FASTAPI, FASTIFY, FASTIFY_5, FRESH, NATIVE_AXUM, REUSED, ROOT, SERVER_CORE, UVICORN, WASMTIME,
    WASMTIME_FRESH, WASMTIME_REUSED,
)

GET, POST = ENDPOINTS
# A server that has less of its core than this was held up by something else.
FULL_CORE = 0.9


def markdown(lines, words):
    """A table; the first line is its header. So many columns have words, to the left; the others numbers, to the right."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    align = lambda line: [
        cell.ljust(width) if at < words else cell.rjust(width) for at, (cell, width) in enumerate(zip(line, widths))
    ]
    rule = ["-" * width if at < words else "-" * (width - 1) + ":" for at, width in enumerate(widths)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [align(lines[0]), rule, *map(align, lines[1:])])


class Figures:
    """The raw rows of all rounds."""

    def __init__(self, rows):
        self.rows = rows

    def of(self, server, endpoint, key):
        return [row[key] for row in self.rows if (row["server"], row["endpoint"]) == (server, endpoint)]

    def median(self, *of):
        return statistics.median(self.of(*of))

    def ratio(self, ours, theirs, endpoint, key="rate"):
        """Within each round, then the median of them: rounds may differ as the machine does. `None` without a row."""
        return middle([ours / theirs for ours, theirs in zip(self.of(ours, endpoint, key), self.of(theirs, endpoint, key))])

    def better(self, servers, endpoint):
        """The one of these that is faster."""
        return max(servers, key=lambda server: max(self.of(server, endpoint, "rate"), default=0))


def table(rows):
    """Medians over the rounds, with the lowest and the highest."""
    figures = Figures(rows)
    lines = [["endpoint", "server", "requests/s", "÷ native", "CPU µs a request", "÷ native", "of it kernel", "core used",
              "p50 ms", "p99 ms", "peak MiB"]]
    for endpoint in ENDPOINTS:
        for name in dict.fromkeys(row["server"] for row in sorted(rows, key=lambda row: row["order"])):
            def spread(key, form):
                of = figures.of(name, endpoint, key)
                return f"{statistics.median(of):{form}} ({min(of):{form}}–{max(of):{form}})"

            def ratio(key):
                found = figures.ratio(name, NATIVE_AXUM, endpoint, key)
                return "" if found is None else f"{found:.2f}"

            lines.append([
                endpoint, name, spread("rate", ",.0f"), ratio("rate"), spread("cpu_us", ".1f"), ratio("cpu_us"),
                f"{figures.median(name, endpoint, 'kernel_us'):.1f}", f"{figures.median(name, endpoint, 'core'):.0%}",
                spread("p50_ms", ".2f"), spread("p99_ms", ".2f"), f"{max(figures.of(name, endpoint, 'peak_mib')):.0f}",
            ])
    return markdown(lines, 2)


def warnings(rows):
    held_up = sorted({f"{row['server']} on {row['endpoint']}" for row in rows if row["core"] < FULL_CORE})
    if not held_up:
        return []
    return [f"Less than {FULL_CORE:.0%} of its core in some round, so requests/s and their ratios do not count, "
            f"only CPU time does: {'; '.join(held_up)}."]


def ratios(rows):
    """Of throughput, as target/bench.json has them. Of the two rows of `wasmtime serve`, the faster one counts."""
    figures = Figures(rows)
    found = {
        "fresh_axum_get": figures.ratio(FRESH, NATIVE_AXUM, GET),
        "fresh_axum_post": figures.ratio(FRESH, NATIVE_AXUM, POST),
        "reuse_axum_get": figures.ratio(REUSED, NATIVE_AXUM, GET),
        "fresh_fastify_get": figures.ratio(FRESH, FASTIFY_5, GET),
        "fresh_fastapi_get": figures.ratio(FRESH, FASTAPI, GET),
        "fresh_wasmtime_fresh_get": figures.ratio(FRESH, figures.better(WASMTIME_FRESH, GET), GET),
        "fresh_wasmtime_reuse_get": figures.ratio(FRESH, figures.better(WASMTIME_REUSED, GET), GET),
    }
    return {key: value and round(value, 3) for key, value in found.items()}


@dataclass
class Bar:
    what: str
    value: float | None
    bar: float
    is_least: bool
    unit: str = ""
    # Whether a server had less than its core, so that this says little.
    is_doubtful: bool = False

    def cells(self):
        sign = "≥" if self.is_least else "≤"
        wanted = f"{sign} {self.bar:g}{self.unit}"
        if self.value is None:
            return [self.what, "not measured", wanted, ""]
        is_met = self.value >= self.bar if self.is_least else self.value <= self.bar
        missed = f"missed: {abs(self.value / self.bar - 1):.0%} {'below' if self.is_least else 'above'}"
        doubt = " (a core was not the server's own)" if self.is_doubtful else ""
        return [self.what, f"{self.value:.2f}{self.unit}", wanted, ("met" if is_met else missed) + doubt]


def bars(rows, light):
    figures = Figures(rows)

    def faster(ours, theirs, endpoint, bar):
        them = figures.better(theirs, endpoint)
        doubtful = any(core < FULL_CORE for server in (ours, them) for core in figures.of(server, endpoint, "core"))
        return Bar(f"{ours} ÷ {them}, {endpoint}", figures.ratio(ours, them, endpoint), bar, True, is_doubtful=doubtful)

    found = []
    for ours, theirs, bar in [
        (FRESH, [NATIVE_AXUM], 0.5), (REUSED, [NATIVE_AXUM], 0.8), (FRESH, [FASTIFY_5], 1.5), (FRESH, [FASTAPI], 8),
        (FRESH, WASMTIME_FRESH, 8), (FRESH, WASMTIME_REUSED, 1.5),
    ]:
        found += [faster(ours, theirs, endpoint, bar) for endpoint in ENDPOINTS]
    cpu = zip(figures.of(FRESH, GET, "cpu_us"), figures.of(NATIVE_AXUM, GET, "cpu_us"))
    over = [ours - native for ours, native in cpu]
    found.append(Bar(f"CPU a request, {FRESH} − native axum, {GET}", middle(over), 8, False, " µs"))
    alone, beside = fairness.p99s(light)
    slower = [b / a for a, b in zip(alone, beside)]
    found.append(Bar("p99 of a light plugin beside a busy one ÷ alone", middle(slower), 2, False))
    found.append(Bar("p99 of a light plugin beside a busy one", middle(beside), 5, False, " ms"))
    return found


def middle(values):
    return statistics.median(values) if values else None


def bars_table(found, scale):
    """Those of this run, then the rows of bench/scale, which have their own."""
    others = [[row["name"], row["found"], row["bar"], "met" if row["met"] else "missed"] for row in scale]
    return markdown([["what", "figure", "bar", ""], *(bar.cells() for bar in found), *others], 4)


def told(*command):
    """The first line that a command says."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout.partition("\n")[0].strip()


def circumstances(options, load):
    """Where and with what these figures were made."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = int(re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1])
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    version = lambda name: next(package["version"] for package in locked if package["name"] == name)
    changed = ", with changes" if told("git", "status", "--porcelain") else ""
    wrk_version = told("wrk", "-v").partition(" [")[0]
    python = UVICORN.parent / "python3"
    required = (ROOT / "bench/fastapi/requirements.txt").read_text().split()
    required = {name: version for name, _, version in (line.partition("==") for line in required)}
    fastify = json.loads((FASTIFY / "node_modules/fastify/package.json").read_text())["version"]
    return [
        f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores, {memory / 2**20:.0f} GiB; "
        f"Linux {platform.release()}; load before: {load:.2f}",
        f"commit {told('git', 'rev-parse', '--short=12', 'HEAD')}{changed}; {told('rustc', '--version')}; "
        f"wasmtime {version('wasmtime')}, axum {version('axum')}, hyper {version('hyper')}, tokio {version('tokio')}",
        f"{told(python, '--version')}, FastAPI {required['fastapi']}, pydantic {required['pydantic']}, uvicorn "
        f"{required['uvicorn']}, uvloop {required['uvloop']}, httptools {required['httptools']}; "
        f"Node.js {told('node', '--version')}, fastify {fastify}; {told(WASMTIME, '--version')} (command line); {wrk_version}",
        f"{options.rounds} rounds of {options.seconds} s after {options.warm_up} s, {options.connections} connections; "
        f"servers on core {SERVER_CORE}, clients on core {CLIENT_CORE}",
    ]
