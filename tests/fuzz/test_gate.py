"""A short run of the fuzzer; ``python -m tests.fuzz --seconds 600`` is the long one."""

from pathlib import Path

from tests.fuzz.gate import Fuzzer
from tests.server import Server


def test_no_faults_no_hangs_no_growth(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--log-level", "error").start()
    try:
        report = Fuzzer(server).run(seconds=12, seed=20240501)
    finally:
        server.stop()
    assert not report.faults
    assert report.requests > 100
    assert {200, 201, 400, 401, 405, 415, 422} <= set(report.answers)
