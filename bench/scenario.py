"""A scenario: what is pushed, how, and where it goes; read from ``scenarios/*.toml``."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import inputs
from bench.client import Client, Sent, head_of
from bench.databases import DESTINATIONS, postgres
from bench.running import Running, server
from seamline.catalog import destinations
from seamline.catalog.store import Catalog
from seamline.config.settings import Settings
from seamline.destinations.registry import open_destination

SCENARIOS = Path(__file__).parent / "scenarios"
_FRESHNESS_SECONDS = 8.0
_FRESHNESS_PER_REQUEST = 100


@dataclass(frozen=True)
class Scenario:
    """One line of the report."""

    name: str
    title: str
    input: str
    records: int
    per_request: int
    connections: int = 4
    tables: int = 1
    destination: str = "duckdb"
    keyed: bool = True
    transit: bool = False


@dataclass(frozen=True)
class Result:
    """One run. Rates are per second; MB are of request bodies."""

    accepted: float
    visible: float
    megabytes: float
    cpu_per_million: float
    peak_mb: float
    disk_mb: float
    answer_p50: float
    answer_p99: float
    start_seconds: float


def scenarios() -> list[Scenario]:
    """Read all scenarios; each goes to both destinations."""
    return [
        Scenario(
            path.stem if destination == "duckdb" else f"{destination}-{path.stem}",
            destination=destination,
            **tomllib.loads(path.read_text()),
        )
        for destination in DESTINATIONS
        for path in sorted(SCENARIOS.glob("*.toml"))
    ]


def run(scenario: Scenario) -> Result:
    """Push everything as fast as it is taken, wait until it is visible, and check it."""
    lines = inputs.lines_of(scenario.input, scenario.records)
    with _running(scenario) as running:
        bodies = _bodies(scenario, lines, running)
        cpu = running.cpu_seconds()
        sent = _push(scenario, running, bodies)
        begin = min(one.began for one in sent)
        accepted = max(one.at for one in sent) - begin
        running.wait_until_visible()
        visible = running.last_loaded_at() - begin
        cpu = running.cpu_seconds() - cpu
        disk, peak = running.disk_bytes(), running.peak_memory()
        _check(scenario, running)
        answers = sorted(one.at - one.began for one in sent)
        return Result(
            accepted=len(lines) / accepted,
            visible=len(lines) / visible,
            megabytes=sum(map(len, bodies)) / visible / 1e6,
            cpu_per_million=cpu / len(lines) * 1e6,
            peak_mb=peak / 1e6,
            disk_mb=disk / 1e6,
            answer_p50=answers[len(answers) // 2],
            answer_p99=answers[int(len(answers) * 0.99)],
            start_seconds=running.start_seconds,
        )


def freshness(scenario: Scenario, rate: float) -> list[float]:
    """Offer records at a steady rate; return each request's age when it became visible."""
    count = min(max(int(rate * _FRESHNESS_SECONDS), _FRESHNESS_PER_REQUEST), scenario.records)
    return _ages(scenario, count, min(scenario.per_request, _FRESHNESS_PER_REQUEST), rate)


def lone_records(scenario: Scenario, count: int) -> list[float]:
    """Push single records, 1.5 seconds apart; return their ages when they became visible."""
    return _ages(scenario, count, 1, 1 / 1.5)


def _ages(scenario: Scenario, count: int, per_request: int, rate: float) -> list[float]:
    lines = inputs.lines_of(scenario.input, scenario.records)[:count]
    offered = replace(scenario, per_request=per_request)
    with _running(scenario) as running:
        bodies = _bodies(offered, lines, running)
        sent = _push(offered, running, bodies, rate / per_request)
        running.wait_until_visible()
        return running.ages(sent)


@contextmanager
def _running(scenario: Scenario) -> Iterator[Running]:
    if scenario.destination == "postgres":
        with postgres() as config, server(kind="postgres", config=config) as running:
            yield running
    else:
        with server() as running:
            yield running


def _bodies(scenario: Scenario, lines: list[bytes], running: Running) -> list[bytes]:
    if scenario.transit:
        return inputs.pushes_of(scenario.input, lines, scenario.per_request, running.client_id)
    return inputs.bodies_of(
        scenario.input, lines, scenario.per_request, scenario.tables, keyed=scenario.keyed
    )


def _push(
    scenario: Scenario, running: Running, bodies: list[bytes], per_second: float = 0.0
) -> list[Sent]:
    path, media_type = "/v2/import/batch", "application/json"
    if scenario.transit:
        path, media_type = "/v2/import/push", "application/transit+json"
    client = Client(running.port, head_of(path, running.token, media_type))
    return client.push(bodies, scenario.connections, per_second)


def _check(scenario: Scenario, running: Running) -> None:
    """Make sure that what was measured is right: every record is there, once."""
    names = [f"t{n}" for n in range(scenario.tables)] if scenario.tables > 1 else ["t"]
    key = inputs.INPUTS[scenario.input].key
    union = " UNION ALL ".join(f"SELECT {key} FROM bench.{name}" for name in names)
    sql = f"SELECT count(*) AS n, count(DISTINCT {key}) AS d FROM ({union}) AS r"
    if scenario.destination == "duckdb":
        found = _asked(running, sql)
    else:
        settings = Settings(data_dir=str(running.folder))
        catalog = Catalog(running.folder / "catalog.db")
        record = destinations.find(catalog, "target")
        catalog.close()
        found = open_destination(record.type, record.config, settings).query(sql, 1).to_pylist()
    assert found == [{"n": scenario.records, "d": scenario.records}], found


def _asked(running: Running, sql: str) -> Any:
    command = [sys.executable, "-m", "seamline", "query", "--json"]
    done = subprocess.run(
        [*command, "--data-dir", str(running.folder), sql], capture_output=True, check=True
    )
    return json.loads(done.stdout)
