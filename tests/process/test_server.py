"""The processes together: limits, receipts, signals, the warehouse file and its lock."""

import http.client
import json
import signal
import ssl
import threading
import time
from pathlib import Path

import duckdb
import psutil
import pytest

from seamline.catalog import destinations
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from tests.certificate import Certificate
from tests.server import Server, batch_body


def test_receipt_tells_the_whole_journey(server: Server) -> None:
    token = server.token("Journey")
    body = batch_body("t", ["id"], [{"id": 1}, {"id": 2}, {"id": 1}], 1)
    _, headers, _ = server.post(token, body)
    journey = server.wait_until_loaded(token, headers["seamline-receipt"])
    [batch] = journey["batches"]
    counts = [batch[name] for name in ("records", "loaded", "rejected", "stale")]
    assert counts == [3, 2, 0, 1]
    assert set(batch["seconds"]) == {"queued", "prepared", "loaded"}
    assert server.json("receipt", headers["seamline-receipt"])["batches"] == [batch]


def test_a_receipt_belongs_to_its_integration(server: Server) -> None:
    mine, other = server.token("Mine"), server.token("Other")
    _, headers, _ = server.post(mine, batch_body("t", ["id"], [{"id": 1}], 1))
    path = f"/v2/import/receipts/{headers['seamline-receipt']}"
    assert server.call("GET", path, other)[0] == 404
    assert server.call("GET", path, "nope")[0] == 401
    assert server.call("GET", f"{path}?wait=x", mine)[0] == 400


def test_a_lone_record_is_visible_while_the_server_runs(server: Server) -> None:
    token = server.token("Visible")
    _, headers, _ = server.post(token, batch_body("t", [], [{"id": 1, "s": "a"}], 1))
    server.wait_until_loaded(token, headers["seamline-receipt"])
    assert server.query("SELECT id, s FROM visible.t") == [{"id": 1, "s": "a"}]
    [row] = [r for r in server.json("status")["tables"] if r["schema"] == "visible"]
    assert (row["table"], row["waiting"], row["rows_loaded"]) == ("t", 0, 1)
    assert server.json("loads", "--integration", "Visible")[0]["state"] == "loaded"


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM _seamline.fence",
        "CREATE TABLE x (a INTEGER)",
        "SELECT 1; SELECT 2",
        "COPY (SELECT 1) TO 'x.csv'",
        "ATTACH 'other.duckdb'",
        "SET memory_limit = '9GB'",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/passwd'",
        "INSTALL httpfs",
        "no sql",
    ],
)
def test_query_only_reads_tables(server: Server, sql: str) -> None:
    said = server.cli("query", sql, check=False)
    assert said.startswith("seamline: ")
    assert "Traceback" not in said


def test_ia_029_030_bodies_up_to_twenty_mebibytes(server: Server) -> None:
    token = server.token("Large")
    text = "x" * 900
    records = [{"id": i, "text": text} for i in range(20_000)]
    body = batch_body("large", ["id"], records, 1)
    assert 19_000_000 < len(body) < 20_971_520
    status, headers, _ = server.post(token, body)
    assert status == 201
    assert server.post(token, body.ljust(20_971_520))[0] == 201
    server.wait_until_loaded(token, headers["seamline-receipt"])
    assert server.query("SELECT count(*) AS n FROM large.large") == [{"n": 20_000}]


def test_too_large_a_body_is_refused_before_it_is_read(server: Server) -> None:
    token = server.token("TooLarge")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.putrequest("POST", "/v2/import/batch")
    connection.putheader("Authorization", f"Bearer {token}")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "20971521")
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    answer = connection.getresponse()  # though not a byte of the body was sent
    assert answer.status == 413
    assert "(20971521 bytes)" in answer.read().decode()
    connection.close()


