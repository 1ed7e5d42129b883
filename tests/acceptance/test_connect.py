"""Rows IA-155 to IA-187 of the acceptance table (import-api.md §5): the Connect API."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seamline.catalog import accounts, api_keys, hooks, loads
from seamline.core.clock import now
from seamline.watch.courier import Courier
from tests.acceptance.test_batch import NOT_AUTHORIZED
from tests.contract.server import BATCH, Api, body, serving
from tests.receiver import Receiver

SHOP = {"type": "import_api", "display_name": "Web Shop"}
NOTIFY = "/notifications/public/v1/api"


class Client:
    """A client of the Connect API with key K1."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.key_id, self.key = api_keys.create(api.catalog, "K1", "admin")
        self.client_id = accounts.client_id(api.catalog)

    def call(self, method: str, path: str, content: Any = None, key: str | None = None) -> Any:
        headers = {"authorization": f"Bearer {key or self.key}"}
        return self.api.client.request(method, path, json=content, headers=headers)

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def ok(self, method: str, path: str, content: Any = None) -> Any:
        """Return the JSON of a call that must succeed."""
        answer = self.call(method, path, content)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, method: str, path: str, content: Any = None, status: int = 400) -> Any:
        """Return the JSON of a call that must be refused."""
        answer = self.call(method, path, content)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def connect(api: Api) -> Client:
    return Client(api)


@pytest.fixture
def shop(connect: Client) -> dict[str, Any]:
    made: dict[str, Any] = connect.ok("POST", "/v4/sources", SHOP)
    return made


class TestSources:
    def test_ia_155_create(self, connect: Client, shop: dict[str, Any]) -> None:
        """IA-155."""
        assert shop["name"] == "web_shop"
        assert shop["stitch_client_id"] == connect.client_id
        card = shop["report_card"]
        assert (card["current_step"], card["current_step_type"]) == (2, "fully_configured")
        assert connect.ok("GET", f"/v4/sources/{shop['id']}") == shop

    def test_ia_156_type_card(self, connect: Client) -> None:
        """IA-156."""
        card = connect.ok("GET", "/v4/source-types/import_api")
        assert card["steps"] == [
            {"type": "form", "properties": []},
            {"type": "fully_configured", "properties": []},
        ]
        assert (card["current_step"], card["current_step_type"]) == (1, "form")
        assert card["details"]["protocol"] == "import_api"
        assert card in connect.ok("GET", "/v4/source-types")

    @pytest.mark.parametrize(
        ("changes", "code", "message"),
        [
            ({}, "InvalidName", "non-unique name (Web Shop)"),
            ({"display_name": "web-shop"}, "InvalidName",
             "non-unique name after deriving it from display_name (web-shop -> web_shop)"),
            ({"display_name": "####"}, "InvalidDisplayName",
             "invalid name after deriving it from display_name (#### -> )"),
            ({"type": "platform.nope"}, "InvalidType", "invalid source type (platform.nope)"),
            ({"foo": 1}, "InvalidBody",
             "POST body may only include a non-empty type, a non-empty display_name and map of "
             "string properties"),
        ],
    )  # fmt: skip
    def test_ia_157_to_160_refused(
        self, connect: Client, shop: dict[str, Any], changes: dict[str, Any], code: str,
        message: str,
    ) -> None:  # fmt: skip
        """IA-157, IA-158, IA-159, IA-160."""
        found = connect.refused("POST", "/v4/sources", {**SHOP, **changes})
        assert found == {"error": code, "data": {"message": message}}

    @pytest.mark.parametrize(
        "content",
        [None, [], {}, {"type": "import_api"}, {"type": "import_api", "display_name": " "},
         {**SHOP, "properties": {"a": 1}}, {**SHOP, "properties": []},
         {**SHOP, "destination_id": "1"}, {**SHOP, "destination_id": True}],
    )  # fmt: skip
    def test_no_sound_body(self, connect: Client, content: Any) -> None:
        assert connect.refused("POST", "/v4/sources", content)["error"] == "InvalidBody"

    def test_ia_161_rename_keeps_schema(self, connect: Client, shop: dict[str, Any]) -> None:
        """IA-161."""
        found = connect.ok("PUT", f"/v4/sources/{shop['id']}", {"display_name": "Store"})
        assert (found["display_name"], found["name"]) == ("Store", "web_shop")

    def test_ia_162_extra_key(self, connect: Client, shop: dict[str, Any]) -> None:
        """IA-162."""
        found = connect.refused("PUT", f"/v4/sources/{shop['id']}", {"foo": 1})
        text = "PUT body many only include the keys: display_name, properties, and paused_at"
        assert found == {"error": "InvalidBody", "data": {"message": text}}

    def test_ia_163_pause(self, connect: Client, api: Api) -> None:
        """IA-163."""
        path, at = f"/v4/sources/{api.s1.id}", "2999-01-01T00:00:00Z"
        assert connect.ok("PUT", path, {"paused_at": at})["paused_at"] == at
        assert api.post(body()).status_code == 401
        assert connect.ok("PUT", path, {"paused_at": None})["paused_at"] is None
        assert api.post(body()).status_code == 201

    def test_ia_164_delete(self, connect: Client, shop: dict[str, Any]) -> None:
        """IA-164."""
        assert connect.ok("DELETE", f"/v4/sources/{shop['id']}")["deleted_at"]
        listed = {one["id"]: one for one in connect.ok("GET", "/v4/sources")}
        assert listed[shop["id"]]["deleted_at"]
        again = connect.ok("POST", "/v4/sources", SHOP)
        assert (again["name"], again["id"] > shop["id"]) == ("web_shop", True)

    @pytest.mark.parametrize("number", ["999999", "x", "-1", "9" * 30, "%20", "1.0"])
    def test_ia_165_unknown(self, connect: Client, number: str) -> None:
        """IA-165."""
        for method, content in (("PUT", {"display_name": "x"}), ("DELETE", None)):
            found = connect.refused(method, f"/v4/sources/{number}", content)
            assert found["error"] == "InvalidId"
        assert connect.get(f"/v4/sources/{number}").status_code == 404


