"""Rows IA-192 to IA-200 of the acceptance table (import-api.md §5), and part 2 around them."""

import time
from typing import Any

import pytest

from seamline.catalog import accounts, integrations, tokens
from seamline.core.errors import Refused
from tests.acceptance.test_batch import NOT_ACTIVE, NOT_AUTHORIZED, PUSH, WRONG_METHOD
from tests.contract.server import BATCH, Api, body, message


class Hook:
    """A webhook integration with one URL."""

    def __init__(self, api: Api, *keys: str) -> None:
        self.api = api
        self.made = integrations.create(api.catalog, "Hook", type="webhook", key_names=keys)
        self.token, self.secret = tokens.create(api.catalog, self.made.id)
        self.client_id = accounts.client_id(api.catalog)

    def path(self, client_id: int | None = None) -> str:
        return f"/v1/clients/{client_id or self.client_id}/token/{self.secret}"

    def post(self, content: Any, **headers: str | None) -> Any:
        return self.api.post(content, path=self.path(), authorization=None, **headers)


@pytest.fixture
def hook(api: Api) -> Hook:
    return Hook(api)


class TestWebhook:
    def test_ia_192_one_object(self, hook: Hook) -> None:
        """IA-192."""
        before = time.time_ns() // 1_000_000
        answer = hook.post({"id": 1, "at": "2024-05-01", "paid": 1.5})
        assert (answer.status_code, answer.json()) == (200, {"status": "OK"})
        [row] = hook.api.rows('SELECT id, "at", paid, _sdc_sequence FROM hook.data')
        assert row[:3] == (1, "2024-05-01", 1.5)
        assert before <= row[3] <= time.time_ns() // 1_000_000

    def test_ia_193_get(self, hook: Hook) -> None:
        """IA-193."""
        answer = hook.api.client.get(hook.path())
        assert (answer.status_code, answer.text) == (405, WRONG_METHOD)

    def test_ia_194_array(self, hook: Hook) -> None:
        """IA-194."""
        assert hook.post([{"id": 1}, {"id": 2}]).status_code == 200
        assert hook.api.rows("SELECT id FROM hook.data ORDER BY id") == [(1,), (2,)]

    def test_ia_195_revoked(self, hook: Hook) -> None:
        """IA-195."""
        tokens.revoke(hook.api.catalog, hook.made.id, hook.token.id)
        answer = hook.post({"id": 1})
        assert (answer.status_code, answer.json()) == (401, NOT_AUTHORIZED)

    def test_paused(self, hook: Hook) -> None:
        integrations.pause(hook.api.catalog, hook.made.id)
        answer = hook.post({"id": 1})
        assert (answer.status_code, answer.json()) == (401, NOT_ACTIVE)

    def test_upserts_by_its_key_and_the_later_record_wins(self, api: Api) -> None:
        hook = Hook(api, "id")
        hook.post([{"id": 1, "n": "a"}, {"id": 1, "n": "b"}])
        hook.post({"id": 1, "n": "c"})
        assert api.rows("SELECT id, n FROM hook.data") == [(1, "c")]

    def test_a_record_without_the_key(self, api: Api) -> None:
        answer = Hook(api, "id").post([{"id": 1}, {"n": 1}])
        assert answer.status_code == 400
        assert answer.json() == {"error": "Record is missing key property id"}
        assert api.stored() == 0

    @pytest.mark.parametrize(
        ("content", "status"),
        [(b"{", 400), (b"3", 400), (b"[]", 400), (b"[1]", 400), (b'"x"', 400),
         (b'{"a":1}}', 400), (b'{"a":1},{"b":2}', 400), (b'{"a":1,"a":2}', 400)],
    )  # fmt: skip
    def test_no_records(self, hook: Hook, content: bytes, status: int) -> None:
        answer = hook.post(content)
        assert answer.status_code == status
        assert answer.json()["status"] == "ERROR"
        assert hook.api.stored() == 0

    @pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", None])
    def test_other_formats(self, hook: Hook, media_type: str | None) -> None:
        answer = hook.post(b"a=1", content_type=media_type)
        assert answer.status_code == 415
        assert "application/json" in answer.json()["message"]

    def test_another_client_s_url(self, hook: Hook) -> None:
        answer = hook.api.post({"id": 1}, path=hook.path(hook.client_id + 1), authorization=None)
        assert answer.status_code == 401

    def test_tokens_open_only_the_door_they_were_made_for(self, hook: Hook) -> None:
        assert hook.api.post(body(), token=hook.secret).status_code == 401
        of_api = f"/v1/clients/{hook.client_id}/token/{hook.api.t1}"
        assert hook.api.post({"id": 1}, path=of_api).status_code == 401

    def test_keys_are_checked_when_it_is_made(self, api: Api) -> None:
        with pytest.raises(Refused, match="1 to 50"):
            integrations.create(api.catalog, "Long", type="webhook", key_names=["x" * 51])
        with pytest.raises(Refused, match="brings its own"):
            integrations.create(api.catalog, "Keyed", key_names=["id"])


