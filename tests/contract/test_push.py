"""``POST /v2/import/push`` and ``/validate``: rows of import-api.md §5, by their IDs."""

import json
from pathlib import Path
from typing import Any

import pytest

from seamline.catalog import accounts, integrations
from tests.contract.server import Api, body, serving
from tests.noise import noise

PUSH = "/v2/import/push"
VALIDATE = "/v2/import/validate"
NO_ARRAY = {"status": "ERROR", "message": "An array of records is expected"}


@pytest.fixture
def client_id(api: Api) -> int:
    return accounts.client_id(api.catalog)


@pytest.fixture(params=[PUSH, VALIDATE])
def path(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def record(client_id: int, /, **changes: Any) -> dict[str, Any]:
    """Return the record of P with changes; a value of ``...`` removes the argument."""
    made = {
        "client_id": client_id,
        "table_name": "t",
        "sequence": 1,
        "action": "upsert",
        "key_names": ["id"],
        "data": {"id": 1, "name": "a"},
        **changes,
    }
    return {name: value for name, value in made.items() if value is not ...}


def envelope(reason: Any) -> dict[str, Any]:
    return {
        "status": "ERROR",
        "error": "Request cannot be processed; see errors.",
        "errors": [{"reason": reason}],
    }


class TestAccepted:
    def test_ia_107_push(self, api: Api, client_id: int) -> None:
        answer = api.post([record(client_id)], path=PUSH)
        assert answer.status_code == 201
        assert answer.json() == {"status": "OK", "message": "Batch Accepted!"}
        assert api.stored() == 1

    def test_ia_108_two_tables_one_receipt(self, api: Api, client_id: int) -> None:
        records = [record(client_id, table_name=name) for name in ("t", "u", "t")]
        answer = api.post(records, path=PUSH)
        queue = api.queue()
        found = queue.find(answer.headers["seamline-receipt"])
        queue.close()
        assert [(a.stream, a.records) for a in found] == [("1/t", 2), ("1/u", 1)]

    @pytest.mark.parametrize(
        "changes",
        [
            {"namespace": "x", "table_version": 0},
            {"action": "switch_view", "sequence": 0, "table_version": 2, "namespace": "x",
             "data": ..., "key_names": ...},
            {"action": "activate_version", "data": ..., "key_names": ...},
            {"data": {"id": 1, "list": list(range(9_998))}},
            {"data": {"id": "x" * 1024}},
            {"sequence": 2**63 - 1},
        ],
    )  # fmt: skip
    def test_ia_133_134_optional_arguments(
        self, api: Api, client_id: int, path: str, changes: Any
    ) -> None:
        answer = api.post([record(client_id, **changes)], path=path)
        assert answer.status_code == (201 if path == PUSH else 200), answer.text

    def test_ia_150_validate_stores_nothing(self, api: Api, client_id: int) -> None:
        answer = api.post([record(client_id)], path=VALIDATE)
        assert (answer.status_code, answer.json()) == (
            200,
            {"status": "OK", "message": "Batch is valid!"},
        )
        assert "seamline-receipt" not in answer.headers
        assert api.stored() == 0

    def test_ia_153_validate_never_answers_503(self, tmp_path: Path) -> None:
        with serving(tmp_path / "full", queue_max_bytes=2**20, queue_segment_bytes=2**18) as api:
            client_id = accounts.client_id(api.catalog)
            long = [record(client_id, data={"id": 1, "x": noise(340_000)})]
            answers = [api.post(long, path=PUSH).status_code for _ in range(8)]
            assert answers[0] == 201
            assert answers[-1] == 503
            assert api.post(long, path=VALIDATE).status_code == 200


class TestRefused:
    @pytest.mark.parametrize("sent", [{}, body(), [], [5], [[]], "x", None])
    def test_ia_109_110_112_152_no_array_of_records(self, api: Api, path: str, sent: Any) -> None:
        answer = api.post(sent, path=path)
        assert (answer.status_code, answer.json()) == (400, NO_ARRAY)

    @pytest.mark.parametrize("content", [b"[{]", b"", b"[" * 9999, b'[{"a":1,"a":2}]'])
    def test_ia_111_malformed(self, api: Api, path: str, content: bytes) -> None:
        answer = api.post(content, path=path)
        found = answer.json()
        assert answer.status_code == 400
        assert (found["status"], found["message"], found["input"]) == (
            "ERROR", "Malformed json in the body!", None,
        )  # fmt: skip
        assert isinstance(found["error"], str)

    def test_ia_113_count(self, api: Api, client_id: int, path: str) -> None:
        records = [record(client_id, sequence=i) for i in range(20_001)]
        answer = api.post(records, path=path)
        assert (answer.status_code, answer.json()) == (
            400,
            {
                "status": "ERROR",
                "message": "The batch contains 20001 records. The maximum is 20000",
            },
        )
        assert api.post(records[:-1], path=path).status_code in (200, 201)

    @pytest.mark.parametrize(
        ("sent", "shown"),
        [("application/xml", "application/xml"), ("text/plain; x=y", "text/plain"), (None, "")],
    )
    def test_ia_114_content_type(
        self, api: Api, client_id: int, path: str, sent: str | None, shown: str
    ) -> None:
        answer = api.post([record(client_id)], path=path, content_type=sent)
        assert (answer.status_code, answer.json()) == (
            415,
            {
                "status": "ERROR",
                "message": f"Unsupported content-type {shown}. "
                "Please send application/json or application/transit+json",
            },
        )

    def test_ia_018_119_tokens(self, api: Api, client_id: int, path: str) -> None:
        answer = api.post([record(client_id)], path=path, authorization=None)
        assert (answer.status_code, answer.json()) == (401, {"message": "Not Authorized"})
        integrations.pause(api.catalog, api.s1.id)
        answer = api.post([record(client_id)], path=path)
        assert answer.status_code == 401
        assert answer.json()["errors"] == {"error": "Connection is not active."}

    def test_ia_024_methods(self, api: Api, path: str) -> None:
        for method in ("GET", "PUT", "DELETE"):
            answer = api.client.request(method, path)
            assert (answer.status_code, answer.text) == (405, "Method not allowed.")

    def test_ia_116_117_118_151_clients(self, api: Api, client_id: int, path: str) -> None:
        answer = api.post([record(client_id), record(...)], path=path)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()) == (
            401,
            {"status": "ERROR", "error": "Not Authenticated.", "errors": None},
        )
        answer = api.post([record(client_id + 1)], path=path)
        assert (answer.status_code, answer.json()) == (
            403,
            {
                "status": "ERROR",
                "error": "Forbidden",
                "errors": {"error": "Access token is not associated with this client."},
            },
        )
        answer = api.post([record(client_id), record(client_id + 1)], path=path)
        assert (answer.status_code, answer.json()) == (
            422,
            envelope(
                "The batch contains data points for multiple clients. "
                f"Only client_id {client_id} is allowed"
            ),
        )

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"client_id": "x"}, {"client_id": ["should be an integer", "should be a number"]}),
            ({"table_name": ...}, {"table_name": ["can't be blank"]}),
            ({"table_name": ""}, {"table_name": ["can't be blank"]}),
            ({"sequence": ...}, {"sequence": ["can't be blank"]}),
            ({"sequence": "abc"}, {"sequence": ["should be an integer", "should be a number"]}),
            ({"sequence": 1.5}, {"sequence": ["should be an integer"]}),
            ({"sequence": 2**63}, {"sequence": ["can not be above 9223372036854775807"]}),
            ({"action": ...}, {"action": ["can't be blank"]}),
            ({"action": "drop"}, {"action": ["is not a supported action"]}),
            ({"key_names": ...}, {"key_names": ["can't be blank"]}),
            ({"key_names": None}, {"key_names": ["can't be blank"]}),
            ({"key_names": []}, {"key_names": ["can't be blank"]}),
            ({"key_names": [1]}, {"key_names": ["should be a list of strings"]}),
            (
                {"key_names": ..., "key_properties": ["id"]},
                {"key_names": ["can't be blank"], "key_properties": ["unknown key"]},
            ),
            ({"data": ...}, {"data": ["can't be blank"]}),
            ({"data": [1]}, {"data": ["data must be an object"]}),
            ({"data": {"x": 1}}, {"data": ["data must include keys"]}),
            ({"data": {"id": None}}, {"data": ["keys cannot not be null in data"]}),
            (
                {"data": {"id": "x" * 1025}},
                {"data": ["String keys cannot be longer than 1024 characters"]},
            ),
            (
                {"data": {"id": 1, "l": list(range(9_999))}},
                {"data": ["data cannot contain more than 10000 data points"]},
            ),
            ({"foo": 1}, {"foo": ["unknown key"]}),
            (
                {"table_name": None, "sequence": None},
                {"table_name": ["can't be blank"], "sequence": ["can't be blank"]},
            ),
        ],
    )
    def test_ia_120_to_132_151_arguments(
        self, api: Api, client_id: int, path: str, changes: Any, reason: Any
    ) -> None:
        answer = api.post([record(client_id, **changes)], path=path)
        assert (answer.status_code, answer.json()) == (422, envelope(reason))
        assert api.stored() == 0

    def test_ia_137_nothing_of_a_bad_request_is_stored(self, api: Api, client_id: int) -> None:
        bad = record(client_id, data={"x": 1})
        answer = api.post([record(client_id), bad, bad], path=PUSH)
        assert answer.status_code == 422
        assert len(answer.json()["errors"]) == 1  # the same reason is told once
        assert api.stored() == 0

    def test_at_most_a_hundred_reasons(self, api: Api, client_id: int) -> None:
        records = [record(client_id, **{f"x{i}": 1}) for i in range(150)]
        assert len(api.post(records, path=PUSH).json()["errors"]) == 100


def test_ia_115_too_large(tmp_path: Path) -> None:
    with serving(tmp_path / "small", body_max_bytes=1000) as api:
        sent = json.dumps([record(1)]).encode().ljust(1001)
        assert api.post(sent, path=PUSH).status_code == 413