class TestTokens:
    def test_ia_166_to_173_life_of_tokens(self, connect: Client, shop: dict[str, Any]) -> None:
        """IA-166, IA-167, IA-168, IA-169, IA-170, IA-171, IA-172, IA-173."""
        path = f"/v4/sources/{shop['id']}/tokens"
        first, second = connect.ok("POST", path), connect.ok("POST", path)
        assert set(first) == {"id", "access_token"}
        assert connect.api.post(body(), token=first["access_token"]).status_code == 201
        listed = connect.ok("GET", path)
        assert [one["token_id"] for one in listed] == [second["id"], first["id"]]
        assert first["access_token"] not in str(listed)
        assert connect.ok("GET", f"{path}?format=ids") == [second["id"], first["id"]]
        assert connect.refused("POST", path)["error"] == "TokenLimit"
        for token in (first, second):
            assert connect.api.post(body(), token=token["access_token"]).status_code == 201
        assert second["id"] > first["id"]
        source = connect.ok("DELETE", f"{path}/{first['id']}")
        assert (source["id"], "report_card" in source) == (shop["id"], True)
        old = connect.api.post(body(), token=first["access_token"])
        assert (old.status_code, old.json()) == (401, NOT_AUTHORIZED)
        assert connect.api.post(body(), token=second["access_token"]).status_code == 201
        third = connect.ok("POST", path)
        assert third["id"] > second["id"]
        again = connect.refused("DELETE", f"{path}/{first['id']}", status=404)
        assert again == {"error": "NotFound"}

    def test_ia_174_foreign_account(self, connect: Client, tmp_path: Path) -> None:
        """IA-174: another account is another Seamline, whose keys are nothing here."""
        with serving(tmp_path / "other") as other:
            foreign = Client(other).key
        path = f"/v4/sources/{connect.api.s1.id}/tokens"
        for method in ("GET", "POST"):
            found = connect.call(method, path, key=foreign)
            assert (found.status_code, found.json()) == (401, NOT_AUTHORIZED)


