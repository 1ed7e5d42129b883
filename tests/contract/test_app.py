"""Who may do what in the app, and what no other site can make a user do."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from seamline.catalog import api_keys, notifications, users
from seamline.config.paths import DataDir
from seamline.core.clock import now
from seamline.gate.neighbours import Neighbours
from seamline.gate.tail import Seen, Snapshot
from seamline.web import query_page
from seamline.web.app import COOKIE, Entry, csrf_token
from seamline.web.entries import entries
from seamline.web.sign_in import Throttle
from tests.contract.server import Api, body, message, serving

PASSWORD = "correct horse battery"
HTML = {"accept": "text/html"}
JSON = {"accept": "application/json"}


class Person:
    """Somebody with a browser."""

    def __init__(self, api: Api, login: str, role: users.Role) -> None:
        self.api = api
        number = users.add(api.catalog, login, role, users.password_hash(PASSWORD))
        found = users.sign_in(api.catalog, login, PASSWORD)
        assert found is not None
        self.id, self.session = number, found[1]

    def get(self, path: str, **headers: str) -> Any:
        cookie = {"cookie": f"{COOKIE}={self.session}"}
        return self.api.client.get(path, headers={**HTML, **cookie, **headers})

    def post(self, path: str, /, csrf: str | None = None, headers: Any = None, **form: str) -> Any:
        token = csrf_token(self.session) if csrf is None else csrf
        sent = {**HTML, "cookie": f"{COOKIE}={self.session}", **(headers or {})}
        data = {**form, "csrf": token}
        return self.api.client.post(path, data=data, headers=sent, follow_redirects=False)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with serving(tmp_path_factory.mktemp("app") / "data") as made:
        yield made


@pytest.fixture(scope="module")
def people(api: Api) -> dict[str, Person]:
    return {role: Person(api, role, role) for role in users.ROLES}


def path_of(entry: Entry) -> str:
    """Return an address an entry answers; there is nothing with this number."""
    path = entry.path.replace("{type}", "duckdb")
    return re.sub(r"\{[^}]+\}", "987654", path)


@pytest.mark.parametrize("entry", entries(), ids=lambda e: f"{e.method} {e.path}")
@pytest.mark.parametrize("role", ["nobody", "viewer", "editor", "admin"])
def test_every_route_as_every_role(
    api: Api, people: dict[str, Person], entry: Entry, role: str
) -> None:
    if entry.path == "/signout":
        pytest.skip("it would end the session the other tests use")
    path = path_of(entry)
    if role == "nobody":
        if entry.access == "anyone":
            return
        answer = api.client.request(entry.method, path, headers=HTML, follow_redirects=False)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/signin")
        return
    person = people[role]
    answer = person.get(path) if entry.method == "GET" else person.post(path)
    order = ["anyone", "viewer", "editor", "admin"]
    allowed = order.index(entry.access) <= order.index(role)
    assert (answer.status_code == 403) == (not allowed), answer.text
    assert answer.status_code != 500
    assert "frame-ancestors 'none'" in answer.headers.get("content-security-policy", "") or (
        answer.status_code == 303
    )


class TestForgery:
    @pytest.mark.parametrize("csrf", ["", "0" * 64, "ä"])
    def test_without_the_forms_token(self, people: dict[str, Person], csrf: str) -> None:
        answer = people["admin"].post("/integrations/1", csrf=csrf, do="pause")
        assert answer.status_code == 403

    @pytest.mark.parametrize(
        "headers",
        [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
    )
    def test_from_another_site(self, people: dict[str, Person], headers: dict[str, str]) -> None:
        answer = people["admin"].post("/integrations/1", headers=headers, do="pause")
        assert answer.status_code == 403

    def test_from_this_app(self, people: dict[str, Person]) -> None:
        answer = people["editor"].post(
            "/integrations/1", headers={"origin": "http://testserver"}, do="pause"
        )
        assert answer.status_code == 303
        assert people["editor"].post("/integrations/1", do="resume").status_code == 303


class TestSigningIn:
    def test_in_and_out(self, api: Api, people: dict[str, Person]) -> None:
        del people
        users.add(api.catalog, "guest", "viewer", users.password_hash(PASSWORD))
        form = {"login": "guest", "password": PASSWORD, "next": "/live"}
        answer = api.client.post("/signin", data=form, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/live")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        session = cookie.split("=")[1].split(";")[0]
        signed_in = {**HTML, "cookie": f"{COOKIE}={session}"}
        assert api.client.get("/live", headers=signed_in).status_code == 200
        out = {"csrf": csrf_token(session)}
        api.client.post("/signout", data=out, headers=signed_in, follow_redirects=False)
        api.client.cookies.clear()
        answer = api.client.get("/live", headers=signed_in, follow_redirects=False)
        assert answer.status_code == 303

    @pytest.mark.parametrize("trap", ["//evil.example", "https://evil.example", "/\\evil.example"])
    def test_next_stays_inside(self, api: Api, people: dict[str, Person], trap: str) -> None:
        del people
        form = {"login": "viewer", "password": PASSWORD, "next": trap}
        answer = api.client.post("/signin", data=form, follow_redirects=False)
        api.client.cookies.clear()
        assert answer.headers["location"] == "/"

    def test_wrong_passwords_are_slowed_down(self, tmp_path: Path) -> None:
        with serving(tmp_path / "slow") as api:
            users.add(api.catalog, "ann", "admin", users.password_hash(PASSWORD))
            answers = [
                api.client.post("/signin", data={"login": "ann", "password": "x" * 12}).status_code
                for _ in range(6)
            ]
            assert answers == [401] * 5 + [429]

    def test_the_throttle_forgets_after_success_and_keeps_no_crowd(self) -> None:
        throttle = Throttle()
        for _ in range(9):
            throttle.failed("a")
        assert throttle.wait("a", "b") > 1
        assert throttle.wait("b") == 0
        throttle.passed("a")
        assert throttle.wait("a") == 0
        for number in range(20_000):
            throttle.failed(str(number))
        assert len(throttle._failures) == 10_000

    def test_an_invitation_works_once(self, api: Api, people: dict[str, Person]) -> None:
        page = people["admin"].post("/settings/users", login="eve@example.com", role="editor")
        link = re.search(r"/invite/[\w-]+", page.text)
        assert link
        form = {"password": PASSWORD, "again": PASSWORD}
        assert api.client.get(link[0]).status_code == 200
        wrong = api.client.post(link[0], data={**form, "again": "x"}, follow_redirects=False)
        assert wrong.status_code == 400
        assert api.client.post(link[0], data=form, follow_redirects=False).status_code == 303
        assert api.client.get(link[0]).status_code == 404
        found = users.sign_in(api.catalog, "eve@example.com", PASSWORD)
        assert found is not None
        assert found[0].role == "editor"

    def test_the_last_admin_stays(self, tmp_path: Path) -> None:
        with serving(tmp_path / "last") as api:
            admin = Person(api, "root", "admin")
            answer = admin.post(f"/settings/users/{admin.id}", do="viewer")
            assert answer.status_code == 400
            assert "last admin" in answer.text
            assert users.find(api.catalog, "root").role == "admin"


class TestPages:
    def test_every_page_is_json_at_the_same_address(self, people: dict[str, Person]) -> None:
        for entry in entries():
            if entry.method == "GET" and "{" not in entry.path:
                answer = people["admin"].get(entry.path, accept="application/json")
                if answer.headers.get("content-type", "").startswith("application/json"):
                    assert isinstance(answer.json(), dict)
                else:
                    assert answer.status_code in (303, 400, 404), entry.path

    def test_texts_are_escaped(self, api: Api, people: dict[str, Person]) -> None:
        nasty = "<script>alert(1)</script>"
        answer = people["editor"].post("/integrations/new", name=nasty)
        assert answer.status_code == 200
        for page in (answer, people["viewer"].get("/"), people["viewer"].get("/integrations/3")):
            assert nasty not in page.text
        del api

    def test_status_never_disagrees(self, api: Api) -> None:
        public = api.client.get("/status", headers={"accept": "application/json"}).json()
        wire = api.client.get("/v2/import/status").json()
        assert public["import_api"]["status"] == wire["status"] == "OK"
        notifications.put(api.catalog, notifications.LOADING_ERROR, "destination/1", "no disk")
        public = api.client.get("/status", headers={"accept": "application/json"}).json()
        assert public["loading"]["status"] == "DELAYED"
        assert "no disk" not in str(public)
        notifications.resolve(api.catalog, notifications.LOADING_ERROR, "destination/1")

    def test_live_shows_refusals_with_their_reason(
        self, api: Api, people: dict[str, Person]
    ) -> None:
        assert api.post(body()).status_code == 201
        assert api.post({"table_name": "t"}).status_code == 400
        found = people["viewer"].get("/live", accept="application/json").json()["requests"]
        assert [one["status"] for one in found[:2]] == [400, 201]
        assert found[0]["integration"] == "crm"
        assert (found[1]["table"], found[1]["shown"]) == ("t", ['{"id":1,"name":"a"}'])
        assert found[0]["text"]
        only = people["viewer"].get("/live?only=accepted", accept="application/json").json()
        assert all(not one["refused"] for one in only["requests"])

    def test_live_hides_chosen_fields(self, tmp_path: Path) -> None:
        with serving(tmp_path / "mask", mask_fields="name, phone") as api:
            assert api.post(body()).status_code == 201
            viewer = Person(api, "v", "viewer")
            page = viewer.get("/live")
            found = viewer.get("/live", accept="application/json").json()["requests"]
            assert found[0]["shown"] == ['{"id":1,"name":"…"}']
            assert "sample" not in found[0]
            assert "&#34;name&#34;:&#34;a&#34;" not in page.text

    def test_any_gate_process_tells_of_all(self, api: Api, people: dict[str, Person]) -> None:
        layout = DataDir(api.settings.data_dir)
        seen = Seen(now(), "/v2/import/batch", 201, 1, "rc_neighbour", 5, "", "n", 1, b"")
        neighbours = Neighbours(layout.gates)
        neighbours.show(Snapshot(4_000_001, [("/v2/import/batch", 201, 77)], 7, 70, [seen]))
        neighbours.show(Snapshot(4_000_002, [], 9, 90, []))
        os.utime(layout.gates / "4000002.json", (1, 1))
        (layout.gates / "4000003.json").write_bytes(b"{")
        found = people["viewer"].get("/live", accept="application/json").json()["requests"]
        assert "rc_neighbour" in [one["receipt"] for one in found]
        _, key = api_keys.create(api.catalog, "prometheus", "admin")
        text = api.client.get("/metrics", headers={"authorization": f"Bearer {key}"}).text
        label = 'gate="4000001",path="/v2/import/batch",status="201"'
        assert f"seamline_requests_total{{{label}}} 77.0" in text
        assert 'seamline_accepted_records_total{gate="4000001"} 7.0' in text
        assert "4000002" not in text, "long gone"

    def test_figures_of_the_day(self, tmp_path: Path) -> None:
        with serving(tmp_path / "day") as api:
            assert api.post(body()).status_code == 201
            api.rows("SELECT 1")
            viewer = Person(api, "v", "viewer")
            page = viewer.get("/integrations/1", accept="application/json").json()
            assert page["loaded"]["rows_today"] == 1
            assert page["tables"][0]["table"] == "t"
            table = viewer.get("/integrations/1/tables/t", accept="application/json").json()
            assert [one["token"] for one in table["history"]] == [api.t1[-4:]]
            assert sum(hour["rows"] for hour in page["hours"]) == 1

    def test_live_shows_the_first_records_of_a_request(
        self, api: Api, people: dict[str, Person]
    ) -> None:
        sent = [message(sequence=i, data={"id": i, "name": "é" + "x" * 800}) for i in range(9)]
        assert api.post(body(messages=sent)).status_code == 201
        [found, *_] = people["viewer"].get("/live", accept="application/json").json()["requests"]
        assert found["records"] == 9
        assert [json.loads(one)["id"] for one in found["shown"]] == [0, 1, 2, 3]  # of 4,096 bytes
        assert "and 5 more" in people["viewer"].get("/live").text

    def test_machines_are_answered(self, api: Api) -> None:
        assert api.post(body()).status_code == 201
        api.rows("SELECT 1")
        assert api.client.get("/healthz").text == "alive\n"
        assert api.client.get("/readyz").status_code == 200
        assert api.client.get("/metrics").status_code == 401, "not from this machine"
        _, key = api_keys.create(api.catalog, "prometheus", "admin")
        text = api.client.get("/metrics", headers={"authorization": f"Bearer {key}"}).text
        assert "seamline_up 1.0" in text
        assert f'gate="{os.getpid()}",path="/v2/import/batch",status="201"' in text
        assert 'seamline_loads_total{schema="crm",table="t"}' in text
        assert 'seamline_load_seconds_total{schema="crm",table="t"} 0.' in text
        assert "seamline_queue_records " in text

    def test_static_files(self, api: Api) -> None:
        first = api.client.get("/static/style.css")
        again = api.client.get(
            "/static/style.css", headers={"if-none-match": first.headers["etag"]}
        )
        assert (first.status_code, again.status_code) == (200, 304)
        assert api.client.get("/static/..%2fapp.py").status_code == 404
        assert api.client.get("/static/LICENSES.txt").status_code == 404


class TestReplayOfAGroup:
    """A group is sent again a hundred at a time; the page shows how far it is."""

    @pytest.fixture(scope="class")
    def inbox(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
        with serving(tmp_path_factory.mktemp("inbox")) as api:
            schema = {"properties": {"id": {"type": "integer"}}}
            bad = [message(sequence=i, data={"id": i, "a__st": 1}) for i in range(250)]
            sent = [*bad, message(sequence=1, data={"id": 900, "a__st": 1, "a_st": 2})]
            assert api.post(body(schema=schema, messages=sent)).status_code == 201
            assert api.rows("SELECT count(*) FROM crm._sdc_rejected") == [(251,)]
            yield api

    def test_all_are_sent_and_loaded_once(self, inbox: Api) -> None:
        editor = Person(inbox, "e", "editor")
        [group] = editor.get("/rejected", accept="application/json").json()["groups"]
        form = {"integration": "crm", "table": "t", "reason": group["reason"]}
        page, steps = {**form, "old": "a__st", "new": "a_st"}, []
        for _ in range(9):
            answer = editor.post("/rejected/replay", headers=JSON, **page)
            page = {name: str(value) for name, value in answer.json().items()}
            steps.append((answer.json()["sent"], answer.json()["is_done"]))
            if answer.json()["is_done"]:
                break
        assert steps == [(100, False), (200, False), (250, True)]
        assert (page["total"], page["problem"]) == ("251", "two fields would have the same name.")
        assert inbox.rows("SELECT count(*), count(a_st) FROM crm.t") == [(250, 250)]
        html = editor.post("/rejected/replay", **form, old="nothing").text
        assert '<progress max="1" value="1"' in html
        assert "Left out: 1." in html


NASTY = (
    "", "\x00", "\ud7ff\U0010ffff", "../../etc/passwd", "' OR 1=1 --", '"; DROP TABLE user; --',
    "9" * 400, "-1", "nan", "1e400", "<b>", "{{ 7*7 }}", "%00%ff", "[" * 3_000, "a" * 50_000,
    "{}", "null", '{"id": {}}', "env:HOME",
)  # fmt: skip
FIELDS = (
    "name", "schema", "type", "key_names", "destination", "do", "record", "table", "keys",
    "integration", "reason", "old", "new", "on_conflict", "flush_seconds", "flush_rows",
    "flush_bytes", "column", "url", "email", "description", "login", "role", "password", "again",
    "path", "next",
)  # fmt: skip
LEFT_OUT = (
    "/settings/password", "/signout", "/settings/users/{id}", "/destinations/{id}",
    "/destinations/{id}/check", "/integrations/{id}/merge/{table:path}",
)  # fmt: skip
"""Those that would end the test's own session, and those that run commands."""


