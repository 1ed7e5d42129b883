"""``python -m bench``: measure, and write BENCHMARKS.md.

Every part's results are kept in ``bench/data/results.json``, so that ``--only`` can repeat some.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from rich.console import Console

from bench import checking, limits, pages, peers, report, tables
from bench.client import Client, head_of
from bench.databases import DESTINATIONS
from bench.inputs import DATA, bodies_of, lines_of
from bench.running import server
from bench.scenario import Scenario, freshness, lone_records, run, scenarios

RESULTS = DATA / "results.json"
_GROWN = ("integer", "recent", "text")
_ROWS = (1_000_000, 10_000_000, 30_000_000)
_COMPARED = ("flat", "nested", "postgres-flat", "postgres-nested", "single")
"""Scenarios that peers or limits are held against."""
_TABLES = (1, 10, 100, 1_000, 10_000)
_BACKLOGS = (1, 10, 100)
"""Gigabytes of requests."""
_LONE_RECORDS = 12
_IDLE_SECONDS = 5.0
out = Console()

Results = dict[str, Any]


def main() -> None:
    """Parse the command line, measure, report."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--only",
        nargs="*",
        help="parts: names of scenarios, limits, peers, freshness, growth, many-tables, backlog, "
        "pages, idle, checks; "
        "none writes the report anew",
    )
    chosen = parser.parse_args()
    results: Results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results["machine"] = report.machine()
    parts = _parts(chosen.runs, results)
    unknown = sorted({*(chosen.only or ())} - parts.keys())
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(parts)}")
    for name, part in parts.items():
        if chosen.only is None or name in chosen.only:
            begin = time.perf_counter()
            part()
            out.print(f"{name}: {time.perf_counter() - begin:.0f} s")
            RESULTS.write_text(json.dumps(results, indent=1))
    report.write(results)
    out.print(f"written: {report.REPORT.name}")


def _parts(runs: int, results: Results) -> dict[str, Callable[[], None]]:
    """Return what can be measured; each part puts what it finds into the results."""
    found = {one.name: one for one in scenarios()}
    each = {name: partial(_scenario, results, one, runs) for name, one in found.items()}
    # What is compared is measured side by side: the machine is not the same all day.
    compared = {name: each.pop(name) for name in _COMPARED}
    return {
        "limits": partial(_limits, results, found, runs),
        **compared,
        "peers": partial(_peers, results, found),
        **each,
        "freshness": partial(_freshness, results, found, runs),
        "growth": partial(_growth, results),
        "many-tables": partial(_tables, results),
        "backlog": partial(_backlog, results),
        "pages": partial(_pages, results),
        "idle": partial(_idle, results),
        "checks": partial(_checks, results, runs),
    }


def _scenario(results: Results, scenario: Scenario, runs: int) -> None:
    rows = [asdict(run(scenario)) for _ in range(runs)]
    results.setdefault("scenarios", {})[scenario.name] = {
        "title": scenario.title, "records": scenario.records, "destination": scenario.destination,
        "per_request": scenario.per_request, "runs": rows,
    }  # fmt: skip
    rate = statistics.median(row["visible"] for row in rows)
    out.print(f"{scenario.name}: {rate:,.0f} visible/s")


def _limits(results: Results, found: dict[str, Scenario], runs: int) -> None:
    flat, nested, single = (found[n].records for n in ("flat", "nested", "single"))
    measured: dict[str, Callable[[], float]] = {
        "memcpy": limits.memcpy,
        "fsync": limits.fsync,
        "split": lambda: limits.split("flat", flat),
        "simdjson": lambda: limits.simdjson("flat", flat),
        "read_json flat": lambda: limits.read_json("flat", flat),
        "read_json nested": lambda: limits.read_json("nested", nested),
        "copy flat": lambda: limits.copy("flat", flat),
        "dropped flat": lambda: limits.dropped("flat", flat, 1_000, 4),
        "dropped single": lambda: limits.dropped("flat", single, 1, 64),
    }
    results["limits"] = {name: [one() for _ in range(runs)] for name, one in measured.items()}


def _peers(results: Results, found: dict[str, Scenario]) -> None:
    kept = results.setdefault("peers", {})
    for name in peers.DESTINATION:
        for scenario in (found["flat"], found["nested"]):
            one = peers.run(name, scenario.input, scenario.records)
            kept.setdefault(name, {})[scenario.input] = asdict(one)
            out.print(f"{name}, {scenario.input}: {one.rate:,.0f}/s")


def _freshness(results: Results, found: dict[str, Scenario], runs: int) -> None:
    kept = results.setdefault("freshness", {})
    for scenario in found.values():
        rows = results["scenarios"][scenario.name]["runs"]
        rate = statistics.median(row["visible"] for row in rows) / 2
        often = runs if scenario.name == "flat" else 1
        ages = [report.quantiles(freshness(scenario, rate)) for _ in range(often)]
        middle = {name: statistics.median(one[name] for one in ages) for name in ages[0]}
        kept[scenario.name] = {"rate": rate, "ages": middle}
        out.print(f"freshness, {scenario.name}: {middle}")
    lone = lone_records(found["flat"], _LONE_RECORDS)
    kept["lone"] = {"rate": 1 / 1.5, "ages": report.quantiles(lone)}


def _growth(results: Results) -> None:
    kept = results["growth"] = {}
    for destination in DESTINATIONS:
        for keys in _GROWN:
            found = {str(rows): _alone("growth", destination, keys, str(rows)) for rows in _ROWS}
            kept.setdefault(destination, {})[keys] = found


def _tables(results: Results) -> None:
    kept = results["tables"] = {}
    for number in _TABLES:
        kept[str(number)] = tables.cost(number)
        out.print(f"{number:,} tables: {kept[str(number)]}")


def _pages(results: Results) -> None:
    kept = results.setdefault("pages", {})
    for receipts in pages.RECEIPTS:
        kept[str(receipts)] = pages.milliseconds(receipts)


def _backlog(results: Results) -> None:
    kept = results["backlog"] = {}
    for gigabytes in map(str, _BACKLOGS):
        kept[gigabytes] = _alone("backlog", gigabytes)


def _alone(module: str, *arguments: str) -> Any:
    """Measure in a process of its own, whose memory is then what the measured thing takes."""
    command = [sys.executable, "-m", f"bench.{module}", *arguments]
    done = subprocess.run(command, capture_output=True, check=True)
    out.print(f"{module}, {', '.join(arguments)}: {done.stdout.decode().strip()}")
    return json.loads(done.stdout)


def _idle(results: Results) -> None:
    with server() as running:
        time.sleep(_IDLE_SECONDS)
        results["idle_mb"] = running.memory() / 1e6
        results["start_seconds"] = running.start_seconds
        bodies = bodies_of("flat", lines_of("flat", 400_000), 1_000)
        Client(running.port, head_of("/v2/import/batch", running.token)).push(bodies, 4)
        running.wait_until_visible()
        time.sleep(_IDLE_SECONDS)
        results["idle_again_mb"] = running.memory() / 1e6


def _checks(results: Results, runs: int) -> None:
    results["checks"] = [asdict(cost) for cost in checking.costs(runs)]


if __name__ == "__main__":
    main()