class TestKeys:
    def test_ia_175_176_who_is_let_in(self, connect: Client, api: Api) -> None:
        """IA-175, IA-176."""
        nobody = api.client.get("/v4/sources")
        assert (nobody.status_code, nobody.json()) == (401, NOT_AUTHORIZED)
        assert connect.call("GET", "/v4/sources", key=api.t1).status_code == 401
        assert api.post(body(), token=connect.key).status_code == 401

    def test_ia_177_disabled(self, connect: Client) -> None:
        """IA-177."""
        api_keys.enable(connect.api.catalog, connect.key_id, enabled=False)
        assert connect.get("/v4/sources").status_code == 401
        api_keys.enable(connect.api.catalog, connect.key_id, enabled=True)
        assert connect.get("/v4/sources").status_code == 200

    def test_unknown_paths_and_methods(self, connect: Client) -> None:
        assert connect.call("PATCH", "/v4/sources").status_code in (404, 405)
        assert connect.call("PUT", "/v4/sources", {}).status_code == 404
        assert connect.get("/v4/nothing/here/at/all").status_code == 404


class TestLoads:
    def test_ia_178_listed(self, connect: Client, api: Api) -> None:
        """IA-178."""
        api.post(body())
        api.rows("SELECT 1")
        found = connect.ok("GET", f"/v4/{connect.client_id}/loads")
        (entry,) = found["data"]
        assert entry["source_name"] == "crm"
        assert entry["stream_name"] == "t"
        assert entry["last_batch_loaded_at"].endswith("Z")
        assert entry["error_state"] is None
        assert (found["links"], found["page"], found["total"]) == ({}, 1, 1)

    def test_ia_179_pages(self, connect: Client, api: Api) -> None:
        """IA-179."""
        for number in range(102):
            place = (api.s1.id, f"t{number:03}")
            loads.postpone(api.catalog, place, "ERROR: no", now(), counts=True)
        path = f"/v4/{connect.client_id}/loads"
        first = connect.ok("GET", path)
        second = connect.ok("GET", first["links"]["next"])
        assert first["links"] == {"next": f"{path}?page=2"}
        assert second["links"] == {"previous": f"{path}?page=1"}
        assert (len(first["data"]), len(second["data"])) == (100, 2)
        names = [entry["stream_name"] for entry in first["data"] + second["data"]]
        assert names == sorted(names)
        assert first["data"][0]["error_state"]["notification_data"]["status"] == "ERROR"
        assert connect.get(f"{path}?page=0").status_code == 400

    def test_ia_180_foreign_client(self, connect: Client) -> None:
        """IA-180."""
        found = connect.get(f"/v4/{connect.client_id + 1}/loads")
        assert (found.status_code, found.json()) == (401, NOT_AUTHORIZED)

    def test_streams(self, connect: Client, api: Api) -> None:
        api.post(body())
        api.rows("SELECT 1")
        path = f"/v4/sources/{api.s1.id}/streams"
        (stream,) = connect.ok("GET", path)
        assert stream["metadata"] == {"table-key-properties": ["id"], "selected": True}
        shown = connect.ok("GET", f"{path}/{stream['stream_id']}")
        assert '"id":{"type":["null","integer"]}' in shown["schema"]
        assert connect.get(f"{path}/999").text == "invalid stream-id: 999"
        assert connect.call("PUT", f"{path}/metadata", {}).status_code == 400
        extractions = connect.ok("GET", f"/v4/{connect.client_id}/extractions")
        assert extractions == {"data": [], "page": 1, "total": 0, "links": {}}
        sync = connect.refused("POST", f"/v4/sources/{api.s1.id}/sync")
        assert sync["error"]["type"] == "invalid_source"


