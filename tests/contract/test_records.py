"""``POST /v2/import/records/<table>``: bare records as NDJSON and Arrow, and the batch preview."""

import datetime as dt
import io
import json
import math
import random
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from seamline.gate.answer import Answer
from seamline.gate.arrow import records_of_arrow
from tests.contract.server import Api, body, message

NDJSON = "application/x-ndjson"
ARROW = "application/vnd.apache.arrow.stream"
PREVIEW = "/v2/import/batch/validate"


def send(api: Api, content: bytes, query: str = "", media_type: str = NDJSON) -> Any:
    return api.post(content, path=f"/v2/import/records/t{query}", content_type=media_type)


def stream(table: pa.Table, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


class TestNdjson:
    def test_appends(self, api: Api) -> None:
        answer = send(api, b'{"id":1,"n":1.5}\n\n{"id":2,"n":null}\r\n')
        assert answer.status_code == 201
        assert answer.headers["seamline-receipt"]
        assert api.rows("SELECT id, n FROM crm.t ORDER BY id") == [(1, 1.5), (2, None)]

    def test_upserts_and_the_last_line_wins(self, api: Api) -> None:
        assert send(api, b'{"id":1,"n":"a"}\n{"id":1,"n":"b"}', "?key=id").status_code == 201
        send(api, b'{"id":1,"n":"c"}', "?key=id")
        assert api.rows("SELECT id, n FROM crm.t") == [(1, "c")]

    def test_orders_by_a_field_of_the_records(self, api: Api) -> None:
        send(api, b'{"id":1,"v":9,"n":"new"}\n{"id":1,"v":3,"n":"old"}', "?key=id&sequence=v")
        assert api.rows("SELECT n, _sdc_sequence FROM crm.t") == [("new", 9)]

    def test_deletes(self, api: Api) -> None:
        send(api, b'{"id":1}\n{"id":2}', "?key=id")
        assert send(api, b'{"id":1}', "?key=id&action=delete").status_code == 201
        assert api.rows("SELECT id FROM crm.t") == [(2,)]

    @pytest.mark.parametrize(
        ("content", "query", "words"),
        [
            (b"", "", "the body holds no record"),
            (b'{"a":1}\n[1]', "", "Record 1 is no JSON object"),
            (b'{"a":1}\n{"a":', "", "line 2: "),
            (b'{"a":1}\n{"a":1,"a":2}', "", "Duplicate key [a]"),
            (b'{"id":"x"}', "?sequence=id", "Record 0 has no integer in its sequence field [id]"),
            (b'{"id":9223372036854775808}', "?sequence=id", "Record 0: sequence can not be above"),
            (b'{"a":1}', "?key=id", "Record is missing key property id"),
            (b'{"a":1}', "?keys=id", "unknown parameter [keys]"),
            (b'{"a":1}', "?key=", "key is empty"),
            (b'{"a":1}', "?action=drop", "action is [drop]"),
            (b'{"a":1}', "?table_version=x", "table_version is [x]"),
            (b'{"a":1}', "?table_version=99999999999999999999", "table_version is ["),
            (b'{"a":1}\n' * 20_001, "", "20001 records"),
        ],
    )
    def test_refused(self, api: Api, content: bytes, query: str, words: str) -> None:
        answer = send(api, content, query)
        assert answer.status_code == 400
        assert words in answer.text
        assert api.stored() == 0

    def test_a_line_cannot_break_out_of_its_message(self, api: Api) -> None:
        evil = b'{"a":1}},{"action":"activate_version","sequence":9}'
        assert send(api, evil).status_code == 400

    def test_content_types(self, api: Api) -> None:
        answer = send(api, b"{}", media_type="text/csv")
        assert answer.status_code == 415
        assert NDJSON in answer.json()["message"]


def outcome(content: bytes) -> str | int:
    """Read a stream and say what came of it; anything but records or an answer is a defect."""
    try:
        records, _ = records_of_arrow(content, 10**6)
    except Answer as answer:
        return answer.status
    for record in records:
        json.loads(record)
    return "records"


class TestArrow:
    def test_types_come_from_the_stream(self, api: Api) -> None:
        at = dt.datetime(2024, 5, 1, 10, tzinfo=dt.UTC)
        table = pa.table(
            {
                "id": pa.array([1, 2], pa.int32()),
                "at": pa.array([at, None], pa.timestamp("ns", tz="Europe/Berlin")),
                "day": pa.array([dt.date(2024, 5, 1), None]),
                "amount": pa.array([Decimal("19.99"), None], pa.decimal128(10, 2)),
                "name": pa.array(["a", "b"]).dictionary_encode(),
                "ok": pa.array([True, None]),
                "raw": pa.array([b"\x00\xff", None]),
                "tags": pa.array([["x"], []]),
            }
        )
        assert send(api, stream(table), "?key=id", ARROW).status_code == 201
        assert api.columns("t") == {
            "amount": "DECIMAL(38,6)",
            "at": "TIMESTAMP",
            "day": "TIMESTAMP",
            "id": "BIGINT",
            "name": "VARCHAR",
            "ok": "BOOLEAN",
            "raw": "VARCHAR",
        }
        [first, second] = api.rows('SELECT id, "at", day, amount, name, ok, raw FROM crm.t')
        midnight = dt.datetime(2024, 5, 1)
        utc = at.replace(tzinfo=None)
        assert first == (1, utc, midnight, Decimal("19.99"), "a", True, "AP8=")
        assert second == (2, None, None, None, "b", None, None)

    @pytest.mark.parametrize(
        ("table", "words"),
        [
            (pa.table({"x": [math.nan]}), "Record 0: nan in [x]"),
            (pa.table({"x": [{"y": [math.inf]}]}), "Record 0: inf in [x]"),
            (pa.table({"x": pa.array([1], pa.duration("s"))}), "Column [x] has the type duration"),
            (pa.table([[1], [2]], names=["x", "x"]), "Column [x] stands twice"),
            (pa.table({"x": pa.array([], pa.int8())}), "no record"),
            (pa.table({"x": [0] * 20_001}), "20001 records"),
        ],
    )
    def test_refused(self, api: Api, table: pa.Table, words: str) -> None:
        answer = send(api, stream(table), media_type=ARROW)
        assert answer.status_code == 400
        assert words in answer.text

    @pytest.mark.parametrize("compression", ["zstd", "lz4"])
    def test_compression_inside_is_refused(self, compression: str) -> None:
        with pytest.raises(Answer, match="must not be compressed"):
            records_of_arrow(stream(pa.table({"x": ["a" * 1000]}), compression), 10**6)

    def test_a_dictionary_cannot_blow_up(self) -> None:
        indices = pa.array([0] * 20_000, pa.int8())
        bomb = pa.DictionaryArray.from_arrays(indices, pa.array(["x" * 10**6]))
        with pytest.raises(Answer, match="exceeds the maximum"):
            records_of_arrow(stream(pa.table({"x": bomb})), 10**7)

    def test_damaged_streams(self) -> None:
        whole = stream(pa.table({"i": [1, None], "s": ["a", "b"], "l": [[1], None]}))
        chance = random.Random(7)
        for _ in range(2_000):
            damaged = bytearray(whole)
            for _ in range(chance.randint(1, 4)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            cut = len(damaged) if chance.random() < 0.8 else chance.randrange(len(damaged))
            assert outcome(bytes(damaged[:cut])) in ("records", 400, 413)


class TestPreview:
    def preview(self, api: Api, sent: Any) -> Any:
        answer = api.post(sent, path=PREVIEW)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "OK"
        return answer.json()

    def test_a_new_table(self, api: Api) -> None:
        found = self.preview(api, body())
        assert (found["table"], found["records"], found["problems"]) == ("t", 1, [])
        assert [(c["name"], c["type"], c["change"]) for c in found["columns"]] == [
            ("id", "integer", "new"),
            ("name", "string", "new"),
        ]
        assert api.stored() == 0

    def test_a_column_that_would_split(self, api: Api) -> None:
        api.post(body())
        api.rows("SELECT 1")
        whole = {"properties": {"id": {"type": "integer"}, "name": {"type": "integer"}}}
        sent = body(schema=whole, messages=[message(data={"id": 1, "name": 5})])
        assert [(c["name"], c["change"]) for c in self.preview(api, sent)["columns"]] == [
            ("id", "none"),
            ("name__bi", "split"),
        ]

    @pytest.mark.parametrize(
        ("data", "scope", "reason"),
        [
            ({"id": 1, "_sdc_x": 1}, "record", "reserved prefix on _sdc_x"),
            ({"id": 1, "ID": 2}, "record", "Field collision on id"),
            ({"id": 1, "x__bi": 1}, "record", "reserved datatype suffix on x__bi"),
            ({"id": 1, "x" * 300: 1}, "column", "is too long for DuckDB"),
            ({"id": 2**70}, "record", "integer out of range"),
        ],
    )
    def test_problems_of_records(self, api: Api, data: Any, scope: str, reason: str) -> None:
        found = self.preview(api, body(messages=[message(), message(data=data)]))
        [problem] = found["problems"]
        assert (problem["scope"], problem["record"]) == (scope, 1)
        assert reason in problem["reason"]

    def test_problems_of_tables(self, api: Api) -> None:
        [problem] = self.preview(api, body(table_name="x" * 300))["problems"]
        assert (problem["scope"], problem["record"]) == ("table", None)
        api.post(body())
        api.rows("SELECT 1")
        [problem] = self.preview(api, body(key_names=["name"]))["problems"]
        assert "Primary Keys" in problem["reason"]

    def test_what_batch_refuses_it_refuses(self, api: Api) -> None:
        for sent in (body(foo=1), body(messages=[message(data={"id": "x"})]), b"{"):
            assert api.post(sent, path=PREVIEW).json() == api.post(sent).json()
        assert api.post(body(), path=PREVIEW, authorization=None).status_code == 401