def test_too_large_a_body_is_not_buffered(server: Server) -> None:
    token = server.token("Unbuffered")
    [gate] = server.pids("gate")
    before = psutil.Process(gate).memory_info().rss
    peak, done = before, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.is_set():
            peak = max(peak, psutil.Process(gate).memory_info().rss)
            time.sleep(0.002)

    watcher = threading.Thread(target=watch)
    watcher.start()
    answers = [server.post(token, b" " * 60_000_000) for _ in range(3)]
    done.set()
    watcher.join()
    assert [status for status, _, _ in answers] == [413] * 3
    assert "(60000000 bytes)" in answers[0][2]
    assert peak - before < 20_000_000


def test_sigterm_keeps_what_was_acknowledged(stopped: Server) -> None:
    server = Server(stopped.folder, "--flush-seconds", "600")
    server.start()
    token = server.token()
    # The first load comes at once; the others wait for ten minutes, so the stop finds them.
    _, headers, _ = server.post(token, batch_body("t", [], [{"id": 0}], 0))
    server.wait_until_loaded(token, headers["seamline-receipt"])
    for i in range(1, 20):
        assert server.post(token, batch_body("t", [], [{"id": i}], i))[0] == 201
    assert server.stop() == 0
    waiting = server.json("status")["queue"]["records"]
    assert waiting == 19
    restarted = Server(stopped.folder).start()
    restarted.wait_until_empty()
    assert restarted.query("SELECT count(*) AS n, count(DISTINCT id) AS d FROM import_api.t") == [
        {"n": 20, "d": 20}
    ]
    assert restarted.stop() == 0


def test_children_do_not_outlive_a_killed_supervisor(stopped: Server) -> None:
    stopped.start()
    stopped.stop(signal.SIGKILL)  # asserts that the children are gone
    stopped.start()
    assert stopped.stop() == 0


def test_a_second_server_on_the_same_directory_is_refused(server: Server) -> None:
    said = server.cli("serve", "--port", "0", check=False)
    assert "another server" in said
    assert "--data-dir" in said


def test_a_port_in_use_is_refused(server: Server, tmp_path: Path) -> None:
    other = Server(tmp_path / "other")
    said = other.cli("serve", "--port", str(server.port), check=False)
    assert said == (
        f"seamline: another program listens on 127.0.0.1:{server.port}; choose another --port.\n"
    )
    assert "cannot listen on 203.0.113.1" in other.cli(
        "serve", "--host", "203.0.113.1", check=False
    )


def test_others_may_read_the_file_while_the_server_is_idle(server: Server) -> None:
    token = server.token("Idle")
    _, headers, _ = server.post(token, batch_body("t", ["id"], [{"id": 1}], 1))
    server.wait_until_loaded(token, headers["seamline-receipt"])
    connection = _opened_read_only(server)
    assert connection.execute("SELECT id FROM idle.t").fetchall() == [(1,)]
    connection.close()


def test_a_load_waits_while_someone_else_has_the_file(server: Server) -> None:
    token = server.token("Busy")
    _, headers, _ = server.post(token, batch_body("t", ["id"], [{"id": 1}], 1))
    server.wait_until_loaded(token, headers["seamline-receipt"])
    reader = _opened_read_only(server)
    _, headers, _ = server.post(token, batch_body("t", ["id"], [{"id": 2}], 2))
    deadline = time.monotonic() + 30
    while True:  # until the wait is shown
        rows = {r["schema"]: r for r in server.json("status")["tables"]}
        if rows["busy"]["error"]:
            break
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert "lock" in rows["busy"]["error"].lower()
    assert rows["busy"]["waiting"] == 1
    assert [load["state"] for load in server.json("loads", "--integration", "Busy")] == ["loaded"]
    reader.close()
    server.wait_until_loaded(token, headers["seamline-receipt"])
    assert server.query("SELECT count(*) AS n FROM busy.t") == [{"n": 2}]
    rows = {r["schema"]: r for r in server.json("status")["tables"]}
    assert rows["busy"]["error"] is None