class TestDestinations:
    CREATE = {  # noqa: RUF012
        "type": "postgres",
        "name": "Warehouse",
        "description": "prod",
        "properties": {"host": "db.example.com", "port": "5432", "username": "loader",
                       "password": "s3cret", "database": "dw", "ssl": True,
                       "encryption_type": "none"},
    }  # fmt: skip

    def test_life(self, connect: Client) -> None:
        made = connect.ok("POST", "/v4/destinations", self.CREATE)
        assert made["properties"] == {
            "host": "db.example.com", "port": "5432", "username": "loader", "database": "dw",
            "ssl": "true", "encryption_type": "none", "status": "1",
        }  # fmt: skip
        assert "s3cret" not in str(made)
        form = {one["name"]: one for one in made["report_card"]["steps"][0]["properties"]}
        assert form["password"]["is_credential"]
        assert form["password"]["provided"]
        assert not form["sslrootcert"]["provided"]
        path = f"/v4/destinations/{made['id']}"
        changed = connect.ok("PUT", path, {"properties": {"host": "db2.example.com"}})
        assert changed["properties"]["host"] == "db2.example.com"
        assert changed["properties"]["username"] == "loader"
        kept = connect.api.catalog.secrets  # the password is still there, sealed
        assert "s3cret" in kept.open(connect.api.catalog.all("destination_list")[1]["config"])
        assert connect.call("PUT", path, {"type": "mysql"}).status_code == 400
        assert connect.get(f"{path}/last-connection-check").status_code == 404
        assert connect.ok("DELETE", path) == {}
        assert connect.call("DELETE", path).status_code == 400
        assert connect.call("DELETE", "/v4/destinations/x").status_code == 404

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"type": "oracle"}, "there is no destination type [oracle]"),
            ({"foo": 1}, "POST body may only include a type"),
            ({"properties": {}}, "a postgres destination needs host=..."),
            ({"properties": {"host": "h", "username": "u", "database": "d", "port": "x"}},
             "port is [x]"),
            ({"properties": {"encryption_type": "ssh"}}, "encryption_type can only be none"),
        ],
    )  # fmt: skip
    def test_refused(self, connect: Client, changes: dict[str, Any], words: str) -> None:
        found = connect.call("POST", "/v4/destinations", {**self.CREATE, **changes})
        assert found.status_code == 400
        assert words in found.text

    def test_types_and_lists(self, connect: Client, api: Api) -> None:
        cards = {card["type"]: card for card in connect.ok("GET", "/v4/destination-types")}
        assert set(cards) == {"duckdb", "postgres", "mysql_destination"}
        assert connect.ok("GET", "/v4/destination-types/postgres") == cards["postgres"]
        assert connect.get("/v4/destination-types/nope").status_code == 404
        (embedded,) = connect.ok("GET", f"/v4/destinations?source_id={api.s1.id}")
        assert embedded["type"] == "duckdb"
        assert connect.ok("GET", "/v4/destinations?destination_id=999") == []
        assert connect.get("/v4/destinations?foo=1").status_code == 400


class TestEmails:
    def test_ia_181_life(self, connect: Client) -> None:
        """IA-181."""
        path = f"{NOTIFY}/custom-emails"
        made = connect.ok("POST", path, {"email_address": "a@b.example"})
        assert set(made) == {"id", "client_id", "email_address", "created_at", "disabled_at"}
        assert connect.ok("GET", path) == [made]
        one, at = f"{path}/{made['id']}", "2024-05-01T10:00:00Z"
        assert connect.ok("PUT", one, {"disabled_at": at}) == {"disabled_at": at}
        assert connect.ok("GET", path)[0]["disabled_at"] == at
        assert connect.ok("PUT", one, {"disabled_at": None}) == {"disabled_at": None}
        assert connect.refused("PUT", one, {"disabled_at": "soon"}) == {"disabled_at": "soon"}
        assert connect.ok("DELETE", one) == [1]
        assert connect.refused("DELETE", one, status=404) == {"status": "NOT FOUND"}

    def test_ia_182_183_refused(self, connect: Client) -> None:
        """IA-182, IA-183."""
        path = f"{NOTIFY}/custom-emails"
        for wrong in ("x", "", None, 1, "a@b", "a b@c.de", "a@b.c\nBcc: d@e.f"):
            found = connect.refused("POST", path, {"email_address": wrong})
            text = "Required. Must be valid email address format."
            assert found == {"error": {"message": {"email_address": text}}}
        for number in range(10):
            connect.ok("POST", path, {"email_address": f"a{number}@b.example"})
        found = connect.refused("POST", path, {"email_address": "c@d.example"})
        assert found["error"]["message"] == (
            "Account not authorized to create additional custom notification email addresses."
        )


