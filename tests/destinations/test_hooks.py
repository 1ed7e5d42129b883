"""Post-load hooks (loading.md §1.6): what is told of a load, to whom, and how often."""

import hashlib
import hmac
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from seamline.catalog import hooks, loads, notifications
from seamline.catalog.hooks import Hook
from seamline.core.errors import Refused, TableStopped
from seamline.watch.calls import call
from seamline.watch.courier import UNDELIVERABLE, Courier
from tests.depot import Depot, nested_schema, upsert
from tests.receiver import Receiver

INVOICE = {"no": 7, "items": [{"sku": "a", "lots": [{"n": 1}]}, {"sku": "b", "lots": [{"n": 2}]}]}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


class Told:
    """A depot with one hook."""

    def __init__(self, depot: Depot, receiver: Receiver) -> None:
        self.depot = depot
        self.receiver = receiver
        self.hook = self.add(receiver.url)
        settings = replace(depot.settings, local_hooks=True, hook_retry_seconds=0.001)
        self.courier = Courier(depot.catalog, settings)

    def add(self, url: str) -> Hook:
        at = self.depot.integration.destination_id
        return hooks.create(self.depot.catalog, at, url, allow_http=True)

    def deliver(self) -> list[Any]:
        """Deliver what is due and return all bodies received so far."""
        deadline = time.monotonic() + 30
        while any(one["state"] == "due" for one in hooks.calls(self.depot.catalog)):
            self.courier.step()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return [received.body for received in self.receiver.calls]


@pytest.fixture
def told(depot: Depot, receiver: Receiver) -> Iterator[Told]:
    made = Told(depot, receiver)
    yield made
    made.courier.close()


@pytest.mark.destinations("duckdb", "postgres", "oldest postgres")
def test_at_135_one_call_with_all_tables(told: Told) -> None:
    messages = [upsert(5, **INVOICE)]
    schema = {"properties": {n: nested_schema(v) for n, v in INVOICE.items()}}
    told.depot.push("invoices", ["no"], *messages, schema=schema)
    (body,) = told.deliver()
    (received,) = told.receiver.calls
    assert received.headers["user-agent"] == "StitchLoadingWebhook"
    assert received.headers["content-type"] == "application/json"
    assert [
        (t["source_table_name"], t["destination_table_name"], t["num_rows"]) for t in body["tables"]
    ] == [("invoices", "invoices", 1), ("items", "invoices__items", 2),
          ("lots", "invoices__items__lots", 2)]  # fmt: skip
    assert body["version"] == "1.0"
    assert body["integration_name"] == "depot"
    assert (body["source_root_table_name"], body["destination_root_table_name"]) == (
        "invoices",
        "invoices",
    )
    assert body["minimum_sdc_batched_at"].endswith("Z")
    assert body["new_version"] is False


def test_at_136_all_rejected(told: Told) -> None:
    told.depot.push("t", ["id"], upsert(1, id=1, _sdc_x=1))
    (body,) = told.deliver()
    (table,) = body["tables"]
    assert (table["num_rows"], table["num_rows_rejected"]) == (0, 1)
    assert table["bookmark_metadata"] is None


def test_at_137_a_failed_load_tells_no_hook(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    depot = told.depot
    with monkeypatch.context() as patched:

        def fail(*_: Any) -> None:
            raise TableStopped("ERROR: the disk is full")

        patched.setattr(depot.destination, "write", fail)
        depot.batch("t", ["id"], upsert(1, id=1))
        with pytest.raises(TableStopped):
            depot.load()
    assert told.deliver() == []
    depot.load()
    assert [body["tables"][0]["num_rows"] for body in told.deliver()] == [1]


@pytest.mark.destinations("duckdb", "postgres")
def test_at_138_five_times_again_then_a_notification(told: Told) -> None:
    told.receiver.status = 500
    told.depot.push("t", ["id"], upsert(1, id=1))
    assert len(told.deliver()) == 6
    assert [load["state"] for load in loads.listing(told.depot.catalog)] == ["loaded"]
    (note,) = notifications.listing(told.depot.catalog)
    assert note["kind"] == "undeliverable-post-load"
    assert note["text"].startswith(UNDELIVERABLE)
    assert "HTTP 500" in note["text"]


def test_a_receiver_that_recovers_is_told_once_more_only(told: Told) -> None:
    told.receiver.status = 503
    told.depot.push("t", ["id"], upsert(1, id=1))
    told.courier.step()
    while not told.receiver.calls:
        time.sleep(0.005)
    told.receiver.status = 200
    assert len(told.deliver()) == 2
    assert notifications.listing(told.depot.catalog) == []


@pytest.mark.destinations("duckdb", "postgres")
def test_at_139_only_https(depot: Depot) -> None:
    at = depot.integration.destination_id
    for url in ("http://example.org/x", "ftp://example.org", "https://a b", ""):
        with pytest.raises(Refused, match=r"^Invalid URI$"):
            hooks.create(depot.catalog, at, url)
    assert hooks.create(depot.catalog, at, "https://example.org/x").url == "https://example.org/x"


@pytest.mark.destinations("duckdb", "postgres")
def test_at_140_the_eleventh_is_refused(depot: Depot) -> None:
    at = depot.integration.destination_id
    for number in range(10):
        hooks.create(depot.catalog, at, f"https://example.org/{number}")
    with pytest.raises(Refused, match=r"^You have exceeded the limit of 10 hooks\.$"):
        hooks.create(depot.catalog, at, "https://example.org/10")


@pytest.mark.destinations("duckdb")
def test_a_disabled_hook_is_not_told(told: Told) -> None:
    hooks.enable(told.depot.catalog, told.hook.id, enabled=False)
    told.depot.push("t", ["id"], upsert(1, id=1))
    assert told.deliver() == []
    hooks.enable(told.depot.catalog, told.hook.id, enabled=True)
    told.depot.push("t", ["id"], upsert(1, id=2))
    assert len(told.deliver()) == 1


@pytest.mark.destinations("duckdb")
def test_calls_are_signed(told: Told) -> None:
    told.depot.push("t", ["id"], upsert(1, id=1))
    told.deliver()
    (received,) = told.receiver.calls
    parts = dict(part.split("=") for part in received.headers["seamline-signature"].split(","))
    signed = hmac.new(
        told.hook.secret.encode(), f"{parts['t']}.".encode() + received.raw, hashlib.sha256
    )
    assert parts["v1"] == signed.hexdigest()


@pytest.mark.destinations("duckdb")
def test_activation_is_told_as_a_new_version(told: Told) -> None:
    told.depot.push("t", ["id"], upsert(1, id=1), version=1)
    activation = {"action": "activate_version", "sequence": 2}
    told.depot.push("t", ["id"], upsert(2, id=2), activation, version=2)
    found = [(body["new_version"], body["table_version"]) for body in told.deliver()]
    assert found[-1] == (True, 2)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1/", "Invalid URI"),
        ("https://127.0.0.1:1/", "not a public address"),
        ("https://[::1]:1/", "not a public address"),
        ("https://169.254.169.254/latest", "not a public address"),
        ("https://[::ffff:10.0.0.1]/", "not a public address"),
        ("https://", ""),
        ("https://host.invalid/", ""),
    ],
)
def test_a_call_never_reaches_inside(url: str, words: str) -> None:
    reply = call(url, b"{}", "secret")
    assert not reply.ok
    assert words in reply.text


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.status = 302
    reply = call(receiver.url, b"{}", "secret", local=True)
    assert not reply.ok
    assert len(receiver.calls) == 1
