"""Rows IA-107 to IA-154 of the acceptance table (import-api.md §5): push, validate, Transit."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.acceptance.test_batch import ACCEPTED, NOT_AUTHORIZED, PUSH, rows
from tests.contract.server import Api, body

VALIDATE = "/v2/import/validate"
NO_RECORDS = {"status": "ERROR", "message": "An array of records is expected"}
TRANSIT = "application/transit+json"


def e(**reason: list[str]) -> dict[str, Any]:
    """Envelope E around one reason."""
    return {
        "status": "ERROR",
        "error": "Request cannot be processed; see errors.",
        "errors": [{"reason": reason}],
    }


BLANK = ["can't be blank"]


class TestAccepted:
    def test_ia_107_accepted(self, api: Api) -> None:
        """IA-107."""
        answer = api.post([api.pushed()], path=PUSH)
        assert (answer.status_code, answer.json()) == (201, ACCEPTED)

    def test_ia_108_two_tables(self, api: Api) -> None:
        """IA-108."""
        sent = [api.pushed(), api.pushed(table_name="u")]
        assert api.post(sent, path=PUSH).status_code == 201
        assert api.rows("SELECT id FROM crm.t UNION ALL SELECT id FROM crm.u") == [(1,), (1,)]

    @pytest.mark.parametrize(
        "record",
        rows([
            ("IA-133", {"namespace": "x", "table_version": 2}),
            ("IA-134", {"action": "switch_view", "sequence": 0, "table_version": 2,
                        "namespace": "x", "key_names": None, "data": None}),
        ]),
    )  # fmt: skip
    def test_what_the_java_client_adds(self, api: Api, record: Any) -> None:
        assert api.post([api.pushed(**record)], path=PUSH).status_code == 201

    def test_ia_135_a_date_stays_text(self, api: Api) -> None:
        """IA-135."""
        at = "2019-08-13T21:25:03+0000"
        api.post([api.pushed(data={"id": 1, "at": at})], path=PUSH)
        assert api.columns("t")["at"] == "VARCHAR"
        assert api.rows('SELECT "at" FROM crm.t') == [(at,)]

    def test_ia_136_split(self, api: Api) -> None:
        """IA-136."""
        for key, cost in ((1, 3.14), (2, 10)):
            api.post([api.pushed(data={"id": key, "cost": cost})], path=PUSH)
        assert api.columns("t") == {"cost": "DOUBLE", "cost__bi": "BIGINT", "id": "BIGINT"}
        found = api.rows("SELECT cost, cost__bi FROM crm.t ORDER BY id")
        assert found == [(3.14, None), (None, 10)]


class TestRefused:
    @pytest.mark.parametrize("path", [PUSH, VALIDATE])
    @pytest.mark.parametrize(
        ("sent", "answer"),
        rows([
            ("IA-109", {}, NO_RECORDS),
            ("IA-110", body(), NO_RECORDS),
            ("IA-112", [], NO_RECORDS),
            ("IA-152", body(), NO_RECORDS),
        ]),
    )  # fmt: skip
    def test_no_records(self, api: Api, sent: Any, answer: Any, path: str) -> None:
        found = api.post(sent, path=path)
        assert (found.status_code, found.json()) == (400, answer)

    def test_ia_111_malformed(self, api: Api) -> None:
        """IA-111."""
        answer = api.post(b"[{]", path=PUSH)
        assert answer.status_code == 400
        found = answer.json()
        assert found["status"] == "ERROR"
        assert found["message"] == "Malformed json in the body!"
        assert isinstance(found["error"], str)
        assert found["input"] is None

    def test_ia_113_too_many(self, api: Api) -> None:
        """IA-113."""
        answer = api.post([api.pushed()] * 20_001, path=PUSH)
        assert answer.status_code == 400
        assert "20001" in answer.json()["message"]

    @pytest.mark.parametrize("path", rows([("IA-114", PUSH), ("IA-151f", VALIDATE)]))
    def test_content_type(self, api: Api, path: str) -> None:
        answer = api.post([api.pushed()], path=path, content_type="application/xml")
        assert answer.status_code == 415
        assert answer.json() == {
            "status": "ERROR",
            "message": "Unsupported content-type application/xml. "
            "Please send application/json or application/transit+json",
        }

    def test_ia_115_too_large(self, api: Api) -> None:
        """IA-115."""
        answer = api.post(b"[]".ljust(20_971_521), path=PUSH)
        assert answer.status_code == 413
        assert answer.json()["message"].startswith("Request rejected: request size (20971521")

    @pytest.mark.parametrize("path", rows([("IA-116", PUSH), ("IA-151", VALIDATE)]))
    def test_without_client(self, api: Api, path: str) -> None:
        answer = api.post([api.pushed(client_id=None)], path=path)
        assert answer.status_code == 401
        assert answer.json() == {"status": "ERROR", "error": "Not Authenticated.", "errors": None}

    @pytest.mark.parametrize("path", rows([("IA-117", PUSH), ("IA-151b", VALIDATE)]))
    def test_foreign_client(self, api: Api, path: str) -> None:
        answer = api.post([api.pushed(client_id=7002)], path=path)
        assert answer.status_code == 403
        text = "Access token is not associated with this client."
        assert answer.json() == {
            "status": "ERROR",
            "error": "Forbidden",
            "errors": {"error": text},
        }

    @pytest.mark.parametrize("path", rows([("IA-118", PUSH), ("IA-151c", VALIDATE)]))
    def test_two_clients(self, api: Api, path: str) -> None:
        first = api.pushed()
        answer = api.post([first, api.pushed(client_id=7002)], path=path)
        assert answer.status_code == 422
        assert answer.json()["errors"] == [
            {
                "reason": "The batch contains data points for multiple clients. "
                f"Only client_id {first['client_id']} is allowed"
            }
        ]

    def test_ia_119_without_token(self, api: Api) -> None:
        """IA-119."""
        answer = api.post([api.pushed()], path=PUSH, authorization=None)
        assert (answer.status_code, answer.json()) == (401, NOT_AUTHORIZED)

    @pytest.mark.parametrize("path", [PUSH, VALIDATE])
    @pytest.mark.parametrize(
        ("changes", "reason"),
        rows([
            ("IA-120", {"table_name": None}, {"table_name": BLANK}),
            ("IA-121", {"table_name": ""}, {"table_name": BLANK}),
            ("IA-122", {"sequence": None}, {"sequence": BLANK}),
            ("IA-123", {"sequence": "abc"},
             {"sequence": ["should be an integer", "should be a number"]}),
            ("IA-124", {"action": None}, {"action": BLANK}),
            ("IA-125", {"key_names": None}, {"key_names": BLANK}),
            ("IA-126", {"key_names": []}, {"key_names": BLANK}),
            ("IA-127", {"key_names": None, "key_properties": ["id"]},
             {"key_names": BLANK, "key_properties": ["unknown key"]}),
            ("IA-128", {"data": [1]}, {"data": ["data must be an object"]}),
            ("IA-129", {"data": {"name": "a"}}, {"data": ["data must include keys"]}),
            ("IA-130", {"data": {"id": None}}, {"data": ["keys cannot not be null in data"]}),
            ("IA-131", {"data": {"id": "x" * 1025}},
             {"data": ["String keys cannot be longer than 1024 characters"]}),
            ("IA-132", {"foo": 1}, {"foo": ["unknown key"]}),
        ]),
    )  # fmt: skip
    def test_reasons(self, api: Api, changes: Any, reason: Any, path: str) -> None:
        answer = api.post([api.pushed(**changes)], path=path)
        assert (answer.status_code, answer.json()) == (422, e(**reason))

    def test_ia_137_all_or_nothing(self, api: Api) -> None:
        """IA-137."""
        assert api.post([api.pushed(), api.pushed(data=[1])], path=PUSH).status_code == 422
        assert api.stored() == 0


class TestTransit:
    def send(self, api: Api, data: str, path: str = PUSH) -> Any:
        client_id = api.pushed()["client_id"]
        sent = (
            f'[["^ ","client_id",{client_id},"table_name","t","sequence",1,"action","upsert",'
            f'"key_names",["id"],"data",{data}]]'
        )
        return api.post(sent.encode(), path=path, content_type=TRANSIT)

    def test_ia_138_accepted(self, api: Api) -> None:
        """IA-138."""
        assert self.send(api, '["^ ","id",1,"name","a"]').status_code == 201
        assert api.rows("SELECT id, name FROM crm.t") == [(1, "a")]

    def test_ia_139_verbose(self, api: Api) -> None:
        """IA-139."""
        assert api.post([api.pushed()], path=PUSH, content_type=TRANSIT).status_code == 201

    def test_ia_140_cache_codes(self, api: Api) -> None:
        """IA-140."""
        client_id = api.pushed()["client_id"]
        sent = (
            f'[["^ ","client_id",{client_id},"table_name","t","sequence",1,"action","upsert",'
            '"key_names",["id"],"data",["^ ","id",1,"name","a"]],'
            f'["^ ","^0",{client_id},"^1","t","^2",2,"^3","upsert","^4",["id"],'
            '"^5",["^ ","id",2,"^6","b"]]]'
        )
        assert api.post(sent.encode(), path=PUSH, content_type=TRANSIT).status_code == 201
        assert api.rows("SELECT id, name FROM crm.t ORDER BY id") == [(1, "a"), (2, "b")]

    @pytest.mark.parametrize(
        ("written", "kind", "value"),
        rows([
            ("IA-141", '"~m1714557600000"', "TIMESTAMP", datetime(2024, 5, 1, 10)),
            ("IA-142", '"~t2024-05-01T10:00:00.000Z"', "TIMESTAMP", datetime(2024, 5, 1, 10)),
            ("IA-143", '"~f12.3400"', "DECIMAL(38,6)", Decimal("12.340000")),
            ("IA-145", '"~u531a379e-31bb-4ce1-8690-158dceb64be6"', "VARCHAR",
             "531a379e-31bb-4ce1-8690-158dceb64be6"),
            ("IA-146", '"~~x"', "VARCHAR", "~x"),
            ("IA-146b", '"~^x"', "VARCHAR", "^x"),
        ]),
    )  # fmt: skip
    def test_values(self, api: Api, written: str, kind: str, value: Any) -> None:
        assert self.send(api, f'["^ ","~:id",1,"~:v",{written}]').status_code == 201
        assert api.columns("t")["v"] == kind
        assert api.rows("SELECT v FROM crm.t") == [(value,)]

    @pytest.mark.parametrize("tag", rows([("IA-147", "set"), ("IA-147b", "list")]))
    def test_collections(self, api: Api, tag: str) -> None:
        assert self.send(api, f'["^ ","id",1,"v",["~#{tag}",[5,6]]]').status_code == 201
        assert api.rows("SELECT value FROM crm.t__v ORDER BY _sdc_level_0_id") == [(5,), (6,)]

    def test_ia_144_big_integer(self, api: Api) -> None:
        """IA-144: kept exactly; the load rejects what DuckDB's BIGINT cannot hold."""
        big = 12345678901234567890
        assert self.send(api, f'["^ ","id",1,"big","~n{big}"]').status_code == 201
        [(reason, record)] = api.rows("SELECT reason, record FROM crm._sdc_rejected")
        assert reason == f"integer out of range for DuckDB on {big}"
        assert str(big) in record

    def test_ia_148_malformed(self, api: Api) -> None:
        """IA-148."""
        answer = api.post(b'["^ ","a"', path=PUSH, content_type=TRANSIT)
        assert answer.status_code == 400
        assert answer.json()["message"] == "Malformed json in the body!"

    def test_ia_154_validate(self, api: Api) -> None:
        """IA-154."""
        assert self.send(api, '["^ ","id",1]', VALIDATE).status_code == 200
        assert api.stored() == 0


class TestValidate:
    def test_ia_150_valid(self, api: Api) -> None:
        """IA-150."""
        answer = api.post([api.pushed()], path=VALIDATE)
        assert answer.status_code == 200
        assert answer.json() == {"status": "OK", "message": "Batch is valid!"}
        assert api.stored() == 0
