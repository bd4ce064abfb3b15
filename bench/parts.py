"""What else belongs to a run, and is a program of its own."""

import json
import re
import subprocess
import sys

from report import markdown
from servers import ROOT, Failed

SCALE = ROOT / "bench/scale"
# Sizes at which it only shows that it works.
SMALL = ["--in-flight", "100", "--plugins", "30", "--routes", "100", "--start", "10", "--requests", "40000",
         "--rounds", "1", "--seconds", "1"]


def scale(is_quick, failures):
    """The rows of bench/scale, each with a bar: much of everything. What has none is among the failures."""
    run = subprocess.Popen([SCALE, *(SMALL if is_quick else [])], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    rows, rest = [], []
    try:
        for line in run.stderr:
            print(line, end="", file=sys.stderr, flush=True)
            rows.append(json.loads(line)) if line.startswith("{") else rest.append(line)
        if run.wait() != 0:
            failures.append(f"bench/scale ended with {run.returncode}:\n{''.join(rest)}")
    finally:
        run.terminate()
        run.wait()
    return rows


def micro(is_quick):
    """Name, nanoseconds and their spread of each step of a call, without HTTP, as criterion has them."""
    # Lines such as `test call ... bench:   4,567 ns/iter (+/- 12)`.
    # With `--quick` criterion leaves the names out.
    short = ["--sample-size", "10", "--warm-up-time", "0.1", "--measurement-time", "0.1"]
    options = ["--output-format", "bencher", *(short if is_quick else [])]
    done = subprocess.run(
        ["taskset", "-c", "0", "cargo", "bench", "--offline", "-p", "bench-micro", "--", *options], cwd=ROOT, capture_output=True, text=True,
    )
    if done.returncode != 0:
        raise Failed(f"cargo bench -p bench-micro ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    found = re.findall(r"^test (.+?) \.\.\. bench:\s+([\d,.]+) ns/iter \(\+/- ([\d,.]+)\)", done.stdout, re.MULTILINE)
    number = lambda text: float(text.replace(",", ""))
    return [{"step": name, "ns": number(ns), "spread_ns": number(spread)} for name, ns, spread in found]


def micro_table(rows):
    lines = [[row["step"], f"{row['ns'] / 1e3:.2f}", f"± {row['spread_ns'] / 1e3:.2f}"] for row in rows]
    return markdown([["step", "µs", "spread"], *lines], 1)