class TestBeyondTheGate:
    def test_ia_196_reserved_column(self, api: Api) -> None:
        """IA-196."""
        answer = api.post([api.pushed(data={"id": 1, "_sdc_x": 1})], path=PUSH)
        assert answer.status_code == 201
        [(table, reason)] = api.rows("SELECT table_name, reason FROM crm._sdc_rejected")
        assert table == "t"
        assert reason == "table or column name includes reserved prefix on _sdc_x"

    def test_ia_197_case_collision(self, api: Api) -> None:
        """IA-197."""
        answer = api.post([api.pushed(data={"id": 1, "ID": 2})], path=PUSH)
        assert answer.status_code == 201
        found = api.rows("SELECT reason FROM crm._sdc_rejected")
        assert found == [("Field collision on id",)]

    def test_ia_198_windows_1252(self, api: Api) -> None:
        """IA-198."""
        client_id = api.pushed()["client_id"]
        sent = (
            f'[["^ ","client_id",{client_id},"table_name","t","sequence",1,"action","upsert",'
            '"key_names",["id"],"data",["^ ","id",1,"name","é"]]]'
        )
        answer = api.post(sent.encode("cp1252"), path=PUSH, content_type="application/transit+json")
        assert answer.status_code == 201
        assert api.rows("SELECT name FROM crm.t") == [("é",)]

    @pytest.mark.parametrize(
        ("content_type", "encoded_as", "status"),
        [("application/json", "cp1252", 201), ("application/json; charset=latin-1", "cp1252", 201),
         ("application/json; charset=utf-16", "utf-16", 201),
         ("application/json; charset=utf-8", "cp1252", 400),
         ("application/json; charset=nonsense", "utf-8", 415)],
    )  # fmt: skip
    def test_character_sets_of_batch(
        self, api: Api, content_type: str, encoded_as: str, status: int
    ) -> None:
        text = '{"table_name":"t","schema":{},"messages":[{"action":"upsert","sequence":1,'
        sent = (text + '"data":{"name":"é"}}]}').encode(encoded_as)
        assert api.post(sent, content_type=content_type).status_code == status
        if status == 201:
            assert api.rows("SELECT name FROM crm.t") == [("é",)]

    def test_ia_200_no_secrets_in_errors(self, api: Api) -> None:
        """IA-200."""
        answers = [
            api.post({}),
            api.post(body(foo=api.t1[:3])),
            api.post(body(messages=[message(data={"id": "x"})])),
            api.post(body(), authorization=f"Basic {api.t1}"),
            api.post(body(), path=f"{BATCH}x"),
            api.post({}, path=PUSH),
            api.post([api.pushed(client_id=1)], path=PUSH),
            api.post(body(), content_type="text/plain"),
        ]
        for answer in answers:
            assert 400 <= answer.status_code < 500
            assert api.t1 not in answer.text
            assert api.t1 not in str(answer.headers)
