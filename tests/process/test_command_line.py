"""Commands as scripts use them: JSON, exit codes, pushing files."""

import json
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.server import Server, batch_body

LINES = [
    {"id": 1, "name": "Ann", "at": "2024-05-01T10:00:00Z", "score": 1, "tags": ["a"]},
    {"id": 2, "name": None, "at": "2024-05-01T12:00:00+02:00", "score": 2.5},
    {"id": 3, "name": "Zoë", "at": "2024-05-02T00:00:00.25Z", "extra": True},
]


def test_push_ndjson_infers_types_over_the_whole_file(server: Server, tmp_path: Path) -> None:
    token = server.token("Lines")
    file = tmp_path / "people.ndjson"
    file.write_text("\n".join(map(json.dumps, LINES)) + "\n\n")
    said = json.loads(
        server.cli("push", str(file), "--table", "people", "--key", "id", "--batch", "2", "--json",
                   SEAMLINE_TOKEN=token)
    )  # fmt: skip
    assert (said["records"], said["requests"]) == (3, 2)
    for receipt in said["receipts"]:
        server.wait_until_loaded(token, receipt)
    rows = server.query('SELECT id, name, "at", score, extra FROM lines.people ORDER BY id')
    assert rows == [
        {"id": 1, "name": "Ann", "at": "2024-05-01T10:00:00", "score": 1.0,
         "extra": None},
        {"id": 2, "name": None, "at": "2024-05-01T10:00:00", "score": 2.5,
         "extra": None},
        {"id": 3, "name": "Zoë", "at": "2024-05-02T00:00:00.250000", "score": None,
         "extra": True},
    ]  # fmt: skip
    assert server.query("SELECT value FROM lines.people__tags") == [{"value": "a"}]
    again = server.cli("push", str(file), "--table", "people", "--key", "id", "--token", token)
    assert "3 records accepted in 1 requests" in again
    server.wait_until_empty()
    assert server.query("SELECT count(*) AS n FROM lines.people") == [{"n": 3}]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_push_tables(server: Server, tmp_path: Path, kind: str) -> None:
    token = server.token(kind)
    file = tmp_path / f"t.{kind}"
    if kind == "csv":
        file.write_text('id,name,price,day,ok\n1,"a, b",1.5,2024-05-01,true\n2,,2,2024-05-02,\n')
    else:
        columns = {"id": [1, 2], "name": ["a, b", None], "price": [1.5, 2.0]}
        pyarrow.parquet.write_table(pa.table(columns), file)
    server.cli("push", str(file), "--table", "t", "--token", token)
    server.wait_until_empty()
    assert server.query(f"SELECT id, name, price FROM {kind}.t ORDER BY id") == [
        {"id": 1, "name": "a, b", "price": 1.5},
        {"id": 2, "name": None, "price": 2.0},
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["push", "nothing.ndjson", "--table", "t", "--token", "x"], "there is no file"),
        (["push", "pyproject.toml", "--table", "t", "--token", "x"], "known endings"),
        (["push", "pyproject.toml", "--table", "t"], "no token"),
        (["integration", "show", "nobody"], "there is no integration [nobody]"),
        (["integration", "create", "####"], "invalid name after deriving it"),
        (["integration", "create", "x", "--destination", "nowhere"], "no destination [nowhere]"),
        (["receipt", "rc_0"], "there is no receipt [rc_0]"),
        (["destination", "add", "duckdb", "x=1"], "has no setting [x]"),
        (["destination", "add", "oracle", "x=1"], "no destination type [oracle]"),
    ],
)
def test_mistakes_are_told_in_one_line(server: Server, arguments: list[str], words: str) -> None:
    said = server.cli(*arguments, check=False)
    assert words in said
    assert said.startswith("seamline: ")
    assert said.count("\n") == 1


def test_pushing_bad_records_names_the_record(server: Server, tmp_path: Path) -> None:
    token = server.token("Bad")
    file = tmp_path / "bad.ndjson"
    file.write_text('{"id": 1}\n{"id": nope}\n')
    said = server.cli("push", str(file), "--table", "t", "--token", token, check=False)
    assert "record 2 is not a JSON object" in said
    said = server.cli("push", str(file), "--table", "t", "--token", "at_x", check=False)
    assert "record 2" in said


