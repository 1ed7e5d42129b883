"""BENCHMARKS.md: measured values beside their targets, and where they come from."""

import os
import platform
import statistics
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from bench import plot
from bench.databases import DESTINATIONS

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "BENCHMARKS.md"
IMAGES = ROOT / "docs" / "images"
PACKAGES = ("seamline", "duckdb", "msgspec", "jsonschema-rs", "granian", "pyarrow", "psycopg")
_YES, _NO = "yes", "**no**"

Results = dict[str, Any]


def machine() -> str:
    """Describe the machine and the versions in a line."""
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB memory, {os.uname().sysname} "
        f"{os.uname().machine}; Python {platform.python_version()}; {versions}"
    )


def quantiles(ages: Sequence[float]) -> dict[str, float]:
    """Summarise sorted ages in seconds."""
    return {"count": len(ages), "p50": ages[len(ages) // 2], "p99": ages[int(len(ages) * 0.99)]}


def write(results: Results) -> None:
    """Write the report and its plots."""
    REPORT.write_text("\n".join(_report(results)) + "\n")
    for name, title, unit, values in _plots(results):
        (IMAGES / f"bench-{name}.svg").write_text(plot.lines(title, unit, values))


def _plots(results: Results) -> Iterator[tuple[str, str, str, dict[str, list[plot.Point]]]]:
    """Yield name, title, unit and lines of each plot."""
    for kind, name in DESTINATIONS.items():
        grown = {
            keys: [(float(rows), found["seconds"]) for rows, found in by_rows.items()]
            for keys, by_rows in results["growth"][kind].items()
        }
        title = f"{name}: seconds to load 100,000 upserts, by rows in the table"
        yield f"growth-{kind}", title, " s", grown
    waiting = {
        name: [(round(found["gb"]), found[name]) for found in results["backlog"].values()]
        for name in ("append", "load")
    }
    yield "backlog", "Seconds per million records, by gigabytes waiting", " s", waiting
    loads = {
        words: [(float(n), found[name] * 1000) for n, found in results["tables"].items()]
        for name, words in (("first", "makes its table"), ("again", "table is there"))
    }
    yield "tables", "Milliseconds per load of 20 records, by tables", " ms", loads


def _report(results: Results) -> Iterator[str]:
    yield from (
        "# Benchmarks",
        "",
        "Written by `make bench`; nothing was typed by hand. Ratios count more than absolutes: the",
        "machine is shared, and the client that pushes takes part of its cores. Each run checks",
        "that every record is there exactly once. Medians (least to most) of the runs.",
        "",
        f"Machine: {results['machine']}.",
        "",
        "## Targets",
        "",
        "| Measure | Target | Measured | Met |",
        "|---|---|---|---|",
    )
    yield from _targets(results)
    yield from (
        "",
        "Where a target is missed, [performance.md](docs/explain/performance.md) tells where the",
        "time goes, what was tried, and what comes next.",
        "",
        "## Scenarios",
        "",
        "*Accepted* is fsynced and acknowledged, *visible* is committed at the destination; both",
        "count from the first request of a run into empty tables. Memory is that of all processes,",
        "shared pages counted once; disk is the data directory when all is visible.",
        "",
        "| scenario | to | records / per request | accepted records/s | visible records/s "
        "| MB/s visible | CPU s per million | peak memory | disk | answer p50, p99 |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(
            _scenario(found)
            for kind in DESTINATIONS
            for found in results.get("scenarios", {}).values()
            if found["destination"] == kind
        ),
        "",
    )
    yield from _limits(results)
    yield from _peers(results)
    yield from _freshness(results)
    yield from _growth(results)
    yield from _tables(results)
    yield from _backlog(results)
    yield from _pages(results)
    yield from _checks(results)


def _targets(results: Results) -> Iterator[str]:
    limits = {name: statistics.median(runs) for name, runs in results["limits"].items()}
    peers = {n: {i: r["rate"] for i, r in by.items()} for n, by in results["peers"].items()}
    fresh, grown = results["freshness"], results["growth"]["duckdb"]
    flat, nested, single, postgres = (
        _medians(results, name) for name in ("flat", "nested", "single", "postgres-flat")
    )
    accepted, visible = flat["accepted"], flat["visible"]
    yield _row("accept, 1,000-record flat batches, fsynced", "≥ 500,000 records/s",
               f"{accepted:,.0f}", accepted >= 500_000)  # fmt: skip
    share = accepted / limits["dropped flat"]
    yield _row("the same / the server that drops the body", "≥ 0.50", f"{share:.2f}", share >= 0.5)
    yield _row("accept, single records, 64 connections", "≥ 15,000 requests/s",
               f"{single['accepted']:,.0f}", single["accepted"] >= 15_000)  # fmt: skip
    yield _row("the same, p99", "< 10 ms", f"{single['answer_p99'] * 1e3:.0f} ms",
               single["answer_p99"] < 0.01)  # fmt: skip
    for title, value, other, least in (
        ("visible in DuckDB, flat / target-duckdb", visible, peers["target-duckdb"]["flat"], 7),
        ("the same / dlt by Parquet", visible, peers["dlt"]["flat"], 10),
        ("the same / `read_json` of the file", visible, limits["read_json flat"], 0.25),
        ("visible in DuckDB, nested / target-duckdb", nested["visible"],
         peers["target-duckdb"]["nested"], 6),
        ("the same / dlt by Parquet", nested["visible"], peers["dlt"]["nested"], 14),
        ("visible in PostgreSQL, flat upsert / the best Singer target", postgres["visible"],
         max(rates["flat"] for name, rates in peers.items() if name.endswith("postgres")), 5),
        (r"the same / `\copy`", postgres["visible"], limits["copy flat"], 0.25),
    ):  # fmt: skip
        ratio = value / other
        words = f"{ratio:.2f} ({value:,.0f} / {other:,.0f})"
        yield _row(title, f"≥ {least}", words, ratio >= least)
    half, lone = fresh["flat"]["ages"], fresh["lone"]["ages"]
    yield _row("freshness in DuckDB at half load, p50", "< 0.2 s", f"{half['p50']:.2f} s",
               half["p50"] < 0.2)  # fmt: skip
    yield _row("the same, p99", "< 0.5 s", f"{half['p99']:.2f} s", half["p99"] < 0.5)
    yield _row("a lone record, p50", "< 1.2 s", f"{lone['p50']:.2f} s", lone["p50"] < 1.2)
    for keys, most in (("integer", 2), ("recent", 2), ("text", 3)):
        small, large = grown[keys]["1000000"], grown[keys]["30000000"]
        ratio = large["seconds"] / small["seconds"]
        yield _row(f"upsert of 100,000 rows, 30 M / 1 M, {keys} keys", f"< {most}", f"{ratio:.2f}",
                   ratio < most)  # fmt: skip
        ratio = large["peak_mb"] / small["peak_mb"]
        yield _row("the same, memory", "< 1.5", f"{ratio:.2f}", ratio < 1.5)
    peak = max(flat["peak_mb"], nested["peak_mb"])
    yield _row("memory at full load, flat and nested", "< 500 MB", f"{peak:.0f} MB", peak < 500)
    idle, start = results["idle_mb"], results["start_seconds"]
    yield _row("memory when idle", "< 150 MB", f"{idle:.0f} MB", idle < 150)
    again = results["idle_again_mb"]
    yield f"| the same, after 400,000 flat records | | {again:.0f} MB | |"
    yield _row("start to ready", "< 1.5 s", f"{start:.2f} s", start < 1.5)


def _row(title: str, target: str, measured: str, met: bool) -> str:
    return f"| {title} | {target} | {measured} | {_YES if met else _NO} |"


def _medians(results: Results, name: str) -> dict[str, float]:
    return _middle(results["scenarios"][name]["runs"])


def _middle(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def _scenario(found: dict[str, Any]) -> str:
    runs = found["runs"]
    middle = _middle(runs)
    return (
        f"| {found['title']} | {found['destination']} "
        f"| {found['records']:,} / {found['per_request']:,} "
        f"| {_spread([r['accepted'] for r in runs])} | {_spread([r['visible'] for r in runs])} "
        f"| {middle['megabytes']:.0f} | {middle['cpu_per_million']:.1f} "
        f"| {middle['peak_mb']:.0f} MB | {middle['disk_mb']:.0f} MB "
        f"| {middle['answer_p50'] * 1e3:.0f} ms, {middle['answer_p99'] * 1e3:.0f} ms |"
    )


def _limits(results: Results) -> Iterator[str]:
    words = {
        "memcpy": ("copying memory", 1e9, "GB/s"),
        "fsync": ("4 KB and `fdatasync`, one after the other", 1, "/s"),
        "simdjson": ("simdjson parses the flat body, no Python objects", 1e6, "MB/s"),
        "split": ("msgspec splits the flat body into raw messages", 1, "records/s"),
        "read_json flat": ("DuckDB's `read_json` of the flat file, two threads", 1, "records/s"),
        "read_json nested": ("the same, nested, no subtables", 1, "records/s"),
        "copy flat": (r"`\copy` of the flat records as CSV, keyed table", 1, "records/s"),
        "dropped flat": ("the gate's server drops the flat body", 1, "records/s"),
        "dropped single": ("the same, single records, 64 connections", 1, "requests/s"),
    }
    yield from ("## Limits, in the same run", "", "| | |", "|---|---|")
    for name, (title, unit, per) in words.items():
        values = [value / unit for value in results["limits"][name]]
        yield f"| {title} | {_spread(values, 1 if unit == 1e9 else 0)} {per} |"
    yield ""


def _peers(results: Results) -> Iterator[str]:
    yield from (
        "## Peers, on the same records, one run each",
        "",
        "They read a file: no HTTP, no acknowledgment before the load, no receipts. Their start-up",
        "counts, Seamline's does not.",
        "",
        "| | records | records/s | Seamline is | CPU s per million | peak memory "
        "| records it lost |",
        "|---|---|---|---|---|---|---|",
    )
    for name, by_input in results["peers"].items():
        for input_, one in by_input.items():
            ours = f"postgres-{input_}" if name.endswith("postgres") else input_
            times = _medians(results, ours)["visible"] / one["rate"]
            yield (
                f"| {name} | {input_} | {one['rate']:,.0f} | {times:.1f} times "
                f"| {one['cpu_per_million']:.0f} | {one['peak_mb']:.0f} MB | {one['lost']} |"
            )
    yield ""


def _freshness(results: Results) -> Iterator[str]:
    rows = []
    for name, found in results["freshness"].items():
        scenario = results["scenarios"].get(
            name, {"title": "lone records", "destination": "duckdb"}
        )
        ages = found["ages"]
        rows.append(
            f"| {scenario['title']} | {scenario['destination']} | {found['rate']:,.3g} "
            f"| {ages['count']:,} | {ages['p50']:.2f} s | {ages['p99']:.2f} s |"
        )
    yield from _section(
        "Freshness",
        "From the acknowledgment of a request to the commit at the destination, with the default\n"
        "flush, while half of the visible rate above is offered, 100 records per request at most.",
        "| scenario | to | offered records/s | requests | p50 | p99 |",
        rows,
    )


def _backlog(results: Results) -> Iterator[str]:
    yield from _section(
        "A backlog",
        "What a million flat records cost while so many bytes of requests wait in the queue: to\n"
        "append (four requests of 1,000 per fsync) and to load into DuckDB, each process alone;\n"
        "and how long a loader that starts takes to see what waits.\n\n"
        "![Seconds by gigabytes](docs/images/bench-backlog.svg)",
        "| waiting | on the disk | append | load | to see it | peak memory |",
        [
            f"| {found['gb']:.0f} GB | {found['disk_gb']:.1f} GB | {found['append']:.2f} s "
            f"| {found['load']:.2f} s | {found['listed']:.2f} s | {found['peak_mb']:.0f} MB |"
            for found in results.get("backlog", {}).values()
        ],
    )


def _growth(results: Results) -> Iterator[str]:
    yield from _section(
        "Upserts into large tables",
        "100,000 upserts in one load (in DuckDB with its checkpoint) into a table of so many\n"
        "rows; half of them replace rows all over the table (*recent*: all replace the newest).\n\n"
        "![Seconds by rows, DuckDB](docs/images/bench-growth-duckdb.svg)\n"
        "![Seconds by rows, PostgreSQL](docs/images/bench-growth-postgres.svg)",
        "| keys | to | rows | seconds | peak memory of the loader |",
        [
            f"| {keys} | {kind} | {int(rows):,} | {found['seconds']:.2f} "
            f"| {found['peak_mb']:.0f} MB |"
            for kind, by_keys in results["growth"].items()
            for keys, by_rows in by_keys.items()
            for rows, found in by_rows.items()
        ],
    )


def _tables(results: Results) -> Iterator[str]:
    yield from _section(
        "Many tables",
        "One request of 20 records to each of so many tables, and another one when all is\n"
        "visible; through a server, into DuckDB. Each is a load of its own. (With one table there\n"
        "is one load to time; it also opens the file, and what passes until it begins counts.)\n\n"
        "![Milliseconds by tables](docs/images/bench-tables.svg)",
        "| tables | a load that makes its table | into a table that is there | peak memory |",
        [
            f"| {int(number):,} | {found['first'] * 1e3:.1f} ms | {found['again'] * 1e3:.1f} ms "
            f"| {found['peak_mb']:.0f} MB |"
            for number, found in results["tables"].items()
        ],
    )


def _pages(results: Results) -> Iterator[str]:
    few, many = results["pages"].values()
    yield from _section(
        "Pages of the app",
        "With 100 integrations and 1,000 tables in the catalog, client included, best of five.",
        f"| page | {' | '.join(f'{int(n):,} receipts' for n in results['pages'])} |",
        [f"| `{path}` | {few[path]:.1f} ms | {many[path]:.1f} ms |" for path in few],
    )


def _section(title: str, words: str, header: str, rows: Sequence[str]) -> Iterator[str]:
    yield from (f"## {title}", "", words, "", header, "|---" * (header.count("|") - 1) + "|")
    yield from (*rows, "")


def _checks(results: Results) -> Iterator[str]:
    yield from (
        "## Checking a request",
        "",
        "One body of 20,000 records, in one process. *Check* is everything the gate does to it:",
        "split, decode, judge every record against the schema and the contract. The others decode",
        "the body as a whole (msgspec) and judge the records only.",
        "",
        "| records | body | decode | check | check / decode | `fastjsonschema` / check "
        "| `jsonschema` / check |",
        "|---|---|---|---|---|---|---|",
    )
    for cost in results["checks"]:
        yield (
            f"| {cost['kind']} | {cost['size'] / 1e6:.1f} MB | {cost['decode'] * 1e3:.0f} ms "
            f"| {cost['check'] * 1e3:.0f} ms | {cost['check'] / cost['decode']:.2f} "
            f"| {cost['fastjsonschema'] / cost['check']:.2f} "
            f"| {cost['jsonschema'] / cost['check']:.1f} |"
        )


def _spread(values: Sequence[float], digits: int = 0) -> str:
    middle = f"{statistics.median(values):,.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"
