"""`make audit` against a database of weaknesses that speaks OSV's protocol."""

import json
import re
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


class Osv(ThreadingHTTPServer):
    """Answers https://google.github.io/osv.dev/post-v1-query/ from a list of weak packages."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Query)
        self.asked: dict[str, str] = {}
        self.weak: set[str] = set()
        self.broken = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/query"


class Query(BaseHTTPRequestHandler):
    server: Osv

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = query["package"]["name"]
        self.server.asked[name] = query["version"]
        found = [weakness(name, query["version"])] if name in self.server.weak else []
        body = json.dumps({"vulns": found} if found else {}).encode()
        self.send_response(503 if self.server.broken else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def weakness(name: str, version: str) -> dict[str, object]:
    fixed = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9999"}]}
    package = {"name": name, "ecosystem": "PyPI"}
    return {
        "id": "PYSEC-0000-1",
        "summary": "planted",
        "details": "planted",
        "modified": "2026-01-01T00:00:00Z",
        "published": "2026-01-01T00:00:00Z",
        "affected": [{"package": package, "ranges": [fixed], "versions": [version]}],
    }


@pytest.fixture
def osv() -> Iterator[Osv]:
    with Osv() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def pinned_here() -> dict[str, str]:
    """Name and version of every package of the lock that this Python installs."""
    lines = re.findall(r"^[a-z0-9].*==.*", (ROOT / "requirements.lock").read_text(), re.M)
    pins = [Requirement(line.rstrip("\\ ")) for line in lines]
    assert len(pins) > 60
    here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    return {pin.name: str(pin.specifier).removeprefix("==") for pin in here}


def audit(osv: Osv) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "audit", f"OSV={osv.url}"], cwd=ROOT, capture_output=True, text=True, timeout=300
    )


def test_every_pinned_package_is_asked_about_and_a_weak_one_fails(osv: Osv) -> None:
    clean = audit(osv)
    assert (clean.returncode, "No known vulnerabilities" in clean.stderr) == (0, True), clean
    assert osv.asked == pinned_here()

    osv.weak = {"duckdb"}
    found = audit(osv)
    assert found.returncode != 0
    assert re.search(r"duckdb\s+\S+\s+PYSEC-0000-1\s+9999", found.stdout), found


def test_a_database_that_does_not_answer_fails(osv: Osv) -> None:
    osv.broken = True
    assert audit(osv).returncode != 0
