"""MySQL, on a real MariaDB: what its specification says apart from the others (column MY)."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from seamline.core.errors import DestinationDown, Refused, TableStopped
from seamline.destinations.mysql import copy
from seamline.destinations.mysql.config import MySQLConfig
from tests.certificate import Certificate
from tests.conftest import MakeDepot
from tests.depot import Depot, nested_schema, upsert
from tests.mariadb import MariaDBServer

pytestmark = pytest.mark.destinations("mysql")


def typed(**properties: Any) -> dict[str, Any]:
    return {"properties": {"id": {"type": "integer"}, **properties}}


class TestTables:
    def test_at_001_types_and_keys(self, depot: Depot) -> None:
        schema = typed(
            at={"type": "string", "format": "date-time"},
            d={"type": "number", "multipleOf": 0.01},
            n={"type": "number"},
        )
        message = upsert(1, id=1, at="2024-03-01T09:00:00+02:00", d=1.25, n=1, b=True, s="x")
        depot.push("a", ["id"], {**message, "data": message["data"] | {"o": {"x": 1}}},
                   schema=schema)  # fmt: skip
        found = (
            "SELECT column_name, column_type FROM information_schema.columns "
            "WHERE table_name = 'a' AND column_name NOT LIKE '|_sdc%' ESCAPE '|'"
        )
        assert dict(depot.rows(found)) == {
            "at": "datetime(6)",
            "b": "tinyint(1)",
            "d": "decimal(38,6)",
            "id": "bigint(20)",
            "n": "double",
            "o": "longtext",  # MariaDB's JSON is a text with a check
            "s": "longtext",
        }
        assert depot.keys("a") == ("id",)
        assert depot.table("a", "at", "b") == [(datetime(2024, 3, 1, 7), 1)]

    def test_text_keys_are_as_long_as_an_index_allows(self, depot: Depot) -> None:
        depot.send({"table_name": "t", "key_names": ["id"], "sequence": 1,
                    "data": {"id": "é" * 768}})  # fmt: skip
        assert depot.table("t", "id") == [("é" * 768,)]
        keys = ["a", "b", "c"]
        depot.push("u", keys, upsert(1, a="x" * 255, b="y" * 255, c="z" * 255))
        assert len(depot.table("u", *keys)) == 1

    def test_a_key_that_is_too_long_is_rejected(self, depot: Depot) -> None:
        record = {"table_name": "t", "key_names": ["id"], "sequence": 1}
        long = "x" * 769
        depot.send({**record, "data": {"id": long}}, {**record, "data": {"id": "short"}})
        assert depot.table("t", "id") == [("short",)]
        assert depot.rejected() == [("t", "Primary Key id is longer than 768 characters")]

    def test_at_024_keys_are_compared_exactly(self, depot: Depot) -> None:
        keys = ["a", "A", "a ", "á"]
        depot.push("t", ["id"], *(upsert(1, id=key) for key in keys))
        assert sorted(row[0] for row in depot.table("t", "id")) == sorted(keys)

    def test_a_users_unique_index_stops_the_table(self, depot: Depot) -> None:
        """ON DUPLICATE KEY would have written over the other row."""
        depot.push("t", ["id"], upsert(1, id=1, mail="a"), upsert(1, id=2, mail="b"))
        depot.user("CREATE UNIQUE INDEX mails ON depot.t (mail(100))")
        with pytest.raises(TableStopped, match="Duplicate entry"):
            depot.push("t", ["id"], upsert(2, id=3, mail="a"))
        assert depot.table("t", "id", "mail") == [(1, "a"), (2, "b")]

    def test_at_097_too_many_columns(self, depot: Depot) -> None:
        for start in range(0, 1_012, 253):
            record = {f"c{c}": c for c in range(start, start + 253)}
            depot.push("t", ["id"], upsert(1, **{"id": start, **record}), schema=typed())
        assert len(depot.columns("t")) == 1_017
        depot.push("t", ["id"], upsert(2, id=1, more=1), schema=typed())
        assert depot.rejected() == [("t", "ERROR: too many columns")]

    def test_deletions(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id="a"), upsert(1, id="b"))
        depot.push("t", ["id"], {"action": "delete", "sequence": 3, "data": {"id": "a"}})
        depot.push("t", ["id"], upsert(2, id="a", late=1))
        assert depot.table("t", "id") == [("b",)]
        depot.push("t", ["id"], upsert(4, id="a"))
        assert depot.table("t", "id") == [("a",), ("b",)]

    def test_json_is_json(self, depot: Depot) -> None:
        value = {"a": [1, {"b": 'it\'s \\ "q" 😀'}]}
        depot.push(
            "t", ["id"], upsert(1, id=1, o=value), schema=nested_schema({"id": 1, "o": value})
        )
        [(found,)] = depot.rows("SELECT json_extract(o, '$.a[1].b') FROM depot.t")
        assert json.loads(found) == value["a"][1]["b"]  # type: ignore[index]

    @pytest.mark.parametrize("text", ["", "a\\", "\\'", "it's", "''", "%s", "a\nb\tc", "é😀", ",("])
    def test_any_text(self, depot: Depot, text: str) -> None:
        depot.push("t", ["id"], upsert(1, id=1, s=text))
        assert depot.table("t", "s") == [(text,)]


class TestNames:
    @pytest.mark.parametrize(
        ("raw", "canonical"),
        [("CuStOmErId", "customerid"), (" customer id ", "customer_id"), ("a$b", "a$b"),
         ("CUSTOMER! ID", "customer__id"), ("naïve", "na_ve"), ("4id", "4id"), ("_cid", "_cid"),
         ("order", "order"), ("price__va", "price__va"), ("a`b\"c", "a_b_c")],
    )  # fmt: skip
    def test_columns(self, depot: Depot, raw: str, canonical: str) -> None:
        depot.push("t", ["id"], upsert(1, **{"id": 1, raw: "x"}))
        assert depot.table("t", canonical) == [("x",)]

    @pytest.mark.parametrize("name", ["v__dt", "v__fl", "v__js", "v__it"])
    def test_reserved_suffixes(self, depot: Depot, name: str) -> None:
        depot.push("t", ["id"], upsert(1, **{"id": 1, name: 1}))
        [(_, reason)] = depot.rejected()
        assert "reserved datatype suffix" in reason

    @pytest.mark.parametrize("table", ["t_old", "T_STG"])
    def test_reserved_tables(self, depot: Depot, table: str) -> None:
        depot.push(table, ["id"], upsert(1, id=1))
        reason = f"table names from client should not include reserved suffix on {table}"
        assert depot.rejected() == [(table.lower(), reason)]

    def test_at_108_the_longest_name_can_split(self, depot: Depot) -> None:
        name = "x" * 60
        for key, value in ((1, 5), (2, "s")):
            depot.push("t", ["id"], upsert(1, **{"id": key, name: value}), schema=typed())
        assert depot.table("t", f"{name}__bi", f"{name}__st") == [(5, None), (None, "s")]


class TestTrouble:
    def test_at_049_no_right_to_make_a_database(self, depot: Depot, make: MakeDepot) -> None:
        depot.push("t", ["id"], upsert(1, id=1))
        depot.user(
            "DROP USER IF EXISTS weak", "CREATE USER weak",
            "GRANT ALL ON _seamline.* TO weak", "GRANT SELECT ON depot.* TO weak",
        )  # fmt: skip
        config = {**depot.config(), "username": "weak"}
        strong, depot.config = depot.config, lambda: config  # type: ignore[method-assign]
        depot.restart_loader()
        with pytest.raises(TableStopped, match="denied"):
            depot.push("u", ["id"], upsert(1, id=1))
        depot.destination.close()
        depot.config = strong  # type: ignore[method-assign]
        depot.restart_loader()
        depot.load()
        assert depot.table("u", "id") == [(1,)]

    def test_a_server_that_is_killed_and_comes_back(self, depot: Depot) -> None:
        server = MariaDBServer()
        try:
            depot.config = lambda: server.connection  # type: ignore[method-assign]
            depot.restart_loader()
            depot.push("t", ["id"], upsert(1, id=1))
            server.stop(9)
            with pytest.raises(DestinationDown):
                depot.push("t", ["id"], upsert(1, id=2))
            server.start()
            depot.load()
            assert depot.table("t", "id") == [(1,), (2,)]
        finally:
            depot.destination.close()
            server.remove()

    @pytest.mark.parametrize(
        "sql", ["DELETE FROM depot.t", "CREATE DATABASE x", "/*!50000 DROP */ TABLE depot.t",
                "SELECT 1; DROP TABLE depot.t", "WITH a AS (SELECT 1) DELETE FROM depot.t"],
    )  # fmt: skip
    def test_queries_only_read(self, depot: Depot, sql: str) -> None:
        depot.push("t", ["id"], upsert(1, id=1))
        with pytest.raises(Refused):
            depot.destination.query(sql, 10)
        assert depot.table("t", "id") == [(1,)]
        assert ("x",) not in depot.rows("SHOW DATABASES")

    def test_check_names_its_steps(self, depot: Depot) -> None:
        assert all(step.ok for step in depot.destination.check())
        depot.config = lambda: {"host": "127.0.0.1", "port": "1", "username": "u"}  # type: ignore[method-assign]
        depot.restart_loader()
        [step] = depot.destination.check()
        assert not step.ok
        assert "check host, port" in step.advice

    @pytest.mark.parametrize(
        ("config", "words"),
        [({}, "host"), ({"host": "h", "username": "u", "port": "x"}, "port is"),
         ({"host": "h", "username": "u", "ssl": "maybe"}, "ssl is"),
         ({"host": "h", "username": "u", "append_only": "yes"}, "append_only is"),
         ({"host": "h", "database": "d"}, "no setting")],
    )  # fmt: skip
    def test_settings_that_are_none(self, config: Any, words: str) -> None:
        with pytest.raises(Refused, match=words):
            MySQLConfig.parse(config)


class TestConnection:
    def test_encrypted_and_verified(self, depot: Depot, tmp_path: Path) -> None:
        certificate = Certificate.made()
        server = MariaDBServer(tls=certificate)
        root, other = tmp_path / "root.pem", tmp_path / "other.pem"
        root.write_bytes(certificate.certificate)
        other.write_bytes(Certificate.made().certificate)

        def connect(**options: str) -> None:
            depot.destination.close()
            depot.config = lambda: {**server.connection, **options}  # type: ignore[method-assign]
            depot.restart_loader()

        try:
            for mode in ({"ssl": "true"}, {"ssl": "verify-full", "sslrootcert": str(root)}):
                connect(**mode)
                depot.push("t", ["id"], upsert(1, id=1))
                [(_, cipher)] = depot.rows("SHOW STATUS LIKE 'Ssl_cipher'")
                assert cipher
            connect(ssl="verify-full", sslrootcert=str(other))
            with pytest.raises(DestinationDown, match="certificate verify failed"):
                depot.push("t", ["id"], upsert(2, id=1))
        finally:
            depot.destination.close()
            server.remove()

    def test_cut_in_the_middle_of_an_insert(
        self, depot: Depot, mariadb_server: MariaDBServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        depot.push("t", ["id"], upsert(1, id=0))
        whole, name = copy.row_values, "seamline.destinations.mysql.session.row_values"

        def cut(rows: Any, most: int) -> Any:
            values = list(whole(rows, 100_000))
            assert len(values) > 2
            yield values[0]
            with mariadb_server.connect() as connection, connection.cursor() as cursor:
                cursor.execute(
                    "SELECT id FROM information_schema.processlist WHERE db = '_seamline'"
                )
                for (number,) in cursor.fetchall():
                    cursor.execute(f"KILL {number}")
            yield from values[1:]

        messages = [upsert(1, id=key, s="x" * 500) for key in range(1, 2_000)]
        depot.batch("t", ["id"], *messages)
        monkeypatch.setattr(name, cut)
        with pytest.raises(DestinationDown):
            depot.load()
        monkeypatch.setattr(name, whole)
        depot.load()
        assert depot.rows("SELECT count(*), count(DISTINCT id) FROM depot.t") == [(2_000, 2_000)]