class TestHooks:
    def hook(self, url: str = "https://hooks.example.com/x", at: Any = 1) -> dict[str, Any]:
        return {"type": "post_load", "destination_id": at, "config": {"url": url}}

    def test_ia_184_life(self, connect: Client) -> None:
        """IA-184."""
        path = f"{NOTIFY}/hooks"
        made = connect.ok("POST", path, self.hook())
        assert (made["type"], made["version"], made["disabled_at"]) == ("post_load", 1, None)
        assert connect.ok("GET", path) == {"post_load": [made]}
        one = f"{path}/{made['id']}"
        assert connect.ok("PUT", one, {"enable": False})["disabled_at"]
        assert connect.ok("PUT", one, {"enable": True})["disabled_at"] is None
        assert connect.ok("DELETE", one) is None
        assert connect.refused("DELETE", one) == {"error": "NotFound"}

    def test_ia_185_bad_put(self, connect: Client) -> None:
        """IA-185."""
        made = connect.ok("POST", f"{NOTIFY}/hooks", self.hook())
        wrongs: list[Any] = [{"enable": "no"}, {}, {"enable": True, "x": 1}, None, []]
        for wrong in wrongs:
            found = connect.refused("PUT", f"{NOTIFY}/hooks/{made['id']}", wrong)
            text = "PUT body must only contain boolean 'enable' key"
            assert found == {"data": {"message": text}, "error": "InvalidBody"}

    @pytest.mark.parametrize("at", [None, "1", 99, True])
    def test_bad_bodies(self, connect: Client, at: Any) -> None:
        found = connect.refused("POST", f"{NOTIFY}/hooks", self.hook(at=at))
        assert found == {"data": {"message": "Invalid POST body"}, "error": "InvalidBody"}

    def test_limits(self, connect: Client) -> None:
        found = connect.refused("POST", f"{NOTIFY}/hooks", self.hook("http://example.com"))
        assert found == {"error": {"message": "Invalid URI"}}
        for _ in range(10):
            connect.ok("POST", f"{NOTIFY}/hooks", self.hook())
        found = connect.refused("POST", f"{NOTIFY}/hooks", self.hook())
        assert found == {"error": {"message": "You have exceeded the limit of 10 hooks."}}


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Client]:
    with serving(tmp_path / "local", local_hooks=True, hook_retry_seconds=0.001) as made:
        yield Client(made)


@pytest.mark.parametrize(("status", "calls"), [(200, 1), (500, 6)])
def test_ia_186_187_delivery(local: Client, status: int, calls: int) -> None:
    """IA-186, IA-187."""
    receiver = Receiver(status)
    config = {"type": "post_load", "destination_id": 1, "config": {"url": receiver.url}}
    local.ok("POST", f"{NOTIFY}/hooks", config)
    assert local.api.post(body()).status_code == 201
    assert local.api.rows("SELECT count(*) FROM crm.t") == [(1,)]
    courier = Courier(local.api.catalog, local.api.settings)
    deadline = time.monotonic() + 30
    while any(one["state"] == "due" for one in hooks.calls(local.api.catalog)):
        courier.step()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert len(receiver.calls) == calls
    received = receiver.calls[-1]
    assert received.headers["user-agent"] == "StitchLoadingWebhook"
    assert set(received.body) == {
        "version", "minimum_sdc_batched_at", "integration_name", "new_version",
        "source_root_table_name", "destination_root_table_name", "table_version", "tables",
    }  # fmt: skip
    assert [load["state"] for load in loads.listing(local.api.catalog)] == ["loaded"]
    courier.close()
    receiver.close()


def test_the_documented_guide(connect: Client, api: Api) -> None:
    """Create an Import API source, make a token, push, rotate the token, delete."""
    source = connect.ok("POST", "/v4/sources", {"type": "import_api", "display_name": "Guide"})
    path = f"/v4/sources/{source['id']}"
    old = connect.ok("POST", f"{path}/tokens")
    assert api.post(body(), token=old["access_token"], path=BATCH).status_code == 201
    new = connect.ok("POST", f"{path}/tokens")
    connect.ok("DELETE", f"{path}/tokens/{old['id']}")
    assert api.post(body(), token=old["access_token"]).status_code == 401
    second = body(messages=[{"action": "upsert", "sequence": 2, "data": {"id": 2}}])
    assert api.post(second, token=new["access_token"]).status_code == 201
    assert api.rows("SELECT id FROM guide.t ORDER BY id") == [(1,), (2,)]
    connect.ok("DELETE", path)
    assert (
        api.post(body(), token=new["access_token"]).json()
        == {"message": "Connection is not active."}
        or api.post(body(), token=new["access_token"]).status_code == 401
    )
