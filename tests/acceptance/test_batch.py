"""Rows IA-001 to IA-106 of the acceptance table (import-api.md §5): status and batch."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from seamline.catalog import integrations
from seamline.core.errors import Trouble
from seamline.queue.sqlite import SqliteQueue
from tests.contract.server import BATCH, STATUS, Api, body, message, serving

ACCEPTED = {"status": "OK", "message": "Batch Accepted!"}
NOT_AUTHORIZED = {"message": "Not Authorized"}
NOT_ACTIVE = {"error": "Forbidden", "errors": {"error": "Connection is not active."}}
WRONG_METHOD = "Method not allowed."
WRONG_TYPE = "Content-Type must be application/json"
PUSH = "/v2/import/push"

Row = tuple[str, Any]


def rows(table: list[tuple[Any, ...]]) -> Any:
    """Make each row a test named by its ID."""
    return [pytest.param(*row[1:], id=row[0]) for row in table]


def schema(**properties: Any) -> dict[str, Any]:
    return {"properties": {"id": {"type": "integer"}, **properties}}


def one(sub: Any, value: Any) -> dict[str, Any]:
    """A batch with one record whose field ``name`` has this schema and this value."""
    return body(schema=schema(name=sub), messages=[message(data={"id": 1, "name": value})])


class TestStatus:
    def test_ia_001_and_002_status(self, api: Api) -> None:
        """IA-001 public, IA-002 reason null."""
        answer = api.client.get(STATUS)
        assert answer.status_code == 200
        assert set(answer.json()) == {"name", "version", "revision", "status", "reason"}
        assert answer.json()["name"] == "pipeline.gate"
        assert answer.json()["status"] == "OK"
        assert answer.json()["reason"] is None

    def test_ia_003_ignores_a_bad_token(self, api: Api) -> None:
        """IA-003."""
        answer = api.client.get(STATUS, headers={"authorization": "Bearer nope"})
        assert answer.status_code == 200

    def test_ia_004_method(self, api: Api) -> None:
        """IA-004."""
        answer = api.client.post(STATUS)
        assert (answer.status_code, answer.text) == (405, WRONG_METHOD)

    def test_ia_005_intake_down(self, dead: Api) -> None:
        """IA-005."""
        assert dead.post(body()).status_code == 503
        answer = dead.client.get(STATUS)
        assert answer.status_code == 503
        assert answer.json()["status"] == "ERROR"
        assert "disk" in answer.json()["reason"]


class TestAccepted:
    def test_ia_006_and_007_accepted(self, api: Api) -> None:
        """IA-006 body, IA-007 content type."""
        answer = api.post(body())
        assert (answer.status_code, answer.json()) == (201, ACCEPTED)
        assert answer.headers["content-type"].startswith("application/json")

    def test_ia_008_bigbatch(self, api: Api) -> None:
        """IA-008."""
        answer = api.post(body(), path="/v2/import/bigbatch")
        assert (answer.status_code, answer.json()) == (201, ACCEPTED)

    def test_ia_009_many_records(self, api: Api) -> None:
        """IA-009."""
        three = [message(data={"id": i, "name": "a"}) for i in range(3)]
        assert api.post(body(messages=three)).status_code == 201
        assert len(api.rows("FROM crm.t")) == 3

    def test_ia_010_charset(self, api: Api) -> None:
        """IA-010."""
        assert api.post(body(), content_type="application/json; charset=utf-8").status_code == 201

    @pytest.mark.parametrize("escaped", [True, False])
    def test_ia_011_text_is_kept(self, api: Api, escaped: bool) -> None:
        """IA-011."""
        sent = body(messages=[message(data={"id": 1, "name": "Zoë 日本"})])
        assert api.post(json.dumps(sent, ensure_ascii=escaped).encode()).status_code == 201
        assert api.rows("SELECT name FROM crm.t") == [("Zoë 日本",)]


class TestAccess:
    @pytest.mark.parametrize(
        "header",
        rows([("IA-012", None), ("IA-013", "Bearer at_unknown"), ("IA-014", "Basic dTpw"),
              ("IA-016", "Bearer ac_connect_key"), ("IA-199", "Bearer " + "x" * 8192)]),
    )  # fmt: skip
    def test_not_authorized(self, api: Api, header: str | None) -> None:
        answer = api.post(body(), authorization=header)
        assert (answer.status_code, answer.json()) == (401, NOT_AUTHORIZED)

    def test_ia_015_scheme_case(self, api: Api) -> None:
        """IA-015."""
        assert api.post(body(), authorization=f"bearer {api.t1}").status_code == 201

    @pytest.mark.parametrize("path", rows([("IA-017", BATCH), ("IA-018", PUSH)]))
    def test_paused(self, api: Api, path: str) -> None:
        integrations.pause(api.catalog, api.s1.id)
        answer = api.post([api.pushed()] if path == PUSH else body(), path=path)
        assert (answer.status_code, answer.json()) == (401, NOT_ACTIVE)

    def test_ia_019_resumed(self, api: Api) -> None:
        """IA-019."""
        integrations.pause(api.catalog, api.s1.id)
        integrations.resume(api.catalog, api.s1.id)
        assert api.post(body()).status_code == 201

    def test_ia_020_deleted(self, api: Api) -> None:
        """IA-020."""
        integrations.delete(api.catalog, api.s1.id)
        answer = api.post(body())
        assert (answer.status_code, answer.json()) == (401, NOT_ACTIVE)

    def test_ia_021_scope_of_a_token(self, api: Api) -> None:
        """IA-021."""
        assert api.post(body(), token=api.t2).status_code == 201
        tables = "SELECT schema_name FROM duckdb_tables() WHERE table_name = 't'"
        assert api.rows(tables) == [("shop",)]

    def test_ia_022_region(self, tmp_path: Path) -> None:
        """IA-022."""
        hosts = "eu=api.eu.example.org, us=api.example.org:443"
        with serving(tmp_path / "eu", region="eu", region_hosts=hosts) as api:
            for host, status in (("API.example.org:8383", 401), ("api.eu.example.org", 201)):
                answer = api.post(body(), host=host)
                assert answer.status_code == status
                if status == 401:
                    assert answer.json() == {"message": "Invalid region."}
            assert api.post(body(), host="localhost").status_code == 201
            wrong = api.post(body(), host="api.example.org", authorization="Bearer at_unknown")
            assert wrong.json() == NOT_AUTHORIZED  # the token comes first


class TestTransport:
    @pytest.mark.parametrize(
        ("method", "path"),
        rows([("IA-023", "GET", BATCH), ("IA-024", "PUT", PUSH), ("IA-024b", "DELETE", PUSH)]),
    )
    def test_methods(self, api: Api, method: str, path: str) -> None:
        answer = api.client.request(method, path)
        assert (answer.status_code, answer.text) == (405, WRONG_METHOD)

    def test_ia_025_unknown_path(self, api: Api) -> None:
        """IA-025."""
        assert api.post(body(), path="/v2/import/nothing").status_code == 404

    @pytest.mark.parametrize(
        "media_type",
        rows([("IA-026", "text/plain"), ("IA-027", "application/transit+json"), ("IA-028", None)]),
    )
    def test_content_type(self, api: Api, media_type: str | None) -> None:
        answer = api.post(body(), content_type=media_type)
        assert (answer.status_code, answer.text) == (415, WRONG_TYPE)

    def test_ia_029_size_pass(self, api: Api) -> None:
        """IA-029."""
        sent = json.dumps(body()).encode()
        assert api.post(sent.ljust(20_000_000)).status_code == 201

    @pytest.mark.parametrize("chunked", rows([("IA-030", False), ("IA-031", True)]))
    def test_too_large(self, api: Api, chunked: bool) -> None:
        sent = json.dumps(body()).encode().ljust(20_971_521)
        answer = api.client.post(
            BATCH,
            content=_pieces(sent) if chunked else sent,
            headers={"authorization": f"Bearer {api.t1}", "content-type": "application/json"},
        )
        assert answer.status_code == 413
        assert answer.json()["status"] == "ERROR"
        text = r"Request rejected: request size \(\d+s? bytes\) exceeds the maximum"
        assert re.fullmatch(text, answer.json()["message"])


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), 2**20):
        yield content[start : start + 2**20]


def envelope(words: str) -> str:
    return "Request failed validation:" + words


B7 = envelope(
    "#/messages/0: #: 0 subschemas matched instead of one "
    "#/messages/0: 2 schema violations found "
    "#/messages/0: required key [{0}] not found "
    "#/messages/0: extraneous key [data] is not permitted "
    "#/messages/0: required key [{0}] not found"
)
MANY = [message(sequence=i) for i in range(20_001)]


class TestEnvelope:
    def test_ia_032_malformed(self, api: Api) -> None:
        """IA-032."""
        answer = api.post(b'{"table_name":')
        assert answer.status_code == 400
        assert isinstance(answer.json(), dict)

    @pytest.mark.parametrize(
        ("sent", "words"),
        rows([
            ("IA-033", [{}], envelope("#: expected type: JSONObject, found: JSONArray")),
            ("IA-034", body(table_name=None), envelope("#: required key [table_name] not found")),
            ("IA-035", body(schema=None), envelope("#: required key [schema] not found")),
            ("IA-036", body(messages=None), envelope("#: required key [messages] not found")),
            ("IA-037", body(schema=None, messages=None), envelope(
                "#: 2 schema violations found #: required key [schema] not found "
                "#: required key [messages] not found")),
            ("IA-038", body(foo=1), envelope("#: extraneous key [foo] is not permitted")),
            ("IA-039", body(client_id=7001),
             envelope("#: extraneous key [client_id] is not permitted")),
            ("IA-040", body(table_name=5),
             envelope("#/table_name: expected type: String, found: Integer")),
            ("IA-041", body(messages={}),
             envelope("#/messages: expected type: JSONArray, found: JSONObject")),
            ("IA-042", body(schema=[]),
             envelope("#/schema: expected type: JSONObject, found: JSONArray")),
            ("IA-043", body(key_names="id"),
             envelope("#/key_names: expected type: JSONArray, found: String")),
            ("IA-044", {**body(), "key_names": None},
             envelope("#/key_names: expected type: JSONArray, found: Null")),
            ("IA-047", body(messages=[]),
             envelope("#/messages: expected minimum item count: 1, found: 0")),
            ("IA-049", body(messages=MANY),
             envelope("#/messages: expected maximum item count: 20000, found: 20001")),
            ("IA-050", body(messages=[message(sequence=None)]), B7.format("sequence")),
            ("IA-051", body(messages=[message(action=None)]), B7.format("action")),
            ("IA-057", body(messages=[message(sequence=2**63)]),
             envelope("#: sequence can not be above 9223372036854775807")),
        ]),
    )  # fmt: skip
    def test_exact(self, api: Api, sent: Any, words: str) -> None:
        assert api.error(sent) == words
        assert api.stored() == 0

    @pytest.mark.parametrize(
        ("changed", "part"),
        rows([
            ("IA-052", message(data=None), "required key [data] not found"),
            ("IA-054", message(sequence="1"),
             "#/messages/0/sequence: expected type: Integer, found: String"),
            ("IA-055", message(sequence=1.5), "expected type: Integer, found: Double"),
            ("IA-058", message(action="delete"), "Request failed validation:#/messages/0"),
            ("IA-059", message(foo=1), "#/messages/0: extraneous key [foo] is not permitted"),
            ("IA-095", {**message(), "action": "activate_version"}, "#/messages/0"),
        ]),
    )  # fmt: skip
    def test_messages(self, api: Api, changed: Any, part: str) -> None:
        words = api.error(body(messages=[changed]))
        assert words.startswith("Request failed validation:")
        assert part in words

    def test_ia_053_second_message(self, api: Api) -> None:
        """IA-053."""
        assert "#/messages/1:" in api.error(body(messages=[message(), message(sequence=None)]))

    def test_ia_045_without_keys(self, api: Api) -> None:
        """IA-045."""
        for _ in range(2):
            assert api.post(body(key_names=None)).status_code == 201
        assert len(api.rows("FROM crm.t")) == 2

    def test_ia_046_empty_keys(self, api: Api) -> None:
        """IA-046."""
        assert api.post(body(key_names=[])).status_code == 201
        [(key,)] = api.rows("SELECT __sdc_primary_key FROM crm.t")
        assert len(key) == 36

    def test_ia_048_most_messages(self, api: Api) -> None:
        """IA-048."""
        assert api.post(body(messages=MANY[:20_000])).status_code == 201

    def test_ia_056_greatest_sequence(self, api: Api) -> None:
        """IA-056."""
        assert api.post(body(messages=[message(sequence=2**63 - 1)])).status_code == 201
        assert api.rows("SELECT _sdc_sequence FROM crm.t") == [(2**63 - 1,)]


def record(words: str, index: int = 0) -> str:
    return f"Record {index} did not conform to schema: {words}"


NULLABLE = {"type": ["null", "string"]}
ADDRESS = {"type": "object", "properties": {"zip": {"type": "integer"}}}
TIME = {"type": "string", "format": "date-time"}
STRICT = {**schema(name={"type": "string"}), "additionalProperties": False}


class TestRecords:
    @pytest.mark.parametrize(
        ("sent", "pattern"),
        rows([
            ("IA-060", body(messages=[message(data={"id": "x"})]),
             r"Record 0 did not conform to schema:\s*"
             r"#/id: expected(?: type)?: Integer, found: String\s*"),
            ("IA-061", body(messages=[message(), message(), message(data={"id": "x"})]),
             "Record 2 .*"),
            ("IA-063", one({"type": "string"}, None),
             ".*#/name: expected type: String, found: Null"),
            ("IA-065", one(NULLABLE, [1]),
             ".*#/name: #: no subschema matched out of the total 2 subschemas.*"
             "#/name: expected: null, found: JSONArray.*"),
            ("IA-066", one({"type": "integer"}, 1.0), ".*found: Double"),
            ("IA-068", one({"type": "string"}, 3_000_000_000), ".*found: Long"),
            ("IA-069", one({"type": "boolean"}, "true"),
             ".*expected type: Boolean, found: String"),
            ("IA-070", one(ADDRESS, {"zip": "x"}), ".*#/name/zip: .*"),
            ("IA-071", one({"type": "array", "items": {"type": "integer"}}, [1, "x"]),
             ".*#/name/1: .*"),
            ("IA-074", body(schema=STRICT, messages=[message(data={"id": 1, "extra": 5})]),
             r".*extraneous key \[extra\] is not permitted"),
            ("IA-075", body(schema={**schema(), "required": ["name"]},
                            messages=[message(data={"id": 1})]),
             r".*#: required key \[name\] not found"),
            ("IA-079", one(TIME, "yesterday"), ".*is not a valid date-time.*"),
            ("IA-080", one({"type": "strin"}, "x"),
             r"Invalid JSON schema: unknown type: \[strin\]"),
            ("IA-081", one(True, "x"),
             "Invalid JSON schema: key null: expected type is one of JSONObject, found: Boolean"),
            ("IA-083", one({"$ref": "http://127.0.0.1:1/x.json"}, "x"), "Invalid JSON schema: .*"),
            ("IA-084", one({"enum": ["a"]}, "b"), ".*#/name: b is not a valid enum value"),
            ("IA-085", body(messages=[message(data={"name": "a"})]),
             "Record is missing key property id"),
            ("IA-086", body(schema={"properties": {"id": {"type": ["null", "integer"]}}},
                            messages=[message(data={"id": None})]),
             "Record is missing key property id"),
            ("IA-087", body(schema=schema(at={"type": "integer"}), key_names=["id", "at"],
                            messages=[message(data={"id": 1})]),
             "Record is missing key property at"),
            ("IA-088", body(key_names=["zz"]), "Record is missing key property zz"),
            ("IA-090", body(key_names=["name"],
                            messages=[message(data={"id": 1, "name": "x" * 1025})]),
             "String keys cannot be longer than 1024 characters"),
            ("IA-092", one({}, list(range(9_999))),
             "Record 0 exceeds the maximum of 10000 data points"),
        ]),
    )  # fmt: skip
    def test_refused(self, api: Api, sent: Any, pattern: str) -> None:
        assert re.fullmatch(pattern, api.error(sent))
        assert api.stored() == 0

    def test_ia_062_all_or_nothing(self, api: Api) -> None:
        """IA-062."""
        api.error(body(messages=[message(), message(), message(data={"id": "x"})]))
        assert api.stored() == 0

    @pytest.mark.parametrize(
        ("sent", "column"),
        rows([
            ("IA-064", one(NULLABLE, None), None),
            ("IA-067", one({"type": "number"}, 15), ("DOUBLE", 15.0)),
            ("IA-072a", one({}, True), ("BOOLEAN", True)),
            ("IA-072", one({}, 3), ("BIGINT", 3)),
            ("IA-072b", one({}, "x"), ("VARCHAR", "x")),
            ("IA-076", one(TIME, "2020-01-13T21:25:03Z"),
             ("TIMESTAMP", datetime(2020, 1, 13, 21, 25, 3))),
            ("IA-077", one(TIME, "2020-01-13T21:25:03+0000"),
             ("TIMESTAMP", datetime(2020, 1, 13, 21, 25, 3))),
            ("IA-078", one(TIME, "2020-01-13T21:25:03.123456+02:00"),
             ("TIMESTAMP", datetime(2020, 1, 13, 19, 25, 3, 123456))),
            ("IA-082", body(schema={**schema(name={"$ref": "#/definitions/x"}),
                                    "definitions": {"x": {"type": "string"}}}),
             ("VARCHAR", "a")),
        ]),
    )  # fmt: skip
    def test_accepted(self, api: Api, sent: Any, column: tuple[str, Any] | None) -> None:
        assert api.post(sent).status_code == 201
        assert api.columns("t").get("name") == (column and column[0])
        if column:
            assert api.rows("SELECT name FROM crm.t") == [(column[1],)]

    def test_ia_072_objects_without_a_declared_inside(self, api: Api) -> None:
        """IA-072."""
        assert api.post(one({}, {"a": 1})).status_code == 201
        assert api.rows("SELECT name__a FROM crm.t") == [(1,)]

    def test_ia_073_undeclared_field(self, api: Api) -> None:
        """IA-073."""
        sent = body(messages=[message(data={"id": 1, "name": "a", "extra": 5})])
        assert api.post(sent).status_code == 201
        assert api.rows("SELECT extra FROM crm.t") == [(5,)]

    @pytest.mark.parametrize(
        "sent",
        rows([
            ("IA-089", body(key_names=["name"],
                            messages=[message(data={"id": 1, "name": "x" * 1024})])),
            ("IA-091", one({}, list(range(9_998)))),
            ("IA-097", body(bookmark_names=["updated_at"])),
            ("IA-098", body(messages=[message(vintage="2024-05-01T10:00:00Z")])),
        ]),
    )  # fmt: skip
    def test_at_the_edge(self, api: Api, sent: Any) -> None:
        assert api.post(sent).status_code == 201


class TestVersions:
    def test_ia_093_stored(self, api: Api) -> None:
        """IA-093."""
        api.post(body(table_version=7))
        api.post(body(table_name="u"))
        assert api.rows("SELECT _sdc_table_version FROM crm.t") == [(7,)]
        assert api.rows("SELECT _sdc_table_version FROM crm.u") == [(0,)]

    def test_ia_094_activation(self, api: Api) -> None:
        """IA-094."""
        api.post(body(table_version=7))
        eight = [message(sequence=8, data={"id": 2, "name": "b"})]
        api.post(body(table_version=8, messages=eight))
        activate = [{"action": "activate_version", "sequence": 9}]
        assert api.post(body(table_version=8, messages=activate)).status_code == 201
        assert api.rows("SELECT id FROM crm.t") == [(2,)]

    def test_ia_096_time_extracted(self, api: Api) -> None:
        """IA-096."""
        api.post(body(messages=[message(time_extracted="2024-05-01T10:00:00.000000Z")]))
        assert api.rows("SELECT _sdc_extracted_at FROM crm.t") == [(datetime(2024, 5, 1, 10),)]

    def test_ia_099_a_body_of_target_stitch(self, api: Api) -> None:
        """IA-099; tests/clients sends real ones."""
        recorded = (
            '{"table_name": "t", "schema": {"type": "object", "properties": {"id": {"type": '
            '["null", "integer"]}, "name": {"type": ["null", "string"]}}}, "messages": [{"action": '
            '"upsert", "data": {"id": 1, "name": "a"}, "sequence": 1714557600123000000, '
            '"time_extracted": "2024-05-01T10:00:00.000000Z"}], "key_names": ["id"], '
            '"bookmark_names": ["id"], "table_version": 1714557600000}'
        )
        assert api.post(recorded.encode()).status_code == 201
        found = api.rows("SELECT id, _sdc_sequence, _sdc_table_version FROM crm.t")
        assert found == [(1, 1714557600123000000, 1714557600000)]


def named(name: str, sequence: int) -> dict[str, Any]:
    return message(sequence=sequence, data={"id": 1, "name": name})


class TestOrder:
    @pytest.mark.parametrize(
        ("requests", "winner"),
        rows([
            ("IA-100", [[named("five", 5)], [named("six", 6)]], "six"),
            ("IA-101", [[named("six", 6)], [named("five", 5)]], "six"),
            ("IA-102", [[named("six", 6), named("five", 5)]], "six"),
            ("IA-102b", [[named("five", 5), named("six", 6)]], "six"),
            ("IA-103", [[named("first", 5)], [named("second", 5)]], "first"),
            ("IA-104", [[named("a", 5)], [named("a", 5)]], "a"),
        ]),
    )  # fmt: skip
    @pytest.mark.parametrize("loads", ["one", "several"])
    def test_winner(self, api: Api, requests: Any, winner: str, loads: str) -> None:
        for messages in requests:
            assert api.post(body(messages=messages)).status_code == 201
            if loads == "several":
                api.rows("SELECT 1")
        assert api.rows("SELECT name FROM crm.t") == [(winner,)]


Breaker = Callable[[bool], None]


@pytest.fixture
def breaker(monkeypatch: pytest.MonkeyPatch) -> Breaker:
    """Break the queue's storage, or mend it."""
    append = SqliteQueue.append

    def fail(*_: Any) -> Any:
        raise Trouble("the queue's storage failed: disk I/O error")

    def set_broken(broken: bool) -> None:
        monkeypatch.setattr(SqliteQueue, "append", fail if broken else append)

    return set_broken


