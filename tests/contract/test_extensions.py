"""What old clients never meet: deletions, Idempotency-Key, the spool, limits that help."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from seamline.catalog import integrations, tokens
from seamline.core.batch import Batch
from seamline.core.errors import QueueFull, Trouble
from seamline.gate.limits import MAX_DEPTH, Stopwatch
from seamline.queue.sqlite import SqliteQueue
from tests.contract.server import BATCH, Api, body, message, serving
from tests.noise import noise

PUSH = "/v2/import/push"


def deletion(sequence: int, **keys: Any) -> dict[str, Any]:
    return {"action": "delete", "sequence": sequence, "data": keys}


class TestDelete:
    def test_the_row_goes(self, api: Api) -> None:
        assert api.post(body()).status_code == 201
        assert api.post(body(messages=[deletion(2, id=1)])).status_code == 201
        assert api.rows("SELECT id FROM crm.t") == []

    def test_what_comes_late_does_not_bring_it_back(self, api: Api) -> None:
        api.post(body(messages=[deletion(5, id=1)]))
        api.rows("SELECT 1")
        api.post(body(messages=[message(sequence=4)]))
        assert api.rows("SELECT id FROM crm.t") == []
        api.post(body(messages=[message(sequence=6)]))
        assert api.rows("SELECT id FROM crm.t") == [(1,)]

    def test_soft_deletes_mark_the_row(self, api: Api) -> None:
        made = integrations.create(api.catalog, "soft", deletes="soft")
        _, token = tokens.create(api.catalog, made.id)
        api.post(body(messages=[message(), message(data={"id": 2, "name": "b"})]), token=token)
        api.post(body(messages=[deletion(2, id=1)]), token=token)
        found = api.rows("SELECT id, name, _sdc_deleted_at IS NULL FROM soft.t ORDER BY id")
        assert found == [(1, None, False), (2, "b", True)]

    def test_push_too(self, api: Api) -> None:
        api.post([api.pushed()], path=PUSH)
        gone = api.pushed(action="delete", sequence=2, data={"id": 1})
        assert api.post([gone], path=PUSH).status_code == 201
        assert api.rows("SELECT id FROM crm.t") == []

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"messages": [deletion(2)]}, "Record is missing key property id"),
            ({"messages": [deletion(2, id=None)]}, "Record is missing key property id"),
            ({"messages": [deletion(2, id="x")]},
             "Record 0 did not conform to schema: #/id: expected type: Integer, found: String"),
            ({"messages": [deletion(2, id=1, n=2)]},
             "Request failed validation:#/messages/0/data: extraneous key [n] is not permitted"),
            ({"messages": [deletion(2, id=1)], "key_names": []},
             "Request failed validation:#/messages/0: action delete needs key_names, "
             "to tell which row is meant"),
        ],
    )  # fmt: skip
    def test_refused(self, api: Api, changes: Any, words: str) -> None:
        assert api.error(body(**changes)) == words
        assert api.stored() == 0

    def test_a_bad_message_beside_a_deletion_is_worded_as_ever(self, api: Api) -> None:
        words = api.error(body(messages=[deletion(2, id=1), message(sequence=None)]))
        assert words.startswith("Request failed validation:#/messages/1:")

    def test_pushed_deletions_name_what_is_wrong(self, api: Api) -> None:
        answer = api.post([api.pushed(action="delete")], path=PUSH)
        assert answer.json()["errors"][0]["reason"] == {
            "data": ["data of a delete can hold its keys only"]
        }

    def test_a_table_that_lost_its_keys_rejects_them(self, api: Api) -> None:
        api.post(body(key_names=[]))
        api.rows("SELECT 1")
        api.post(body(messages=[deletion(2, id=1)]))
        assert api.rows("SELECT id FROM crm.t") == [(1,)]
        found = api.rows("SELECT reason FROM crm._sdc_rejected")
        assert found == [("Cannot delete from a table without Primary Keys",)]


class TestIdempotency:
    def test_the_first_receipt_again(self, api: Api) -> None:
        first = api.post(body(key_names=[]), idempotency_key="k1")
        again = api.post(body(key_names=[]), idempotency_key="k1")
        assert again.status_code == 201
        assert again.headers["seamline-receipt"] == first.headers["seamline-receipt"]
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        assert api.stored() == 1

    def test_also_after_it_was_loaded_and_trimmed(self, tmp_path: Path) -> None:
        with serving(tmp_path / "small", queue_segment_bytes=2**16) as api:
            large = body(key_names=[], messages=[message(data={"id": 1, "name": noise(10**5)})])
            first = api.post(large, idempotency_key="k1")
            api.post(body(key_names=[]))
            assert len(api.rows("FROM crm.t")) == 2
            queue = api.queue()
            queue.trim()
            assert not queue.find(first.headers["seamline-receipt"])
            queue.close()
            again = api.post(large, idempotency_key="k1")
            assert again.headers["seamline-receipt"] == first.headers["seamline-receipt"]
            assert len(api.rows("FROM crm.t")) == 2

    def test_another_body(self, api: Api) -> None:
        api.post(body(), idempotency_key="k1")
        answer = api.post(body(table_name="u"), idempotency_key="k1")
        assert answer.status_code == 422
        assert "Idempotency-Key" in answer.json()["message"]

    def test_keys_are_the_integration_s_own(self, api: Api) -> None:
        api.post(body(), idempotency_key="k1")
        answer = api.post(body(), idempotency_key="k1", token=api.t2)
        assert "idempotent-replayed" not in answer.headers
        assert api.stored() == 2

    def test_push_and_records(self, api: Api) -> None:
        for _ in range(2):
            assert api.post([api.pushed()], path=PUSH, idempotency_key="p").status_code == 201
            answer = api.post(
                b'{"id":1}', path="/v2/import/records/r", idempotency_key="r",
                content_type="application/x-ndjson",
            )  # fmt: skip
            assert answer.status_code == 201
        assert api.stored() == 2

    @pytest.mark.parametrize("key", ["", "x" * 256])
    def test_keys_that_are_none(self, api: Api, key: str) -> None:
        answer = api.post(body(), idempotency_key=key)
        assert answer.status_code == 400
        assert "1 to 255" in answer.json()["message"]

    def test_at_once(self, api: Api) -> None:
        """Twenty copies of one request on different connections are stored once."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(20) as pool:
            answers = list(
                pool.map(lambda _: api.post(body(key_names=[]), idempotency_key="k"), range(20))
            )
        assert {a.status_code for a in answers} == {201}
        assert len({a.headers["seamline-receipt"] for a in answers}) == 1
        assert api.stored() == 1


