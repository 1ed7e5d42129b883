"""``POST /v2/import/batch``: rows of import-api.md §5, by their IDs, and the worked examples."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seamline.catalog import integrations, tokens
from tests.contract.server import BATCH, STATUS, Api, body, message, serving
from tests.noise import noise

NOT_AUTHORIZED = {"message": "Not Authorized"}
NOT_ACTIVE = {"error": "Forbidden", "errors": {"error": "Connection is not active."}}


class TestStatus:
    def test_ia_001_002_public(self, api: Api) -> None:
        answer = api.client.get(STATUS)
        assert answer.status_code == 200
        found = answer.json()
        assert set(found) == {"name", "version", "revision", "status", "reason"}
        assert (found["name"], found["status"], found["reason"]) == ("pipeline.gate", "OK", None)

    def test_ia_003_ignores_a_bad_token(self, api: Api) -> None:
        assert api.client.get(STATUS, headers={"authorization": "Bearer x"}).status_code == 200

    def test_ia_004_method(self, api: Api) -> None:
        answer = api.client.post(STATUS)
        assert (answer.status_code, answer.text) == (405, "Method not allowed.")

    def test_head(self, api: Api) -> None:
        assert api.client.head(STATUS).status_code == 200


class TestAccepted:
    def test_ia_006_007_accepted(self, api: Api) -> None:
        answer = api.post(body())
        assert answer.status_code == 201
        assert answer.json() == {"status": "OK", "message": "Batch Accepted!"}
        assert answer.headers["content-type"].startswith("application/json")
        assert re.fullmatch("rc_[0-9a-f]{28}", answer.headers["seamline-receipt"])
        assert answer.headers["seamline-durability"] == "fsync"
        assert api.stored() == 1

    def test_ia_008_bigbatch(self, api: Api) -> None:
        assert api.post(body(), path="/v2/import/bigbatch").status_code == 201

    def test_ia_010_charset_parameter(self, api: Api) -> None:
        assert api.post(body(), content_type="application/json; charset=utf-8").status_code == 201

    @pytest.mark.parametrize("keys", [None, []])
    def test_ia_045_046_without_keys(self, api: Api, keys: list[str] | None) -> None:
        assert api.post(body(key_names=keys)).status_code == 201

    @pytest.mark.parametrize("sequence", [2**63 - 1, 0, -(2**63)])
    def test_ia_056_sequences_to_the_edge(self, api: Api, sequence: int) -> None:
        assert api.post(body(messages=[message(sequence=sequence)])).status_code == 201

    @pytest.mark.parametrize(
        "changes",
        [
            {"table_version": 7},
            {"bookmark_names": ["updated_at"]},
            {"messages": [{"action": "activate_version", "sequence": 9}]},
            {"messages": [message(time_extracted="2024-05-01T10:00:00.000000Z")]},
            {"messages": [message(vintage="2024-05-01T10:00:00Z")]},
            {"schema": {}, "key_names": []},
            {"key_names": ["id", "id"]},
        ],
    )
    def test_ia_093_to_098_undocumented_arguments(self, api: Api, changes: Any) -> None:
        assert api.post(body(**changes)).status_code == 201

    @pytest.mark.parametrize(
        ("name", "schema", "value"),
        [
            ("064", {"type": ["null", "string"]}, None),
            ("067", {"type": "number"}, 15),
            ("072", {}, {"a": 1}),
            ("072", {}, 3),
            ("072", {}, "x"),
            ("076", {"type": "string", "format": "date-time"}, "2020-01-13T21:25:03Z"),
            ("077", {"type": "string", "format": "date-time"}, "2020-01-13T21:25:03+0000"),
            ("078", {"type": "string", "format": "date-time"}, "2020-01-13T21:25:03.123456+02:00"),
            ("082", {"$ref": "#/definitions/x"}, "s"),
            ("unknown keyword", {"type": "string", "inclusion": "available"}, "s"),
            ("recursion", {"$ref": "#/definitions/sdc_recursive_object"}, {"a": {"b": []}}),
            ("big integer", {"type": "integer"}, 2**70),
        ],
    )
    def test_values_that_satisfy_their_schema(
        self, api: Api, name: str, schema: Any, value: Any
    ) -> None:
        recursive = {"additionalProperties": {"$ref": "#/definitions/sdc_recursive_object"}}
        whole = {
            "properties": {"id": {"type": "integer"}, "v": schema},
            "definitions": {"x": {"type": "string"}, "sdc_recursive_object": recursive},
        }
        sent = body(schema=whole, messages=[message(data={"id": 1, "v": value})])
        assert api.post(sent).status_code == 201, name


class TestTokens:
    @pytest.mark.parametrize("header", [None, "Bearer nope", "Basic abc", "Bearer", "", "x" * 8192])
    def test_ia_012_013_014_199(self, api: Api, header: str | None) -> None:
        answer = api.post(body(), authorization=header)
        assert (answer.status_code, answer.json()) == (401, NOT_AUTHORIZED)

    @pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer:"])
    def test_ia_015_scheme(self, api: Api, scheme: str) -> None:
        assert api.post(body(), authorization=f"{scheme} {api.t1}").status_code == 201

    def test_ia_017_019_pause_and_resume(self, api: Api) -> None:
        integrations.pause(api.catalog, api.s1.id)
        answer = api.post(body())
        assert (answer.status_code, answer.json()) == (401, NOT_ACTIVE)
        integrations.resume(api.catalog, api.s1.id)
        assert api.post(body()).status_code == 201

    def test_ia_020_deleted(self, api: Api) -> None:
        integrations.delete(api.catalog, api.s1.id)
        answer = api.post(body())
        assert (answer.status_code, answer.json()) == (401, NOT_ACTIVE)

    def test_ia_021_token_reaches_only_its_integration(self, api: Api) -> None:
        api.post(body(), token=api.t2)
        queue = api.queue()
        assert [arrival.stream for arrival in queue.arrivals(0, 9)] == [f"{api.s2.id}/t"]
        queue.close()

    def test_revocation_is_effective_at_once(self, api: Api) -> None:
        assert api.post(body()).status_code == 201
        tokens.revoke(api.catalog, api.s1.id, api.token1.id)
        answer = api.post(body())
        assert (answer.status_code, answer.json()) == (401, NOT_AUTHORIZED)
        assert api.post(body(), token=api.t2).status_code == 201

    def test_ia_200_no_secret_in_answers(self, api: Api) -> None:
        for sent in (body(foo=1), {}, body(messages=[])):
            assert api.t1 not in api.post(sent).text


class TestTransport:
    def test_ia_023_get(self, api: Api) -> None:
        answer = api.client.get(BATCH)
        assert (answer.status_code, answer.text) == (405, "Method not allowed.")

    def test_ia_025_unknown_path(self, api: Api) -> None:
        answer = api.post(body(), path="/v2/import/nothing")
        assert answer.status_code == 404
        assert isinstance(answer.json(), dict)

    @pytest.mark.parametrize("media_type", ["text/plain", "application/transit+json", None])
    def test_ia_026_027_028_content_type(self, api: Api, media_type: str | None) -> None:
        answer = api.post(body(), content_type=media_type)
        assert (answer.status_code, answer.text) == (415, "Content-Type must be application/json")

    def test_compressed_bodies_are_not_misread(self, api: Api) -> None:
        assert api.post(body(), content_encoding="br").status_code == 415

    def test_ia_030_031_too_large(self, tmp_path: Path) -> None:
        with serving(tmp_path / "small", body_max_bytes=1000) as api:
            sent = json.dumps(body()).encode().ljust(1001)
            for content in (sent, iter_chunks(sent)):
                answer = api.client.post(
                    BATCH,
                    content=content,
                    headers={
                        "authorization": f"Bearer {api.t1}",
                        "content-type": "application/json",
                    },
                )
                assert answer.status_code == 413
                assert answer.json() == {
                    "status": "ERROR",
                    "message": "Request rejected: request size (1001 bytes) exceeds the maximum",
                }
            assert api.post(sent[:1000]).status_code == 201

    def test_ia_106_full_queue(self, tmp_path: Path) -> None:
        with serving(tmp_path / "full", queue_max_bytes=2**20, queue_segment_bytes=2**18) as api:
            long = body(messages=[message(data={"id": 1, "name": noise(270_000)})])
            answers = [api.post(long) for _ in range(10)]
            assert answers[0].status_code == 201
            last = answers[-1]
            assert last.status_code == 503
            assert int(last.headers["retry-after"]) > 0
            assert last.json()["message"] == "Service Unavailable"
            assert api.client.get(STATUS).status_code == 503
            accepted = sum(answer.status_code == 201 for answer in answers)
            queue = api.queue()
            assert len(queue.arrivals(0, 99)) == accepted
            queue.commit(f"{api.s1.id}/t", 99)
            queue.trim()
            assert api.client.get(STATUS).status_code == 200
            assert api.post(long).status_code == 201
            queue.close()


class TestRefused:
    @pytest.mark.parametrize(
        ("sent", "words"),
        [
            ([], "#: expected type: JSONObject, found: JSONArray"),
            (body(table_name=None), "#: required key [table_name] not found"),
            (body(schema=None), "#: required key [schema] not found"),
            (body(messages=None), "#: required key [messages] not found"),
            (
                body(schema=None, messages=None),
                "#: 2 schema violations found #: required key [schema] not found "
                "#: required key [messages] not found",
            ),
            (body(foo=1), "#: extraneous key [foo] is not permitted"),
            (body(client_id=7), "#: extraneous key [client_id] is not permitted"),
            (body(table_name=5), "#/table_name: expected type: String, found: Integer"),
            (body(table_name=""), "#/table_name: expected minLength: 1, actual: 0"),
            (body(table_name="  "), "#/table_name: expected minLength: 1, actual: 0"),
            (body(messages={}), "#/messages: expected type: JSONArray, found: JSONObject"),
            (body(messages=[]), "#/messages: expected minimum item count: 1, found: 0"),
            (body(schema=[]), "#/schema: expected type: JSONObject, found: JSONArray"),
            (body(key_names="id"), "#/key_names: expected type: JSONArray, found: String"),
            (body(key_names=[1]), "#/key_names/0: expected type: String, found: Integer"),
            (
                body(messages=[message(sequence=2**63)]),
                "#: sequence can not be above 9223372036854775807",
            ),
            (
                body(messages=[message(), message(data=None)]),
                "#/messages/1: #: 0 subschemas matched instead of one "
                "#/messages/1/action: upsert is not a valid enum value "
                "#/messages/1: required key [data] not found",
            ),
            (
                body(messages=[message(sequence="9")]),
                "#/messages/0: #: 0 subschemas matched instead of one "
                "#/messages/0: 2 schema violations found "
                "#/messages/0/sequence: expected type: Integer, found: String "
                "#/messages/0: extraneous key [data] is not permitted "
                "#/messages/0/sequence: expected type: Integer, found: String",
            ),
            (
                body(messages=[message(foo=1)]),
                "#/messages/0: #: 0 subschemas matched instead of one "
                "#/messages/0: 2 schema violations found "
                "#/messages/0: extraneous key [data] is not permitted "
                "#/messages/0: extraneous key [foo] is not permitted "
                "#/messages/0: extraneous key [foo] is not permitted",
            ),
        ],
    )
    def test_ia_033_to_059_envelope(self, api: Api, sent: Any, words: str) -> None:
        assert api.error(sent) == f"Request failed validation:{words}"
        assert api.stored() == 0

    @pytest.mark.parametrize("argument", ["sequence", "action"])
    def test_ia_050_051_b7_word_for_word(self, api: Api, argument: str) -> None:
        sent = body(messages=[message(**{argument: None})])
        assert api.error(sent) == (
            "Request failed validation:#/messages/0: #: 0 subschemas matched instead of one "
            "#/messages/0: 2 schema violations found "
            f"#/messages/0: required key [{argument}] not found "
            "#/messages/0: extraneous key [data] is not permitted "
            f"#/messages/0: required key [{argument}] not found"
        )

    def test_ia_044_null_keys(self, api: Api) -> None:
        sent = {**body(), "key_names": None}
        words = "#/key_names: expected type: JSONArray, found: Null"
        assert api.error(sent) == f"Request failed validation:{words}"

    def test_ia_055_decimal_sequence(self, api: Api) -> None:
        words = api.error(body(messages=[message(sequence=1.5)]))
        assert "#/messages/0/sequence: expected type: Integer, found: Double" in words

    def test_ia_058_095_actions(self, api: Api) -> None:
        assert api.error(body(messages=[message(action="delete")])).startswith(
            "Request failed validation:#/messages/0"
        )
        api.error(body(messages=[message(action="activate_version")]))

    def test_ia_048_049_message_count(self, api: Api) -> None:
        many = [message(sequence=i) for i in range(20_001)]
        assert api.error(body(messages=many)) == (
            "Request failed validation:#/messages: expected maximum item count: 20000, found: 20001"
        )
        assert api.post(body(messages=many[:20_000])).status_code == 201

    @pytest.mark.parametrize(
        ("schema", "value", "words"),
        [
            ({"type": "integer"}, "x", "#/v: expected type: Integer, found: String"),
            ({"type": "string"}, None, "#/v: expected type: String, found: Null"),
            ({"type": "integer"}, 1.0, "#/v: expected type: Integer, found: Double"),
            ({"type": "string"}, 3_000_000_000, "#/v: expected type: String, found: Long"),
            ({"type": "boolean"}, "true", "#/v: expected type: Boolean, found: String"),
            (
                {"type": ["null", "string"]},
                [1],
                "#/v: #: no subschema matched out of the total 2 subschemas "
                "#/v: expected: null, found: JSONArray "
                "#/v: expected type: String, found: JSONArray",
            ),
            (
                {"type": "object", "properties": {"zip": {"type": "integer"}}},
                {"zip": "x"},
                "#/v/zip: expected type: Integer, found: String",
            ),
            (
                {"type": "array", "items": {"type": "integer"}},
                [1, "x"],
                "#/v/1: expected type: Integer, found: String",
            ),
            ({"enum": ["a"]}, "b", "#/v: b is not a valid enum value"),
            ({"type": "string", "minLength": 3}, "b", "#/v: expected minLength: 3, actual: 1"),
            ({"type": "number", "minimum": 5}, 3, "#/v: 3.0 is not higher or equal to 5"),
            (
                {"type": "string", "format": "date-time"},
                "yesterday",
                "#/v: [yesterday] is not a valid date-time. Expected "
                "[yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,9}Z]",
            ),
        ],
    )
    def test_ia_060_to_084_records(self, api: Api, schema: Any, value: Any, words: str) -> None:
        whole = {"properties": {"id": {"type": "integer"}, "v": schema}}
        good = message(data={"id": 1})
        bad = message(data={"id": 1, "v": value})
        sent = body(schema=whole, messages=[good, good, bad])
        assert api.error(sent) == f"Record 2 did not conform to schema: {words}"
        assert api.stored() == 0

    def test_two_bad_fields(self, api: Api) -> None:
        assert api.error(body(messages=[message(data={"id": "x", "name": 5})])) == (
            "Record 0 did not conform to schema: #: 2 schema violations found "
            "#/id: expected type: Integer, found: String "
            "#/name: expected type: String, found: Integer"
        )

    def test_ia_074_075_keywords_of_the_root(self, api: Api) -> None:
        closed = {**body()["schema"], "additionalProperties": False}
        sent = body(schema=closed, messages=[message(data={"id": 1, "extra": 5})])
        assert api.error(sent).endswith("#: extraneous key [extra] is not permitted")
        needs = {**body()["schema"], "required": ["name"]}
        sent = body(schema=needs, messages=[message(data={"id": 1})])
        assert api.error(sent).endswith("#: required key [name] not found")

    @pytest.mark.parametrize(
        ("schema", "words"),
        [
            ({"type": "strin"}, "unknown type: [strin]"),
            (True, "key null: expected type is one of JSONObject, found: Boolean"),
            ({"items": "x"}, "key null: expected type is one of JSONObject, found: String"),
            (
                {"type": 5},
                "key type: expected type is one of JSONArray or String, found: Integer",
            ),
            (
                {"exclusiveMinimum": 5},
                "key exclusiveMinimum : expected type: Boolean , found : Integer",
            ),
            (
                {"anyOf": [{}], "oneOf": [{}]},
                "expected at most 1 of 'allOf', 'anyOf', 'oneOf', 2 found",
            ),
            (
                {"$ref": "http://127.0.0.1:1/x.json"},
                "only local references are followed, found: $ref [http://127.0.0.1:1/x.json]",
            ),
        ],
    )
    def test_ia_080_081_083_schemas(self, api: Api, schema: Any, words: str) -> None:
        whole = {"properties": {"id": {"type": "integer"}, "v": schema}}
        assert api.error(body(schema=whole)) == f"Invalid JSON schema: {words}"

    def test_a_bad_pattern_is_a_bad_schema(self, api: Api) -> None:
        whole = {"properties": {"id": {"type": "integer"}, "v": {"pattern": "("}}}
        assert api.error(body(schema=whole)).startswith("Invalid JSON schema: ")

    @pytest.mark.parametrize(
        ("keys", "data", "missing"),
        [
            (["id"], {"name": "a"}, "id"),
            (["id"], {"id": None}, "id"),
            (["id", "name"], {"id": 1}, "name"),
            (["zz"], {"id": 1, "zz": 1}, "zz"),
            (["id"], {"id": {"a": 1}}, "id"),
        ],
    )
    def test_ia_085_to_088_keys(self, api: Api, keys: Any, data: Any, missing: str) -> None:
        schema = {"properties": {"id": {}, "name": {"type": "string"}}}
        sent = body(schema=schema, key_names=keys, messages=[message(data=data)])
        assert api.error(sent) == f"Record is missing key property {missing}"

    def test_ia_089_090_key_length(self, api: Api) -> None:
        schema = {"properties": {"id": {"type": "string"}}}
        for length, status in ((1024, 201), (1025, 400)):
            sent = body(schema=schema, messages=[message(data={"id": "é" * length})])
            answer = api.post(sent)
            assert answer.status_code == status
        assert answer.json() == {"error": "String keys cannot be longer than 1024 characters"}

    @pytest.mark.parametrize("shape", ["flat", "nested"])
    def test_ia_091_092_data_points(self, api: Api, shape: str) -> None:
        for points, status in ((10_000, 201), (10_001, 400)):
            data: dict[str, Any] = {"id": 1}
            if shape == "flat":
                data |= {f"f{i}": i for i in range(points - 1)}
            else:
                data["list"] = list(range(points - 2))
            answer = api.post(body(messages=[message(), message(data=data)]))
            assert answer.status_code == status, answer.text[:200]
        assert answer.json() == {"error": "Record 1 exceeds the maximum of 10000 data points"}


class TestMalformed:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b'{"table_name":',
            b"{]",
            b"\xff\xfe",
            b'{"a":NaN}',
            b"[" * 100_000,
            b'{"a":' * 100_000,
            json.dumps(body()).encode()[:-1],
            json.dumps(body()).encode() + b"x",
            json.dumps(body()).replace('"a"', '"\\ud800"').encode(),
            json.dumps(body()).replace('"a"', "1e400").encode(),
        ],
    )
    def test_ia_032_malformed(self, api: Api, content: bytes) -> None:
        answer = api.post(content)
        assert answer.status_code == 400
        found = answer.json()
        assert (found["status"], found["message"], found["input"]) == (
            "ERROR",
            "Malformed json in the body!",
            None,
        )
        assert found["error"]

    @pytest.mark.parametrize(
        "record",
        [
            '{"id":1,"id":2}',
            '{"id" : 1, "name":"a", "id"\n:2}',
            '{"id":1,"n":{"a":1,"a":2}}',
            '{"id":1,"name":"\\":\\":","id":2}',
            '{"id":1,"name":"\\u0022:","id":2}',
            '{"\\u0069d":1,"id":2}',
        ],
    )
    def test_a_key_that_stands_twice(self, api: Api, record: str) -> None:
        text = json.dumps(body()).replace('{"id": 1, "name": "a"}', record)
        answer = api.post(text.encode())
        assert answer.status_code == 400
        assert "Duplicate key [" in answer.json()["error"]
        assert api.stored() == 0


def iter_chunks(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), 100):
        yield content[start : start + 100]


def test_a_pattern_cannot_be_made_to_search_for_hours(api: Api) -> None:
    schema = {"properties": {"id": {"type": "integer"}, "v": {"pattern": "^(a+)+$"}}}
    bad = "a" * 60 + "b"
    words = api.error(body(schema=schema, messages=[message(data={"id": 1, "v": bad})]))
    assert words.endswith(f"#/v: string [{bad}] does not match pattern ^(a+)+$")