@pytest.fixture
def dead(tmp_path: Path, breaker: Breaker) -> Iterator[Api]:
    """A gate that can store nothing: the queue fails and the spool is off."""
    with serving(tmp_path / "dead", spool_max_bytes=0) as api:
        breaker(True)
        yield api


class TestTrouble:
    def test_ia_105_spooled(self, api: Api, breaker: Breaker) -> None:
        """IA-105."""
        breaker(True)
        answer = api.post(body())
        assert answer.status_code == 202
        assert answer.json() == {
            "status": "Accepted",
            "message": "The batch is queued to be processed.",
        }
        receipt = f"/v2/import/receipts/{answer.headers['seamline-receipt']}"
        token = {"authorization": f"Bearer {api.t1}"}
        assert api.client.get(receipt, headers=token).json()["state"] == "spooled"
        breaker(False)
        assert api.post(body(messages=[named("second", 1)])).status_code == 201
        assert api.client.get(receipt, headers=token).json()["state"] == "queued"
        assert api.rows("SELECT id, name FROM crm.t") == [(1, "a")]
        assert api.client.get(receipt, headers=token).json()["state"] == "loaded"

    def test_ia_106_nothing_can_store(self, dead: Api) -> None:
        """IA-106."""
        for sent, path in ((body(), BATCH), ([dead.pushed()], PUSH)):
            answer = dead.post(sent, path=path)
            assert answer.status_code == 503
            assert answer.json()["message"] == "Service Unavailable"
            assert int(answer.headers["retry-after"]) > 0
        assert dead.stored() == 0

    def test_ia_153_validate_never_answers_503(self, dead: Api) -> None:
        """IA-153."""
        assert dead.post(body()).status_code == 503
        answer = dead.post([dead.pushed()], path="/v2/import/validate")
        assert (answer.status_code, answer.json()["message"]) == (200, "Batch is valid!")