def test_revoking_by_command_line_is_effective_at_once(server: Server) -> None:
    token = server.token("Revoked")
    body = batch_body("t", ["id"], [{"id": 1}], 1)
    assert server.post(token, body)[0] == 201
    [listed] = server.json("token", "list", "Revoked")
    server.cli("token", "revoke", "Revoked", str(listed["id"]))
    status, _, text = server.post(token, body)
    assert (status, json.loads(text)) == (401, {"message": "Not Authorized"})


def test_the_first_start_offers_a_link_to_set_the_password(stopped: Server) -> None:
    stopped.start()
    line = stopped.read_line()
    assert line.startswith("Set the admin password, once: ")
    address = line.split()[-1]
    assert address.startswith(f"{stopped.url}/setup/")
    status, _, text = stopped.call("GET", address.removeprefix(stopped.url), "no token")
    assert status == 200
    assert "<form" in text
    stopped.stop()


def test_doctor_finds_nothing_wrong(server: Server) -> None:
    assert all(step["ok"] for step in server.json("doctor"))


def _opened_read_only(server: Server) -> duckdb.DuckDBPyConnection:
    """Open the warehouse as another program would, as soon as the loader lets go of it."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return duckdb.connect(str(server.folder / "warehouse.duckdb"), read_only=True)
        except duckdb.IOException:
            assert time.monotonic() < deadline, "the loader does not let go of the file"
            time.sleep(0.05)


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0", "::1"])
def test_hosts_by_name_and_kind(tmp_path: Path, host: str) -> None:
    server = Server(tmp_path / "data", "--host", host).start()
    shown = f"[{host}]" if ":" in host else host
    assert f"at http://{shown}:{server.port}" in server.cli("status")
    assert server.json("status")["server"]["import_api"] == "OK"
    server.stop()


def test_the_warehouse_may_move(stopped: Server) -> None:
    server = stopped.start()
    token = server.token()
    body = batch_body("t", ["id"], [{"id": 1}], 1)
    receipt = server.post(token, body)[1]["seamline-receipt"]
    server.wait_until_loaded(token, receipt)
    catalog = Catalog(DataDir(str(server.folder)).catalog)
    record = destinations.find(catalog, None)
    destinations.update(catalog, record, {"path": str(server.folder / "other.duckdb")})
    catalog.close()
    receipt = server.post(token, batch_body("u", ["id"], [{"id": 2}], 1))[1]["seamline-receipt"]
    server.wait_until_loaded(token, receipt)
    listed = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'import_api'"
    assert server.query(f"{listed} AND table_name[1] <> '_'") == [{"table_name": "u"}]
    assert server.stop() == 0
    assert server.query("SELECT id FROM import_api.u") == [{"id": 2}]


def test_logs_as_json(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--log-format", "json", errors=tmp_path / "log").start()
    token = server.token()
    receipt = server.post(token, batch_body("t", [], [{"id": 1}], 1))[1]["seamline-receipt"]
    server.wait_until_loaded(token, receipt)
    [first] = server.pids("loader")
    server.kill("loader")
    while server.pids("loader") in ([], [first]):
        time.sleep(0.05)
    server.stop()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    [loaded] = [line for line in lines if line["event"] == "loaded"]
    assert (loaded["role"], loaded["table"], loaded["receipt"]) == ("loader", "t", receipt)
    [died] = [line for line in lines if line["level"] == "warning"]
    assert (died["role"], died["process"]) == ("supervisor", "loader")


def test_https(tmp_path: Path) -> None:
    made = Certificate.made()
    (tmp_path / "cert.pem").write_bytes(made.certificate)
    (tmp_path / "key.pem").write_bytes(made.key)
    flags = ("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem"))
    server = Server(tmp_path / "data", *flags).start()
    context = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context)
    connection.request("GET", "/v2/import/status")
    assert connection.getresponse().status == 200
    connection.close()
    assert server.stop() == 0
    words = server.cli("serve", "--tls-cert", str(tmp_path / "cert.pem"), check=False)
    assert "belong together" in words
