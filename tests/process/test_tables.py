"""``seamline table`` and ``seamline plan`` on a running server."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.server import Server

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Any:
    started = Server(tmp_path / "data").start()
    yield started
    started.stop()


def file_of(folder: Path, *records: dict[str, Any]) -> str:
    path = folder / "records.ndjson"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(path)


def test_from_a_plan_to_a_merge(server: Server, tmp_path: Path) -> None:
    token = server.token("Shop")

    def push(*records: dict[str, Any]) -> str:
        file = file_of(tmp_path, *records)
        arguments = ("push", file, "--table", "orders", "--key", "id", "--token", token)
        receipt: str = server.json(*arguments)["receipts"][0]
        server.wait_until_loaded(token, receipt)
        return receipt

    first = push({"id": 1, "v": 1})
    planned = server.json(
        "plan", "orders", file_of(tmp_path, {"id": 2, "v": "two"}, {"id": 3, "_sdc_x": 1}),
        "--key", "id",
    )  # fmt: skip
    changes = {column["name"]: column["change"] for column in planned["columns"]}
    assert changes == {"id": "none", "v__st": "split"}
    [problem] = planned["problems"]
    assert problem["record"] == 1
    assert "reserved prefix" in problem["reason"]
    assert server.json("table", "list", "Shop")[0]["columns"] == 6  # nothing was made

    second = push({"id": 2, "v": "two"})
    shown = server.json("table", "show", "Shop", "orders")
    assert [(c["change"], c["column"], c["receipt"]) for c in shown["history"]] == [
        ("add column", "v__st", second),
        ("create table", None, first),
    ]
    server.cli("table", "merge", "Shop", "orders", "v")
    push({"id": 3, "v": 3})
    assert server.query("SELECT id, v FROM shop.orders ORDER BY id") == [
        {"id": 1, "v": "1"}, {"id": 2, "v": "two"}, {"id": 3, "v": "3"},
    ]  # fmt: skip
    server.cli("table", "latest", "Shop", "orders")
    assert server.query("SELECT count(*) AS n FROM shop.orders_latest") == [{"n": 3}]


def test_flush_of_one_table(server: Server) -> None:
    server.token("Shop")
    decided = server.json("table", "set", "Shop", "slow", "--flush-seconds", "60")
    assert decided["flush_seconds"] == 60
    assert server.json("table", "set", "Shop", "slow", "--reset")["flush_seconds"] is None
    said = server.cli("table", "set", "Shop", "slow", "--flush-rows", "0", check=False)
    assert "flush_rows is [0]; it must be 1 to 1000000000000." in said
    said = server.cli("table", "set", "Shop", "slow", check=False)
    assert "nothing to decide" in said


def test_what_is_not_there(server: Server, tmp_path: Path) -> None:
    server.token("Shop")
    assert "no table [x]" in server.cli("table", "show", "Shop", "x", check=False)
    file = file_of(tmp_path)
    assert "holds no records" in server.cli("plan", "t", file, check=False)
    assert "there is no file" in server.cli("plan", "t", str(tmp_path / "no"), check=False)