def test_commands_work_with_the_server_stopped(stopped: Server) -> None:
    said = stopped.cli("status", check=False)
    assert "there is no Seamline in" in said
    made = stopped.json("integration", "create", "Recurring Orders (EU)")
    assert made["schema"] == "recurring_orders_eu"
    assert set(made) >= {"id", "name", "schema", "client_id"}
    token = stopped.json("token", "create", "Recurring Orders (EU)")
    assert set(token) == {"id", "access_token"}
    assert stopped.json("integration", "pause", "recurring_orders_eu")["state"] == "paused"
    assert stopped.json("integration", "resume", "1")["state"] == "active"
    assert stopped.json("integration", "list")[0]["name"] == "Recurring Orders (EU)"
    stopped.cli("token", "create", "1")
    assert "at most 2" in stopped.cli("token", "create", "1", check=False)
    assert stopped.json("integration", "delete", "1")["state"] == "deleted"
    assert stopped.json("integration", "list") == []
    assert stopped.json("status")["server"]["process"] is None
    assert "nothing has been loaded" in stopped.cli("query", "SELECT 1", check=False)
    assert stopped.json("loads") == []


def test_settings_tell_where_they_come_from(stopped: Server, tmp_path: Path) -> None:
    file = tmp_path / "seamline.toml"
    file.write_text("flush_rows = 7\nflush_seconds = 2\n")
    found = json.loads(
        stopped.cli("config", "--json", SEAMLINE_CONFIG=str(file), SEAMLINE_FLUSH_ROWS="8")
    )
    assert found["flush_rows"] == {**found["flush_rows"], "value": 8, "from": "SEAMLINE_FLUSH_ROWS"}
    assert found["flush_seconds"]["from"] == str(file)
    assert found["data_dir"]["from"] == "flag --data-dir"
    assert found["host"]["from"] == "default"
    said = stopped.cli("config", check=False, SEAMLINE_FLUSH_ROWS="many")
    assert "flush_rows is [many] (from SEAMLINE_FLUSH_ROWS); it must be a whole number" in said


def test_destinations_come_and_go(stopped: Server, tmp_path: Path) -> None:
    stopped.json("integration", "create", "First")
    made = stopped.json(
        "destination", "add", "duckdb", f"path={tmp_path / 'other.duckdb'}", "--name", "other"
    )
    assert stopped.json("integration", "create", "Second", "--destination", "other")
    steps = stopped.json("destination", "check", "other")
    assert all(step["ok"] for step in steps)
    assert "delete them first" in stopped.cli("destination", "remove", "other", check=False)
    stopped.cli("integration", "delete", "Second")
    assert stopped.json("destination", "remove", "other") == {"id": made["id"], "removed": True}
    assert [d["name"] for d in stopped.json("destination", "list")] == ["warehouse"]
    assert "delete them first" in stopped.cli("destination", "remove", "warehouse", check=False)


def test_a_second_destination_is_loaded_too(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "second.duckdb"
    server.cli("destination", "add", "duckdb", f"path={file}", "--name", "second")
    server.cli("integration", "create", "Elsewhere", "--destination", "second")
    token = server.json("token", "create", "Elsewhere")["access_token"]
    _, headers, _ = server.post(token, batch_body("t", ["id"], [{"id": 1}], 1))
    server.wait_until_loaded(token, headers["seamline-receipt"])
    deadline = time.monotonic() + 20
    while True:  # until the loader lets go of the file
        try:
            with duckdb.connect(str(file), read_only=True) as connection:
                assert connection.execute("SELECT id FROM elsewhere.t").fetchall() == [(1,)]
                return
        except duckdb.IOException:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_rejected_records_are_seen_and_replayed(server: Server) -> None:
    token = server.token("Inbox")
    body = {
        "table_name": "t",
        "key_names": ["id"],
        "schema": {"properties": {"id": {"type": "integer"}}},
        "messages": [{"action": "upsert", "sequence": 1, "data": {"id": 1, "price__st": 5}}],
    }
    _, headers, _ = server.post(token, json.dumps(body).encode())
    server.wait_until_loaded(token, headers["seamline-receipt"])
    [found] = server.json("rejected", "list", "--integration", "Inbox")
    shown = server.json("rejected", "show", str(found["id"]))
    assert "--rename" in shown["advice"]
    assert shown["message"] == body["messages"][0]  # type: ignore[index]
    said = server.json("rejected", "replay", str(found["id"]), "--rename", "price__st=price")
    server.wait_until_loaded(token, said[0]["receipt"])
    assert server.query("SELECT id, price FROM inbox.t") == [{"id": 1, "price": 5}]
    assert "reserved datatype suffix" in server.cli("rejected", "list", "--all")
    assert server.json("rejected", "list") == []
