"""How much a light plugin feels of a neighbour that computes: both in one host on one core."""

import statistics
import subprocess

from load import at_rate, counts_of, wrk_command
from servers import ANY_PORT, PLUGIN, ROOT, WITAPI, Kind, Server

BUSY = ROOT / "target/bench/busy.wasm"
KIND = Kind([WITAPI, "serve", PLUGIN, BUSY, "--listen", ANY_PORT], {"WITAPI_LOG": "warn"})
NAME = "WitAPI, two plugins"

# Light: a small part of what the core can do, so that what is measured is waiting for others, not for itself.
RATE, CONNECTIONS = 500, 8
# 6,000 answers a round: the slowest hundredth of them are 60.
SECONDS = 12
BUSY_CONNECTIONS = 64
WARM_UP = 1


def measure_round(folder, seconds):
    """Latencies of GET /hello alone, then beside 64 connections on a plugin of which each request computes for 10 ms."""
    rows = []
    with Server(NAME, folder, KIND) as server:
        at_rate(server, "/hello", RATE, WARM_UP, CONNECTIONS)
        rows.append({"beside": "nobody"} | at_rate(server, "/hello", RATE, seconds, CONNECTIONS))
        busy = subprocess.Popen(
            wrk_command(server.url + "/busy", seconds + 2 * WARM_UP, BUSY_CONNECTIONS), stdout=subprocess.PIPE, text=True,
        )
        try:
            # Until the neighbour has the core.
            at_rate(server, "/hello", RATE, WARM_UP, CONNECTIONS)
            beside = at_rate(server, "/hello", RATE, seconds, CONNECTIONS)
            neighbour = counts_of(busy.communicate(timeout=90)[0], "the busy plugin")
        finally:
            busy.kill()
            busy.wait()
        # Those that it is too busy for are told so, which is no error of this measurement.
        refused = {"busy_answers": neighbour["requests"], "busy_errors": neighbour["errors"]}
        rows.append({"beside": f"{BUSY_CONNECTIONS} connections on a busy plugin"} | beside | refused)
    return rows


def measure(folder, rounds, seconds):
    return [{"round": number} | row for number in range(1, rounds + 1) for row in measure_round(folder, seconds)]


def p99s(rows):
    """In ms, alone and beside the busy plugin, round by round."""
    of = lambda is_alone: [row["p99_us"] / 1e3 for row in rows if (row["beside"] == "nobody") == is_alone]
    return of(True), of(False)


def cells(rows):
    """Of a table, the first line its header."""
    lines = [["GET /hello at 500 a second, beside", "p50 ms", "p99 ms", "highest ms", "not answered 200"]]
    for beside in dict.fromkeys(row["beside"] for row in rows):
        those = [row for row in rows if row["beside"] == beside]
        median = lambda key: f"{statistics.median(row[key] for row in those) / 1e3:.2f}"
        p99 = [row["p99_us"] / 1e3 for row in those]
        lines.append([
            beside, median("p50_us"), f"{statistics.median(p99):.2f} ({min(p99):.2f}–{max(p99):.2f})", median("max_us"),
            f"{sum(row['failed'] for row in those):,} of {sum(row['requests'] for row in those):,}",
        ])
    return lines