@pytest.mark.parametrize(
    "entry", [e for e in entries() if e.path not in LEFT_OUT], ids=lambda e: f"{e.method} {e.path}"
)
def test_hostile_input_is_answered_with_words(
    api: Api,
    people: dict[str, Person],
    entry: Entry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Never a 500, whatever stands in forms, addresses and queries."""
    monkeypatch.chdir(tmp_path)  # some of it names database files, which are then made here
    person = people["admin"]
    for index, value in enumerate(NASTY):
        place = quote(value[:200], safe="") or "x"
        for path in (entry.path.replace("{type}", "duckdb"), entry.path):
            address = re.sub(r"\{[^}]+\}", "1" if path is not entry.path else place, path)
            if entry.method == "GET":
                query = urlencode({"sql": value[:5_000], "q": value[:5_000], "next": value[:5_000],
                                   "integration": value[:300], "id": value[:300]})  # fmt: skip
                answer = person.get(f"{address}?{query}")
            else:
                rotated = FIELDS[index % 3 :: 3] if index % 2 else FIELDS
                answer = person.post(address, **dict.fromkeys(rotated, value))
            assert answer.status_code < 500 or answer.status_code == 503, (address, value[:60])
    assert api.client.get("/healthz").status_code == 200


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "1e400", "9" * 400, "x"])
@pytest.mark.parametrize("field", ["flush_seconds", "flush_rows", "flush_bytes"])
def test_amounts_nobody_can_mean(people: dict[str, Person], field: str, value: str) -> None:
    answer = people["editor"].post("/integrations/1/tables/t", **{field: value})
    assert answer.status_code == 400
    assert field in answer.text or "no number" in answer.text


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_spreadsheet_runs_no_formula(value: str) -> None:
    assert query_page._cell(value) == f"'{value}"
    assert query_page._cell(-1) == -1, "a number is a number"


def test_a_session_that_was_there_before_is_not_taken_over(api: Api, people: Any) -> None:
    """Whoever plants a cookie in a browser does not get the session of who signs in there."""
    planted = {"cookie": f"{COOKIE}=planted", **HTML}
    form = {"login": "viewer", "password": PASSWORD}
    answer = api.client.post("/signin", data=form, headers=planted, follow_redirects=False)
    given = answer.headers["set-cookie"]
    assert "planted" not in given
    assert "HttpOnly" in given
    assert "SameSite=lax" in given
    assert api.client.get("/live", headers=planted, follow_redirects=False).status_code == 303
