"""Notifications: opened once, counted, mailed when they last, over when the trouble is."""

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from seamline.catalog import notifications
from seamline.catalog.notifications import IMPORT_API, JAMMED, LOADING_ERROR, SCHEMA_CHANGED, Kind
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from seamline.config.settings import Settings, shown
from seamline.core.errors import NotFound
from seamline.home import prepare_home
from seamline.watch.mail import SUBJECT, mail_due
from seamline.watch.pulse import Pulse
from tests.depot import Depot, upsert

AT_ONCE = Kind("import-api", "critical", "internal", timedelta())


class Postman:
    """A mail server that keeps what it is handed; just enough SMTP for a client to be content."""

    def __init__(self) -> None:
        self.letters: list[str] = []
        self.recipients: list[str] = []
        postman = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.say("220 ready")
                while line := self.rfile.readline().decode().strip():
                    word = line[:4].upper()
                    if word == "DATA":
                        self.say("354 go on")
                        postman.letters.append(self.letter())
                    elif word == "RCPT":
                        postman.recipients.append(line.partition("<")[2].partition(">")[0])
                    self.say("221 bye" if word == "QUIT" else "250 fine")

            def letter(self) -> str:
                lines = []
                while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    lines.append(line)
                return "\n".join(lines)

            def say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def postman() -> Iterator[Postman]:
    made = Postman()
    yield made
    made.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=str(tmp_path / "data"))


@pytest.fixture
def catalog(settings: Settings) -> Iterator[Catalog]:
    made = prepare_home(settings)
    yield made
    made.close()


def test_a_trouble_is_mailed_once(catalog: Catalog, settings: Settings, postman: Postman) -> None:
    settings = replace(settings, smtp_url=postman.url, mail_from="seamline@example.com")
    for address in ("ops@example.com", "off@example.com"):
        notifications.add_email(catalog, address)
    off = notifications.emails(catalog)[1]["id"]
    notifications.disable_email(catalog, off, "2024-05-01T10:00:00Z")
    notifications.put(catalog, AT_ONCE, "gate", "the disk\nis full\r\nBcc: evil@example.com")
    notifications.put(catalog, AT_ONCE, "gate", "the disk is full, still")
    assert mail_due(catalog, settings) == 1
    assert mail_due(catalog, settings) == 0
    assert postman.recipients == ["ops@example.com"]
    (letter,) = postman.letters
    assert f"Subject: {SUBJECT}the disk is full, still" in letter
    assert "It has happened 2 times." in letter


def test_a_line_break_makes_no_header(
    catalog: Catalog, settings: Settings, postman: Postman
) -> None:
    notifications.add_email(catalog, "ops@example.com")
    notifications.put(catalog, AT_ONCE, "gate", "x\r\nBcc: evil@example.com")
    assert mail_due(catalog, replace(settings, smtp_url=postman.url)) == 1
    head = postman.letters[0].partition("\n\n")[0]
    assert "\nBcc" not in head
    assert postman.recipients == ["ops@example.com"]


def test_trouble_that_passes_is_not_mailed(
    catalog: Catalog, settings: Settings, postman: Postman
) -> None:
    settings = replace(settings, smtp_url=postman.url)
    notifications.add_email(catalog, "ops@example.com")
    notifications.put(catalog, LOADING_ERROR, "destination/1", "no route to host")
    assert mail_due(catalog, settings) == 0, "not before two hours"
    notifications.put(catalog, AT_ONCE, "gate", "no")
    notifications.resolve(catalog, AT_ONCE, "gate")
    assert mail_due(catalog, settings) == 0


def test_without_a_mail_server_it_waits(catalog: Catalog, settings: Settings) -> None:
    notifications.add_email(catalog, "ops@example.com")
    notifications.put(catalog, AT_ONCE, "gate", "no")
    assert mail_due(catalog, settings) == 0
    for url in ("smtp://127.0.0.1:1", "http://x", "smtp://"):
        assert mail_due(catalog, replace(settings, smtp_url=url)) == 0
    assert len(notifications.to_mail(catalog)) == 1


def test_a_password_is_not_shown() -> None:
    assert shown("smtp_url", "smtp://me:s3cret@h:587") == "smtp://me:…@h:587"
    assert shown("smtp_url", "smtp://h") == "smtp://h"


def test_dismissed_trouble_stays_hidden_until_it_is_over(catalog: Catalog) -> None:
    notifications.put(catalog, JAMMED, "1/t", "no")
    (one,) = notifications.listing(catalog)
    notifications.dismiss(catalog, one["id"])
    notifications.put(catalog, JAMMED, "1/t", "no, still")
    assert notifications.listing(catalog) == []
    notifications.resolve(catalog, JAMMED, "1/t")
    notifications.put(catalog, JAMMED, "1/t", "no, again")
    assert [row["text"] for row in notifications.listing(catalog)] == ["no, again"]
    with pytest.raises(NotFound):
        notifications.dismiss(catalog, one["id"])


def test_at_143_a_new_column_is_told_a_new_table_is_not(depot: Depot) -> None:
    depot.push("t", ["id"], upsert(1, id=1))
    assert notifications.listing(depot.catalog) == []
    depot.push("t", ["id"], upsert(2, id=1, a=1, b="x"))
    (one,) = notifications.listing(depot.catalog)
    assert one["kind"] == SCHEMA_CHANGED.name
    assert one["text"] == "new columns in t: a, b"


def test_rejected_records_are_told_and_counted(depot: Depot) -> None:
    for sequence in (1, 2):
        depot.push("t", ["id"], upsert(sequence, id=sequence, _sdc_x=1))
    (one,) = notifications.listing(depot.catalog)
    assert (one["kind"], one["count"]) == ("rejected", 2)


def test_the_pulse_notes_an_api_that_does_not_answer(catalog: Catalog, settings: Settings) -> None:
    pulse = Pulse(catalog, settings)
    pulse.step()
    assert notifications.listing(catalog) == [], "no server, no trouble"
    DataDir(settings.data_dir).server_url.write_text("http://127.0.0.1:1")
    pulse.step()
    pulse.step()
    (one,) = notifications.listing(catalog)
    assert (one["kind"], one["count"]) == (IMPORT_API.name, 2)
    assert [row["kind"] for row in notifications.incidents(catalog)] == [IMPORT_API.name]
