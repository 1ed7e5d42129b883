"""Throw spoilt requests at a real server and watch what it answers, how fast, and how it grows."""

import http.client
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random

import psutil

from tests.fuzz.requests import Maker, Sent
from tests.server import Server

MAX_SECONDS = 5.0
MAX_GROWTH_BYTES = 64 * 2**20
CLIENTS = 4
_WARM_UP = 0.25


@dataclass
class Report:
    """What came of a run."""

    requests: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    memory_before: int = 0
    """Bytes of the gate after the first quarter."""
    memory_after: int = 0
    faults: list[str] = field(default_factory=list)


class Fuzzer:
    """One server under fire."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._token = server.token("Fuzz")
        server.cli("integration", "create", "Fuzz hook", "--type", "webhook", "--key", "a")
        self._hook = server.json("token", "create", "Fuzz hook")["path"]
        self._client_id = server.json("integration", "show", "Fuzz")["client_id"]

    def run(self, seconds: float, seed: int) -> Report:
        """Fire until the time is up; the same seed makes the same requests."""
        report = Report()
        [pid] = self._server.pids("gate")
        gate = psutil.Process(pid)
        start = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as pool:
            end = start + seconds * _WARM_UP
            list(pool.map(lambda n: self._fire(report, Random(seed + n), end), range(CLIENTS)))
            report.memory_before = gate.memory_info().rss
            end = start + seconds
            seed += CLIENTS
            list(pool.map(lambda n: self._fire(report, Random(seed + n), end), range(CLIENTS)))
        report.memory_after = gate.memory_info().rss
        self._check(report, pid)
        return report

    def _fire(self, report: Report, random: Random, end: float) -> None:
        maker = Maker(random, self._client_id, self._hook)
        while time.monotonic() < end and len(report.faults) < 10:
            sent = maker.request()
            began = time.monotonic()
            try:
                status, text = self._answer(sent)
            except (OSError, http.client.HTTPException) as error:
                report.faults.append(f"{error!r} for {_shown(sent)}")
                continue
            took = time.monotonic() - began
            report.requests += 1
            report.answers[status] += 1
            report.slowest = max(report.slowest, took)
            if status >= 500:
                report.faults.append(f"{status} {text[:200]!r} for {_shown(sent)}")
            if took > MAX_SECONDS:
                report.faults.append(f"{took:.1f} s for {_shown(sent)}")
            if self._token in text:
                report.faults.append(f"the token is in the answer to {_shown(sent)}")

    def _answer(self, sent: Sent) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=30)
        try:
            headers = {"authorization": f"Bearer {self._token}", **sent.headers}
            connection.request(sent.method, sent.path, sent.content, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()

    def _check(self, report: Report, pid: int) -> None:
        if self._server.pids("gate") != [pid]:
            report.faults.append("the gate died")
        if not self._server.pids("loader"):
            report.faults.append("the loader died")
        growth = report.memory_after - report.memory_before
        if growth > MAX_GROWTH_BYTES:
            report.faults.append(f"the gate grew by {growth} bytes")


def _shown(sent: Sent) -> str:
    return f"{sent.method} {sent.path} {sent.headers} {sent.content[:2000]!r}"
