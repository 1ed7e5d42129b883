"""The user's whole quick start through the app, without a terminal but for the first link."""

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PASSWORD, Visitor
from tests.server import Server


def push(server: Server, token: str, records: list[dict[str, object]], sequence: int) -> str:
    """Push a batch as any client does; return the receipt."""
    properties = {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "joined": {"type": "string", "format": "date-time"},
        "_sdc_note": {"type": "string"},
    }
    body = {
        "table_name": "customers",
        "key_names": ["id"],
        "schema": {"properties": properties},
        "messages": [
            {"action": "upsert", "sequence": sequence + n, "data": record}
            for n, record in enumerate(records)
        ],
    }
    request = urllib.request.Request(
        f"{server.url}/v2/import/batch",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201
        return str(answer.headers["Seamline-Receipt"])


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    """A server on its first run."""
    made = Server(tmp_path / "data").start()
    yield made
    made.stop()


def test_from_the_link_to_a_repaired_record(browser: Browser, fresh: Server) -> None:
    """IA-188: the token is shown once; IA-189: no third one; IA-191: the schema is fixed."""
    server = fresh
    visitor = Visitor(browser.new_context(permissions=["clipboard-read", "clipboard-write"]), fresh)
    page = visitor.page

    # The link of the first run, a password, and in.
    link = re.search(r"http\S+/setup/\S+", server.read_line())
    assert link
    page.goto(link[0])
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    page.get_by_role("button", name="Set password").click()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Login").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    # The first integration: the name tells the schema while it is typed.
    expect(page.get_by_role("heading", name="Create your first integration")).to_be_visible()
    expect(page.locator("#hint")).to_contain_text("import_api")
    page.get_by_label("Integration name").fill("Recurly Stitch")
    expect(page.locator("#hint")).to_contain_text("recurly_stitch")
    page.get_by_label("Integration name").fill("Import API")
    page.get_by_role("button", name="Save and generate token").click()

    # The token, once, and the page that waits for the first record.
    token = page.locator("#token").input_value()
    assert re.fullmatch(r"at_[0-9a-f]{64}", token)
    page.get_by_role("button", name="Copy").first.click()
    assert page.evaluate("navigator.clipboard.readText()") == token
    expect(page.locator("#wait")).to_contain_text("Waiting for your first record")
    push(server, token, [{"id": 1, "name": "Ada", "joined": "2026-01-31T09:00:00Z"}], 1)
    page.get_by_role("link", name="import_api.customers").click()

    # The table, with its types and its rows.
    expect(page.get_by_role("cell", name="timestamp").first).to_be_visible()
    expect(page.get_by_role("cell", name="Ada")).to_be_visible()
    assert token not in page.content()

    # A record that cannot be loaded as it is: seen, corrected, replayed, found.
    push(server, token, [{"id": 2, "name": "Grace", "_sdc_note": "x"}], 5)
    page.get_by_role("link", name="Rejected").click()
    for _ in range(50):
        if page.get_by_text("Look at the newest").count():
            break
        page.wait_for_timeout(200)
        page.reload()
    page.get_by_text("Look at the newest").click()
    expect(page.locator("mark")).to_have_text("_sdc_note")
    record = json.loads(page.get_by_label("Correct it").input_value())
    record["note"] = record.pop("_sdc_note")
    page.get_by_label("Correct it").fill(json.dumps(record))
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("#journey .tag")).to_have_text("loaded")
    page.get_by_role("link", name="To the table").click()
    expect(page.get_by_role("cell", name="Grace")).to_be_visible()
    assert server.query("SELECT id, name, note FROM import_api.customers ORDER BY id") == [
        {"id": 1, "name": "Ada", "note": None},
        {"id": 2, "name": "Grace", "note": "x"},
    ]

    # The integration shows it all; its token is not shown again, its schema cannot be changed.
    page.get_by_role("link", name="import_api", exact=True).click()
    expect(page.get_by_text("Schema Name:")).to_be_visible()
    assert token not in page.content()
    assert page.locator("input[name=schema]").count() == 0
    page.get_by_role("button", name="Generate token").click()
    page.get_by_role("link", name="Close and continue").click()
    expect(page.get_by_role("button", name="Generate token")).to_be_disabled()
    visitor.context.close()
    assert visitor.faults == []


def test_a_test_record_is_judged_while_it_is_typed(visitor: Visitor) -> None:
    visitor.sign_in()
    page = visitor.go("/integrations/1/try")
    page.get_by_label("Record").fill('{"id": }')
    expect(page.locator("#verdict")).to_contain_text("This is no JSON")
    page.get_by_label("Record").fill('{"name": "Alan"}')
    expect(page.locator("#verdict")).to_contain_text("missing key property id")
    page.get_by_label("Record").fill('{"id": 3, "name": "Alan"}')
    expect(page.locator("#verdict")).to_contain_text("It would be accepted")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#journey .tag")).to_have_text("loaded")


