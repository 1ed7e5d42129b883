"""``python -m bench``: run everything and write BENCHMARKS.md."""

import argparse
import platform
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from bench import checking, measure
from bench.measure import Throughput
from bench.orders import orders_file

REPORT = Path(__file__).parents[1] / "BENCHMARKS.md"
PACKAGES = (
    "seamline", "duckdb", "msgspec", "jsonschema-rs", "granian", "pyarrow", "jsonschema",
    "fastjsonschema",
)  # fmt: skip
out = Console()

T = TypeVar("T")


def main() -> None:
    """Parse the command line, measure, report."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-peer", action="store_true", help="leave the peer out")
    chosen = parser.parse_args()
    file = orders_file(chosen.records)
    lines = [line.rstrip() for line in file.open("rb")]
    out.print(f"{len(lines):,} order events, {file.stat().st_size / 1e6:.0f} MB")

    limit = _repeated("read_json", chosen.runs, lambda: measure.read_json(file, len(lines)))
    runs = {
        size: _repeated(
            f"{size} per request", chosen.runs, partial(measure.throughput, lines, size)
        )
        for size in (1_000, 20_000)
    }
    sustainable = statistics.median(run.visible for run in runs[1_000])
    rate = sustainable / 2
    ages = _repeated("freshness", 1, lambda: measure.freshness(lines, 100, rate, 8.0))[0]
    lone = _repeated("lone records", 1, lambda: measure.lone_records(lines, 12))[0]
    checked = checking.costs(chosen.runs)
    peers = [] if chosen.no_peer else _repeated("peer", 1, lambda: measure.peer(file, len(lines)))
    REPORT.write_text(report(len(lines), limit, runs, rate, ages, lone, peers, checked))
    out.print(f"written: {REPORT.name}")


def _repeated(name: str, times: int, run: Callable[[], T]) -> list[T]:
    found = []
    for number in range(1, times + 1):
        with out.status(f"{name}, run {number} of {times}"):
            found.append(run())
        shown = found[-1] if not isinstance(found[-1], list) else f"{len(found[-1])} batches"
        out.print(f"{name} {number}/{times}: {shown}")
    return found


def report(
    count: int,
    limit: Sequence[float],
    runs: dict[int, list[Throughput]],
    rate: float,
    ages: Sequence[float],
    lone: Sequence[float],
    peers: Sequence[measure.PeerRun],
    checked: Sequence[checking.Cost],
) -> str:
    """Write the whole of BENCHMARKS.md."""
    median_limit = statistics.median(limit)
    visible = statistics.median(run.visible for run in runs[1_000])
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    text = [
        "# Benchmarks",
        "",
        "Written by `make bench`; nothing was typed by hand. Ratios count more than absolutes,",
        "for the machine is shared, and the clients that push take part of its cores.",
        "",
        f"Machine: {measure.machine()}; Python {platform.python_version()}; {versions}.",
        "",
        f"Input: {count:,} flat order events with integers, decimals, text, booleans, date-times",
        "and nulls (`bench/orders.py`), pushed over loopback by four connections into an empty",
        "table with a key. Each run checks that every event is there exactly once.",
        "",
        "## Accepted and visible",
        "",
        "*Accepted* is fsynced and acknowledged, *visible* is committed in the DuckDB file; both",
        "count from the first request. Median (least to most) of the runs.",
        "",
        "| records per request | runs | accepted records/s | visible records/s | MB/s visible "
        "| CPU s per million | peak memory, all processes | start to ready |",
        "|---|---|---|---|---|---|---|---|",
        *(_throughput_row(size, found) for size, found in runs.items()),
        "",
        "## Beside the limit and a peer",
        "",
        "| the same records by | records/s | Seamline is | CPU s per million | peak memory |",
        "|---|---|---|---|---|",
        f"| Seamline, 1,000 per request | {_spread([r.visible for r in runs[1_000]])} | 1 "
        f"| {statistics.median(r.cpu_per_million for r in runs[1_000]):.1f} "
        f"| {statistics.median(r.peak_mb for r in runs[1_000]):.0f} MB |",
        f"| DuckDB `read_json` of the file, no key, two threads (the limit) | {_spread(limit)} "
        f"| {visible / median_limit:.2f} times | | |",
        *(
            f"| {measure.PEER} {measure.PEER_VERSION} (Singer), reading the file, one run "
            f"| {one.rate:,.0f} | {visible / one.rate:.1f} times | {one.cpu_per_million:.1f} "
            f"| {one.peak_mb:.0f} MB |"
            for one in peers
        ),
        "",
        "The peer reads a file: no HTTP, no acknowledgment before the load, no receipts. Its",
        "start-up counts, Seamline's does not.",
        "",
        "## Freshness",
        "",
        "From the acknowledgment of a batch to its commit in the warehouse, with the default flush",
        "of one second. *Half load* offers half of the visible rate above.",
        "",
        "| load | batches | p50 | p99 |",
        "|---|---|---|---|",
        f"| half load: {rate:,.0f} records/s, 100 per request | {len(ages):,} "
        f"| {_percentile(ages, 0.5):.2f} s | {_percentile(ages, 0.99):.2f} s |",
        f"| lone records, one every 1.5 s | {len(lone)} "
        f"| {_percentile(lone, 0.5):.2f} s | {_percentile(lone, 0.99):.2f} s |",
        "",
        "## Checking a request",
        "",
        f"One body of {checking.COUNT:,} records, in one process. *Check* is everything the gate",
        "does to it: split, decode, judge every record against the schema and the contract. The",
        "others decode the body as a whole (msgspec) and judge the records only.",
        "",
        "| records | body | decode | check | check / decode | `fastjsonschema` / check "
        "| `jsonschema` / check |",
        "|---|---|---|---|---|---|---|",
        *map(_cost_row, checked),
        "",
    ]
    return "\n".join(text)


def _throughput_row(size: int, runs: Sequence[Throughput]) -> str:
    def median(name: str) -> float:
        return float(statistics.median(getattr(run, name) for run in runs))

    return (
        f"| {size:,} | {len(runs)} | {_spread([run.accepted for run in runs])} "
        f"| {_spread([run.visible for run in runs])} | {median('megabytes'):.0f} "
        f"| {median('cpu_per_million'):.1f} | {median('peak_mb'):.0f} MB "
        f"| {median('start_seconds'):.2f} s |"
    )


def _cost_row(cost: checking.Cost) -> str:
    return (
        f"| {cost.kind} | {cost.size / 1e6:.1f} MB | {cost.decode * 1e3:.0f} ms "
        f"| {cost.check * 1e3:.0f} ms | {cost.check / cost.decode:.2f} "
        f"| {cost.fastjsonschema / cost.check:.2f} | {cost.jsonschema / cost.check:.1f} |"
    )


def _spread(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:,.0f}"
    return f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


if __name__ == "__main__":
    main()