class TestSpool:
    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        def fail(*_: Any) -> Any:
            raise Trouble("disk I/O error")

        monkeypatch.setattr(SqliteQueue, "append", fail)
        return monkeypatch

    def test_survives_a_restart(self, tmp_path: Path, broken: pytest.MonkeyPatch) -> None:
        with serving(tmp_path / "data") as api:
            assert api.post(body(), idempotency_key="k").status_code == 202
            assert api.post(body(), idempotency_key="k").headers["idempotent-replayed"]
            assert len(list((tmp_path / "data" / "spool").glob("*.spool"))) == 1
        broken.undo()
        with api.client:
            assert api.post(body(table_name="u")).status_code == 201
            assert api.stored() == 2

    def test_what_was_stored_all_the_same_is_not_stored_twice(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An error after the commit: the queue has the batch, and so has the spool."""
        append = SqliteQueue.append

        def store_and_fail(self: SqliteQueue, batches: list[Batch]) -> Any:
            append(self, batches)
            if batches:
                raise Trouble("disk I/O error")

        monkeypatch.setattr(SqliteQueue, "append", store_and_fail)
        assert api.post(body(key_names=[])).status_code == 202
        monkeypatch.undo()
        assert api.post(body(key_names=[], table_name="u")).status_code == 201
        assert len(api.rows("FROM crm.t")) == 1

    def test_a_damaged_file_is_set_aside(self, tmp_path: Path, broken: pytest.MonkeyPatch) -> None:
        with serving(tmp_path / "data") as api:
            assert api.post(body()).status_code == 202
            [path] = (tmp_path / "data" / "spool").glob("*.spool")
            path.write_bytes(path.read_bytes()[:-1] + b"?")
            broken.undo()
            assert api.post(body(table_name="u")).status_code == 201
            assert path.with_suffix(".damaged").exists()

    def test_a_full_spool_and_a_full_queue_answer_503(
        self, tmp_path: Path, broken: pytest.MonkeyPatch
    ) -> None:
        with serving(tmp_path / "data", spool_max_bytes=1000) as api:
            answers = [api.post(body()).status_code for _ in range(10)]
            assert answers[0] == 202
            assert answers[-1] == 503
            kept = answers.count(202)

            def full(*_: Any) -> Any:
                raise QueueFull("the queue is full")

            broken.undo()
            broken.setattr(SqliteQueue, "append", full)
            assert api.post(body()).status_code == 503  # backpressure is not for the spool
            broken.undo()
            assert api.post(body()).status_code == 201
            assert api.stored() == kept + 1


class TestLimits:
    def nested(self, depth: int) -> bytes:
        inner = "[" * (depth - 1) + "]" * (depth - 1)
        return (
            '{"table_name":"t","schema":{},"messages":[{"action":"upsert","sequence":1,'
            f'"data":{{"v":{inner}}}}}]}}'
        ).encode()

    def test_depth(self, api: Api) -> None:
        assert api.post(self.nested(MAX_DEPTH)).status_code == 201
        answer = api.post(self.nested(MAX_DEPTH + 1))
        assert answer.json() == {"error": "Record 0 exceeds the maximum depth of 200 levels"}
        assert api.post(self.nested(100_000)).json()["error"] == "the JSON nests too deeply"

    def test_depth_of_fields_a_flat_schema_does_not_name(self, api: Api) -> None:
        deep = json.loads("[" * 250 + "]" * 250)
        many = [message(data={"id": i, "name": "a"}) for i in range(50)]
        sent = body(messages=[*many, message(data={"id": 1, "name": "a", "extra": deep})])
        assert api.error(sent) == "Record 50 exceeds the maximum depth of 200 levels"

    def test_number_of_patterns(self, api: Api) -> None:
        sub = {"allOf": [{"pattern": f"a{i}"} for i in range(1001)]}
        words = api.error(body(schema={"properties": {"id": sub}}))
        assert words == "Invalid JSON schema: it has more than 1000 patterns"

    def test_patterns_that_refer_back_are_cut_short(self, api: Api) -> None:
        evil = {"type": "string", "pattern": r"^(a*)*\1$"}
        records = [message(data={"id": i, "name": "a" * 40 + "!"}) for i in range(100)]
        sent = body(schema={"properties": {"id": {"type": "integer"}, "name": evil}},
                    messages=records)  # fmt: skip
        assert "does not match pattern" in api.error(sent)

    def test_checking_may_not_take_for_ever(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Stopwatch, "__init__", lambda self: setattr(self, "_started", -100.0))
        costly = {"properties": {"id": {"type": "integer"}, "name": {"pattern": "^a*$"}}}
        assert "takes longer than 20 seconds" in api.error(body(schema=costly))

    @pytest.mark.parametrize("keyword", ["multipleOf", "minimum", "maximum", "maxLength"])
    @pytest.mark.parametrize("value", [1.25, 10**400, "x"])
    def test_numbers_beyond_a_double(self, api: Api, keyword: str, value: Any) -> None:
        """Found by the fuzzer: a step of four hundred digits."""
        whole = {"properties": {"id": {"type": "integer"}, "name": {keyword: 10**400}}}
        sent = body(schema=whole, messages=[message(data={"id": 1, "name": value})])
        assert api.post(sent).status_code in (201, 400)

    def test_records_name_themselves(self, api: Api) -> None:
        many = [message(data={"id": i, "name": "a"}) for i in range(3)]
        many[2]["data"]["list"] = list(range(10_000))
        assert api.error(body(messages=many)) == "Record 2 exceeds the maximum of 10000 data points"


def test_the_drain_runs_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No request has to come for the spool to be emptied."""
    with serving(tmp_path / "data") as api:

        def fail(*_: Any) -> Any:
            raise Trouble("disk I/O error")

        monkeypatch.setattr(SqliteQueue, "append", fail)
        assert api.post(body()).status_code == 202
        monkeypatch.undo()

        async def stored() -> int:
            while not (count := api.stored()):
                await asyncio.sleep(0.1)
            return count

        assert asyncio.run(asyncio.wait_for(stored(), 20)) == 1
        assert api.client.post(BATCH).status_code == 401