def test_a_query_with_a_chart_and_a_download(visitor: Visitor) -> None:
    visitor.sign_in()
    page = visitor.go("/query")
    page.get_by_label("SELECT").fill("SELECT 'm' || i AS month, i * i AS sales FROM range(5) r(i)")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".chart canvas")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert download.value.path().read_text().splitlines()[:2] == ["month,sales", "m0,0"]


def test_keys_are_shown_once(visitor: Visitor) -> None:
    """IA-190: the list shows the last four characters, description, time and status only."""
    visitor.sign_in()
    page = visitor.go("/settings/keys")
    page.get_by_label("Key description").fill("for the pipeline")
    page.get_by_role("button", name="Save and generate key").click()
    key = page.locator("#key").input_value()
    assert key.startswith("ac_")
    visitor.go("/settings/keys")
    assert key not in page.content()
    expect(page.get_by_role("cell", name=key[-4:], exact=True)).to_be_visible()


def test_dark_and_light(visitor: Visitor) -> None:
    visitor.sign_in()
    page = visitor.page
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before


def test_a_split_is_merged_back(visitor: Visitor, server: Server) -> None:
    token = server.token("Split")
    for sequence, value, kind in ((1, 7, "integer"), (2, "seven", "string")):
        body = {
            "table_name": "t",
            "key_names": ["id"],
            "schema": {"properties": {"id": {"type": "integer"}, "v": {"type": kind}}},
            "messages": [
                {"action": "upsert", "sequence": sequence, "data": {"id": sequence, "v": value}}
            ],
        }
        status, headers, _ = server.post(token, json.dumps(body).encode())
        assert status == 201
        server.wait_until_loaded(token, headers["seamline-receipt"])
    visitor.sign_in()
    number = next(one["id"] for one in server.json("integration", "list") if one["name"] == "Split")
    page = visitor.go(f"/integrations/{number}/tables/t")
    expect(page.get_by_text("split of v")).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Merge back").click()
    expect(page.get_by_text("split of v")).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="merge columns")).to_contain_text("admin")
    rows = server.query("SELECT id, v FROM split.t ORDER BY id")
    assert rows == [{"id": 1, "v": "7"}, {"id": 2, "v": "seven"}]


def test_a_group_is_replayed_with_a_bar(visitor: Visitor, server: Server) -> None:
    token = server.token("Many")
    push(server, token, [{"id": i, "name": "x", "_sdc_note": "x"} for i in range(230)], 1)
    visitor.sign_in()
    page = visitor.go("/rejected")
    for _ in range(50):
        if page.get_by_text("230 \u00d7").count():
            break
        page.wait_for_timeout(200)
        page.reload()
    card = page.locator(".card", has_text="230 \u00d7")
    card.get_by_label("Field").fill("_sdc_note")
    card.get_by_label("Rename to").fill("note")
    page.on("dialog", lambda dialog: dialog.accept())
    card.get_by_role("button", name="Replay all").click()
    expect(page.locator("#replay b")).to_have_text("230")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "230")
    assert page.screenshot(path=server.folder / "replay.png")
    page.get_by_role("link", name="To the inbox").click()
    expect(page.get_by_text("230 \u00d7")).to_have_count(0)
    server.wait_until_empty()
    assert server.query("SELECT count(note) AS n FROM many.customers") == [{"n": 230}]
    page = visitor.go("/live")
    expect(page.locator("#tail")).to_contain_text("and 225 more")


def test_a_destination_is_checked_step_by_step(visitor: Visitor) -> None:
    visitor.sign_in()
    page = visitor.go("/destinations/1")
    page.get_by_role("button", name="Check now").click()
    expect(page.locator(".steps li").first).to_contain_text("✓")
    page = visitor.go("/destinations/new/postgres")
    page.get_by_label("Name", exact=True).fill("nowhere")
    page.get_by_label("Host").fill("127.0.0.1")
    page.get_by_label("Port").fill("1")
    page.get_by_label("Username").fill("u")
    page.get_by_label("Password").fill("s3cret-word")
    page.get_by_label("Database").fill("d")
    page.get_by_role("button", name="Check and save").click()
    expect(page.locator(".steps li").first).to_contain_text("✗")
    expect(page.get_by_text("check host, port")).to_be_visible()
    assert "s3cret-word" not in page.content()
