"""Clients written for the hosted service, with nothing changed but their URL."""

import http.server
import json
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.clients.environments import python_with
from tests.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# The client is of 2018; names that Python 3.10 took out of `collections` are put back for it.
PUSH_TEN = """
import collections, collections.abc, datetime, sys, uuid
for name in collections.abc.__all__:
    setattr(collections, name, getattr(collections.abc, name))
from stitchclient.client import Client

url, client_id, token = sys.argv[1:]
sent = []
with Client(client_id, token, table_name="people", key_names=["id"],
            callback_function=sent.extend, override_stitch_url=url) as client:
    for i in range(10):
        client.push({
            "action": "upsert", "sequence": i,
            "data": {"id": i % 9, "name": "Zo\\u00eb %d" % i, "score": i / 4, "ok": i % 2 == 0,
                     "at": datetime.datetime(2024, 5, 1, 10, 0, i, tzinfo=datetime.timezone.utc),
                     "key": uuid.UUID(int=i), "nothing": None, "tilde": "~x"},
        }, i)
print(sorted(sent))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("clients") / "data").start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def stitchclient() -> Path:
    return python_with("stitchclient")


@pytest.fixture(scope="module")
def target_stitch() -> Path:
    return python_with("target-stitch").parent / "target-stitch"


def test_ia_149_stitchclient(server: Server, stitchclient: Path) -> None:
    """IA-149."""
    token = server.token("Python")
    client_id = server.json("integration", "show", "Python")["client_id"]
    done = subprocess.run(
        [stitchclient, "-c", PUSH_TEN, f"{server.url}/v2/import/push", str(client_id), token],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(list(range(10)))
    server.wait_until_empty()
    rows = server.query("SELECT * FROM python.people ORDER BY id")
    assert len(rows) == 9
    first = {k: v for k, v in rows[0].items() if not k.startswith("_sdc")}
    assert first == {
        "id": 0,
        "name": "Zoë 9",
        "score": 2.25,
        "ok": False,
        "at": "2024-05-01T10:00:09",
        "key": "00000000-0000-0000-0000-000000000009",
        "tilde": "~x",
    }


def test_stitchclient_tells_its_user_of_a_refusal(server: Server, stitchclient: Path) -> None:
    token = server.token("Wrong")
    done = subprocess.run(
        [stitchclient, "-c", PUSH_TEN, f"{server.url}/v2/import/push", "1", token],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "Access token is not associated with this client." in done.stderr


def singer(*messages: dict[str, Any]) -> str:
    return "".join(json.dumps(message) + "\n" for message in messages)


def people(version: int, *records: dict[str, Any]) -> list[dict[str, Any]]:
    """Write a stream of one generation of the table ``people``."""
    schema = {
        "properties": {
            "id": {"type": "integer"},
            "name": {"type": ["null", "string"]},
            "at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
            "score": {"type": ["null", "number"]},
        }
    }
    head = {"type": "SCHEMA", "stream": "people", "schema": schema, "key_properties": ["id"]}
    activate = {"type": "ACTIVATE_VERSION", "stream": "people", "version": version}
    rows = [
        {"type": "RECORD", "stream": "people", "version": version, "record": record,
         "time_extracted": "2024-05-01T10:00:00.000000Z"}
        for record in records
    ]  # fmt: skip
    return [head, *rows, activate, {"type": "STATE", "value": {"version": version}}]


def run_target(
    program: Path, folder: Path, url: str, token: str, messages: list[dict[str, Any]]
) -> "subprocess.CompletedProcess[str]":
    config = folder / "config.json"
    config.write_text(
        json.dumps(
            {
                "client_id": 1,
                "token": token,
                "small_batch_url": f"{url}/v2/import/batch",
                "big_batch_url": f"{url}/v2/import/bigbatch",
                "batch_size_preferences": {},
                "disable_collection": True,
            }
        )
    )
    return subprocess.run(
        [program, "--config", config, "--batch-delay-seconds", "0.1"],
        input=singer(*messages),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


FINN = {"id": 1, "name": "Finn", "at": "2024-05-01T12:00:00+02:00", "score": 1.5}
JAKE = {"id": 2, "name": None, "at": None, "score": 28}
ROWS = 'SELECT id, name, "at", score, _sdc_table_version AS v FROM {}.people ORDER BY id'


def test_ia_099_target_stitch_with_generations(
    server: Server, target_stitch: Path, tmp_path: Path
) -> None:
    token = server.token("Singer")
    done = run_target(target_stitch, tmp_path, server.url, token, people(1, FINN, JAKE))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"version": 1}
    server.wait_until_empty()
    assert server.query(ROWS.format("singer")) == [
        {"id": 1, "name": "Finn", "at": "2024-05-01T10:00:00", "score": 1.5, "v": 1},
        {"id": 2, "name": None, "at": None, "score": 28.0, "v": 1},
    ]
    columns = server.query("SELECT _sdc_extracted_at AS e FROM singer.people LIMIT 1")
    assert columns == [{"e": "2024-05-01T10:00:00"}]
    done = run_target(target_stitch, tmp_path, server.url, token, people(2, FINN))
    assert done.returncode == 0, done.stderr
    server.wait_until_empty()
    assert [(row["id"], row["v"]) for row in server.query(ROWS.format("singer"))] == [(1, 2)]


class Faulty(http.server.BaseHTTPRequestHandler):
    """Passes requests on, but first fails some, and loses the answer to others."""

    upstream = ""
    faults: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = self.faults.pop(0) if self.faults else None
        if fault == "503":
            self._answer(503, b'{"status":"ERROR"}')
            return
        kept = ("Authorization", "Content-Type")
        headers = {name: self.headers[name] for name in kept}
        request = urllib.request.Request(self.upstream + self.path, body, headers)
        with urllib.request.urlopen(request) as answer:
            content = answer.read()
        if fault == "lost":
            self._answer(502, b"bad gateway")  # stored, but the client cannot know
            return
        self._answer(answer.status, content)

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        return


def test_target_stitch_tries_again_and_nothing_is_doubled(
    server: Server, target_stitch: Path, tmp_path: Path
) -> None:
    token = server.token("Retry")
    Faulty.upstream = server.url
    Faulty.faults[:] = ["503", "lost"]
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Faulty)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{proxy.server_port}"
        done = run_target(target_stitch, tmp_path, url, token, people(1, FINN, JAKE))
    finally:
        proxy.shutdown()
    assert done.returncode == 0, done.stderr
    assert Faulty.faults == []
    assert json.loads(done.stdout.splitlines()[-1]) == {"version": 1}
    server.wait_until_empty()
    assert [row["id"] for row in server.query(ROWS.format("retry"))] == [1, 2]


def test_target_stitch_prints_no_state_for_what_was_refused(
    server: Server, target_stitch: Path, tmp_path: Path
) -> None:
    done = run_target(target_stitch, tmp_path, server.url, "at_nobody", people(1, FINN))
    assert done.returncode != 0
    assert '{"version": 1}' not in done.stdout
